"""Issues followed over hand-overs: one for each failing record and rule, from the first hand-over that shows it to the one that ends it.

A record is known again by its key where the rule does not doubt it and no part of it is missing, else by its content: all its values
but those that the rule looks at and the time of its last change, which whoever mends it must change. The name of an issue is made
of that with the key of the data folder, so that nobody can try values until one fits.

What happens to an issue follows from the hand-overs of its unit alone, in the order of their periods, then of their collection:
*failing* in one, it is open; *there and in order*, it is verified; *not there* in a full delivery, it is gone, which is not mended.
A rule that could not be assessed says nothing. What came in is taken up once; where that is not possible, because a hand-over is
late or was judged anew, the dataset's issues are followed again from its first hand-over: the same evidence always gives the same
issues.

Belongs here: `evidence.tickets` of sources. Not here: contradictions between departments (`assets.contradicted`), what people do
about issues (`pipelines.issues`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.judging import Judge
from assets.lake import affected, insert, literal, quote, transaction
from assets.masking import hide_sql, keyed, masking_key
from assets.std import is_delta

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

NAME_LENGTH = 16
"""Characters of an issue's name: of a million issues two bear the same one with a chance below one in ten million."""
_NAMED = "ticket VARCHAR, found_by VARCHAR, rule VARCHAR, batch VARCHAR, row BIGINT, unit VARCHAR, way INTEGER, mark UBIGINT"


@dataclass(frozen=True)
class Followed:
    """What one call did: hand-overs taken up, issues that changed, datasets followed from their first hand-over."""

    batches: int
    tickets: int
    anew: tuple[str, ...]


def follow(con: duckdb.DuckDBPyConnection, project: Project, run_id: str, *, anew: bool = False) -> Followed:
    """Take up every judged hand-over that was not taken up yet; `anew`: all of them, from nothing.

    One transaction. `con` is the lake's writing connection; a second call does nothing.
    """
    waiting = _waiting(con, [c.name for c in project.sources()], anew)
    if not waiting and not anew:
        return Followed(0, 0, ())
    changed = 0
    with keyed(con, masking_key(project)), transaction(con, run_id, f"issues: {len(waiting)} datasets"):
        if anew:
            con.execute("DELETE FROM evidence.tickets WHERE found_by <> 'subject'")
            con.execute(f"DELETE FROM evidence.settled WHERE dataset IN ({_listed(c.name for c in project.sources())})")
        for name, (batches, again) in waiting.items():
            contract = project.contracts[name]
            if again and not anew:
                con.execute("DELETE FROM evidence.tickets WHERE dataset = ? AND found_by <> 'subject'", [name])
                con.execute("DELETE FROM evidence.settled WHERE dataset = ?", [name])
            changed += _Dataset(con, project, contract, batches).take_up()
    return Followed(sum(len(b) for b, _ in waiting.values()), changed, tuple(n for n, (_, again) in waiting.items() if again))


