"""The evidence: what every run writes down about batches, rules, issues and lineage, as one declaration.

The same tables are published in `results.duckdb`; the comments below are theirs. Text values that could show a person
are masked before they are written here (`assets.masking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from expectations.standard import Standard

TABLES: dict[str, list[tuple[str, str, str]]] = {
    "runs": [
        ("run_id", "VARCHAR", "the run, as Dagster names it"),
        ("command", "VARCHAR", "what started it"),
        ("started_at", "TIMESTAMP", "local time"),
        ("ended_at", "TIMESTAMP", "local time"),
        ("verdict", "VARCHAR", "passed, warned (a non-blocking check failed), failed (a blocking check failed)"),
        ("versions", "VARCHAR", "JSON: versions of yuanqing, duckdb, dagster, standard"),
    ],
    "batches": [
        ("batch", "VARCHAR", "one collected hand-over: dataset-period-unit-digest"),
        ("dataset", "VARCHAR", "the dataset, as its contract names it"),
        ("department", "VARCHAR", "the department's folder name"),
        ("unit", "VARCHAR", "the part of the department that delivers, usually a division code; empty where there is one"),
        ("period", "VARCHAR", "the period that the hand-over is for, as it names it (202610, 20261024, 2026102408)"),
        ("partition_key", "VARCHAR", "the Dagster partition that holds it (2026-10-01)"),
        ("source", "VARCHAR", "file name, table or address it came from, without credentials"),
        ("digest", "VARCHAR", "SHA-256 of the bytes, or of the rows of a database or API hand-over"),
        ("bytes", "BIGINT", "size as it came"),
        ("lines", "BIGINT", "physical lines (files), rows (sheets, tables) or items (pages) that were read"),
        ("lines_other", "BIGINT", "of these: header, title, note, total and blank lines, and the further lines of one record"),
        ("records", "BIGINT", "records in the source: rows_raw + rows_rejected"),
        ("rows_raw", "BIGINT", "rows in raw"),
        ("rows_rejected", "BIGINT", "records that could not be read as rows; their text is in rejects"),
        ("rows_std", "BIGINT", "rows in std_batches; NULL until standardised"),
        ("rows_quarantine", "BIGINT", "rows in quarantine; NULL until standardised"),
        ("received_at", "TIMESTAMP", "when the hand-over arrived, local time"),
        ("collected_at", "TIMESTAMP", "when it was collected, local time"),
        ("standardised_at", "TIMESTAMP", "when it was standardised, local time"),
        ("status", "VARCHAR", "collected, standardised, refused, repeated (digest seen before)"),
        ("reason", "VARCHAR", "why it was refused, or which batch it repeats"),
        ("absent", "VARCHAR", "declared columns that the hand-over lacks, with commas; rules on them are not assessable"),
        ("watermark", "VARCHAR", "database and API: up to where the source was read"),
        ("announced", "BIGINT", "records that the source itself says it holds (manifest, total); NULL where it says nothing"),
        ("parts", "VARCHAR", "JSON: sheets or members, in order; `_row` is then part * 1000000000 + row within it"),
        ("run_id", "VARCHAR", "the run that collected it"),
    ],
    "rejects": [
        ("batch", "VARCHAR", "the batch"),
        ("dataset", "VARCHAR", "the dataset"),
        ("row", "BIGINT", "physical line, sheet row or position where the record begins"),
        ("lines", "BIGINT", "physical lines it takes"),
        ("text", "VARCHAR", "the record as it came"),
        ("reason", "VARCHAR", "why it could not be read: found, expected, remedy"),
    ],
    "repairs": [
        ("batch", "VARCHAR", "the batch"),
        ("dataset", "VARCHAR", "the dataset"),
        ("column", "VARCHAR", "the column"),
        ("kind", "VARCHAR", "trimmed, folded, placeholder, dialect, recast"),
        ("rows", "BIGINT", "cells repaired so"),
    ],
    "results": [
        ("run_id", "VARCHAR", "the run that checked"),
        ("batch", "VARCHAR", "the batch that was checked"),
        ("dataset", "VARCHAR", "the dataset"),
        ("rule", "VARCHAR", "the rule's id in the suite; its meaning never changes"),
        ("expectation", "VARCHAR", "the Great Expectations type"),
        ("column", "VARCHAR", "the columns it looks at, with commas"),
        ("indicator", "VARCHAR", "indicator of GB/T 36344-2018"),
        ("weight", "DOUBLE", "the rule's weight among the rules of its indicator"),
        ("severity", "VARCHAR", "critical, warning, info"),
        ("blocking", "BOOLEAN", "its failures go to quarantine"),
        ("outcome", "VARCHAR", "passed, failed, not_assessable"),
        ("elements", "BIGINT", "rows looked at"),
        ("missing", "BIGINT", "of these, empty"),
        ("unexpected", "BIGINT", "rows that break the rule"),
        ("note", "VARCHAR", "the one-line cause, masked; why it could not be assessed"),
        ("result", "VARCHAR", "JSON: Great Expectations' ExpectationValidationResult, values masked"),
        ("fingerprint", "VARCHAR", "of the compiled suite and of the repairs before it: what the batch was judged by"),
        ("checked_at", "TIMESTAMP", "local time"),
        ("standard", "VARCHAR", "fingerprint of the edition of the standard that was valid then (see standards)"),
    ],
    "standards": [
        ("fingerprint", "VARCHAR", "of the edition's content"),
        ("version", "VARCHAR", "the edition, as the bureau names it"),
        ("valid_from", "DATE", "its first day"),
        ("content", "VARCHAR", "JSON: the whole edition, so that it can be read when its file says otherwise"),
        ("used_since", "TIMESTAMP", "when results were first held to it, local time"),
    ],
    "declarations": [
        ("edition", "BIGINT", "counts the changes: its rows are the files that changed then, all others are as they were"),
        ("fingerprint", "VARCHAR", "of all files and their contents in this edition, as publications name it"),
        ("path", "VARCHAR", "the file, from the project's folder"),
        ("digest", "VARCHAR", "SHA-256 of its content; NULL: it was taken away"),
        ("content", "VARCHAR", "the content, where no earlier row has it; base64 where it is no UTF-8"),
        ("base64", "BOOLEAN", "whether the content is base64"),
        ("run_id", "VARCHAR", "the run that found it so"),
        ("noted_at", "TIMESTAMP", "local time"),
    ],
    "publications": [
        ("run_id", "VARCHAR", "the run that published"),
        ("published_at", "TIMESTAMP", "the time on its pages, local time"),
        ("snapshot", "BIGINT", "the lake's snapshot that it was made from"),
        ("declarations", "VARCHAR", "fingerprint of the declarations that it was made by"),
        ("base_url", "VARCHAR", "where browsers reached the reports"),
        ("program", "VARCHAR", "JSON: digests of the program's files and of a sample's truth, and versions of what writes files"),
        ("files", "VARCHAR", "JSON: SHA-256 of every file of reports, by its path; NULL where no reports were made"),
        ("anchor", "VARCHAR", "number and seal of the journal's last entry then; NULL where the journal could not be read"),
    ],
    "league_publications": [
        ("seq", "BIGINT", "the publication: the number of its entry in the journal"),
        ("seal", "VARCHAR", "the seal of that entry"),
        ("quarter", "VARCHAR", "the quarter that is evaluated: 2026Q3"),
        ("officer", "VARCHAR", "who published it"),
        ("why", "VARCHAR", "why"),
        ("published_at", "TIMESTAMP", "local time"),
        ("standard", "VARCHAR", "version of the standard"),
        ("fingerprint", "VARCHAR", "of that edition's content"),
        ("snapshot", "BIGINT", "the lake's snapshot that its results were made from"),
        ("digest", "VARCHAR", "SM3 of its `seal.json`, which holds the SM3 of every file"),
        ("corrects", "BIGINT", "the publication that it takes the place of; NULL: none"),
    ],
    "issues": [
        ("batch", "VARCHAR", "the batch"),
        ("dataset", "VARCHAR", "the dataset"),
        ("row", "BIGINT", "the row's position in the source (`_row`)"),
        ("rule", "VARCHAR", "the rule that the row breaks"),
    ],
    "tickets": [
        ("ticket", "VARCHAR", "an issue: one failing record and rule, followed over hand-overs; its name says nothing of the record"),
        ("dataset", "VARCHAR", "the dataset"),
        ("rule", "VARCHAR", "the rule that the record breaks"),
        ("unit", "VARCHAR", "the unit that hands the record over; empty where there is one"),
        ("department", "VARCHAR", "the department's folder name"),
        ("found_by", "VARCHAR", "how its record is known again: key, content, subject (of a cross-department check)"),
        ("first_batch", "VARCHAR", "the hand-over that showed it first"),
        ("first_period", "VARCHAR", "the period of that"),
        ("first_at", "TIMESTAMP", "when that was collected, local time"),
        ("last_batch", "VARCHAR", "the newest hand-over in which it failed"),
        ("last_row", "BIGINT", "its position there (`_row`)"),
        ("last_period", "VARCHAR", "the period of that"),
        ("last_at", "TIMESTAMP", "when that was collected, local time"),
        ("times", "BIGINT", "hand-overs in which it failed"),
        ("reopened", "BIGINT", "how often it came back after it had ended"),
        ("reopened_at", "TIMESTAMP", "when it came back last, local time; NULL where it never did"),
        ("outcome", "VARCHAR", "open, verified (handed over again in order), gone (no longer handed over)"),
        ("ended_batch", "VARCHAR", "the hand-over that ended it; NULL while it is open"),
        ("ended_at", "TIMESTAMP", "when that was collected, local time"),
    ],
    "settled": [
        ("batch", "VARCHAR", "a hand-over whose issues are followed; `base.disagreement` for contradictions"),
        ("dataset", "VARCHAR", "the dataset"),
        ("checked_at", "TIMESTAMP", "by which judgement of it, local time"),
    ],
    "contradictions": [
        ("ticket", "VARCHAR", "the issue"),
        ("check", "VARCHAR", "the cross-department check"),
        ("dataset", "VARCHAR", "whose department gets it"),
        ("batch", "VARCHAR", "the record; empty where the dataset lacks one"),
        ("row", "BIGINT", "its position in the source"),
        ("what", "VARCHAR", "failing: found overdue, or in another hand-over; verified: no longer found"),
        ("at", "TIMESTAMP", "when that was seen, local time"),
    ],
    "releases": [
        ("batch", "VARCHAR", "the batch"),
        ("dataset", "VARCHAR", "the dataset"),
        ("row", "BIGINT", "the row's position in the source (`_row`)"),
        ("rules", "VARCHAR[]", "the blocking rules that it broke when it was let out of quarantine"),
        ("officer", "VARCHAR", "who has released it"),
        ("reason", "VARCHAR", "why"),
        ("entry", "BIGINT", "number of the journal's entry"),
        ("released_at", "TIMESTAMP", "local time"),
    ],
    "crosschecks": [
        ("check", "VARCHAR", "the cross-department check"),
        ("number", "VARCHAR", "its number"),
        ("definition", "VARCHAR", "of its declaration: what its rows in base.disagreement were made by"),
        ("as_of", "DATE", "the last day of which all its sources have spoken; what was due before is a defect"),
        ("compared", "BIGINT", "standing rows that are compared"),
        ("found", "BIGINT", "contradictions, those within their grace among them"),
        ("overdue", "BIGINT", "of these, beyond their grace: defects"),
        ("silent", "VARCHAR", "sources that have handed over nothing, with commas: it cannot be assessed"),
        ("made_at", "TIMESTAMP", "local time"),
    ],
    "builds": [
        ("dataset", "VARCHAR", "the base or thematic table that was built (schema.table)"),
        ("snapshot", "BIGINT", "the state of the lake that it was built from"),
        ("rows", "BIGINT", "rows written and rows taken away"),
        ("anew", "BOOLEAN", "made from nothing: what reads it is built in full"),
        ("definition", "VARCHAR", "digest of what it is made by: SQL, columns, authority, code tables; of a check, its rules"),
        ("as_of", "DATE", "the day at which ages of values were counted; NULL where the contract sets no limit"),
        ("run_id", "VARCHAR", "the run that built it"),
        ("built_at", "TIMESTAMP", "local time"),
    ],
    "lineage": [
        ("dataset", "VARCHAR", "the table that was written (schema.table)"),
        ("batch", "VARCHAR", "a batch that is in its present state"),
        ("run_id", "VARCHAR", "the run that wrote it"),
        ("written_at", "TIMESTAMP", "local time"),
    ],
    "matchings": [
        ("dataset", "VARCHAR", "the table of matches (schema.table)"),
        ("run_id", "VARCHAR", "the run that matched"),
        ("definition", "VARCHAR", "of the declaration and of what its kinds mean: under another one all records are compared anew"),
        ("snapshot", "BIGINT", "the lake's snapshot at which the base was read"),
        ("full", "BOOLEAN", "all records were compared, not only those that could have changed"),
        ("records", "BIGINT", "records without a good key that stand"),
        ("certain", "BIGINT", "of these, linked to a row of the base by rule or reviewer"),
        ("review", "BIGINT", "waiting for a person"),
        ("different", "BIGINT", "with candidates that are somebody else"),
        ("none", "BIGINT", "without a candidate"),
        ("matched_at", "TIMESTAMP", "local time"),
    ],
    "decisions": [
        ("dataset", "VARCHAR", "the base table (schema.table)"),
        ("record", "VARCHAR", "the record without a good key, by the name that matching gives it"),
        ("key", "VARCHAR", "the key of the row of the base"),
        ("decision", "VARCHAR", "same, different; of several on a pair the newest counts"),
        ("reviewer", "VARCHAR", "who decided"),
        ("reason", "VARCHAR", "why"),
        ("score", "DOUBLE", "the score that the reviewer saw, in bits; NULL where the pair was not a candidate"),
        ("evidence", "VARCHAR[]", "what agreed then"),
        ("decided_at", "TIMESTAMP", "local time"),
        ("run_id", "VARCHAR", "the run that matched with it first"),
    ],
}


def note_standard(con: duckdb.DuckDBPyConnection, standard: Standard, at: datetime) -> None:
    """Write an edition of the standard down, unless it stands; within the transaction of the results that are held to it."""
    if con.execute("SELECT 1 FROM lake.evidence.standards WHERE fingerprint = ?", [standard.fingerprint]).fetchone() is None:
        row = {"fingerprint": standard.fingerprint, "version": standard.version, "valid_from": standard.valid_from}
        write(con, "standards", [row | {"content": standard.as_json(), "used_since": at}])


def delivering(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The folder names of the departments that ever handed something over, whether they still are or not."""
    return {name for (name,) in con.execute("SELECT DISTINCT department FROM evidence.batches WHERE department IS NOT NULL").fetchall()}


def write(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append `rows` to an evidence table; keys that a row lacks are NULL.

    Raises `KeyError` for a key that the table does not declare.
    """
    if not rows:
        return
    import pyarrow as pa

    declared = [name for name, _, _ in TABLES[table]]
    if stray := {key for row in rows for key in row} - set(declared):
        raise KeyError(f"evidence.{table} has no column {', '.join(sorted(stray))}")
    kinds = {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us"),
        "DATE": pa.date32(),
        "VARCHAR[]": pa.list_(pa.string()),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind, _ in TABLES[table]])
    con.register("evidence_rows", pa.Table.from_pylist([dict(row) for row in rows], schema=schema))
    try:
        con.execute(f'INSERT INTO lake.evidence."{table}" SELECT * FROM evidence_rows')
    finally:
        con.unregister("evidence_rows")
