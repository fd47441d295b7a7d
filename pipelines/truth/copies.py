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

from assets.history import relations
from assets.judging import Judge, codes_of, plan_of
from assets.lake import connect, is_there, literal, quote
from assets.models.checking import model_plan
from assets.std import current_batches
from expectations.compiler.forms import GxTest, MeasureTest, OverRows, RowTest, Test
from expectations.compiler.ir import Expression, call
from expectations.compiler.plan import Plan, compile_suite
from expectations.compiler.rules.series.scan import EARLIER
from expectations.compiler.rules.series.workdays import BATCHES
from expectations.compiler.writing import Writer

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from expectations.codes import CodeTables
    from expectations.compiler.plan import Compiled
    from expectations.compiler.verdicts import RuleResult
    from pipelines.truth.spoilers import Cells, Spoil

ROWS, WHOLE, MOST_BATCHES = 400, 2_000, 24
"""Rows of a clean copy, the same where rules hold the batch to the dataset's history, and how many batches are looked at for one."""
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
    batch: str
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
    def _in_company(self) -> Plan:
        return self._only(lambda test: not stands_apart(test))

    @cached_property
    def _apart(self) -> Plan:
        return self._only(stands_apart)

    def judge(self, spoils: Sequence[Spoil]) -> list[dict[str, RuleResult]]:
        """For each spoilt copy the results by rule, in one run; of the rules that stand apart there are none."""
        found: list[dict[str, RuleResult]] = [{} for _ in spoils]
        for past in dict.fromkeys(s.past for s in spoils):
            here = [i for i, s in enumerate(spoils) if s.past == past]
            for i, results in zip(here, self._judge([spoils[i] for i in here], self._in_company, past), strict=True):
                found[i] = results
        return found

    def judge_apart(self, spoil: Spoil) -> dict[str, RuleResult]:
        """The results of the rules that stand apart, for one copy: none where nothing that they read was touched."""
        changed = {c for cells in spoil.change.values() for c in cells} | spoil.absent | {c for c, _ in spoil.past}
        read = [c.uses for c in self._apart.compiled]
        if not read or not (spoil.add or spoil.drop or any(not uses or uses & changed for uses in read)):
            return {}
        return self._judge([spoil], self._apart, spoil.past)[0]

    def _judge(self, spoils: Sequence[Spoil], plan: Plan, past: Sequence[tuple[str, str]]) -> list[dict[str, RuleResult]]:
        rows: list[tuple[str, int, int, Cells]] = []
        for number, spoil in enumerate(spoils):
            kept = [n for n in range(len(self.texts)) if n not in spoil.drop]
            made = [(n, spoil.change.get(n, {})) for n in kept] + list(spoil.add)
            rows += [(f"{number:06d}", i, n, cells) for i, (n, cells) in enumerate(made)]
        batches = [f"{number:06d}" for number in range(len(spoils))]
        self._make("spoilt", rows)
        absent = {b: sorted(s.absent) for b, s in zip(batches, spoils, strict=True) if s.absent}
        beside = dict(_as_batches(self.con, self.relations, self.batch, {b: absent.get(b, []) for b in batches}, "temp.spoilt"))
        if past and EARLIER in beside:
            types = {f.name: f.sql_type for f in self.plan.fields}
            changed = ", ".join(f"CAST({literal(value)} AS {types[c]}) AS {quote(c)}" for c, value in past)
            beside[EARLIER] = f"(SELECT * REPLACE ({changed}) FROM {beside[EARLIER]})"
        there = [b for b in batches if b not in absent]
        verdicts = plan.run(self.con, "temp.spoilt", absent=absent, batches=there, relations=beside)
        found: dict[str, dict[str, RuleResult]] = {b: {} for b in batches}
        for result in verdicts.results:  # of batches of the dataset's history too
            found.setdefault(result.batch, {})[result.rule.id] = result
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


def stands_apart(test: Test) -> bool:
    """Whether a test cannot judge many copies at once: Great Expectations takes its time, and earlier rows are put before all of them."""
    return isinstance(test, GxTest) or any(other.name == EARLIER for other in test.others)


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
    if texts is None:
        return None
    con = connect()

    def beside(batches: Collection[str]) -> dict[str, str]:
        return {name: _brought(con, lake, name, sql, plan) for name, sql in relations(lake, contract, plan, batches).items()}

    return choose(con, contract.name, plan, codes_of(project), as_rows, texts, beside)


def _brought(con: duckdb.DuckDBPyConnection, lake: duckdb.DuckDBPyConnection, name: str, sql: str, plan: Plan) -> str:
    """Another relation of the lake as a table of `con`, with the columns that rules use of it."""
    there = {column for column, *_ in lake.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()}
    wanted = {c for r in plan.compiled for o in r.test.others if o.name == name for c in o.columns} | {"_batch", "_row"}
    used = sorted(wanted & there)
    con.register("read", lake.execute(f"SELECT {', '.join(map(quote, used))} FROM {sql}").to_arrow_table())
    table = quote(f"beside {name}".replace(".", " "))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read")
    con.unregister("read")
    return f"temp.{table}"