def name_rows(con: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> None:
    """Make the temporary table `named` (ticket, rule, batch, row) of the rows in the temporary table `nameless` (rule, batch, row).

    These break rules of `contract`, in standardised hand-overs: each bears the name of the issue that it belongs to, as others of the
    same record do. The connection need not write.
    """
    batches = [batch for (batch,) in con.execute("SELECT DISTINCT batch FROM nameless ORDER BY batch").fetchall()]
    with keyed(con, masking_key(project)):
        dataset = _Dataset(con, project, contract, batches)
        _insert_ways(con, dataset.ways)
        dataset._name("nameless", "named", batches)


def _waiting(con: duckdb.DuckDBPyConnection, datasets: Sequence[str], anew: bool) -> dict[str, tuple[list[str], bool]]:
    """By dataset, the hand-overs to take up, and whether that means all of them again; datasets without any are left out."""
    rows = con.execute(
        f"""
        WITH judged AS (SELECT dataset, batch, max(checked_at) AS checked_at FROM evidence.results GROUP BY ALL),
        ordered AS (
            SELECT b.dataset, b.batch, coalesce(b.unit, '') AS unit, j.checked_at, s.checked_at AS taken,
                row_number() OVER (PARTITION BY b.dataset ORDER BY b.period, b.collected_at, b.batch) AS place
            FROM evidence.batches b JOIN judged j USING (dataset, batch) LEFT JOIN evidence.settled s USING (batch)
            WHERE b.status = 'standardised' AND b.dataset IN ({_listed(datasets)})),
        late AS (
            SELECT *, coalesce(taken <> checked_at, place < max(place) FILTER (taken IS NOT NULL) OVER (PARTITION BY dataset, unit), FALSE)
                AS again FROM ordered)
        SELECT dataset, list(batch ORDER BY place) FILTER (taken IS NULL), list(batch ORDER BY place), bool_or(again)
        FROM late GROUP BY dataset HAVING {"TRUE" if anew else "bool_or(again) OR bool_or(taken IS NULL)"} ORDER BY dataset"""
    ).fetchall()
    return {name: (every if again or anew else new, again) for name, new, every, again in rows}


class _Dataset:
    """One dataset's hand-overs being taken up, in temporary tables of the connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, project: Project, contract: Contract, batches: Sequence[str]) -> None:
        self.con, self.contract, self.batches = con, contract, batches
        self.judge = Judge(project, contract)
        self.ways = _ways(contract, _looks(con, contract))

    def take_up(self) -> int:
        """Follow the batches; gives the number of issues that changed."""
        con, name = self.con, self.contract.name
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE coming AS SELECT batch, coalesce(unit, '') AS unit, department, period, collected_at AS at,
                row_number() OVER (ORDER BY period, collected_at, batch) AS place
            FROM evidence.batches WHERE batch IN ({_listed(self.batches)})"""
        )
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE broken AS SELECT rule, batch, row FROM evidence.issues"
            f" WHERE dataset = {literal(name)} AND batch IN ({_listed(self.batches)})"
        )
        _insert_ways(con, self.ways)
        self._name("broken", "failing", self.batches)
        con.execute(
            "CREATE OR REPLACE TEMP TABLE standing_open AS SELECT rule, last_batch AS batch, last_row AS row"
            " FROM evidence.tickets WHERE dataset = ? AND outcome = 'open' AND found_by <> 'subject'",
            [name],
        )
        earlier = [b for (b,) in con.execute("SELECT DISTINCT batch FROM standing_open").fetchall()]
        self._name("standing_open", "known_open", earlier)
        con.execute(
            """CREATE OR REPLACE TEMP TABLE watched AS
            SELECT DISTINCT ticket, rule, unit, way, mark FROM known_open
            UNION SELECT ticket, rule, unit, way, mark FROM failing"""
        )
        self._seen()
        self._told()
        written = self._write()
        con.execute(
            "INSERT INTO evidence.settled SELECT b.batch, r.dataset, max(r.checked_at) FROM evidence.results r JOIN coming b"
            " ON b.batch = r.batch WHERE r.dataset = ? GROUP BY ALL",
            [name],
        )
        return written

    def _rows(self, batches: Sequence[str], only: str = "") -> str:
        """SQL for the typed rows of some batches, those in quarantine standardised again; `only`: a semi join that cuts them down."""
        listed, name = _listed(batches), quote(self.contract.name)
        ends = f"_batch BETWEEN {literal(min(batches))} AND {literal(max(batches))} AND _batch IN ({listed})" if batches else "FALSE"
        columns = ", ".join(quote(c.name) for c in self.contract.columns)
        kept = self.judge.staged(f"(SELECT * FROM quarantine.{name} s {only} WHERE {ends})")
        return (
            f"(SELECT {columns}, _batch, _row FROM std_batches.{name} s {only} WHERE {ends}"
            f" UNION ALL SELECT {columns}, _batch, _row FROM ({kept}))"
        )

    def _name(self, rows: str, target: str, batches: Sequence[str]) -> None:
        """Make the table `target` of the issues of `rows` (rule, batch, row): each with its name, and how it is known again."""
        if not batches:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {target} ({_NAMED})")
            return
        only = f"SEMI JOIN {rows} ON {rows}.batch = s._batch AND {rows}.row = s._row"
        columns, key = [c.name for c in self.contract.columns], self.contract.key
        texts = ", ".join(text_of(c) for c in columns)
        whole = " AND ".join(f"{quote(c)} IS NOT NULL" for c in key) or "FALSE"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE kept AS SELECT _batch, _row, [{texts}] AS texts, {whole} AS whole,"
            f" [{', '.join(f'h{n}' for n in range(len(columns)))}] AS numbers FROM ({self._hashed(batches, only)})"
        )
        text = "array_to_string(list_concat([x.rule, b.unit], list_select(s.texts, w.places)), chr(31))"
        hidden = hide_sql(text, "hash", scope=self.contract.first_name)
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {target} AS
            SELECT left({hidden}, {NAME_LENGTH}) AS ticket, w.found_by, x.rule, x.batch, x.row,
                b.unit, w.way, list_reduce(list_select(s.numbers, w.places), lambda a, b: xor(a, b), 0::UBIGINT) AS mark
            FROM {rows} x JOIN kept s ON s._batch = x.batch AND s._row = x.row JOIN ways w ON w.rule = x.rule AND w.whole = s.whole
                JOIN (SELECT batch, coalesce(unit, '') AS unit FROM evidence.batches WHERE dataset = {literal(self.contract.name)}) b
                ON b.batch = x.batch"""
        )

    def _hashed(self, batches: Sequence[str], only: str = "") -> str:
        """SQL for rows with a number for each column's value, `h0`, `h1` ..."""
        numbers = ", ".join(f"hash({text_of(c.name)}, {n}) AS h{n}" for n, c in enumerate(self.contract.columns))
        return f"SELECT *, {numbers} FROM {self._rows(batches, only)}"

    def _mark(self, way: int) -> str:
        """SQL for a number by which rows are known again in this way, within one call; not to be kept."""
        mark = "0::UBIGINT"
        for place in self.ways[way].places:
            mark = f"xor({mark}, h{place - 1})"
        return mark

    def _seen(self) -> None:
        """`present(ticket, batch)`: watched issues whose record is in one of the batches, failing or not."""
        con = self.con
        ways = [way for (way,) in con.execute("SELECT DISTINCT way FROM watched ORDER BY way").fetchall()]
        con.execute("CREATE OR REPLACE TEMP TABLE present (ticket VARCHAR, batch VARCHAR)")
        if ways:
            listed = ", ".join(f"{{'way': {way}, 'mark': {self._mark(way)}}}" for way in ways)
            con.execute(
                f"""INSERT INTO present SELECT DISTINCT w.ticket, c.batch
                FROM (SELECT _batch, unnest([{listed}], recursive := true) FROM ({self._hashed(self.batches)})) s
                    JOIN watched w ON w.way = s.way AND w.mark = s.mark JOIN coming c ON c.batch = s._batch AND c.unit = w.unit"""
            )

    def _told(self) -> None:
        """`happened(ticket, place, what)`: failing, verified or gone, for each of the batches that says something."""
        absent = "" if is_delta(self.contract) else "OR TRUE"
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE happened AS
            WITH assessed AS (
                SELECT r.rule, c.* FROM coming c JOIN evidence.results r ON r.batch = c.batch AND r.dataset = {literal(self.contract.name)}
                WHERE r.outcome IN ('passed', 'failed')),
            said AS (
                SELECT w.ticket, a.place, a.batch, CASE WHEN p.ticket IS NULL THEN 'gone' ELSE 'verified' END AS what
                FROM (SELECT DISTINCT ticket, rule, unit FROM watched) w JOIN assessed a ON a.rule = w.rule AND a.unit = w.unit
                    ANTI JOIN failing f ON f.ticket = w.ticket AND f.batch = a.batch
                    LEFT JOIN present p ON p.ticket = w.ticket AND p.batch = a.batch
                WHERE p.ticket IS NOT NULL {absent})
            SELECT ticket, place, batch, 'failing' AS what FROM failing JOIN coming USING (batch) GROUP BY ALL
            UNION ALL SELECT ticket, place, batch, what FROM said"""
        )

    def _write(self) -> int:
        """Write the issues to which something happened, in place of what was known of them."""
        con = self.con
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE changed AS
            WITH told AS (
                FROM happened UNION ALL
                SELECT ticket, 0 AS place, coalesce(ended_batch, last_batch), CASE outcome WHEN 'open' THEN 'failing' ELSE outcome END
                FROM evidence.tickets WHERE dataset = {literal(self.contract.name)} AND ticket IN (SELECT ticket FROM happened)),
            -- an issue begins by failing: what a record was like before that is no part of it
            begun AS (
                SELECT * FROM told
                QUALIFY place >= min(CASE WHEN what = 'failing' OR place = 0 THEN place END) OVER (PARTITION BY ticket)),
            turned AS (
                SELECT *, what = 'failing' AND place > 0 AS fails,
                    fails AND lag(what) OVER (PARTITION BY ticket ORDER BY place) <> 'failing' AS returns
                FROM begun),
            turns AS (
                SELECT ticket, arg_max(what, place) AS now, count(*) FILTER (fails) AS times, count(*) FILTER (returns) AS returned,
                    max(place) FILTER (returns) AS returned_place, max(place) FILTER (what = 'failing') AS last_failing,
                    min(place) FILTER (fails) AS first_failing
                FROM turned GROUP BY ticket),
            ended AS (
                SELECT b.ticket, min(b.place) AS place, arg_min(b.what, b.place) AS what FROM begun b JOIN turns t USING (ticket)
                WHERE b.what <> 'failing' AND b.place > t.last_failing AND b.place > 0 GROUP BY b.ticket),
            seen AS (
                SELECT f.ticket, c.place, any_value(f.rule) AS rule, any_value(c.unit) AS unit, any_value(c.department) AS department,
                    any_value(f.found_by) AS found_by, any_value(f.batch) AS batch, min(f.row) AS row, any_value(c.period) AS period,
                    any_value(c.at) AS at
                FROM failing f JOIN coming c USING (batch) GROUP BY ALL),
            old AS (FROM evidence.tickets WHERE dataset = {literal(self.contract.name)})
            SELECT t.ticket, {literal(self.contract.name)} AS dataset, coalesce(o.rule, n.rule) AS rule, coalesce(o.unit, n.unit) AS unit,
                coalesce(o.department, n.department) AS department, coalesce(o.found_by, n.found_by) AS found_by,
                coalesce(o.first_batch, f.batch) AS first_batch, coalesce(o.first_period, f.period) AS first_period,
                coalesce(o.first_at, f.at) AS first_at, coalesce(n.batch, o.last_batch) AS last_batch,
                coalesce(n.row, o.last_row) AS last_row,
                coalesce(n.period, o.last_period) AS last_period, coalesce(n.at, o.last_at) AS last_at,
                coalesce(o.times, 0) + t.times AS times, coalesce(o.reopened, 0) + t.returned AS reopened,
                coalesce(r.at, o.reopened_at) AS reopened_at,
                CASE WHEN t.now = 'failing' THEN 'open' ELSE coalesce(e.what, o.outcome) END AS outcome,
                CASE WHEN t.now <> 'failing' THEN coalesce(c.batch, o.ended_batch) END AS ended_batch,
                CASE WHEN t.now <> 'failing' THEN coalesce(c.at, o.ended_at) END AS ended_at
            FROM turns t LEFT JOIN old o USING (ticket)
                LEFT JOIN seen n ON n.ticket = t.ticket AND n.place = t.last_failing
                LEFT JOIN seen f ON f.ticket = t.ticket AND f.place = t.first_failing
                LEFT JOIN ended e ON e.ticket = t.ticket LEFT JOIN coming c ON c.place = e.place
                LEFT JOIN coming r ON r.place = t.returned_place"""
        )
        con.execute("DELETE FROM evidence.tickets WHERE ticket IN (SELECT ticket FROM changed)")
        return affected(con, "INSERT INTO evidence.tickets BY NAME FROM changed")


