"""The SQL of a plan's scans: expressions spelled by `duckdb.py`, what is shared computed in layers below.

Belongs here: which statement does what. Not here: running them and reading their answers (`run.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one

from expectations.compiler.duckdb import cast, column, name, number, spell
from expectations.compiler.forms import KeyTest, RowTest
from expectations.compiler.ir import Column, Expression, Shared, call, children, walk
from expectations.compiler.plan import WORD, Measure

if TYPE_CHECKING:
    from expectations.compiler.plan import Plan

BATCH, ROW = '"_batch"', '"_row"'


def text_of(value: str) -> str:
    """A text as an SQL literal."""
    return exp.Literal.string(value).sql("duckdb")


class Layers:
    """A relation with what some expressions share computed once a row, in subqueries one above the other."""

    def __init__(self, plan: Plan, relation: str, expressions: Iterable[Expression]) -> None:
        self.plan = plan
        self.names: dict[Expression, str] = {}
        depths: dict[Expression, int] = {}
        for expression in expressions:
            for node in walk(expression):
                if isinstance(node, Shared):
                    self._depth(node.expression, depths)
        self.source = relation
        for level in range(1, max(depths.values(), default=0) + 1):
            here = [e for e, d in depths.items() if d == level]
            made = [f'{self.sql(e)} AS "__s{len(self.names) + i}"' for i, e in enumerate(here)]
            self.names.update({e: f"__s{len(self.names) + i}" for i, e in enumerate(here)})
            self.source = f"(SELECT *, {', '.join(made)} FROM {self.source})"

    def _depth(self, expression: Expression, depths: dict[Expression, int]) -> int:
        if expression not in depths:
            below = [0]
            stack = list(children(expression))
            while stack:
                node = stack.pop()
                if isinstance(node, Shared):
                    below.append(self._depth(node.expression, depths))
                else:
                    stack.extend(children(node))
            depths[expression] = 1 + max(below)
        return depths[expression]

    def sql(self, expression: Expression) -> str:
        return spell(expression, self.names, self.plan.as_of).sql("duckdb")


class Scans:
    """The statements of one plan over one relation."""

    def __init__(self, plan: Plan, relation: str) -> None:
        self.plan, self.relation = plan, relation

    def statements(self) -> list[str]:
        apart = [self.apart()] if self.plan.apart else []
        return [self.masks([]), *(self.keys(test) for test in self.plan.keys), *apart]

    @property
    def words(self) -> int:
        return -(-len(self.plan.row_rules) // WORD)

    def masks(self, also: Sequence[tuple[str, str]]) -> str:
        """Per batch and mask: the rows, the measures, what the caller wants besides, and the positions of rows that fail."""
        tests = [(c.bit or 0, c.test) for c in self.plan.row_rules if isinstance(c.test, RowTest)]
        broken = [(bit, t.unexpected if t.condition is None else call("and", t.condition, t.unexpected)) for bit, t in tests]
        used = [e for _, e in broken] + [e for m in self.plan.measures for e in (m.value, m.condition) if e is not None]
        layers = Layers(self.plan, self.relation, used)
        words = []
        for word in range(self.words):
            terms: list[str] = []
            for bit, expression in broken:
                if bit // WORD == word:
                    value = cast(number(1 << bit % WORD), "BIGINT").sql("duckdb")
                    terms.append(f"CASE WHEN {layers.sql(expression)} THEN {value} ELSE 0 END")
            words.append(f'{" | ".join(terms)} AS "__w{word}"')
        source = f"(SELECT *, {', '.join(words)} FROM {layers.source})" if words else layers.source
        names = [f'"__w{w}"' for w in range(self.words)]
        items = [BATCH, *names, 'count(*) AS "__n"']
        items += [f'{self._measure(layers, m)} AS "{alias}"' for m, alias in self.plan.measures.items()]
        items += [f'{sql} AS "__a{i}"' for i, (_, sql) in enumerate(also)]
        fails = " OR ".join(f"{n} <> 0" for n in names) or "FALSE"
        items.append(f'list({ROW}) FILTER (WHERE {fails}) AS "__rows"')
        return f"SELECT {', '.join(items)} FROM {source} GROUP BY {', '.join([BATCH, *names])}"

    def _measure(self, layers: Layers, measure: Measure) -> str:
        value = layers.sql(measure.value) if measure.value is not None else "*"
        if isinstance(measure.value, Column) and measure.value.kind == "integer" and measure.function == "sum":
            value = f"CAST({value} AS HUGEINT)"
        called = {"count": "count", "present": "count", "distinct": "count"}.get(measure.function, measure.function)
        inside = f"DISTINCT {value}" if measure.function == "distinct" else value
        where = f" FILTER (WHERE {layers.sql(measure.condition)})" if measure.condition is not None else ""
        return f"{called}({inside}){where}"

    def keys(self, test: KeyTest) -> str:
        """The keys that several rows of a batch bear: how many rows, the first and the last of them."""
        layers, where = self._considered(test)
        keys = [f'{layers.sql(k)} AS "__k{i}"' for i, k in enumerate(test.keys)]
        figures = f'count(*) AS "__n", min({ROW}) AS "__first", max({ROW}) AS "__last"'
        return f"SELECT {BATCH}, {', '.join(keys)}, {figures} FROM {layers.source}{where} GROUP BY ALL HAVING count(*) > 1"

    def members(self, test: KeyTest, doubled: str) -> str:
        """The rows that bear a key of the table `doubled` borne by more than two."""
        layers, where = self._considered(test)
        keys = [f'{layers.sql(k)} AS "__k{i}"' for i, k in enumerate(test.keys)]
        same = " AND ".join(f'r."__k{i}" IS NOT DISTINCT FROM d."__k{i}"' for i in range(len(keys)))
        rows = f"(SELECT {BATCH}, {ROW}, {', '.join(keys)} FROM {layers.source}{where})"
        return f'SELECT r.{BATCH}, r.{ROW} FROM {rows} AS r JOIN {doubled} AS d ON r.{BATCH} = d.{BATCH} AND {same} WHERE d."__n" > 2'

    def _considered(self, test: KeyTest) -> tuple[Layers, str]:
        conditions = [e for e in (test.condition, call("not", test.ignored) if test.ignored is not None else None) if e is not None]
        layers = Layers(self.plan, self.relation, [*test.keys, *conditions])
        return layers, f" WHERE {' AND '.join(layers.sql(c) for c in conditions)}" if conditions else ""

    def apart(self) -> str:
        """The figures that cannot be merged from the groups of the mask."""
        used = [e for m in self.plan.apart for e in (m.value, m.condition) if e is not None]
        layers = Layers(self.plan, self.relation, used)
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

    def listing(self, columns: Sequence[str], batches: Iterable[str], rows: Iterable[int]) -> str:
        """The values of some rows, for the partial lists."""
        items = ", ".join([BATCH, ROW, *(column(c).sql("duckdb") for c in columns)])
        within = f"{BATCH} IN ({', '.join(map(text_of, batches))}) AND {ROW} IN ({', '.join(map(str, rows))})"
        return f"SELECT {items} FROM {self.relation} WHERE {within}"


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