def _as_batches(
    con: duckdb.DuckDBPyConnection, beside: Mapping[str, str], batch: str, copies: Mapping[str, Sequence[str]], table: str
) -> Mapping[str, str]:
    """The relations with copies of a batch (each without some columns) among the dataset's batches, as if they had come as it did.

    The rows of the copies stand in `table`.
    """
    if BATCHES not in beside:
        return beside
    con.execute("CREATE OR REPLACE TEMP TABLE copies (batch VARCHAR, absent VARCHAR[])")
    con.executemany("INSERT INTO copies VALUES (?, ?)", [[b, list(lacks)] for b, lacks in copies.items()])
    kept = beside[BATCHES]
    changed = "c.batch AS batch"
    there = {d[0] for d in con.execute(f"DESCRIBE SELECT * FROM {kept}").fetchall()}
    if "announced" in there:
        # Whoever adds a row announces it, so that rules on what is there twice can be spoilt without this one.
        rows = f"greatest((SELECT count(*) FROM temp.clean), (SELECT count(*) FROM {table} s WHERE s._batch = c.batch))"
        changed += f", {rows} AS announced, 0 AS rejected"
    if "columns" in there:
        changed += ", list_filter(CAST(h.columns AS VARCHAR[]), lambda x: NOT list_contains(c.absent, x)) AS columns"
    came = f"SELECT h.* REPLACE ({changed}) FROM {kept} h, temp.copies c WHERE h.batch = {literal(batch)}"
    return {**beside, BATCHES: f"(SELECT * FROM {kept} UNION ALL BY NAME {came})"}


Beside = Callable[[Collection[str]], Mapping[str, str]]


def choose(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    plan: Plan,
    codes: CodeTables,
    as_rows: Callable[[str], str],
    texts: Any,
    beside: Beside = lambda _: {},
) -> Copy | None:
    """The clean copy among rows of texts (an Arrow table with `_batch`, `_row` and the plan's fields).

    `beside` gives the other relations that rules look at while some batches are judged, as in `Plan.run`, in reach of `con`.
    """
    con.execute("SET preserve_insertion_order = true")
    con.register("read", texts)
    con.execute("CREATE TEMP TABLE every AS SELECT * FROM read")
    con.unregister("read")
    con.execute(f"CREATE TEMP TABLE judged AS {as_rows('temp.every')}")
    others = beside([b for (b,) in con.execute("SELECT DISTINCT _batch FROM every").fetchall()])
    plan.run(con, "temp.judged", relations=others)
    con.execute("CREATE TEMP TABLE fit AS SELECT * FROM judged ANTI JOIN failing USING (_batch, _row)")
    size = WHOLE if any(o.name == BATCHES for c in plan.compiled for o in c.test.others) else ROWS
    batch = _best_batch(con, plan, others, size)
    if batch is None:
        return None
    others = beside([batch])
    chosen = f"SELECT _batch, _row FROM fit WHERE _batch = {literal(batch)} ORDER BY _row LIMIT {size}"
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
        verdicts = plan.run(con, "temp.copied", relations=_as_batches(con, others, batch, {"clean": ()}, "temp.copied"))
        broken = con.execute("SELECT _from, _at FROM clean SEMI JOIN failing USING (_row)").fetchall()
        standing = {
            r.rule.id: r.note or r.outcome for r in verdicts.results if r.batch == "clean" and (r.outcome != "passed" or r.unexpected)
        }
        if not broken:
            break
        con.executemany("DELETE FROM chosen WHERE _batch = ? AND _row = ?", broken)
    names = [f.name for f in plan.fields]
    texts_held = con.execute(f"SELECT {columns} FROM clean ORDER BY _row").fetchall()
    values = con.execute(f"SELECT {columns} FROM copied ORDER BY _row").fetchall()
    return Copy(
        con,
        dataset,
        plan,
        codes,
        as_rows,
        [dict(zip(names, row, strict=True)) for row in texts_held],
        [dict(zip(names, row, strict=True)) for row in values],
        standing,
        batch,
        others,
    )


def _texts(lake: duckdb.DuckDBPyConnection, contract: Contract, plan: Plan) -> Any:
    """Rows of some batches that stand (sources) or of the table (models), every column as text, as an Arrow table.

    None where nothing was collected or built yet.
    """
    if not is_there(lake, f"raw.{contract.name}" if contract.layer == "sources" else contract.table):
        return None
    if contract.layer == "sources":
        columns = ", ".join(quote(f.name) for f in plan.fields)
        raw = f"raw.{quote(contract.name)}"
        whole = f"SELECT batch FROM evidence.batches WHERE dataset = {literal(contract.name)} AND coalesce(absent, '') = ''"
        standing = f"SELECT batch FROM ({current_batches(contract)}) WHERE batch IN ({whole}) ORDER BY batch DESC LIMIT {MOST_BATCHES}"
        rows = f"SELECT _batch, _row, {columns} FROM {raw} WHERE _batch IN ({standing})"
        rows += f" QUALIFY row_number() OVER (PARTITION BY _batch ORDER BY _row) <= {WHOLE} ORDER BY _batch, _row"
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
        rows = f"SELECT * FROM ({rows}) WHERE _row <= {MOST_BATCHES * WHOLE} ORDER BY _row"
    return lake.execute(rows).to_arrow_table()


def _best_batch(con: duckdb.DuckDBPyConnection, plan: Plan, relations: Mapping[str, str], size: int) -> str | None:
    """The batch whose clean rows break the fewest rules of whole batches, and of these the one with the most rows (up to `size`)."""
    limited = f"(SELECT * FROM temp.fit QUALIFY row_number() OVER (PARTITION BY _batch ORDER BY _row) <= {size})"
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
