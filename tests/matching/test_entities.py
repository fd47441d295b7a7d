"""Entities without a good credit code, held against the base of legal entities by its own declaration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.lake import open_lake
from assets.matching import MatchingError, match
from assets.matching.running import most
from assets.project import CODE, Project
from tests.models.test_provisional import Lake

FIRM, SHOP, TWIN = "91210102MA0058GK1C", "92210102MA0000007W", "91210202MA008FYU39"
REP = "219901197001010015"
DAY = date(2026, 9, 5)
REGISTERED = [
    {"entity_key": "1", "uscc": FIRM, "reg_no": "2101", "name": "沈阳示例（集团）有限公司", "former_name": "沈阳旧名有限公司",
     "div": "210102", "rep_name": "王示例", "rep_id": REP},
    {"entity_key": "2", "uscc": SHOP, "name": "和平区示例老边饺子馆", "div": "210102", "rep_name": "李示例"},
    {"entity_key": "3", "uscc": TWIN, "name": "大连示例（集团）有限公司", "div": "210202", "rep_name": "王示例"},
]  # fmt: skip
SENT: list[tuple[str, dict[str, Any], str | None, str]] = [
    # what, the party of a penalty, whose it is, class
    ("sound", {"uscc": FIRM, "party_name": "谁也不是"}, None, "not a record"),
    ("last character wrong", {"uscc": FIRM[:17] + "D", "party_name": "沈阳示例（集团）有限公司"}, FIRM, "certain"),
    ("a character left out, half brackets", {"uscc": FIRM[:10] + FIRM[11:], "party_name": "沈阳示例(集团)有限公司"}, FIRM, "certain"),
    ("no code, registration number", {"reg_no": "2101", "party_name": "沈阳示例公司"}, FIRM, "review"),
    ("registration number, half brackets", {"reg_no": "2101", "party_name": "沈阳示例(集团) 有限公司"}, FIRM, "certain"),
    ("no code, half brackets and representative", {"party_name": "沈阳示例(集团)有限公司", "rep_name": "王示例"}, FIRM, "certain"),
    ("no code, half brackets", {"party_name": "沈阳示例(集团)有限公司"}, FIRM, "review"),
    ("former name and representative's id", {"party_name": "沈阳旧名有限公司", "rep_name": "王示例", "rep_id": REP}, FIRM, "certain"),
    ("words for a code", {"uscc": "见营业执照", "party_name": "和平区示例老边饺子馆", "rep_name": "李示例"}, SHOP, "certain"),
    ("another name, the same representative", {"party_name": "沈阳无关商贸有限公司", "rep_name": "王示例"}, None, "none"),
    ("nobody", {"party_name": "本溪示例有限公司"}, None, "none"),
]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    project = Project(CODE, tmp_path)
    with open_lake(project) as con:
        lake = Lake(con, project)
        lake.hand_over("market_entity", "202609", [{**row, "state": "1", "approved": DAY} for row in REGISTERED])
        lake.built("legal_entity", columns="uscc")
        yield lake


def fined(lake: Lake, parties: list[dict[str, Any]]) -> None:
    plain = {"organ_uscc": "11210102MAM37DA74Y", "party_kind": "1", "decided": DAY, "reported_at": datetime(2026, 9, 6)}
    lake.hand_over("market_penalty", "202609", [{**plain, "doc_no": str(n), **party} for n, party in enumerate(parties)])


def test_each_party_is_classed_as_a_person_would(lake: Lake) -> None:
    fined(lake, [party for _, party, _, _ in SENT])
    match(lake.con, lake.project, lake.project.contracts["legal_entity"], "run")
    best = 'row_number() OVER (PARTITION BY u."row" ORDER BY m.probability DESC NULLS LAST) = 1'
    found = lake.con.execute(
        f'SELECT u."row", m.uscc, m.class FROM base.legal_entity__unkeyed u JOIN base.legal_entity__matches m USING (record) QUALIFY {best}'
    ).fetchall()
    told = {SENT[row - 1][0]: (key, word) for row, key, word in found}
    assert told == {what: (key, word) for what, _, key, word in SENT if word != "not a record"}


def test_natural_persons_have_no_code_and_are_no_records(lake: Lake) -> None:
    fined(lake, [{"party_kind": "3", "party_name": "王示例", "person_id": REP}])
    done = match(lake.con, lake.project, lake.project.contracts["legal_entity"], "run")
    assert done is not None
    assert done.records == 0


def test_a_source_that_lost_its_codes_is_not_linked_by_itself(lake: Lake) -> None:
    """Eleven rows without a code are no handful any more, and far above the share that a rule may link."""
    fined(lake, [{"party_name": "沈阳示例（集团）有限公司", "rep_name": "王示例"} for _ in range(11)])
    with pytest.raises(MatchingError, match=r"would link 11 of 11 rows of market_penalty by likeness \(100.0%\), and `maxMerged` is 2.0%"):
        match(lake.con, lake.project, lake.project.contracts["legal_entity"], "run")
    assert lake.con.execute("SELECT count(*) FROM evidence.matchings").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("rows", "links", "passes"),
    [(11, 11, False), (11, 10, True), (482, 12, True), (482, 19, False), (10_000, 242, True), (10_000, 260, False), (10**6, 21_000, False)],
)
def test_a_share_of_few_rows_says_little(rows: int, links: int, passes: bool) -> None:
    """Twelve of 482 are no more than 2 % by what chance does to so few; 260 of 10,000 are."""
    assert (links <= most(0.02, rows)) is passes
