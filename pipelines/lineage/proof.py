"""`make lineage-proof`: column lineage judged by execution.

Every model runs over small made tables; then the values of one input column are changed, and the model runs again. What is seen
changing must be claimed by its lineage: a column by what it depends on, the rows by what decides which there are. The other way
round, what is claimed and never seen changing is told, and is no error: a condition may be too rare for small tables.

Belongs here: running models, comparing, telling. Not here: the tables (`proof_inputs`), lineage itself (`assets.models`).
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from assets.lake import connect, quote
from pipelines.lineage.proof_inputs import DAY, WAYS, Made, make, read_hints

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.models.dependence import Lineage
    from assets.project import Project

SEEDS = 6
CODES = 60
"""So many rows of a code table are taken."""
ROWS = ""
"""Stands for the rows of a table among the names of its columns."""


@dataclass(frozen=True)
class Seen:
    """One input column: what was seen changing with it and what its lineage claims. `ROWS` among them: which rows there are."""

    table: str
    column: str
    seen: frozenset[str]
    claimed: frozenset[str]

    @property
    def unclaimed(self) -> frozenset[str]:
        """What changed although nothing claims it. Every column depends on what the rows depend on."""
        return frozenset() if ROWS in self.claimed else self.seen - self.claimed

    @property
    def unseen(self) -> frozenset[str]:
        return self.claimed - self.seen


@dataclass(frozen=True)
class Proof:
    """What was seen of one model. `failed`: why a part of it could not be run over made tables."""

    table: str
    inputs: tuple[Seen, ...]
    runs: int
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.failed and not any(i.unclaimed for i in self.inputs)


@dataclass(frozen=True)
class _Part:
    """A SELECT of a model's declared columns that can be run on its own, and the tables that it reads; `candidates`: the SELECT of a
    temporary table of that name, which is filled before."""

    name: str
    select: str
    tables: frozenset[str]
    candidates: str = ""


@dataclass
class _Sights:
    seen: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    runs: int = 0


def prove(project: Project, contract: Contract, lineage: Lineage | None = None, *, seeds: int = SEEDS) -> Proof:
    """Judge the lineage of a model (by default what `model_lineage` reads) by running it."""
    from assets.models.lineage import model_lineage
    from assets.models.sql import columns_known, read_model

    query = read_model(contract)
    known = columns_known(project, {contract.table, *query.tables})
    lineage = lineage or model_lineage(project, contract, known)
    claims = _claims(lineage)
    tables = {t: dict(known[t.split(".")[0]][t.split(".")[1]]) for t in query.tables}
    hints = read_hints([query.tree, *_conditions(contract)])
    listed = dict(_listed(project, tables))
    for (table, column), values in listed.items():
        if table.startswith("codes."):
            hints.literals.setdefault(column, set()).update(v for v in values[:6] if v)
    keys = {c.table: c.key for c in project.models()}
    found = _Sights({(t, c): set() for t, columns in tables.items() for c in columns})
    con = connect()
    try:
        # ties are broken by the order of rows, so the plan must not depend on what is in them
        con.execute("SET threads = 1")
        con.execute("SET preserve_insertion_order = true")
        con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side,statistics_propagation'")
        for seed in range(seeds):
            made = make(con, tables, hints, seed, keys=keys, listed=listed)
            parts = list(_parts(con, contract, project))
            _look(_Looking(con, made, contract, parts, claims, _in_key(contract, lineage), found))
    finally:
        con.close()
    failed = [f"{name}: {error}" for name, error in found.errors.items() if name not in found.ran]
    told = [Seen(t, c, frozenset(seen), claims.get((t, c), frozenset())) for (t, c), seen in found.seen.items()]
    unknown = tuple(sql for us in lineage.unknown.values() for sql in us)
    return Proof(contract.table, tuple(told), found.runs, tuple(failed), unknown)


def _claims(lineage: Lineage) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for name, dependences in [*lineage.columns.items(), (ROWS, lineage.rows)]:
        for d in dependences:
            found.setdefault((d.table, d.column), set()).add(name)
    return {node: frozenset(names) for node, names in found.items()}


def _in_key(contract: Contract, lineage: Lineage) -> frozenset[tuple[str, str]]:
    return frozenset((d.table, d.column) for k in contract.key for d in lineage.columns.get(k, ()))


def _conditions(contract: Contract) -> Iterator[exp.Expr]:
    for column in contract.columns:
        for entry in column.authority:
            if isinstance(entry, dict) and "when" in entry:
                yield sqlglot.parse_one(str(entry["when"]), read="duckdb")


def _listed(project: Project, tables: Mapping[str, Collection[str]]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """A few words of the code table that a column is of; the columns of a code table, row by row."""
    from assets.judging import codes_of

    codes = codes_of(project)
    by_table = {c.table: c for c in project.contracts.values()}
    for table, columns in tables.items():
        schema, name = table.split(".")
        for column in columns:
            if schema == "codes":
                yield (table, column), [row[column] for row in codes.get(name).rows[:CODES]]
            elif table in by_table:
                of = next((c.codes for c in by_table[table].columns if c.name == column), None)
                if of:
                    rows = codes.get(of).rows[:4]
                    yield (table, column), [next(iter(row.values())) for row in rows]


def _parts(con: duckdb.DuckDBPyConnection, contract: Contract, project: Project) -> Iterator[_Part]:
    from assets.models.fusion import fuse, is_fusion, read_fusion
    from assets.models.sql import is_disagreement, read_model

    if is_disagreement(contract):
        from assets.crosschecks.building import found_by, working_days_table
        from assets.crosschecks.declared import cross_checks

        con.execute(working_days_table())
        for check in cross_checks(project, contract):
            yield _Part(check.id, _typed(contract, found_by(check, lambda _: None)), frozenset(check.query.tables))
        return
    query = read_model(contract)
    # what is made at random may be too large for the type that a model casts to
    text = re.sub(r"\bCAST\(", "TRY_CAST(", query.text.rstrip().rstrip(";"), flags=re.IGNORECASE)
    candidates = ""
    if is_fusion(query):
        # once for all sources: planning the SELECT anew for each takes most of the time over a few rows
        candidates = text
        text = fuse(con, read_fusion(contract, query), "SELECT * FROM temp.candidates", as_of=f"DATE '{DAY}'", few=True)
    yield _Part(contract.table, _typed(contract, text), frozenset(query.tables), candidates)


def _typed(contract: Contract, select: str) -> str:
    # what is made at random may be too large for the declared type
    columns = ", ".join(f"TRY_CAST({quote(c.name)} AS {c.sql_type}) AS {quote(c.name)}" for c in contract.columns)
    return f"SELECT {columns} FROM ({select}\n)"


Result = list[tuple[Any, ...]]


@dataclass
class _Looking:
    """One set of made tables, and a model run over it."""

    con: duckdb.DuckDBPyConnection
    made: Made
    contract: Contract
    parts: Sequence[_Part]
    claims: Mapping[tuple[str, str], frozenset[str]]
    in_key: Collection[tuple[str, str]]
    found: _Sights
    before: dict[str, Result] = field(default_factory=dict)
    plans: dict[str, Sequence[str]] = field(default_factory=dict)

    def _plan(self, part: _Part) -> Sequence[str]:
        """The statements that run a part, planned: over a few rows that takes most of the time."""
        number = len(self.plans)
        if part.candidates:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE candidates AS FROM ({part.candidates}) LIMIT 0")
            self.con.execute(f"PREPARE fill_{number} AS INSERT INTO candidates {part.candidates}")
        self.con.execute(f"PREPARE part_{number} AS {part.select}")
        return (*(("TRUNCATE candidates", f"EXECUTE fill_{number}") if part.candidates else ()), f"EXECUTE part_{number}")

    def run(self, part: _Part) -> Result | None:
        import duckdb

        self.found.runs += 1
        try:
            if part.name not in self.plans:
                self.plans[part.name] = self._plan(part)
            for statement in self.plans[part.name]:
                rows = self.con.execute(statement).fetchall()
        except duckdb.Error as error:  # values that no contract lets through may not be castable
            self.found.errors[part.name] = str(error).splitlines()[0]
            return None
        self.found.ran.add(part.name)
        return [tuple(v if v.__hash__ else repr(v) for v in row) for row in rows]

    def changing(self, table: str, columns: Collection[str]) -> set[str]:
        """What changes in any way in which the columns' values are replaced."""
        names = [c.name for c in self.contract.columns]
        keyed = not any((table, c) in self.in_key for c in columns)
        key = [names.index(k) for k in self.contract.key] if keyed else []
        seen: set[str] = set()
        for way in range(len(WAYS)):
            self.made.replace(table, columns, way)
            for part in self.parts:
                if table in part.tables and part.name in self.before and (after := self.run(part)) is not None:
                    seen |= differences(self.before[part.name], after, names, key)
        self.made.restore(table)
        return seen


