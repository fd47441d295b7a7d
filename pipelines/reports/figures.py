"""The figures of the reports: queries over the published results, as plain mappings that templates and workbooks read.

Belongs here: what is counted. Not here: how it looks, or how a score is defined (`pipelines.scores`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assets.kinds import DUPLICATES, KINDS
from assets.lake import objects as rows
from pipelines.anchors import published
from pipelines.reports.places import Row, listed, locate, places

if TYPE_CHECKING:
    import duckdb

UNITS_SHOWN = 8
EXAMPLES_SHOWN = 5
HANDOVERS_SHOWN = 40
REJECTS_SHOWN = 30


def departments(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The folder names of the departments that hand something over."""
    return [r["department"] for r in rows(con, "SELECT DISTINCT department FROM datasets WHERE layer = 'sources' ORDER BY department")]


def publication(con: duckdb.DuckDBPyConnection) -> Row:
    return rows(con, "SELECT * FROM published")[0] | {"anchor": published(con)}


def grades(con: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    return {g["grade"]: g for g in rows(con, "SELECT * FROM grades ORDER BY at_least DESC")}


def league(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Departments by score x coverage, with their dimensions and what was handed over."""
    found = rows(
        con,
        """
        WITH named AS (
            SELECT department, any_value(department_zh) AS zh, any_value(department_en) AS en, count(*) AS datasets
            FROM datasets WHERE layer = 'sources' GROUP BY ALL),
        handed AS (
            SELECT s.department, sum(s.rows)::BIGINT AS "rows", sum(b.rows_quarantine)::BIGINT AS quarantined,
                sum(b.rows_rejected)::BIGINT AS rejected
            FROM standing s JOIN batches b USING (batch) GROUP BY ALL),
        failing AS (SELECT department, count(*) AS rules, sum("rows")::BIGINT AS broken FROM failing_rules GROUP BY ALL),
        refused AS (
            SELECT d.department, count(*) AS refused FROM batches b JOIN datasets d USING (dataset)
            WHERE b.status = 'refused' GROUP BY ALL)
        SELECT l."rank", n.*, l.score, l.coverage, l.ranked, l.grade, l.target, l.waived, coalesce(h."rows", 0) AS "rows",
            coalesce(h.quarantined, 0) AS quarantined, coalesce(h.rejected, 0) AS rejected, coalesce(f.rules, 0) AS failing,
            coalesce(f.broken, 0) AS broken, coalesce(r.refused, 0) AS refused
        FROM league l JOIN named n USING (department) LEFT JOIN handed h USING (department) LEFT JOIN failing f USING (department)
            LEFT JOIN refused r USING (department)
        ORDER BY l.ranked DESC, department""",
    )
    by_department = grouped(dimensions(con, "scope = 'department'"), "department")
    for entry in found:
        entry["dimensions"] = by_department.get(entry["department"], [])
    return found


def cities(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Cities by score x coverage, over what they hand over by themselves, with the number of their datasets."""
    return rows(
        con,
        """
        SELECT c.*, d.datasets FROM cities c
            JOIN (SELECT unit, count(DISTINCT dataset) AS datasets FROM standing WHERE unit <> '' GROUP BY ALL) d USING (unit)
        ORDER BY c.ranked DESC, c.unit""",
    )


def waived(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """What breaks the department's rules under a waiver that holds."""
    return rows(
        con,
        """
        SELECT w.*, d.title, u.zh AS unit_zh FROM waived w JOIN datasets d USING (dataset) LEFT JOIN units u ON u.unit = w.unit
        WHERE w.department = ? ORDER BY w.until, w.dataset, w.rule, w.unit""",
        [department],
    )


def models(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Base and thematic datasets, with their totals (None before a check), the rules that fail and those still lacking."""
    found = rows(
        con,
        """
        SELECT d.*, s.score, s.coverage, s.ranked, s.grade
        FROM datasets d LEFT JOIN scores s ON s.dataset = d.dataset AND s.scope = 'dataset' AND s.level = 'total'
        WHERE d.layer <> 'sources' ORDER BY d.layer, d.department, d.dataset""",
    )
    failing = grouped(rows(con, "FROM failing_rules"), "dataset")
    lacks = lacking(con)
    for entry in found:
        entry["failing"] = failing.get(entry["dataset"], [])
        entry["lacking"] = lacks.get(entry["dataset"], [])
    return found


def lacking(con: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """By dataset, the kinds of rules that its contract calls for and its suite lacks, each with the columns (`of`)."""
    found = rows(
        con,
        """
        SELECT l.dataset, l.kind, l.indicator, l.wanted, array_to_string(l.columns, ', ') AS columns,
            CASE WHEN l.kind = 'quality' THEN concat_ws(' ', l.asks_zh, nullif(l.asks_en, l.asks_zh))
                ELSE array_to_string(list_transform(l.columns, n -> coalesce(t.titles[n], n)), '＋') END AS title
        FROM called l LEFT JOIN (SELECT dataset, map(list("column"), list(title)) AS titles FROM columns GROUP BY ALL) t USING (dataset)
        WHERE len(l.met_by) = 0 ORDER BY l.dataset, l.position""",
    )
    by: dict[str, list[Row]] = {}
    for dataset, calls in grouped(found, "dataset").items():
        for kind, of in grouped(calls, "kind").items():
            said = KINDS[kind]
            one = {"zh": said.zh, "en": said.en, "indicator": of[0]["indicator"], "wanted": of[0]["wanted"], "of": of, "count": len(of)}
            by.setdefault(dataset, []).append(one)
    return by


def dimensions(con: duckdb.DuckDBPyConnection, where: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """Scores by dimension of the things that `where` chooses, in the order of the standard."""
    return rows(
        con,
        f"""
        SELECT s.*, i.zh, i.en FROM scores s
            JOIN (SELECT DISTINCT dimension, dimension_zh AS zh, dimension_en AS en FROM indicators) i USING (dimension)
        WHERE s.level = 'dimension' AND s.{where} ORDER BY s.department, s.dataset, s.unit, s.dimension""",
        parameters,
    )


def indicators(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """The department's indicators that the standard asks for, with the number of its rules."""
    return rows(
        con,
        """
        SELECT s.dimension, s.indicator, i.zh, i.en, i.better, s.measure, s.score, s.coverage, i.weight, coalesce(r.rules, 0) AS rules
        FROM scores s JOIN indicators i USING (indicator) LEFT JOIN (
            SELECT indicator, count(*) AS rules FROM rules JOIN datasets USING (dataset) WHERE department = ? GROUP BY ALL) r
            USING (indicator)
        WHERE s.level = 'indicator' AND s.scope = 'department' AND s.department = ? AND i.weight > 0 ORDER BY s.indicator""",
        [department, department],
    )


def failing(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """The department's failing rules, the most urgent first; each with where it fails, worst first, and masked examples."""
    found = rows(
        con,
        "SELECT f.*, d.title FROM failing_rules f JOIN datasets d USING (dataset) WHERE f.department = ?"
        " ORDER BY urgency DESC, f.dataset, f.rule",
        [department],
    )
    where = places(con, department)
    contradicting = {
        "value": "本方的值",
        "since": "自",
        **{d["dataset"]: d["title"] for d in rows(con, "SELECT dataset, title FROM datasets")},
    }
    titles: dict[str, dict[str, str]] = {}
    for column in rows(con, 'SELECT dataset, "column", title FROM columns'):
        titles.setdefault(column["dataset"], {})[column["column"]] = column["title"]
    for rule in found:
        here = where[(rule["dataset"], rule["rule"])]
        one_source = len({p["source"] for p in here}) < len(here)  # a table or an address: only the period tells batches apart
        locate(con, here[:UNITS_SHOWN])
        for place in here[:UNITS_SHOWN]:
            place["by_period"] = not place["unit"] and (one_source or not place["source"])
        rule["places"] = here[:UNITS_SHOWN]
        rule["more_places"] = len(here) - len(rule["places"])
        rule["more_rows"] = sum(p["unexpected"] for p in here[UNITS_SHOWN:])
        crossed = any(place["crossed"] for place in here[:UNITS_SHOWN])
        rule["examples"] = _examples(here, contradicting if crossed else titles.get(rule["dataset"], {}))
        # A batch's note counts that batch's rows; it helps only where there are no rows to show, or to say who judged them.
        shown = rule["examples"] or any(p["positions"] for p in rule["places"])
        noted = [p["note"] for p in here if p["note"] and not (shown and not _in_gx(p))]
        rule["note"] = next(iter(noted), "")
        rule["copies"] = _copies(rule, here)
        rule["share"] = rule["rows"] / rule["evaluated"] if rule["evaluated"] else None
    return found


def failing_places(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """Every failing rule on every batch, the most urgent rule first."""
    return rows(
        con,
        """
        SELECT d.title, r.unit, u.zh AS unit_zh, r.period, b.source, f.title_zh, greatest(coalesce(r.unexpected, 0), 1) AS "rows", f.since,
            f.blocking, f.remedy_zh, f.indicator, f.rule
        FROM standing_results r
            JOIN failing_rules f ON f.dataset = r.dataset AND f.rule = r.rule JOIN datasets d ON d.dataset = r.dataset
            LEFT JOIN batches b ON b.batch = r.batch LEFT JOIN units u ON u.unit = r.unit
        WHERE r.department = ? AND r.outcome = 'failed'
        ORDER BY f.urgency DESC, f.dataset, f.rule, "rows" DESC, r.batch""",
        [department],
    )


def _in_gx(place: Row) -> bool:
    """Whether the rule did not compile and Great Expectations judged it, perhaps on a sample."""
    try:
        return bool(json.loads(place["result"] or "{}").get("meta", {}).get("in_gx"))
    except (ValueError, AttributeError):
        return False


def _copies(rule: Row, places: Sequence[Row]) -> Row | None:
    """Of a rule on uniqueness, how many extra rows the score counts, where every result says it; None of other rules."""
    if rule["indicator"] not in DUPLICATES:
        return None
    said = [json.loads(p["result"] or "{}").get("result", {}).get("extra_copies") for p in places]
    known = all(isinstance(n, int) for n in said)
    return {"known": known, "extra": sum(said) if known else None}


def _examples(places: Sequence[Row], titles: Mapping[str, str]) -> list[str]:
    """Masked values, no one twice; a pair or compound key as its parts, under the titles of their columns."""
    shown: dict[str, None] = {}
    for place in places:
        for value in listed(place, "partial_unexpected_list"):
            shown.setdefault(_spoken(value, titles))
            if len(shown) == EXAMPLES_SHOWN:
                return list(shown)
    return list(shown)


def _spoken(value: Any, titles: Mapping[str, str]) -> str:
    if value is None or value == "":
        return "（空）"
    if isinstance(value, dict):
        return "；".join(f"{titles.get(k, k)} {_spoken(v, titles)}" for k, v in value.items())
    if isinstance(value, list):
        return " / ".join(_spoken(v, titles) for v in value)
    return str(value)


def datasets(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """The department's datasets: their totals, what stands, repairs, rules that passed or could not be assessed, units."""
    found = rows(
        con,
        """
        WITH handed AS (
            SELECT s.dataset, count(*) AS batches, count(DISTINCT s.unit) AS units, sum(s.rows)::BIGINT AS "rows",
                sum(b.rows_quarantine)::BIGINT AS quarantined, sum(b.rows_rejected)::BIGINT AS rejected,
                min(s.period) AS first, max(s.period) AS last
            FROM standing s JOIN batches b ON b.batch = s.batch WHERE s.department = $1 GROUP BY ALL),
        broken AS (
            SELECT i.dataset, count(DISTINCT (i.batch, i."row")) AS broken
            FROM issues i JOIN standing s ON s.batch = i.batch AND s.dataset = i.dataset WHERE s.department = $1 GROUP BY ALL)
        SELECT d.*, t.score, t.coverage, t.ranked, t.grade, coalesce(h.batches, 0) AS batches, coalesce(h.units, 0) AS units,
            coalesce(h."rows", 0) AS "rows", coalesce(h.quarantined, 0) AS quarantined, coalesce(h.rejected, 0) AS rejected,
            h.first, h.last, coalesce(b.broken, 0) AS broken
        FROM datasets d LEFT JOIN scores t ON t.dataset = d.dataset AND t.scope = 'dataset' AND t.level = 'total'
            LEFT JOIN handed h ON h.dataset = d.dataset LEFT JOIN broken b ON b.dataset = d.dataset
        WHERE d.department = $1 AND d.layer = 'sources' ORDER BY d.dataset""",
        [department],
    )
    by = {name: grouped(part(con, department), "dataset") for name, part in _PARTS.items()}
    lacks = lacking(con)
    for dataset in found:
        dataset["lacking"] = lacks.get(dataset["dataset"], [])
        for name, of_dataset in by.items():
            dataset[name] = of_dataset.get(dataset["dataset"], [])
    return found


def _dimensions(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return dimensions(con, "scope = 'dataset' AND s.department = ?", [department])


def _passed(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return rows(
        con,
        """
        SELECT s.dataset, s.rule, r.title_zh, r.title_en, s.b FROM scores s JOIN rules r ON r.dataset = s.dataset AND r.rule = s.rule
        WHERE s.scope = 'dataset' AND s.level = 'rule' AND s.department = ? AND s.b > 0
            AND (s.dataset, s.rule) NOT IN (SELECT (dataset, rule) FROM failing_rules) ORDER BY r.position""",
        [department],
    )


def _not_assessed(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    """Rules that were not assessed on all the rows that stand, with the reason where one was written down."""
    return rows(
        con,
        """
        SELECT s.dataset, s.rule, r.title_zh, r.title_en, s.coverage, n.note, coalesce(n.batches, 0) AS batches
        FROM scores s JOIN rules r ON r.dataset = s.dataset AND r.rule = s.rule
            LEFT JOIN (SELECT dataset, rule, max(note) AS note, count(*) AS batches FROM not_assessable GROUP BY ALL) n
            ON n.dataset = s.dataset AND n.rule = s.rule
        WHERE s.scope = 'dataset' AND s.level = 'rule' AND s.department = ? AND s.coverage < 1 ORDER BY s.coverage, r.position""",
        [department],
    )


def _repairs(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return rows(
        con,
        """
        SELECT r.dataset, c.title, c.header, r.kind, sum(r."rows")::BIGINT AS cells
        FROM repairs r JOIN standing s ON s.batch = r.batch AND s.dataset = r.dataset
            LEFT JOIN columns c ON c.dataset = r.dataset AND c."column" = r."column"
        WHERE s.department = ? GROUP BY ALL ORDER BY cells DESC, r.dataset, c.header, r.kind""",
        [department],
    )


def _rejects(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return rows(
        con,
        f"""
        SELECT r.dataset, s.unit, u.zh AS unit_zh, s.period, b.source, r."row", r.lines, r.reason, r.text
        FROM rejects r JOIN standing s ON s.batch = r.batch JOIN batches b ON b.batch = r.batch LEFT JOIN units u ON u.unit = s.unit
        WHERE s.department = ?
        QUALIFY row_number() OVER (PARTITION BY r.dataset ORDER BY s.period DESC, s.unit, r.batch, r."row") <= {REJECTS_SHOWN}
        ORDER BY s.period DESC, s.unit, r.batch, r."row\"""",
        [department],
    )


def _units(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return rows(
        con,
        """
        WITH handed AS (
            SELECT s.dataset, s.unit, sum(s.rows)::BIGINT AS "rows", sum(b.rows_quarantine)::BIGINT AS quarantined,
                sum(b.rows_rejected)::BIGINT AS rejected, max(s.period) AS last
            FROM standing s JOIN batches b ON b.batch = s.batch WHERE s.department = $1 GROUP BY ALL),
        broken AS (
            SELECT s.dataset, s.unit, count(DISTINCT (i.batch, i."row")) AS broken
            FROM issues i JOIN standing s ON s.batch = i.batch AND s.dataset = i.dataset WHERE s.department = $1 GROUP BY ALL)
        SELECT t.dataset, t.unit, u.zh AS unit_zh, t.score, t.coverage, t.ranked, t.grade, h."rows", h.quarantined, h.rejected, h.last,
            coalesce(b.broken, 0) AS broken
        FROM scores t JOIN handed h ON h.dataset = t.dataset AND h.unit = t.unit LEFT JOIN units u ON u.unit = t.unit
            LEFT JOIN broken b ON b.dataset = t.dataset AND b.unit = t.unit
        WHERE t.scope = 'unit' AND t.level = 'total' AND t.department = $1 AND t.unit <> '' ORDER BY t.ranked DESC, t.unit""",
        [department],
    )


def _handed(con: duckdb.DuckDBPyConnection, department: str) -> list[Row]:
    return rows(
        con,
        """
        SELECT dataset, status, count(*) AS n FROM batches JOIN datasets USING (dataset) WHERE datasets.department = ? GROUP BY ALL
        ORDER BY n DESC, dataset, status""",
        [department],
    )


_PARTS = {
    "dimensions": _dimensions,
    "passed": _passed,
    "not_assessed": _not_assessed,
    "repairs": _repairs,
    "rejects": _rejects,
    "unit_scores": _units,
    "handed": _handed,
}


def handovers(con: duckdb.DuckDBPyConnection, department: str) -> tuple[list[Row], int]:
    """The newest hand-overs, those refused first, and how many there are in all."""
    found = rows(
        con,
        f"""
        SELECT b.*, d.title, u.zh AS unit_zh, count(*) OVER () AS every
        FROM batches b JOIN datasets d USING (dataset) LEFT JOIN units u ON u.unit = b.unit WHERE d.department = ?
        ORDER BY b.status NOT IN ('refused', 'collected'), b.received_at DESC NULLS LAST, b.source, b.batch LIMIT {HANDOVERS_SHOWN}""",
        [department],
    )
    return found, found[0]["every"] if found else 0


def grouped(found: Sequence[Row], key: str) -> dict[str, list[Row]]:
    by: dict[str, list[Row]] = {}
    for row in found:
        by.setdefault(row[key], []).append(row)
    return by
