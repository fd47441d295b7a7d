"""What the truth says of the matching: linked rightly and wrongly, put up for review, missed, and rightly left alone."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from pipelines.reports import build_reports
from pipelines.results import publish
from pipelines.truth import TruthReport, compare_in, render
from sample_data.truth import Truth
from tests.matching.conftest import World
from tests.matching.test_classes import LI, LIU, PEOPLE, ZHANG

NOBODY = "219904197010100029"
PLANTED = [
    # kind, clean id, and the row: number, id, name, birth date, sex, place
    ("id_15", ZHANG, ("1", "219901800203017", "张建国", "1980-02-03", "1", "219901")),
    ("id_missing", LIU, ("2", None, "刘?燕", "1991-11-30", "1", "219902")),
    ("id_missing", LI, ("3", None, "孙七", "1980-02-03", "2", "219901")),
    ("id_missing", NOBODY, ("4", None, "周九", "1970-10-10", "2", "219904")),
    ("id_length", LIU + "0", ("5", LIU[:17], "刘晓燕", "1991-11-30", "1", "219902")),
]


def report(world: World, planted: list[tuple[str, str, tuple[str | None, ...]]]) -> TruthReport:
    world.register(PEOPLE)
    world.listed([row for _, _, row in planted], whole=[(f"w{n}", ZHANG, "张建国", None, None, None) for n in range(30)])
    world.match()
    truth = Truth()
    for position, (kind, clean, row) in enumerate(planted, start=900):
        truth.add(
            "listed", "l1.csv", "202601", "", kind, "0301", "quarantine", row=position, column="id_number", spoilt=row[1], clean=clean
        )
    truth.add("listed", "l1.csv", "202601", "", "name_blank", "0302", "repair", row=900, column="name", spoilt="张建国 ", clean="张建国")
    truth.add("listed", "gone.csv", "202602", "", "id_15", "0301", "quarantine", row=2, column="id_number", clean=ZHANG)
    path = world.project.data / "sample" / "truth.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    truth.write(path)
    return compare_in(world.con, world.project)


def test_what_became_of_each_planted_kind(world: World) -> None:
    found = {m.kind: (m.records, m.there, m.right, m.wrong, m.review, m.missed) for m in report(world, PLANTED).matches}
    assert found == {
        "id_15": (1, 1, 1, 0, 0, 0),
        "id_missing": (3, 2, 0, 0, 1, 1),  # the fourth is nobody's, and left alone
        "id_length": (1, 0, 0, 1, 0, 0),  # the truth names somebody else, who is not in the base
    }


def test_precision_and_recall_of_a_base(world: World) -> None:
    told = report(world, PLANTED)
    (total,) = told.matchings
    assert (total.precision, total.recall, total.with_review) == (pytest.approx(1 / 2), pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert not told.ok  # a link in two is wrong where one in a thousand may be
    out = StringIO()
    render(told, Console(file=out, width=200))
    assert (
        "matching people: 3 pairs to be found among 5 records, certain 1 right / 1 wrong, for review 1, missed 1;"
        " precision 0.5000, recall 0.3333 (0.6667 with review)" in out.getvalue()
    )
    assert told.as_json()["matchings"][0]["recall_with_review"] == pytest.approx(2 / 3)


def test_a_matching_without_a_wrong_link_agrees(world: World) -> None:
    told = report(world, [p for p in PLANTED if p[0] != "id_length"])
    (total,) = told.matchings
    assert (total.precision, total.ok) == (1.0, True)


def test_where_nothing_was_linked_there_is_no_precision(world: World) -> None:
    (total,) = report(world, [PLANTED[3]]).matchings
    assert (total.precision, total.recall, total.ok) == (None, None, True)


def test_the_appendix_of_the_reports_tells_it(world: World) -> None:
    report(world, PLANTED)
    world.con.close()
    publish(world.project)
    build_reports(world.project)
    page = (world.project.reports / "proof.html").read_text(encoding="utf-8")
    assert (
        "Pairs to be found 3; certain 1 right, 1 wrong; for review 1; missed 1; precision 0.5000, recall 0.3333 (0.6667 with review)"
        in page
    )
    row = next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "<code>id_missing</code>" in r and "库中有" in r)
    assert re.findall(r">(\d+)</td>", row) == ["3", "2", "0", "0", "1", "1"]
