"""The SQL of a plan's scans: expressions spelled by `duckdb.py`, what is shared computed in layers below.

Belongs here: which statement does what. Not here: running them and reading their answers (`run.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one

from expectations.compiler.duckdb import cast, column, name
from expectations.compiler.forms import Measure, RowTest, Scanned
from expectations.compiler.ir import Column, Expression, call
from expectations.compiler.plan import WORD
from expectations.compiler.sparing import spared
from expectations.compiler.writing import Layers, Writer, aggregate

if TYPE_CHECKING:
    from expectations.compiler.plan import Compiled, Plan

BATCH, ROW = '"_batch"', '"_row"'


def text_of(value: str) -> str:
    """A text as an SQL literal."""
    return exp.Literal.string(value).sql("duckdb")


class Scans:
    """The statements of one plan over one relation."""

    def __init__(self, plan: Plan, relation: str, relations: Mapping[str, str] | None = None) -> None:
        self.plan, self.relation = plan, relation
        self.write = Writer(relation, plan.as_of, relations or {})

    def statements(self) -> list[str]:
        apart = [self.apart()] if self.plan.apart else []
        return [self.masks([]), *self.own(self.plan.scanned), *apart]

    def own(self, rules: Iterable[Compiled]) -> dict[str, tuple[Compiled, ...]]:
        """The scans of tests that have their own, each with the rules that share it."""
        shared: dict[str, list[Compiled]] = {}
        for compiled in rules:
            if isinstance(compiled.test, Scanned):
                shared.setdefault(compiled.test.statement(self.write).sql("duckdb"), []).append(compiled)
        return {statement: tuple(sharing) for statement, sharing in shared.items()}

    @property
    def words(self) -> int:
        return -(-len(self.plan.row_rules) // WORD)

    def masks(self, also: Sequence[tuple[str, str]]) -> str:
        """Per batch and mask: the rows, the measures, what the caller wants besides, and the positions of rows that fail."""
        used = [e for m in self.plan.measures for e in (m.value, m.condition) if e is not None]
        words, layers = self._words(*used)
        source = f"(SELECT *, {', '.join(words)} FROM {layers.source})" if words else layers.source
        names = [f'"__w{w}"' for w in range(self.words)]
        items = [BATCH, *names, 'count(*) AS "__n"']
        items += [f'{self._measure(layers, m)} AS "{alias}"' for m, alias in self.plan.measures.items()]
        items += [f'{sql} AS "__a{i}"' for i, (_, sql) in enumerate(also)]
        fails = " OR ".join(f"{n} <> 0" for n in names) or "FALSE"
        items.append(f'list({ROW}) FILTER (WHERE {fails}) AS "__rows"')
        return f"SELECT {', '.join(items)} FROM {source} GROUP BY {', '.join([BATCH, *names])}"

    def _words(self, *used: Expression) -> tuple[list[str], Layers]:
        """The words of bits as SQL items, over layers that hold besides what `used` shares."""
        tests = [(c.bit or 0, c.test) for c in self.plan.row_rules if isinstance(c.test, RowTest)]
        breaches = [t.unexpected if t.condition is None else call("and", t.condition, t.unexpected) for _, t in tests]
        broken = list(zip((bit for bit, _ in tests), spared(breaches), strict=True))
        layers = self.write.layers(*(e for _, e in broken), *used)
        words = []
        for word in range(self.words):
            terms: list[str] = []
            for bit, expression in broken:
                if bit // WORD == word:
                    terms.append(f"CASE WHEN {layers.sql(expression)} THEN CAST({1 << bit % WORD} AS BIGINT) ELSE 0 END")
            words.append(f'{" | ".join(terms)} AS "__w{word}"')
        return words, layers

    def marked(self) -> str:
        """Every row of the relation with its words of bits: for one who takes the rows one by one, and needs no figures of a batch."""
        words, layers = self._words()
        return f"SELECT {', '.join(['*', *words])} FROM {layers.source}"

    def _measure(self, layers: Layers, measure: Measure) -> str:
        value: exp.Expr = exp.Star() if measure.value is None else layers.tree(measure.value)
        if isinstance(measure.value, Column) and measure.value.kind == "integer" and measure.function == "sum":
            value = cast(value, "INT128")
        where = None if measure.condition is None else layers.tree(measure.condition)
        return aggregate(measure.function, value, where).sql("duckdb")

    def apart(self) -> str:
        """The figures that cannot be merged from the groups of the mask."""
        used = [e for m in self.plan.apart for e in (m.value, m.condition) if e is not None]
        layers = self.write.layers(*used)
        items = [f'{self._measure(layers, m)} AS "{alias}"' for m, alias in self.plan.apart.items()]
        return f"SELECT {BATCH}, {', '.join(items)} FROM {layers.source} GROUP BY {BATCH}"

    def failing(self, groups: str, absent: Mapping[str, Collection[str]]) -> str:
        """The rows that break row rules, with the rules: from the groups of the mask scan; rules on absent columns left out."""
        rules = self.plan.row_rules
        kept = []
        for word in range(self.words):
            here = [c for c in rules if (c.bit or 0) // WORD == word]
            cases = ""
            for batch, columns in absent.items():
                mask = sum(1 << (c.bit or 0) % WORD for c in here if not c.uses & set(columns))
                cases += f" WHEN {text_of(batch)} THEN {mask}"
            keep = f"CASE {BATCH}{cases} ELSE -1 END" if cases else "-1"
            kept.append(f'"__w{word}" & CAST({keep} AS BIGINT) AS "__k{word}"')
        named = ", ".join(
            f'CASE WHEN "__k{(c.bit or 0) // WORD}" & {1 << (c.bit or 0) % WORD} <> 0 THEN {text_of(c.rule.id)} END' for c in rules
        )
        blocking = [
            sum(1 << (c.bit or 0) % WORD for c in rules if c.rule.blocking and (c.bit or 0) // WORD == w) for w in range(self.words)
        ]
        blocked = " OR ".join(f'"__k{w}" & {mask} <> 0' for w, mask in enumerate(blocking) if mask) or "FALSE"
        source = f'(SELECT {BATCH}, "__rows", {", ".join(kept)} FROM {groups} WHERE "__rows" IS NOT NULL)'
        lists = f'(SELECT {BATCH}, "__rows", [x FOR x IN [{named}] IF x IS NOT NULL] AS "_failed", {blocked} AS "_blocked" FROM {source})'
        return f'SELECT {BATCH}, unnest("__rows") AS {ROW}, "_failed", "_blocked" FROM {lists} WHERE len("_failed") > 0'

    @staticmethod
    def listing(source: str, columns: Sequence[str], first: str) -> str:
        """The values that the rows named by `first` (`_batch`, `rows`) have in some columns of a relation, for the partial lists."""
        items = ", ".join([BATCH, ROW, *(column(c).sql("duckdb") for c in columns)])
        # Not IN with the numbers: each row of the relation would be held against thousands of them.
        return f'SELECT {items} FROM {source} SEMI JOIN (SELECT {BATCH}, unnest("rows") AS {ROW} FROM ({first})) USING ({BATCH}, {ROW})'


def how_to_merge(also: str) -> str:
    """What merges an extra aggregate over the groups of the mask: sum, min, max, or add (a histogram's counts). Raises `ValueError`."""
    if also.startswith("histogram("):
        return "add"
    aggregates = list(parse_one(also, read="duckdb").find_all(exp.AggFunc))
    found = {type(a) for a in aggregates}
    if found and found <= {exp.Count, exp.Sum, exp.CountIf}:
        return "sum"
    if found in ({exp.Min}, {exp.Max}):
        return "min" if found == {exp.Min} else "max"
    raise ValueError(f"{also!r} cannot be merged over groups: give a count, a sum, a min, a max or a histogram")


def quoted(table: str) -> str:
    return name(table).sql("duckdb")
