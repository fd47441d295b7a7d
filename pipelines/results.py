"""Results: what the lake's evidence says, published as one plain DuckDB file that anyone may open and query.

Belongs here: what is published, in which words, and how the file is swapped. Not here: the arithmetic of scores
(`pipelines.scores`), reading lake and results together (`pipelines.querying`), reports.

Only evidence goes out, never rows of data: the size of the file follows the number of batches, rules and issues. The text of
rejected records keeps nothing but its separators.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.crosschecks.counting import overdue
from assets.crosschecks.declared import TABLE
from assets.evidence import TABLES
from assets.lake import columns_of, comments, insert, is_there, literal, never_filled, open_lake, quote
from assets.renames import refuse_older
from pipelines.anchors import JOURNAL, anchor_rows
from pipelines.anomalies import COLUMNS as ANOMALIES
from pipelines.anomalies import anomaly_rows
from pipelines.freshness import FRESHNESS, freshness
from pipelines.gains import GAINS
from pipelines.issues.publishing import WAIVERS, publish_issues, waiver_row
from pipelines.lineage.stored import COLUMN_LINEAGE, UNKNOWN_LINEAGE, edge_rows, graph_of, unknown_rows
from pipelines.querying import QueryError, as_objects, query
from pipelines.rulebook import holder
from pipelines.scores import CALLED
from pipelines.scores import COLUMNS as SCORES
from pipelines.trend import HISTORY, MERGED, merged_rows
from pipelines.views import STORED, VIEWS

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from expectations.standard import Standard

__all__ = ["QueryError", "as_objects", "connect_results", "publish", "query"]

Columns = list[tuple[str, str, str]]

_COMMENTS = {
    "published": "one row: when and from what this file was made",
    "runs": "the runs",
    "batches": "every hand-over: accepted, refused, repeated or waiting",
    "standing": "the batches that scores and reports speak of",
    "rejects": "records that could not be read as rows; where and why, without their text",
    "repairs": "what standardising mended, by batch, column and kind",
    "results": "every rule on every batch",
    "issues": "every row that breaks a rule, by its position in the source",
    "releases": "rows that officers have let out of quarantine, and why",
    "crosschecks": "the checks of one department against another: how far they can be judged, and what they found",
    "builds": "every building of a base or thematic table",
    "matchings": "every matching of records without a good key: how many certain, for review, different",
    "decisions": "what reviewers have decided of pairs: the same, or different",
    "lineage": "which batches are in each table's present state",
    "column_lineage": "which column depends on which, from the header of a hand-over to the last thematic column",
    "unknown_lineage": "what of the models' SQL could not be resolved",
    "standards": "the editions of the standard that results were held to, whole",
    "declarations": "which file of declarations had which content, from edition to edition; the contents stay in the lake",
    "league_publications": "the leagues and quarterly evaluations that officers have published, with their seals",
    "journal": "one row: the journal's last entry when this file was made, which anchors it; none where the journal cannot be read",
    "publications": "every publication of results and reports: when, from which snapshot, by which declarations and program",
    "waivers": "rules that officers have set aside for a time, expired ones too",
    "scores": "scores and coverage per unit, dataset, city, department and the province; by rule, indicator, dimension and in total",
    "score_history": "scores month by month, by what had been handed over; the newest month is what is published",
    "gains": "what mending all that breaks a rule would bring, in points of score x coverage",
    "anomalies": "the newest hand-over of each unit against the range that its own history lets expect; failure rates only where too high",
    "freshness": "the newest hand-over of each dataset, and the one that should be there by now",
    "disagreements": "where departments contradict each other: which records, without their values",
    "called": "what each contract calls for, the rules that meet it, and whether they were assessed: what coverage counts",
    "rules": "the rules that datasets are held to now, of their suites and yielded by their contracts",
    "datasets": "the datasets, from their contracts",
    "merged": "departments that were made of others, and since when",
    "columns": "the columns of the datasets, from their contracts",
    "indicators": "the indicators of GB/T 36344-2018 with the bureau's weights",
    "grades": "the grades of the standard",
    "units": "the names of units that are divisions",
}

PUBLISHED: Columns = [
    ("published_at", "TIMESTAMP", "local time"),
    ("snapshot", "BIGINT", "the lake's snapshot that it was made from"),
    ("standard", "VARCHAR", "version of the standard: weights and grades"),
    ("standard_from", "DATE", "since when that edition is valid"),
    ("standard_fingerprint", "VARCHAR", "of the edition's content, as results name it"),
    ("window_days", "INTEGER", "days of a daily delta that stand"),
]
STANDING: Columns = [
    ("batch", "VARCHAR", "the batch"),
    ("dataset", "VARCHAR", "the dataset"),
    ("department", "VARCHAR", "the department's folder name; for a model <layer>/<database>"),
    ("unit", "VARCHAR", "the unit; empty where there is one"),
    ("period", "VARCHAR", "the period that the hand-over is for"),
    ("rows", "BIGINT", "its rows"),
]
RULES: Columns = [
    ("dataset", "VARCHAR", "the dataset"),
    ("rule", "VARCHAR", "the rule's id; its meaning never changes"),
    ("position", "INTEGER", "its place among the dataset's rules"),
    ("origin", "VARCHAR", "suite: written there; contract: yielded by the contract; cross: a check of one department against another"),
    ("expectation", "VARCHAR", "the Great Expectations type"),
    ("columns", "VARCHAR[]", "the columns it looks at"),
    ("indicator", "VARCHAR", "indicator of GB/T 36344-2018"),
    ("element", "VARCHAR", "what A and B count for rules of its kind, by the standard: cell, record, hand-over"),
    ("weight", "DOUBLE", "its weight among the rules of its indicator"),
    ("severity", "VARCHAR", "critical, warning, info"),
    ("blocking", "BOOLEAN", "its failures go to quarantine"),
    ("title_zh", "VARCHAR", "what it asks for, in Chinese"),
    ("title_en", "VARCHAR", "what it asks for, in English"),
    ("remedy_zh", "VARCHAR", "how to mend it, in Chinese"),
    ("remedy_en", "VARCHAR", "how to mend it, in English"),
]
DATASETS: Columns = [
    ("dataset", "VARCHAR", "the dataset's name"),
    ("layer", "VARCHAR", "sources, base, thematic"),
    ("department", "VARCHAR", "the department's folder name; for a model <layer>/<database>"),
    ("department_zh", "VARCHAR", "who answers for it, in Chinese"),
    ("department_en", "VARCHAR", "who answers for it, in English"),
    ("title", "VARCHAR", "its title in Chinese"),
    ("title_en", "VARCHAR", "its title in English"),
    ("description", "VARCHAR", "what it is for"),
    ("level", "INTEGER", "highest classification of its columns, 1 open to 4 most sensitive"),
    ("mode", "VARCHAR", "full or delta; NULL for a model"),
    ("period", "VARCHAR", "how often it is handed over; NULL for a model"),
    ("sharing", "VARCHAR", "sharing type of the catalogue: 1 unconditional, 2 conditional, 3 none"),
    ("open", "BOOLEAN", "whether it is opened to the public"),
    ("resource_code", "VARCHAR", "its code in the catalogue"),
]
CONTRACT_COLUMNS: Columns = [
    ("dataset", "VARCHAR", "the dataset"),
    ("column", "VARCHAR", "the column's name in the lake"),
    ("position", "INTEGER", "its place in the contract"),
    ("title", "VARCHAR", "its title in Chinese"),
    ("header", "VARCHAR", "its header in the hand-over"),
    ("type", "VARCHAR", "its type in the lake"),
    ("classification", "INTEGER", "1 open to 4 most sensitive"),
    ("required", "BOOLEAN", "whether it must be there"),
    ("in_key", "BOOLEAN", "whether it is part of the key"),
]
INDICATORS: Columns = [
    ("indicator", "VARCHAR", "code of GB/T 36344-2018"),
    ("zh", "VARCHAR", "its name in Chinese"),
    ("en", "VARCHAR", "its name in English"),
    ("element", "VARCHAR", "what is counted"),
    ("better", "VARCHAR", "higher or lower"),
    ("weight", "DOUBLE", "its weight in its dimension; 0: not asked for"),
    ("dimension", "VARCHAR", "code of its dimension"),
    ("dimension_zh", "VARCHAR", "the dimension's name in Chinese"),
    ("dimension_en", "VARCHAR", "the dimension's name in English"),
    ("dimension_weight", "DOUBLE", "the dimension's weight in the whole"),
]
GRADES: Columns = [
    ("grade", "VARCHAR", "the grade"),
    ("zh", "VARCHAR", "its name in Chinese"),
    ("en", "VARCHAR", "its name in English"),
    ("at_least", "DOUBLE", "the least score x coverage for it"),
]

UNITS: Columns = [
    ("unit", "VARCHAR", "the unit, as batches name it"),
    ("zh", "VARCHAR", "its name"),
]

DISAGREEMENTS: Columns = [
    ("check", "VARCHAR", "the cross-department check"),
    ("dataset", "VARCHAR", "whose department gets the ticket"),
    ("batch", "VARCHAR", "its record; empty where it lacks one"),
    ("row", "BIGINT", "the record's position in the source"),
    ("other", "VARCHAR", "the dataset that contradicts it"),
    ("other_batch", "VARCHAR", "the other record; empty where there is none"),
    ("other_row", "BIGINT", "the other record's position in the source"),
    ("since_month", "DATE", "first day of the month since which they contradict each other"),
    ("overdue", "BOOLEAN", "whether it is a defect by now: its grace was over on the last day of which all sources have spoken"),
]
_DISAGREEMENTS = f"""
    SELECT d."check", d.dataset, d.batch, d."row", d.other, d.other_batch, d.other_row, date_trunc('month', d.since)::DATE,
        coalesce({overdue()}, FALSE) AND c.silent IS NULL
    FROM lake.{TABLE} d JOIN lake.evidence.crosschecks c USING ("check")"""

# Separators, quotes and blanks tell where a record broke; nothing else of it leaves the lake.
_SHAPE = r"""regexp_replace(left("text", 200), '[^,;|\t"'' ]', '*', 'g')"""

FOLLOWED = ("tickets", "settled", "contradictions")
"""Evidence of issues, which `pipelines.issues.publishing` puts together with the journal."""

_CONCEALED = {
    ("rejects", "text"): _SHAPE,
    ("decisions", "key"): "NULL",
    ("declarations", "content"): "NULL",
    ("publications", "files"): "NULL",
}
"""What is published in place of a column that could show a person, or that would make the file grow with what is not evidence."""


def publish(project: Project, standard: Standard | None = None) -> Path:
    """Publish the present evidence, with scores, as `project.results`; whoever reads the old file goes on reading it.

    Builds a fresh file beside and renames it over the old one; a run that dies before leaves the old one. `standard` is by
    default the edition that the newest standing result was held to, as the lake has it written down. Of a project of the past the
    file is what would have been published when the lake stood there, with the standard of that time.
    """
    snapshot = project.past.snapshot if project.past else None
    target = project.results
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with open_lake(project, read_only=True) as con:
            con.execute(f"ATTACH {literal(str(fresh))} AS fresh")
            _write(con, project, standard, snapshot)
            con.execute("DETACH fresh")
        _sync(fresh)
        os.replace(fresh, target)
        _sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)
        fresh.with_name(fresh.name + ".wal").unlink(missing_ok=True)
    return target


def _write(con: duckdb.DuckDBPyConnection, project: Project, standard: Standard | None, snapshot: int | None) -> None:
    from pipelines.gains import make_gains
    from pipelines.issues.waiving import all_waivers
    from pipelines.rulebook import answered_for
    from pipelines.scores import WINDOW_DAYS, fetch_evidence, make_standing
    from pipelines.trend import make_history

    contracts = list(project.contracts.values())
    rules = answered_for(project)
    con.execute("BEGIN")  # one snapshot of the lake for all tables
    refuse_older(con, contracts, snapshot)
    fetch_evidence(con)
    make_standing(con, contracts)
    standard = standard or _standard(con, project)
    (number,) = con.execute(
        "SELECT max(snapshot_id) FROM ducklake_snapshots('lake') WHERE ? IS NULL OR snapshot_id = ?", [snapshot, snapshot]
    ).fetchone() or (None,)
    now = project.now()
    today = now.date()
    waivers = all_waivers(project, {(r.dataset, r.id) for r in rules}, now)
    publish_issues(con, project, rules, [w for w in waivers if w.holds(today)], today, now)
    make_history(con, contracts, rules, standard, [w for w in waivers if w.holds(today)], project.departments)
    make_gains(con)
    edition = (number, standard.version, standard.valid_from, standard.fingerprint, WINDOW_DAYS)
    _fill(con, "published", PUBLISHED, [(now, *edition)])
    _fill(con, "waivers", WAIVERS, [waiver_row(w, today) for w in waivers])
    empty = never_filled(con)
    for table, columns in TABLES.items():
        if table in FOLLOWED:  # published with where each issue stands
            continue
        _declare(con, table, columns)
        there = None if table in empty else columns_of(con, f"evidence.{table}")
        if there is None:  # nothing was ever written, or an old snapshot knows less
            continue
        chosen = ", ".join(_CONCEALED.get((table, name), quote(name)) if name in there else "NULL" for name, _, _ in columns)
        con.execute(f"INSERT INTO fresh.{quote(table)} SELECT {chosen} FROM lake.evidence.{quote(table)}")
    reckoned = {"standing": STANDING, "scores": SCORES, "called": CALLED, "score_history": HISTORY, "gains": GAINS}
    for table, columns in reckoned.items():
        _declare(con, table, columns)
        con.execute(f"INSERT INTO fresh.{quote(table)} BY NAME FROM temp.{quote(table)}")
    _declare(con, "disagreements", DISAGREEMENTS)
    if is_there(con, TABLE) and is_there(con, "evidence.crosschecks"):
        con.execute(f"INSERT INTO fresh.disagreements {_DISAGREEMENTS}")
    positions: dict[str, int] = {}
    rule_rows = []
    for r in rules:
        positions[r.dataset] = positions.get(r.dataset, 0) + 1
        counted = standard.element(r.expectation).element
        facts = (r.indicator, counted, r.weight, r.severity, r.blocking, r.title_zh, r.title_en, r.remedy_zh, r.remedy_en)
        rule_rows.append((r.dataset, r.id, positions[r.dataset], r.origin, r.expectation, list(r.columns), *facts))
    _fill(con, "rules", RULES, rule_rows)
    _fill(con, "merged", MERGED, merged_rows(project.departments))
    _fill(con, "datasets", DATASETS, [_dataset_row(c) for c in contracts])
    _fill(
        con,
        "columns",
        CONTRACT_COLUMNS,
        [
            (c.name, k.name, i, k.title, k.header, k.sql_type, k.classification, k.required, k.name in c.key)
            for c in contracts
            for i, k in enumerate(c.columns, 1)
        ],
    )
    pairs = [(i, standard.dimensions[i.dimension]) for i in standard.indicators.values()]
    rows = [(i.code, i.zh, i.en, i.element, i.better, i.weight, d.code, d.zh, d.en, d.weight) for i, d in pairs]
    _fill(con, "indicators", INDICATORS, rows)
    _fill(con, "units", UNITS, _unit_names(con, project))
    _fill(con, "freshness", FRESHNESS, freshness(con, contracts, today))
    _fill(con, "anomalies", ANOMALIES, anomaly_rows(con, contracts, today))
    _fill(con, "journal", JOURNAL, anchor_rows(project))
    _fill(con, "grades", GRADES, [(g.name, g.zh, g.en, g.at_least) for g in standard.grades])
    graph = graph_of(project)
    _fill(con, "column_lineage", COLUMN_LINEAGE, edge_rows(graph))
    _fill(con, "unknown_lineage", UNKNOWN_LINEAGE, unknown_rows(graph))
    con.execute("COMMIT")
    con.execute("USE fresh")  # a view keeps the names it was written with: they must not say `fresh`
    said = {
        name: comment for columns in (*TABLES.values(), SCORES, STANDING, RULES, DATASETS, WAIVERS, UNITS) for name, _, comment in columns
    }
    for view, (comment, select, own) in VIEWS.items():
        kind = "TABLE" if view in STORED else "VIEW"
        con.execute(f"CREATE {kind} {quote(view)} AS {select}")
        names = [name for name, *_ in con.execute(f"FROM {quote(view)} LIMIT 0").description or []]
        con.execute(comments(kind, quote(view), comment, {name: (said | own)[name] for name in names}))
    con.execute("USE lake")


def _standard(con: duckdb.DuckDBPyConnection, project: Project) -> Standard:
    """The edition that the newest standing result was held to; where none is written down, the one valid on its day, or today."""
    from assets.judging import standard_of
    from expectations.standard import read_edition

    if "standard" not in (columns_of(con, "evidence.results") or {}):
        return standard_of(project)
    row = con.execute(
        "SELECT r.checked_at, e.content FROM evidence.results r LEFT JOIN evidence.standards e ON e.fingerprint = r.standard"
        " WHERE r.batch IN (SELECT batch FROM standing) ORDER BY r.checked_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return standard_of(project)
    checked_at, content = row
    return read_edition(content) if content else standard_of(project, checked_at.date() if checked_at else None)


def _unit_names(con: duckdb.DuckDBPyConnection, project: Project) -> list[tuple[Any, ...]]:
    """Units that bear a division code, by the table of divisions; others go by what they are called."""
    from assets.judging import codes_of

    codes = codes_of(project)
    names = codes.get("division").codes if "division" in codes else {}
    units = [unit for (unit,) in con.execute("SELECT DISTINCT unit FROM evidence.batches WHERE unit <> '' ORDER BY unit").fetchall()]
    return [(unit, names[unit]) for unit in units if unit in names]


def _dataset_row(contract: Any) -> tuple[Any, ...]:
    delivery, catalogue = contract.delivery, contract.catalogue
    return (
        contract.name,
        contract.layer,
        holder(contract),
        contract.department,
        contract.department_en,
        contract.title,
        contract.title_en,
        contract.description,
        max((c.classification for c in contract.columns), default=1),
        delivery.mode if delivery else None,
        delivery.period if delivery else None,
        str(catalogue["sharing"]) if "sharing" in catalogue else None,
        catalogue.get("open"),
        catalogue.get("resourceCode"),
    )


def _declare(con: duckdb.DuckDBPyConnection, table: str, columns: Columns) -> None:
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind, _ in columns)
    said = comments("TABLE", f"fresh.{quote(table)}", _COMMENTS[table], {name: comment for name, _, comment in columns})
    con.execute(f"CREATE TABLE fresh.{quote(table)} ({declared}); {said}")


def _fill(con: duckdb.DuckDBPyConnection, table: str, columns: Columns, rows: list[tuple[Any, ...]]) -> None:
    _declare(con, table, columns)
    insert(con, f"fresh.{quote(table)}", rows)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(target: Path, older_than: float = 3600) -> None:
    """Remove what publications that were killed left behind."""
    for left in target.parent.glob(f".{target.name}.*"):
        if time.time() - left.stat().st_mtime > older_than:
            left.unlink(missing_ok=True)


def connect_results(project: Project) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published results; it goes on showing them as they were when it was opened.

    Raises `FileNotFoundError` where nothing was published yet.
    """
    import duckdb

    if not project.results.exists():
        raise FileNotFoundError(f"{project.results}: nothing has been published yet. Run `yuanqing run` first.")
    con = duckdb.connect()  # attached, not opened: DuckDB gives a second connection to a path the file that the first one holds
    con.execute(f"ATTACH {literal(str(project.results))} AS results (READ_ONLY)")
    con.execute("USE results")
    return con
