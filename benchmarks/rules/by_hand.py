"""The rules as somebody writes them in DuckDB's SQL by hand: a bare scan, one mask, and the queries of GX's own DuckDB engine.

`bare` decodes every column that the rules read. `mask` is the design that Yuanqing began with: each rule one bit of a BIGINT, one
GROUP BY, two more for the keys. `pattern` is what Great Expectations' native DuckDB engine does (its pull request 12084): rows
into a temporary table; one aggregate query a domain with two sums a rule; then for each rule its first rows by a query of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Rule = dict[str, Any]
Counts = dict[str, int]


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def listed(values: list[str]) -> str:
    return "[" + ", ".join(map(text, values)) + "]"


def binary(number: str, digits: int) -> str:
    """The digits of a number read with base 2."""
    return f"({number} - 8 * ({' + '.join(f'{2 ** (k - 1)} * ({number} // {10**k})' for k in range(1, digits))}))"


def unexpected(rule: Rule, told: dict[str, Any]) -> str | None:
    """The rows that break a rule, as a predicate; None for the rules on keys.

    Reads `id_high` and `id_low`, the 17 digits of an id in two numbers.
    """
    column = rule.get("column")
    match rule["type"].removeprefix("expect_column_").removeprefix("values_to_"):
        case "not_be_null":
            return f"{column} IS NULL"
        case "be_null":
            return f"dead = '0' AND {column} IS NOT NULL"
        case "be_in_set":
            return f"NOT list_contains({listed(rule['value_set'])}, {column})"
        case "not_be_in_set":
            return f"list_contains({listed(rule['value_set'])}, {column})"
        case "be_division":
            return f"NOT list_contains({listed(told['counties'])}, {column})"
        case "match_regex":
            return f"NOT regexp_matches({column}, {text(rule['regex'])})"
        case "not_match_regex":
            return f"regexp_matches({column}, {text(rule['regex'])})"
        case "be_between":
            return f"{column} NOT BETWEEN {text(rule['min_value'])}::TIMESTAMP AND {text(rule['max_value'])}::TIMESTAMP"
        case "parse":
            return f"{column} IS NULL AND {column}__text IS NOT NULL"
        case "pair_values_a_to_be_greater_than_b":
            return f"{rule['column_A']} < {rule['column_B']}"
        case "be_resident_id":
            check = f"2 * (512 * {binary('id_high', 8)} + {binary('id_low', 9)}) % 11"
            return (
                f"id_number IS NOT NULL AND NOT coalesce(regexp_matches(id_number, {text(told['resident_id'])})"
                f" AND substr(id_number, 7, 8) <= {text(told['today'])}"
                f" AND substr({text(told['check_characters'])}, {check} + 1, 1) = substr(id_number, 18, 1), FALSE)"
            )
        case "pair_resident_id_and_sex_to_agree":
            digit = "CASE length(id_number) WHEN 18 THEN substr(id_number, 17, 1) WHEN 15 THEN substr(id_number, 15, 1) END"
            man, woman = f"{digit} IN ('1', '3', '5', '7', '9')", f"{digit} IN ('0', '2', '4', '6', '8')"
            return f"coalesce((sex = '2' AND {man}) OR (sex = '1' AND {woman}), FALSE)"
        case "pair_resident_id_and_birth_date_to_agree":
            born = "strftime(birth_date, '%Y%m%d')"
            return (
                f"CASE length(id_number) WHEN 18 THEN substr(id_number, 7, 8) <> {born}"
                f" WHEN 15 THEN substr(id_number, 7, 6) <> substr({born}, 3, 6) ELSE FALSE END"
            )
    return None


def keys(rule: Rule) -> list[str]:
    return rule.get("column_list") or [rule.get("column", "")]


def halves(relation: str) -> str:
    """The relation with the 17 digits of each id in two numbers."""
    return (
        "(SELECT *, CASE WHEN length(id_number) = 18 THEN TRY_CAST(substr(id_number, 1, 8) AS INT) END AS id_high,"
        f" CASE WHEN length(id_number) = 18 THEN TRY_CAST(substr(id_number, 9, 9) AS INT) END AS id_low FROM {relation})"
    )


def bare(con: duckdb.DuckDBPyConnection, relation: str, told: dict[str, Any]) -> Counts:
    """Decode every column, keep nothing."""
    described = dict(row[:2] for row in con.execute(f"DESCRIBE FROM {relation}").fetchall())
    seen = (f"max(strlen({c}))" if described[c] == "VARCHAR" else f"max({c})" for c in told["columns"])
    con.execute(f"SELECT {', '.join(seen)} FROM {relation}").fetchall()
    return {}


def mask(con: duckdb.DuckDBPyConnection, relation: str, told: dict[str, Any]) -> Counts:
    """One scan that groups the rows by the word of the rules that they break, and a GROUP BY a key."""
    rows = [(r["id"], p) for r in told["rules"] if (p := unexpected(r, told))]
    bits = " | ".join(f"CASE WHEN {p} THEN {1 << bit}::BIGINT ELSE 0 END" for bit, (_, p) in enumerate(rows))
    counts = dict.fromkeys((name for name, _ in rows), 0)
    for word, n in con.execute(f"SELECT word, count(*) FROM (SELECT {bits} AS word FROM {halves(relation)}) GROUP BY word").fetchall():
        for bit, (name, _) in enumerate(rows):
            counts[name] += n if word >> bit & 1 else 0
    for rule in told["rules"]:
        if rule["id"] not in counts:
            there = " AND ".join(f"{k} IS NOT NULL" for k in keys(rule))
            grouped = f"SELECT count(*) AS n FROM {relation} WHERE {there} GROUP BY {', '.join(keys(rule))} HAVING n > 1"
            counts[rule["id"]] = con.execute(f"SELECT coalesce(sum(n), 0)::BIGINT FROM ({grouped})").fetchall()[0][0]
    return counts


def pattern(con: duckdb.DuckDBPyConnection, relation: str, told: dict[str, Any]) -> Counts:
    """The queries that GX's DuckDB engine makes for result format BASIC."""
    con.execute(f"CREATE TEMP TABLE batch AS SELECT {', '.join(told['columns'])} FROM {relation}")
    source = halves("batch")
    domains: dict[str, list[tuple[str, str]]] = {}
    shown: list[str] = []
    for rule in told["rules"]:
        predicate, names = unexpected(rule, told), [rule[c] for c in ("column_A", "column_B") if c in rule]
        if predicate is None:
            # as it spells uniqueness: a correlated count over the domain
            names = keys(rule)
            same = " AND ".join(f"t.{n} IS NOT DISTINCT FROM o.{n}" for n in names)
            there = " AND ".join(f"t.{n} IS NOT NULL" for n in names)
            predicate = f"NOT ((SELECT count(*) FROM batch t WHERE {there} AND {same}) < 2)"
        where = "dead = '0'" if "row_condition" in rule else " AND ".join(f"{n} IS NOT NULL" for n in names) or "TRUE"
        domains.setdefault(where, []).append((rule["id"], predicate))
        if "column" in rule:
            domains[where].append(("", f"{rule['column']} IS NULL"))
        wanted = rule.get("column") or ", ".join(names)
        shown.append(f"SELECT {wanted} FROM {source} o WHERE {where} AND ({predicate}) LIMIT 20")
    counts: Counts = {}
    for where, asked in domains.items():
        sums = ", ".join(f"SUM(CASE WHEN {predicate} THEN 1 ELSE 0 END)" for _, predicate in asked)
        figures = con.execute(f"SELECT COUNT(*), {sums} FROM {source} o WHERE {where}").fetchall()[0][1:]
        counts |= {name: int(n or 0) for (name, _), n in zip(asked, figures, strict=True) if name}
        con.execute(f"SELECT COUNT(*) FROM batch WHERE {where}").fetchall()
    for query in shown:
        con.execute(query).fetchall()
    return counts
