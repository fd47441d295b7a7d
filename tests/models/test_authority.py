"""Whose word counts: each form of an order of authority, on three sources that say different things of one key."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from assets.models.fusion import fuse, read_fusion
from assets.models.sql import read_model
from assets.project import Project
from expectations.documents import DocumentError
from tests.models.conftest import write_model, write_source

KEY = "      - {name: id, businessName: 号, logicalType: string, primaryKey: true}"
VALUE = "      - {name: v, businessName: 值, logicalType: string}"
SELECT = (
    """SELECT x.id AS "id", x.v AS "v", '{0}' AS "_source", x.e AS "_event", x._batch AS "_batch", x._row AS "_row" FROM std.{0} AS x"""
)


def declared(root, authority, further=""):
    columns = f"{KEY}\n{VALUE[:-1]}, customProperties: [{{property: authority, value: {authority}}}]}}\n{further}"
    for name in "abc":
        write_source(root, name, f"{KEY}\n{VALUE}\n      - {{name: seen, businessName: 时, logicalType: timestamp}}", "full")
    write_model(root, "one", columns, " UNION ALL ".join(SELECT.format(name) for name in "abc"))
    return Project(root, root / "data").contracts["one"]


def fused(root, authority, said, *, further="", as_of="2026-06-30", shown="v, _winner.v"):
    """What is made of one key `9k`; `said`: source, value, event."""
    contract = declared(root, authority, further)
    con = duckdb.connect()
    values = ", ".join(f"('9k', {v!r}, {s!r}, {e!r}::DATE, 'b{n}', {n})".replace("None", "NULL") for n, (s, v, e) in enumerate(said))
    candidates = f"SELECT * FROM (VALUES {values}) AS t(id, v, _source, _event, _batch, _row)"
    fusion = read_fusion(contract, read_model(contract))
    rows = fuse(con, fusion, candidates, as_of=f"CAST({as_of!r} AS DATE)")
    return con.execute(f"SELECT {shown} FROM ({rows})").fetchone()


BY_HEAD = "[{source: a, when: \"id[1:1] = '5'\"}, {source: b, when: \"id[1:1] = '9'\"}]"
YEARLY = "[{source: a, within: 12 months}, {source: b, within: 12 months}]"


@pytest.mark.parametrize(
    ("authority", "said", "wins"),
    [
        ("[b, a]", [("a", "甲", "2026-05-01"), ("b", "乙", "2020-01-01")], ("乙", "b")),
        ("[b, a]", [("a", "甲", "2026-05-01"), ("b", None, "2026-05-02")], ("甲", "a")),
        # by condition over the key, and over what the source itself says
        (BY_HEAD, [("a", "甲", "2026-05-01"), ("b", "乙", "2020-01-01")], ("乙", "b")),
        ("[{source: a, when: \"v <> '甲'\"}, b]", [("a", "甲", "2026-05-01"), ("b", "乙", "2020-01-01")], ("乙", "b")),
        ("[{source: a, when: \"v <> '甲'\"}, b]", [("a", "甲", "2026-05-01")], (None, None)),
        ("[{source: a, when: \"v <> '甲'\"}, b, a]", [("a", "甲", "2026-05-01")], ("甲", "a")),
        ("[{source: a, when: \"_event >= DATE '2026-01-01'\"}, b]", [("a", "甲", "2025-12-31"), ("b", "乙", "2020-01-01")], ("乙", "b")),
        # within an age, counted at 2026-06-30
        ("[{source: a, within: 12 months}, b]", [("a", "甲", "2025-06-30"), ("b", "乙", "2026-01-01")], ("甲", "a")),
        ("[{source: a, within: 12 months}, b]", [("a", "甲", "2025-06-29"), ("b", "乙", "2020-01-01")], ("乙", "b")),
        (YEARLY, [("a", "甲", "2024-01-01"), ("b", "乙", "2024-02-01")], ("乙", "b")),
        ("[{source: a, within: 12 months}, b]", [("a", "甲", None)], ("甲", "a")),
        # equals: the later event, then the value that more say, then the fuller one, then the order
        ("[{newest: [a, b]}]", [("a", "甲", "2026-01-01"), ("b", "乙", "2026-01-02")], ("乙", "b")),
        ("[{newest: [a, b, c]}]", [("a", "甲甲", "2026-01-01"), ("b", "乙", "2026-01-01"), ("c", "乙", "2025-01-01")], ("乙", "b")),
        ("[{newest: [a, b]}]", [("a", "甲", "2026-01-01"), ("b", "乙乙", "2026-01-01")], ("乙乙", "b")),
        ("[{newest: [b, a]}]", [("a", "甲", "2026-01-01"), ("b", "乙", "2026-01-01")], ("乙", "b")),
        ("[{newest: [a, b], within: 12 months}, c]", [("b", "乙", "2024-02-01"), ("c", "丙", "2020-01-01")], ("丙", "c")),
        ("[{newest: [a, b], within: 12 months}]", [("a", "甲", "2024-01-01"), ("b", "乙", "2024-02-01")], ("乙", "b")),
    ],
)  # fmt: skip
def test_whose_word_counts(tmp_path, authority, said, wins):
    assert fused(tmp_path, authority, said) == wins


def test_what_is_too_old_is_marked_and_says_when_the_rest_will_be(tmp_path):
    limited = "[{source: a, within: 12 months}, {source: b, within: 2 years}]"
    said = [("a", "甲", "2025-08-31"), ("b", "乙", "2026-01-01")]
    shown = "v, _old, _until"
    assert fused(tmp_path / "1", limited, said, shown=shown) == ("甲", None, date(2026, 9, 1))
    assert fused(tmp_path / "2", limited, said, shown=shown, as_of="2026-09-01")[:2] == ("乙", None)
    assert fused(tmp_path / "3", limited, said, shown=shown, as_of="2030-01-01") == ("乙", ["v"], None)


def test_dissenters_are_kept_with_what_they_say(tmp_path):
    said = [("a", "甲", "2026-01-01"), ("b", "乙", "2026-02-01"), ("c", "乙", "2026-03-01")]
    shown = "v, _differs, _said, _outvoted, _from.c.event, _from.c.batch"
    value, differs, told, outvoted, event, batch = fused(tmp_path, "[a, b, c]", said, shown=shown)
    assert (value, differs, outvoted, event, batch) == ("甲", ["v"], ["v"], "2026-03-01 00:00:00", "b2")
    assert [(s["source"], s["value"]) for s in told] == [("a", "甲"), ("b", "乙"), ("c", "乙")]
    assert fused(tmp_path / "2", "[a, b, c]", said[1:], shown="_differs, _said, _outvoted") == (None, None, None)


LIFE = "CASE WHEN sources >= 2 THEN 'dead' WHEN v IS NOT NULL THEN 'reported' ELSE 'alive' END"
DEATHS = f"""      - {{name: sources, businessName: 数, logicalType: integer, customProperties: [{{property: agreement, value: v}}]}}
      - {{name: life, businessName: 生, logicalType: string, customProperties: [{{property: derived, value: "{LIFE}"}}]}}"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([("a", "2026-01-01", None), ("b", "2026-01-02", None)], ("2026-01-01", 2, "dead")),
        ([("c", "2026-01-02", None), ("a", None, None)], ("2026-01-02", 1, "reported")),
        ([("a", None, None)], (None, 0, "alive")),
    ],
)
def test_how_many_say_so_and_what_follows(tmp_path, said, expected):
    assert fused(tmp_path, "[a, b, c]", said, further=DEATHS, shown="v, sources, life") == expected


@pytest.mark.parametrize(
    ("authority", "found"),
    [
        ("[d]", "'d' has authority over v"),
        ("[{source: a, wen: 'TRUE'}]", "unknown key 'wen'"),
        ("[{source: a, when: 'w = 1'}]", "no column 'w'"),
        ("[{source: a, when: 'v ='}]", "not SQL"),
        ("[{source: a, when: 'max(v) = v'}]", "more than one row"),
        ("[{source: a, within: 12}]", "Write a number and days, months or years"),
        ("[7]", "authority entry 7"),
    ],
)
def test_a_wrong_order_is_refused_with_its_line(tmp_path, authority, found):
    contract = declared(tmp_path, authority)
    with pytest.raises(DocumentError, match=found) as caught:
        read_fusion(contract, read_model(contract))
    assert caught.value.line is not None
