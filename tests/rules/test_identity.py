"""Resident ids and credit codes: the published vectors, and SQL and Python saying the same word of any text."""

# ruff: noqa: E501 - tables read better in one line
from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.lake import insert
from expectations import identity
from expectations.codes import CodeTables
from expectations.compiler.ir import Column, Expression
from expectations.compiler.rules.identity import CREDIT_WORDS, RESIDENT_WORDS, credit_word, resident_word
from expectations.compiler.writing import Layers

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
CODES = CodeTables()
DIVISIONS = identity.Divisions.of(CODES.get("division"))
TODAY = date(2026, 11, 25)
SQL: dict[str, Expression] = {
    "rid": resident_word(Column("v"), DIVISIONS),
    "uscc": credit_word(
        Column("v"), DIVISIONS, tuple(CODES.get("credit_code_category").codes), tuple(CODES.get("credit_code_pilot").codes)
    ),
}


def python_word(kind: str, text: str) -> str:
    return identity.classify_resident_id(text, as_of=TODAY) if kind == "rid" else identity.classify_credit_code(text)


def sql_words(kind: str, texts: list[str | None]) -> list[str | None]:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE data (n BIGINT, v VARCHAR)")
        insert(con, "data", list(enumerate(texts)))
        layers = Layers(TODAY, "data", [SQL[kind]])
        return [row[0] for row in con.execute(f"SELECT {layers.sql(SQL[kind])} FROM {layers.source} ORDER BY n").fetchall()]


@pytest.mark.parametrize("kind", ["rid", "uscc"])
def test_vectors(kind: str) -> None:
    path = VECTORS / f"vectors_{kind}.csv"
    if not path.exists():
        pytest.skip(f"the published vectors are not beside the project: {path}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [row["expect"] for row in rows]
    assert [python_word(kind, row["value"]) for row in rows] == expected
    assert sql_words(kind, [row["value"] for row in rows]) == expected


def test_null_stays_null() -> None:
    assert sql_words("rid", [None]) == sql_words("uscc", [None]) == [None]


SPOILT = st.sampled_from(["", " ", "x", "X", "\u3000", "０", "\n", "'", "A", "é", "𠮷"])


@st.composite
def resident_ids(draw: st.DrawFn) -> str:
    place = draw(
        st.sampled_from(
            [
                "219901",
                "219914",
                "219921",
                "219915",
                "210102",
                "210122",
                "210400",
                "210101",
                "440500",
                "000000",
                "660101",
                "110105",
                "219003",
            ]
        )
    )
    day = (
        draw(st.dates(date(1795, 1, 1), date(2120, 12, 31))).strftime("%Y%m%d")
        if draw(st.booleans())
        else draw(st.from_regex("(19|20)00022[89]|[0-9]{8}", fullmatch=True))
    )
    body = place + day + draw(st.from_regex("[0-9]{3}", fullmatch=True))
    form = draw(st.sampled_from(["full", "full", "full", "wrong", "short", "text"]))
    if form == "short":
        return place + day[2:] + body[14:]
    if form == "text":
        return draw(st.text(max_size=20))
    text = body + (identity.resident_check(body) if form == "full" else draw(st.sampled_from("0123456789Xx")))
    return draw(SPOILT) + text.lower() if draw(st.booleans()) else text + draw(SPOILT)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    head = draw(st.sampled_from(["91", "92", "11", "51", "N2", "Y1", "A9", "94", "A2", "I1"]))
    place = draw(st.sampled_from(["210102", "210122", "219901", "219900", "100000", "330100", "660000", "21SF00"]))
    body = draw(st.from_regex("[0-9A-HJ-NPQRTUWXY]{8}", fullmatch=True))
    text = head + place + body + (identity.organisation_check(body) if draw(st.booleans()) else "0")
    good = set(text) <= set(identity.CREDIT_ALPHABET)
    text += identity.credit_check(text) if good and draw(st.booleans()) else draw(st.sampled_from(identity.CREDIT_ALPHABET + "OIZ"))
    return text.lower() + draw(SPOILT) if draw(st.booleans()) else text


@settings(max_examples=15, deadline=None)
@given(st.lists(resident_ids(), min_size=40, max_size=40))
def test_resident_ids_get_the_same_word_in_sql(texts: list[str]) -> None:
    texts = [t.replace("\0", "") for t in texts]
    words = [python_word("rid", t) for t in texts]
    assert sql_words("rid", list(texts)) == words
    assert set(words) <= set(RESIDENT_WORDS)


@settings(max_examples=15, deadline=None)
@given(st.lists(credit_codes(), min_size=40, max_size=40))
def test_credit_codes_get_the_same_word_in_sql(texts: list[str]) -> None:
    words = [python_word("uscc", t) for t in texts]
    assert sql_words("uscc", list(texts)) == words
    assert set(words) <= set(CREDIT_WORDS)


def test_every_single_error_in_a_check_is_found() -> None:
    body = "21990119900101001"
    good = body + identity.resident_check(body)
    wrong = [good[:i] + d + good[i + 1 :] for i in range(14, 17) for d in "0123456789" if d != good[i]]
    assert sql_words("rid", [good, *wrong]) == ["valid"] + ["bad_check"] * len(wrong)


@pytest.mark.parametrize(
    ("born", "word"),
    [("19000228", "valid"), ("19000229", "bad_date"), ("20000229", "valid"), ("20240229", "valid"), ("20230229", "bad_date"), ("20261125", "valid"), ("20261126", "future_date"), ("17991231", "bad_date"), ("18000101", "valid"), ("21000229", "bad_date")],
)  # fmt: skip
def test_dates_at_the_edges(born: str, word: str) -> None:
    body = f"219901{born}001"
    text = body + identity.resident_check(body)
    assert python_word("rid", text) == word
    assert sql_words("rid", [text]) == [word]