def _look(looking: _Looking) -> None:
    found, claims = looking.found, looking.claims
    for part in looking.parts:
        if (rows := looking.run(part)) is not None:
            looking.before[part.name] = rows
    for table, columns in looking.made.tables.items():
        free = [c for c in columns if not claims.get((table, c))]
        # together first: where nothing changes with all of them, nothing changes with one
        for column in free if free and looking.changing(table, free) else ():
            found.seen[table, column] |= looking.changing(table, [column])
        for column in columns:
            claimed = claims.get((table, column))
            # once it decides the rows, everything may change with it
            if claimed and not (ROWS in claimed and found.seen[table, column] >= claimed):
                found.seen[table, column] |= looking.changing(table, [column])


def differences(before: Result, after: Result, names: Sequence[str], key: Sequence[int]) -> set[str]:
    """The columns whose values differ, and `ROWS` where there are others.

    With a `key` (positions; for changes that do not go into it) rows that both have are compared one by one. Columns are compared
    as a whole only where there are as many rows: else fewer rows, not another value, may be the difference.
    """
    if before == after:
        return set()
    found = set()
    as_many = len(before) == len(after)
    if key:
        one, other = (Counter(tuple(row[k] for k in key) for row in rows) for rows in (before, after))
        if one != other:
            found.add(ROWS)
        once = {k for k in one if one[k] == other[k] == 1}
        old, new = ({k: row for row in rows if (k := tuple(row[i] for i in key)) in once} for rows in (before, after))
        found |= {name for i, name in enumerate(names) if any(old[k][i] != new[k][i] for k in once)}
        as_many = one == other
    elif not as_many:
        found.add(ROWS)
    if as_many:
        found |= {name for i, name in enumerate(names) if Counter(row[i] for row in before) != Counter(row[i] for row in after)}
    return found


