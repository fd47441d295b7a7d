"""The kinds of masking: the same for a value and as SQL; the key lies in the data folder only, and without it nothing is undone."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.masking import HIDDEN, KINDS, MaskingError, hide, hide_sql, keyed, mask, mask_sql, masking_key
from assets.project import Project

KEY = bytes(range(32))
TYPED: list[tuple[Any, str, str]] = [
    (date(1990, 5, 1), "DATE", "1990"),
    (datetime(1990, 5, 1, 8, 30), "TIMESTAMP", "1990"),
    (0, "BIGINT", "0~9"),
    (7, "BIGINT", "0~9"),
    (34, "BIGINT", "30~39"),
    (345, "BIGINT", "300~399"),
    (-345, "BIGINT", "-300~399"),
    (1999.5, "DOUBLE", "1000~1999"),
    (float("nan"), "DOUBLE", HIDDEN),
    (float("inf"), "DOUBLE", HIDDEN),
    (Decimal("12.50"), "DECIMAL(10,2)", "10~19"),
    ("21990119491231002X", "VARCHAR", "2199"),
    ("219901", "VARCHAR", "2199"),
    ("辽宁省沈阳市", "VARCHAR", HIDDEN),
    (True, "BOOLEAN", HIDDEN),
    (None, "DATE", None),  # type: ignore[list-item]
]


@pytest.fixture(scope="module")
def con() -> Any:
    with duckdb.connect() as made, keyed(made, KEY):
        yield made


def by_sql(con: duckdb.DuckDBPyConnection, value: Any, kind: str, sql_type: str = "VARCHAR") -> str | None:
    sql = hide_sql("v", kind, scope="t.c", sql_type=sql_type)
    row = con.execute(f"SELECT {sql} FROM (SELECT CAST(? AS {sql_type}) AS v)", [value]).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("value", "sql_type", "shown"), TYPED)
def test_a_coarser_value(con: duckdb.DuckDBPyConnection, value: Any, sql_type: str, shown: str | None) -> None:
    assert hide(value, "generalise") == shown
    assert by_sql(con, value, "generalise", sql_type) == shown


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    | st.from_regex(r"[0-9]{6,18}X?", fullmatch=True)
)
def test_text_is_hidden_alike_as_a_value_and_in_sql(con: duckdb.DuckDBPyConnection, text: str) -> None:
    for kind in KINDS:
        assert by_sql(con, text, kind) == hide(text, kind, key=KEY, scope="t.c"), kind
    for level in (1, 2, 3, 4):
        assert con.execute(f"SELECT {mask_sql('v', level)} FROM (SELECT ? AS v)", [text]).fetchone() == (mask(text, level),)


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**17), 10**17))
def test_numbers_lie_in_their_band(con: duckdb.DuckDBPyConnection, number: int) -> None:
    shown = hide(number, "generalise")
    assert by_sql(con, number, "generalise", "BIGINT") == shown
    assert shown is not None
    low, high = map(int, shown.removeprefix("-").split("~"))
    assert low <= abs(number) <= high


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stays_nothing(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert hide(None, kind, key=KEY) is None
    assert by_sql(con, None, kind) is None


def test_a_hash_is_hmac_of_the_standard_library_and_of_its_scope(con: duckdb.DuckDBPyConnection) -> None:
    expected = hmac.new(KEY, "t.c|张三".encode(), hashlib.sha256).hexdigest()[:32]
    assert hide("张三", "hash", key=KEY, scope="t.c") == by_sql(con, "张三", "hash") == expected
    assert hide("张三", "hash", key=KEY, scope="t.d") != expected
    assert hide("张三", "hash", key=KEY[::-1], scope="t.c") != expected


def test_a_hash_without_a_key_is_refused() -> None:
    with pytest.raises(MaskingError, match="masking_key"):
        hide("张三", "hash")
    with duckdb.connect() as con:
        assert con.execute(f"SELECT {hide_sql('v', 'hash')} FROM (SELECT '张三' AS v)").fetchone() == (None,)
        with keyed(con, KEY):
            pass
        assert con.execute(f"SELECT {hide_sql('v', 'hash')} FROM (SELECT '张三' AS v)").fetchone() == (None,)


def test_an_unknown_kind_is_refused() -> None:
    for call in (lambda: hide("x", "blur"), lambda: hide_sql("x", "blur")):
        with pytest.raises(ValueError, match="'blur': not one of full, partial, hash, generalise"):
            call()


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "data")
    with ThreadPoolExecutor(1) as pool:
        keys = {masking_key(project), pool.submit(masking_key, project).result()}
    assert len(keys) == 1
    path = project.data / "masking.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in project.data.iterdir()] == ["masking.key"]
    assert masking_key(Project(tmp_path, tmp_path / "other")) not in keys
    path.chmod(0o640)
    with pytest.raises(MaskingError, match="chmod 600"):
        masking_key(project)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(MaskingError, match="5 bytes, expected 32"):
        masking_key(project)


def test_the_key_is_in_no_message_statement_or_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = Project(tmp_path, tmp_path / "data")
    caplog.set_level(logging.DEBUG)
    key = masking_key(project)
    with duckdb.connect() as con, keyed(con, key):
        with pytest.raises(duckdb.Error) as caught:
            con.execute(f"SELECT {hide_sql('nothing', 'hash', scope='t.c')}")
        told = str(caught.value) + caplog.text + hide_sql("v", "hash")
    for shape in (key.hex(), repr(key), os.fsdecode(key)):
        assert shape not in told