@dataclass(frozen=True)
class _Way:
    """A way to know records of some rules again: by the columns at these places (from 1), for records whose key is whole or not."""

    found_by: str
    rules: tuple[str, ...]
    places: tuple[int, ...]
    whole: tuple[bool, ...]


def _ways(contract: Contract, looks: Mapping[str, tuple[str, ...]]) -> list[_Way]:
    """By key, for the rules that do not look at it; by content, for each set of columns that rules look at."""
    names, key = [c.name for c in contract.columns], set(contract.key)
    event = contract.delivery.event if contract.delivery else None
    certain = tuple(rule for rule, columns in looks.items() if key and not key & set(columns))
    ways = [_Way("key", certain, tuple(n for n, name in enumerate(names, 1) if name in key), (True,))]
    alike: dict[tuple[frozenset[str], bool], list[str]] = {}
    for rule, columns in looks.items():
        alike.setdefault((frozenset(columns) & set(names), rule in certain), []).append(rule)
    for (looked_at, sure), rules in alike.items():
        places = tuple(n for n, name in enumerate(names, 1) if name not in looked_at and name != event)
        ways.append(_Way("content", tuple(rules), places, (False,) if sure else (True, False)))
    return ways


def _insert_ways(con: duckdb.DuckDBPyConnection, ways: Sequence[_Way]) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE ways (way INTEGER, rule VARCHAR, whole BOOLEAN, found_by VARCHAR, places INTEGER[])")
    rows = [(n, rule, whole, way.found_by, list(way.places)) for n, way in enumerate(ways) for rule in way.rules for whole in way.whole]
    insert(con, "ways", rows)


def _looks(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, tuple[str, ...]]:
    """By rule, the columns that it looked at when it judged last: a rule that is no more still has issues."""
    rows = con.execute(
        'SELECT rule, arg_max("column", checked_at) FROM evidence.results WHERE dataset = ? GROUP BY rule ORDER BY rule', [contract.name]
    ).fetchall()
    return {rule: tuple(filter(None, (columns or "").split(","))) for rule, columns in rows}


def text_of(column: str) -> str:
    """SQL for a value as it takes part in a record's identity (`column` may be qualified by an alias); nothing is empty."""
    return f"coalesce(CAST({quote(column)} AS VARCHAR), '')"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(literal, names)) or "NULL"