def tell(proof: Proof) -> Iterator[str]:
    """Both sides, line by line: what was seen changing with each input column, and what its lineage claims."""
    sides = [i for i in proof.inputs if i.seen or i.claimed]
    yield f"{proof.table}: {len(proof.inputs)} input columns, {proof.runs} runs"
    for one in sides:
        yield f"  {one.table}.{one.column}"
        yield f"    seen     {_names(one.seen)}"
        yield f"    claimed  {_names(one.claimed)}"
        if one.unseen:
            yield f"    never seen  {_names(one.unseen)}"
        if one.unclaimed:
            yield f"    NOT CLAIMED  {_names(one.unclaimed)}"
    for sql in proof.unknown:
        yield f"  not resolved: {sql}"
    for error in proof.failed:
        yield f"  COULD NOT BE RUN: {error}"


def _names(names: Collection[str]) -> str:
    return ", ".join(n or "(rows)" for n in sorted(names)) or "—"


def main() -> int:
    from assets.project import Project

    parser = argparse.ArgumentParser(description="Column lineage of every model, judged by execution.")
    parser.add_argument("models", nargs="*", help="tables, such as base.population; all by default")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="sets of made tables for each model")
    parser.add_argument("--brief", action="store_true", help="only the sums, and what does not hold")
    given = parser.parse_args()
    project = Project.at()
    models = {c.table: c for c in project.models()}
    if stray := sorted(set(given.models) - set(models)):
        parser.error(f"no model {stray[0]!r}. There are: {', '.join(sorted(models))}.")
    proofs = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as several:  # a model runs on one core: its rows must keep their order
        for proof, seconds in several.map(_proved, given.models or sorted(models), repeat(given.seeds)):
            proofs.append(proof)
            lines = list(tell(proof))
            shown = [lines[0], *(x for x in lines[1:] if "NOT" in x)] if given.brief else lines
            shown[0] += f", {seconds:.1f} s"
            print("\n".join(shown), flush=True)
    return _sum(proofs)


def _proved(table: str, seeds: int) -> tuple[Proof, float]:
    """In a process of its own: the proof, and the seconds that it took."""
    from assets.project import Project

    project, begun = Project.at(), time.perf_counter()
    contract = next(c for c in project.models() if c.table == table)
    return prove(project, contract, seeds=seeds), time.perf_counter() - begun


def _sum(proofs: Sequence[Proof]) -> int:
    pairs = [(i, n) for p in proofs for i in p.inputs for n in i.claimed]
    seen = sum(n in i.seen for i, n in pairs)
    wrong = [(p.table, i, n) for p in proofs for i in p.inputs for n in sorted(i.unclaimed)]
    print(f"\n{len(proofs)} models, {sum(len(p.inputs) for p in proofs)} input columns, {sum(p.runs for p in proofs)} runs:")
    print(f"  claimed {len(pairs)}: seen changing {seen}, never seen {len(pairs) - seen}")
    print(f"  seen changing and not claimed: {len(wrong)}")
    for table, one, name in wrong:
        print(f"    {one.table}.{one.column} -> {table}.{name or '(rows)'}")
    unrun = [f for p in proofs for f in p.failed]
    for error in unrun:
        print(f"  could not be run: {error}")
    return 1 if wrong or unrun else 0


if __name__ == "__main__":
    sys.exit(main())
