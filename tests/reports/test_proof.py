"""The appendix: rates of what was planted, by rule kind; there where a sample was made, gone where none is."""

from __future__ import annotations

import re
from pathlib import Path

from assets.lake import open_lake, transaction
from assets.project import Past, Project
from pipelines.publications import begun, note
from pipelines.reports import build_reports
from pipelines.reports.proof import write_proof
from pipelines.results import connect_results, publish
from pipelines.truth import compare
from sample_data.truth import Truth

from reports_support import batch, contract, fill, raw, result, suite  # isort: skip

PRESENT, LISTED = "expect_column_values_to_not_be_null", "expect_column_values_to_be_in_set"


def made(root: Path) -> Project:
    """Three faults planted in five rows: one caught by two kinds, one by one of two, one missed; and an alarm without cause."""
    contract(root, "people", [("id", "GMSFHM", "身份号码", "string", 1), ("sex", "XB", "性别", "string", 1)], title="人口")
    suite(
        root,
        "people",
        [
            {"id": "sex_present", "column": "sex", "indicator": "0201"},
            {"id": "sex_code", "type": LISTED, "kwargs": {"column": "sex", "value_set": ["1"]}, "indicator": "0105"},
        ],
    )
    path = root / "expectations" / "suites" / "sources" / "police" / "people.yaml"
    text = path.read_text(encoding="utf-8")
    for rule, claims in (("sex_present", "[gone]"), ("sex_code", "[gone, odd]")):
        text = text.replace(f"    id: {rule}\n", f"    id: {rule}\n    claims: {claims}\n")
    path.write_text(text, encoding="utf-8")
    project = Project(root, root / "data")
    raw(project, "people", ["id", "sex"], [("a", row, str(row), "1") for row in range(2, 7)])
    fired = ((2, "sex_present"), (2, "sex_code"), (3, "sex_present"), (5, "sex_code"))
    fill(
        project,
        batches=[batch("people", "a", rows=5, source="a.csv")],
        results=[result("people", "a", "sex_present", 5, 2), result("people", "a", "sex_code", 5, 2)],
        issues=[{"batch": "a", "dataset": "people", "row": row, "rule": rule} for row, rule in fired],
    )
    truth = Truth()
    for row, kind in ((2, "gone"), (3, "gone"), (4, "odd")):
        truth.add("people", "a.csv", "202610", "", kind, "0201", "flag", row=row, column="sex")
    (project.data / "sample").mkdir(parents=True)
    truth.write(project.data / "sample" / "truth.parquet")
    return project


def told_of_the_past(project: Project) -> list[bool]:
    """Whether the page of a publication made again says that the sample is another: before, and after it was made anew."""
    with open_lake(project) as con:
        publication = begun(con, project, "r1")
        with transaction(con, "r1", "test"):
            note(con, publication)
    past = Project(project.root, project.root / "past", past=Past(project.data, publication.snapshot, publication.at))
    publish(past)
    told = []
    for planted in (None, "gone"):
        if planted:
            truth = Truth()
            truth.add("people", "a.csv", "202610", "", planted, "0201", "flag", row=2, column="sex")
            truth.write(project.data / "sample" / "truth.parquet")
        with connect_results(past) as results:
            page = write_proof(past, results, past.reports / "proof.html")
        assert page
        told.append("样例在这次发布之后重做过" in page.read_text(encoding="utf-8"))
    return told


def test_rates_by_rule_kind(tmp_path: Path) -> None:
    rates = compare(made(tmp_path)).rules
    found = {r.type: (r.rules, r.planted, r.caught, r.by_others, r.missed, r.false_alarms) for r in rates.values()}
    assert found[PRESENT] == (1, 2, 2, 0, 0, 0)
    assert found[LISTED] == (1, 3, 1, 1, 1, 1)


def test_the_page_is_there_while_a_sample_is(tmp_path: Path) -> None:
    project = made(tmp_path)
    publish(project)
    assert project.reports / "proof.html" in build_reports(project)
    page = (project.reports / "proof.html").read_text(encoding="utf-8")
    row = next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if LISTED in r and "值在列出的集合" in r)
    assert re.findall(r">(\d+)</td>", row) == ["1", "3", "1", "1", "1", "1"]
    assert "遗漏 <b>1</b>" in page
    assert 'href="proof.html"' in (project.reports / "index.html").read_text(encoding="utf-8")
    assert told_of_the_past(project) == [False, True]
    (project.data / "sample" / "truth.parquet").unlink()
    build_reports(project)
    assert not (project.reports / "proof.html").exists()
    assert "proof.html" not in (project.reports / "index.html").read_text(encoding="utf-8")
