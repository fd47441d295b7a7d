"""The rules as polars expressions that are true of the rows that hold, for the libraries on polars."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl


def frame(file: Path, told: dict[str, Any]) -> pl.LazyFrame:
    """The columns that the rules read, not yet read."""
    return pl.scan_parquet(file).select(told["columns"])


def _checks(told: dict[str, Any]) -> pl.Expr:
    """Whether the 18th character of the id is the check character of the 17 before it."""
    identity = pl.col("id_number")
    total = pl.lit(0, pl.Int64)
    number = identity.str.slice(0, 17).cast(pl.Int64, strict=False)
    for k in range(17):
        total = total + number // 10**k % 10 * (2 ** (k + 1) % 11)
    wanted = (total % 11).replace_strict(dict(enumerate(told["check_characters"])), return_dtype=pl.String, default=None)
    return wanted == identity.str.slice(17, 1)


def holds(rule: dict[str, Any], told: dict[str, Any]) -> pl.Expr:
    """True where a row keeps the rule, or has nothing to judge; never null."""
    column = pl.col(rule["column"]) if "column" in rule else pl.col("id_number")
    match rule["type"].removeprefix("expect_column_").removeprefix("values_to_"):
        case "not_be_null":
            return column.is_not_null()
        case "be_null":
            return ((pl.col("dead") == "0") & column.is_not_null()).fill_null(False).not_()
        case "be_in_set":
            return column.is_in(rule["value_set"]).fill_null(True)
        case "not_be_in_set":
            return column.is_in(rule["value_set"]).not_().fill_null(True)
        case "be_division":
            return column.is_in(told["counties"]).fill_null(True)
        case "match_regex":
            return column.str.contains(rule["regex"]).fill_null(True)
        case "not_match_regex":
            return column.str.contains(rule["regex"]).not_().fill_null(True)
        case "be_between":
            low, high = (datetime.fromisoformat(rule[bound]) for bound in ("min_value", "max_value"))
            return column.is_between(low, high).fill_null(True)
        case "parse":
            return column.is_not_null() | pl.col(f"{rule['column']}__text").is_null()
        case "pair_values_a_to_be_greater_than_b":
            return (pl.col(rule["column_A"]) >= pl.col(rule["column_B"])).fill_null(True)
        case "be_resident_id":
            timely = column.str.slice(6, 8) <= told["today"]
            return column.is_null() | (column.str.contains(told["resident_id"]) & timely & _checks(told)).fill_null(False)
        case "pair_resident_id_and_sex_to_agree":
            length = column.str.len_chars()
            digit = pl.when(length == 18).then(column.str.slice(16, 1)).when(length == 15).then(column.str.slice(14, 1))
            odd, even = digit.is_in(list("13579")), digit.is_in(list("02468"))
            return ((odd & (pl.col("sex") == "2")) | (even & (pl.col("sex") == "1"))).fill_null(False).not_()
        case "pair_resident_id_and_birth_date_to_agree":
            length, born = column.str.len_chars(), pl.col("birth_date").dt.strftime("%Y%m%d")
            long, short = column.str.slice(6, 8) == born, column.str.slice(6, 6) == born.str.slice(2, 6)
            return pl.when(length == 18).then(long).when(length == 15).then(short).otherwise(True).fill_null(True)
    keys = [pl.col(k) for k in rule.get("column_list") or [rule["column"]]]
    some_missing = pl.any_horizontal(*(k.is_null() for k in keys))
    return some_missing | pl.struct(keys).is_unique() if len(keys) > 1 else keys[0].is_null() | keys[0].is_unique()
