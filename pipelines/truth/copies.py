"""Clean rows of a dataset, and what its rules say of spoilt copies of them.

Belongs here: choosing rows that break no rule, and judging copies of them all in one scan. Not here: how a copy is spoilt
(`spoilers`), what follows from it (`mutation`). Rows are texts, as they were handed over: a spoilt source row goes through the
same repairs as a real one. Nothing is written to the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from assets.judging import Judge, codes_of, plan_of
from assets.lake import columns_of, connect, literal, quote
from assets.models.checking import model_plan
from assets.std import current_batches
from expectations.compiler.forms import GxTest, MeasureTest, OverRows, RowTest, Test
from expectations.compiler.ir import Expression, call
from expectations.compiler.plan import Plan, compile_suite
from expectations.compiler.writing import Writer

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.codes import CodeTables
    from expectations.compiler.plan import Compiled
    from expectations.compiler.verdicts import RuleResult
    from pipelines.truth.spoilers import Cells, Spoil

ROWS, BATCHES, OF_BATCH = 400, 24, 1_000
"""Rows of a clean copy; how many batches are looked at for one, and how many rows of each."""
EXTRA = 3


@dataclass(frozen=True)
class Copy:
    """Clean rows of one dataset: `texts` as handed over, `typed` as the rules see them.

    `as_rows` gives the SQL for rows as the rules see them from that of rows of texts; `con` has the texts as `temp.clean` and
    the rows as `temp.copied`, numbered from 0. `standing` are the rules that do not pass on them, each with what it says.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    plan: Plan
    codes: CodeTables
    as_rows: Callable[[str], str]
    texts: Sequence[Mapping[str, str | None]]
    typed: Sequence[Mapping[str, Any]]
    standing: Mapping[str, str]
    relations: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.plan.fields)

    @cached_property
    def kinds(self) -> dict[str, str]:
        return {f.name: f.logical_type for f in self.plan.fields}

    @cached_property
    def _considered(self) -> dict[str, list[int]]:
        write = Writer("temp.copied", self.plan.as_of)
        found: dict[str, list[int]] = {}
        for compiled in self.plan.compiled:
            wanted = [_condition(compiled)]
            if isinstance(compiled.test, OverRows) and compiled.test.ignored is not None:
                wanted.append(call("not", compiled.test.ignored))
            conditions = [e for e in wanted if e is not None]
            layers = write.layers(*conditions)
            where = " AND ".join(layers.sql(e) for e in conditions) or "TRUE"
            rows = self.con.execute(f"SELECT _row FROM {layers.source} WHERE {where} ORDER BY _row").fetchall()
            found[compiled.rule.id] = [n for (n,) in rows]
        return found

    def considered(self, compiled: Compiled) -> list[int]:
        """The rows that a rule looks at, spread over the copy; all rows where it looks at none."""
        rows = self._considered[compiled.rule.id] or list(range(len(self.texts)))
        step = max(1, len(rows) // 7)
        return [*rows[::step], *(n for i, n in enumerate(rows) if i % step)]

    def rows_broken(self, candidates: Sequence[tuple[int, Cells]]) -> list[frozenset[str]]:
        """For each row with some cells replaced, the row rules that it breaks; all in one scan."""
        if not candidates:
            return []
        self._make("spoilt", [("spoilt", i, n, cells) for i, (n, cells) in enumerate(candidates)])
        self._only(lambda test: isinstance(test, RowTest)).run(self.con, "temp.spoilt")
        found = dict(self.con.execute("SELECT _row, _failed FROM temp.failing").fetchall())
        return [frozenset(found.get(i, ())) for i in range(len(candidates))]

    def _only(self, wanted: Callable[[Test], bool]) -> Plan:
        """The plan of some of the rules."""
        suite = replace(self.plan.suite, rules=tuple(c.rule for c in self.plan.compiled if wanted(c.test)))
        return compile_suite(suite, self.plan.fields, codes=self.codes, as_of=self.plan.as_of)

    @cached_property
    def _compiled(self) -> Plan:
        return self._only(lambda test: not isinstance(test, GxTest))

    def judge(self, spoils: Sequence[Spoil], *, outside: bool = True) -> list[dict[str, RuleResult]]:
        """For each spoilt copy the results by rule; all in one run of the suite.

        `outside` False leaves out the rules that do not compile: Great Expectations takes its time for each copy.
        """
        rows: list[tuple[str, int, int, Cells]] = []
        for number, spoil in enumerate(spoils):
            kept = [n for n in range(len(self.texts)) if n not in spoil.drop]
            made = [(n, spoil.change.get(n, {})) for n in kept] + list(spoil.add)
            rows += [(f"{number:06d}", i, n, cells) for i, (n, cells) in enumerate(made)]
        batches = [f"{number:06d}" for number in range(len(spoils))]
        self._make("spoilt", rows)
        absent = {b: sorted(s.absent) for b, s in zip(batches, spoils, strict=True) if s.absent}
        plan, there = self.plan if outside else self._compiled, [b for b in batches if b not in absent]
        verdicts = plan.run(self.con, "temp.spoilt", absent=absent, batches=there, relations=self.relations)
        found: dict[str, dict[str, RuleResult]] = {b: {} for b in batches}
        for result in verdicts.results:
            found[result.batch][result.rule.id] = result
        return [found[b] for b in batches]

    def _make(self, table: str, rows: Sequence[tuple[str, int, int, Cells]]) -> None:
        """The table of typed rows (batch, position) made of clean rows with cells replaced."""
        import pyarrow as pa

        edits = pa.table(
            {
                "_batch": pa.array([r[0] for r in rows], pa.string()),
                "_row": pa.array([r[1] for r in rows], pa.int64()),
                "_of": pa.array([r[2] for r in rows], pa.int64()),
                "_names": pa.array([list(r[3]) for r in rows], pa.list_(pa.string())),
                "_texts": pa.array([list(r[3].values()) for r in rows], pa.list_(pa.string())),
            }
        )
        self.con.register("edits", edits)
        cells = ", ".join(
            f"CASE WHEN list_contains(e._names, {literal(c)}) THEN e._texts[list_position(e._names, {literal(c)})]"
            f" ELSE t.{quote(c)} END AS {quote(c)}"
            for c in self.names
        )
        texts = f"(SELECT e._batch, e._row, {cells} FROM edits e JOIN temp.clean t ON t._row = e._of)"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS {self.as_rows(texts)}")
        self.con.unregister("edits")


def plan_for(project: Project, contract: Contract) -> Plan | None:
    """What a dataset is held to, whatever its layer; None where it is held to nothing. Raises `DocumentError`."""
    return plan_of(project, contract) if contract.layer == "sources" else model_plan(project, contract)


def cast_rows(plan: Plan, texts: str) -> str:
    """Rows of a model as its rules see them."""
    items = [f"TRY_CAST({quote(f.name)} AS {f.sql_type}) AS {quote(f.name)}" for f in plan.fields]
    items += [f"{quote(f.name)} AS {quote(f.text)}" for f in plan.fields if f.text]
    return f"SELECT _batch, _row, {', '.join(items)} FROM {texts}"


def clean_copy(lake: duckdb.DuckDBPyConnection, project: Project, contract: Contract, plan: Plan) -> Copy | None:
    """Rows of the batch that suits best, with some of other batches for conditions that it never meets; None where there is no row.

    `lake` is only read.
    """
    as_rows = Judge(project, contract).staged if contract.layer == "sources" else partial(cast_rows, plan)
    texts = _texts(lake, contract, plan)
    return choose(connect(), contract.name, plan, codes_of(project), as_rows, texts) if texts is not None else None


def choose(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    plan: Plan,
    codes: CodeTables,
    as_rows: Callable[[str], str],
    texts: Any,
    relations: Mapping[str, str] | None = None,
) -> Copy | None:
    """The clean copy among rows of texts (an Arrow table with `_batch`, `_row` and the plan's fields).

    `relations` are other relations that rules look at, as in `Plan.run`, in reach of `con`.
    """
    others = relations or {}
    con.execute("SET preserve_insertion_order = true")
    con.register("read", texts)
    con.execute("CREATE TEMP TABLE every AS SELECT * FROM read")
    con.unregister("read")
    con.execute(f"CREATE TEMP TABLE judged AS {as_rows('temp.every')}")
    plan.run(con, "temp.judged", relations=others)
    con.execute("CREATE TEMP TABLE fit AS SELECT * FROM judged ANTI JOIN failing USING (_batch, _row)")
    batch = _best_batch(con, plan, others)
    if batch is None:
        return None
    chosen = f"SELECT _batch, _row FROM fit WHERE _batch = {literal(batch)} ORDER BY _row LIMIT {ROWS}"
    con.execute(f"CREATE TEMP TABLE chosen AS {chosen}")
    _meet_conditions(con, plan)
    columns = ", ".join(quote(f.name) for f in plan.fields)
    standing: dict[str, str] = {}
    for _ in range(4):  # a row of another batch may bear a key of this one
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE clean AS SELECT 'clean' AS _batch, row_number() OVER (ORDER BY _batch <> {literal(batch)},"
            f" _batch, _row) - 1 AS _row, {columns}, _batch AS _from, _row AS _at FROM every SEMI JOIN chosen USING (_batch, _row)"
        )
        con.execute(f"CREATE OR REPLACE TEMP TABLE copied AS {as_rows('temp.clean')}")
        verdicts = plan.run(con, "temp.copied", relations=others)
        broken = con.execute("SELECT _from, _at FROM clean SEMI JOIN failing USING (_row)").fetchall()
        standing = {r.rule.id: r.note or r.outcome for r in verdicts.results if r.outcome != "passed" or r.unexpected}
        if not broken:
            break
        con.executemany("DELETE FROM chosen WHERE _batch = ? AND _row = ?", broken)
    names = [f.name for f in plan.fields]
    texts = con.execute(f"SELECT {columns} FROM clean ORDER BY _row").fetchall()
    values = con.execute(f"SELECT {columns} FROM copied ORDER BY _row").fetchall()
    return Copy(
        con,
        dataset,
        plan,
        codes,
        as_rows,
        [dict(zip(names, row, strict=True)) for row in texts],
        [dict(zip(names, row, strict=True)) for row in values],
        standing,
        others,
    )


def _texts(lake: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan) -> Any:
    """Rows of some batches that stand (sources) or of the table (models), every column as text, as an Arrow table.

    None where nothing was collected or built yet.
    """
    if columns_of(lake, f"raw.{contract.name}" if contract.layer == "sources" else contract.table) is None:
        return None
    if contract.layer == "sources":
        columns = ", ".join(quote(f.name) for f in plan.fields)
        raw = f"raw.{quote(contract.name)}"
        whole = f"SELECT batch FROM evidence.batches WHERE dataset = {literal(contract.name)} AND coalesce(absent, '') = ''"
        standing = f"SELECT batch FROM ({current_batches(contract)}) WHERE batch IN ({whole}) ORDER BY batch DESC LIMIT {BATCHES}"
        rows = f"SELECT _batch, _row, {columns} FROM {raw} WHERE _batch IN ({standing})"
        rows += f" QUALIFY row_number() OVER (PARTITION BY _batch ORDER BY _row) <= {OF_BATCH} ORDER BY _batch, _row"
    else:
        items = [
            f"array_to_string({quote(f.name)}, ',') AS {quote(f.name)}"
            if f.name not in {c.name for c in contract.columns}
            else f"CAST({quote(f.name)} AS VARCHAR) AS {quote(f.name)}"
            for f in plan.fields
        ]
        order = ", ".join(quote(k) for k in contract.key) or "ALL"
        numbered = f"row_number() OVER (ORDER BY {order})" if contract.key else "row_number() OVER ()"
        rows = f"SELECT {literal(contract.table)} AS _batch, {numbered} AS _row, {', '.join(items)} FROM {quote(contract.table)}"
        rows = f"SELECT * FROM ({rows}) WHERE _row <= {BATCHES * OF_BATCH} ORDER BY _row"
    return lake.execute(rows).to_arrow_table()


def _best_batch(con: duckdb.DuckDBPyConnection, plan: Plan, relations: Mapping[str, str]) -> str | None:
    """The batch whose clean rows break the fewest rules of whole batches, and of these the one with the most rows (up to `ROWS`)."""
    limited = f"(SELECT * FROM temp.fit QUALIFY row_number() OVER (PARTITION BY _batch ORDER BY _row) <= {ROWS})"
    verdicts = plan.run(con, limited, relations=relations)
    broken: dict[str, int] = dict.fromkeys(verdicts.rows, 0)
    for result in verdicts.results:
        broken[result.batch] += result.outcome != "passed"
    full = {batch: rows for batch, rows in verdicts.rows.items() if rows}
    return min(full, key=lambda b: (broken[b], -full[b], b), default=None)


def _meet_conditions(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Add to the chosen rows a few of other batches that meet a rule's condition, where none of the chosen does."""
    conditions = [e for e in map(_condition, plan.compiled) if e is not None]
    layers = Writer("temp.fit", plan.as_of).layers(*conditions)
    for condition in dict.fromkeys(conditions):
        where = layers.sql(condition)
        found = con.execute(f"SELECT count(*) FROM {layers.source} SEMI JOIN chosen USING (_batch, _row) WHERE {where}").fetchone()
        if not found or not found[0]:
            con.execute(f"INSERT INTO chosen SELECT _batch, _row FROM {layers.source} WHERE {where} ORDER BY _batch, _row LIMIT {EXTRA}")


def _condition(compiled: Compiled) -> Expression | None:
    """The row condition of a rule."""
    return compiled.test.condition if isinstance(compiled.test, OverRows | MeasureTest) else None


def not_passing(results: Mapping[str, RuleResult], but: Collection[str]) -> set[str]:
    """The rules that fail, or that some row breaks, besides those of `but`."""
    return {rule for rule, r in results.items() if (r.outcome == "failed" or r.unexpected) and rule not in but}
