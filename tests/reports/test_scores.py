"""Scores against tables worked by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.lake import open_lake
from assets.project import Project
from assets.waivers import Waiver
from expectations.standard import Dimension, Grade, Indicator, Standard
from pipelines.rulebook import read_rules
from pipelines.scores import COLUMNS, count, declare, fetch_evidence, make_standing

from reports_support import batch, contract, fill, result, suite  # isort: skip


def standard(**weights: float) -> Standard:
    """Four indicators in two dimensions: completeness (weight 1) with 0201 and 0202, accuracy (weight 3) with 0303 and 0304."""
    indicators = {
        code: Indicator(code, code[:2], code, code, "A/B", "cell", "lower" if code == "0303" else "higher", weights.get(f"i{code}", 1))
        for code in ("0201", "0202", "0303", "0304")
    }
    dimensions = {
        "02": Dimension("02", "completeness", "完整性", "Completeness", 1, ("0201", "0202")),
        "03": Dimension("03", "accuracy", "准确性", "Accuracy", 3, ("0303", "0304")),
    }
    return Standard(
        "t", date(2026, 1, 1), "test", dimensions, indicators, (Grade("A", "优", "", 90), Grade("B", "良", "", 50), Grade("C", "差", "", 0))
    )


def scores(project: Project, with_standard: Standard | None = None, waivers: Sequence[Waiver] = ()) -> list[dict[str, Any]]:
    with open_lake(project, read_only=True) as con:
        contracts = list(project.contracts.values())
        fetch_evidence(con)
        make_standing(con, contracts)
        declare(con, contracts, read_rules(project), with_standard or standard(), waivers)
        count(con)
        cursor = con.execute("SELECT * FROM scores")
        names = [d[0] for d in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(found: Sequence[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    rows = [r for r in found if all(r[k] == v for k, v in wanted.items())]
    assert len(rows) == 1, (wanted, rows)
    return rows[0]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    contract(tmp_path, "people", [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3)])
    return Project(tmp_path, tmp_path / "data")


RULES = [
    {"id": "id_there", "column": "id", "indicator": "0201", "weight": 3},
    {"id": "name_there", "column": "name", "indicator": "0201", "weight": 1},
    {"id": "no_copies", "column": "id", "indicator": "0303", "type": "expect_column_values_to_be_unique"},
    {"id": "id_alone", "column": "id", "indicator": "0304", "type": "expect_column_values_to_be_unique"},
]


def test_the_columns_are_those_declared(project: Project) -> None:
    suite(project.root, "people", RULES)
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", "id_there", 10, 0)])
    assert list(scores(project)[0]) == [name for name, _, _ in COLUMNS]


@pytest.mark.parametrize(
    ("rule", "missing", "unexpected", "elements", "a", "measure", "score"),
    [
        # 3 rows x 2 columns, one cell empty: 0201 = 5/6 (the worked vector of GB/T 36344, one rule over six cells)
        ("id_there", 1, 1, 6, 5, 83.33, 83.33),
        # two of three rows equal: 0303 = 1/3 is bad by a third, 0304 = 2/3
        ("no_copies", 0, 1, 3, 1, 33.33, 66.67),
        ("id_alone", 0, 1, 3, 2, 66.67, 66.67),
    ],
)
def test_worked_vectors(
    project: Project, rule: str, missing: int, unexpected: int, elements: int, a: int, measure: float, score: float
) -> None:
    suite(project.root, "people", RULES)
    fill(
        project, batches=[batch("people", "b", rows=elements)], results=[result("people", "b", rule, elements, unexpected, missing=missing)]
    )
    found = one(scores(project), scope="dataset", rule=rule)
    assert (found["a"], found["b"]) == (a, elements)
    assert round(100 * found["measure"], 2) == measure
    assert round(found["score"], 2) == score


def test_of_copies_the_extra_ones_count(project: Project) -> None:
    """Great Expectations names both of two equal rows; the standard's duplication rate is 1/3 of three, not 2/3."""
    suite(project.root, "people", RULES)
    said = json.dumps({"result": {"unexpected_count": 2, "extra_copies": 1}})
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", "no_copies", 3, 2, result=said)])
    assert round(one(scores(project), scope="dataset", rule="no_copies")["measure"], 4) == 0.3333


def test_empty_values_are_not_evaluated_by_other_rules(project: Project) -> None:
    suite(project.root, "people", RULES)
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", "id_alone", 10, 2, missing=2)])
    found = one(scores(project), scope="dataset", rule="id_alone")
    assert (found["a"], found["b"], found["score"]) == (6, 8, 75)


def test_upwards_by_hand(project: Project) -> None:
    """Called for: ids, names and notes must be there (what the contract yields for notes has no result), and an id occurs once.

    Completeness: (3 x 0.9 + 1 x 0.5) / 4 = 0.8, covered by 2/3; 0202 is neither called for nor ruled.
    Accuracy: 0303 scores 0.6, 0304 is not assessable; either would meet the call for uniqueness, so it is covered.
    Of the rules of completeness 4/5 by weight were assessed, of those of accuracy half, so that they weigh 0.8 and 1.5:
    (0.8 x 0.8 + 1.5 x 0.6) / 2.3 = 0.6696, coverage (1 x 2/3 + 3) / 4 = 0.9167, ranked 61.38.
    """
    columns = [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3), ("note", "BZ", "备注", "string", 3)]
    contract(project.root, "people", columns, required=["id", "name", "note"])
    suite(project.root, "people", RULES)
    fill(
        project,
        batches=[batch("people", "b")],
        results=[
            result("people", "b", "id_there", 10, 1),
            result("people", "b", "name_there", 10, 5),
            result("people", "b", "no_copies", 10, 4),
            result("people", "b", "id_alone", 10, 0, outcome="not_assessable"),
        ],
    )
    found = scores(project)
    for scope in ("unit", "dataset", "department"):
        indicator = one(found, scope=scope, level="indicator", indicator="0201")
        assert (round(indicator["score"], 6), round(indicator["coverage"], 6)) == (80, 0.666667)
        bare = one(found, scope=scope, level="indicator", indicator="0202")
        assert (bare["score"], bare["coverage"], bare["ranked"]) == (None, None, None)
        complete = one(found, scope=scope, level="dimension", dimension="02")
        assert (round(complete["score"], 6), round(complete["coverage"], 6), round(complete["ranked"], 4)) == (80, 0.666667, 53.3333)
        accurate = one(found, scope=scope, level="dimension", dimension="03")
        assert (round(accurate["score"], 6), accurate["coverage"]) == (60, 1)
        total = one(found, scope=scope, level="total")
        assert (round(total["score"], 4), round(total["coverage"], 6), round(total["ranked"], 4), total["grade"]) == (
            66.9565,
            0.916667,
            61.3768,
            "B",
        )


def test_a_rule_that_is_called_for_and_could_not_be_assessed_is_not_covered(project: Project) -> None:
    contract(project.root, "people", [("id", "GMSFHM", "", "string", 3), ("name", "XM", "", "string", 3)], required=["id", "name"])
    suite(project.root, "people", RULES[:2])
    results = [result("people", "b", "id_there", 10, 0), result("people", "b", "name_there", 10, 0, outcome="not_assessable")]
    fill(project, batches=[batch("people", "b")], results=results)
    found = one(scores(project), scope="dataset", level="dimension", dimension="02")
    assert (found["score"], found["coverage"], found["ranked"]) == (100, 0.5, 50)


def test_a_dimension_that_is_not_called_for_is_left_out(project: Project) -> None:
    """Nothing is required and no rule speaks of completeness: the total is that of accuracy alone."""
    suite(project.root, "people", RULES[2:])
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", r, 10, 2) for r in ("no_copies", "id_alone")])
    found = scores(project)
    none = one(found, scope="dataset", level="dimension", dimension="02")
    assert (none["score"], none["coverage"], none["ranked"], none["grade"]) == (None, None, None, None)
    total = one(found, scope="dataset", level="total")
    assert (round(total["score"], 6), total["coverage"], round(total["ranked"], 6)) == (80, 1, 80)


def test_rules_beyond_the_calls_count_in_the_score_and_where_nothing_is_called_for_in_coverage(project: Project) -> None:
    """Names are not required: the rule on them lowers the score; coverage is the rules' assessed share, weighted 3 to 1."""
    suite(project.root, "people", RULES)
    results = [result("people", "b", "name_there", 10, 5), result("people", "b", "id_there", 10, 0, outcome="not_assessable")]
    fill(project, batches=[batch("people", "b")], results=results)
    found = scores(project)
    complete = one(found, scope="dataset", level="dimension", dimension="02")
    assert (complete["score"], complete["coverage"]) == (50, 0.25)
    assert one(found, scope="dataset", level="dimension", dimension="03")["coverage"] == 0


def test_rules_beyond_the_calls_keep_their_say_where_no_call_is_met(project: Project) -> None:
    """Ids must be there and that was not assessed: completeness is not covered, but the empty names still lower the score.

    Of the rules of completeness one quarter by weight was assessed: (0.25 x 0.2 + 3 x 1) / 3.25 = 0.9385.
    """
    contract(project.root, "people", [("id", "GMSFHM", "", "string", 3), ("name", "XM", "", "string", 3)], required=["id"])
    suite(project.root, "people", [RULES[1], RULES[3]])
    results = [result("people", "b", "name_there", 10, 8), result("people", "b", "id_alone", 10, 0)]
    results.append(result("people", "b", "required_id", 10, 0, outcome="not_assessable"))
    fill(project, batches=[batch("people", "b")], results=results)
    total = one(scores(project), scope="dataset", level="total")
    assert (round(total["score"], 4), total["coverage"], round(total["ranked"], 4)) == (93.8462, 0.75, 70.3846)


def test_what_the_bureau_does_not_ask_for_is_not_called_for(project: Project) -> None:
    contract(project.root, "people", [("id", "GMSFHM", "", "string", 3)], required=["id"])
    suite(project.root, "people", RULES[2:])
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", r, 10, 0) for r in ("no_copies", "id_alone")])
    assert one(scores(project), scope="dataset", level="total")["coverage"] == 0.75
    assert one(scores(project, standard(i0201=0)), scope="dataset", level="total")["coverage"] == 1


def test_what_could_not_be_assessed_never_flatters(project: Project) -> None:
    """A rule that passed nowhere, on nothing, or not at all leaves no score and no coverage."""
    suite(project.root, "people", RULES)
    fill(
        project,
        batches=[batch("people", "b")],
        results=[
            result("people", "b", "id_there", 10, 0, outcome="not_assessable"),
            result("people", "b", "name_there", 0, 0),
            result("people", "b", "no_copies", 10, 0, missing=10),
        ],
    )
    total = one(scores(project), scope="department", level="total")
    assert (total["score"], total["coverage"], total["ranked"], total["grade"]) == (None, 0, 0, "C")


def test_a_rule_without_counts_has_the_batch_as_its_element(project: Project) -> None:
    suite(project.root, "people", RULES)
    fill(
        project,
        batches=[batch("people", f"b{i}", unit=str(i)) for i in range(4)],
        results=[result("people", f"b{i}", "id_there", None, None, outcome="failed" if i == 0 else "passed") for i in range(4)],
    )
    found = one(scores(project), scope="dataset", rule="id_there")
    assert (found["a"], found["b"], found["score"]) == (3, 4, 75)


def test_coverage_counts_rows_and_units_pool_elements(project: Project) -> None:
    """Unit A (30 rows, 3 wrong), unit B (10 rows, not assessable): score 90, coverage 0.75."""
    suite(project.root, "people", RULES[:1])
    fill(
        project,
        batches=[batch("people", "a", unit="A", rows=30), batch("people", "b", unit="B", rows=10)],
        results=[result("people", "a", "id_there", 30, 3), result("people", "b", "id_there", 10, 0, outcome="not_assessable")],
    )
    found = scores(project)
    assert one(found, scope="dataset", rule="id_there")["coverage"] == 0.75
    assert one(found, scope="dataset", rule="id_there")["score"] == pytest.approx(90)
    assert one(found, scope="unit", unit="B", level="total")["ranked"] == 0


def test_a_batch_without_elements_lowers_no_coverage_while_others_have_some(project: Project) -> None:
    """A rule on dates of death: nobody died in B. In A it is covered, in B by itself it says nothing."""
    suite(project.root, "people", RULES[2:3])
    fill(
        project,
        batches=[batch("people", "a", unit="A"), batch("people", "b", unit="B")],
        results=[result("people", "a", "no_copies", 10, 1), result("people", "b", "no_copies", 10, 0, missing=10)],
    )
    found = scores(project)
    assert one(found, scope="dataset", rule="no_copies")["coverage"] == 1
    assert one(found, scope="unit", unit="B", rule="no_copies")["coverage"] == 0


def test_where_there_was_nothing_to_evaluate_no_coverage_is_lost(project: Project) -> None:
    """Nobody died in unit B: what is asked of dates of death was assessed there, though it scores nothing."""
    contract(project.root, "people", [("id", "GMSFHM", "", "string", 3), ("died", "SWRQ", "", "date", 4)])
    suite(project.root, "people", [RULES[3], {"id": "died_real", "column": "died", "indicator": "0303", "type": "expect_x_to_parse"}])
    results = [result("people", "b", "id_alone", 10, 1), result("people", "b", "died_real", 10, 0, missing=10)]
    fill(project, batches=[batch("people", "b", unit="B")], results=results)
    total = one(scores(project), scope="unit", level="total")
    assert (round(total["score"], 6), total["coverage"]) == (90, 1)


def test_only_standing_batches_count(project: Project) -> None:
    """The newest full batch of a unit replaces the ones before, also when it arrived in the same month."""
    suite(project.root, "people", RULES[:1])
    from datetime import datetime

    fill(
        project,
        batches=[
            batch("people", "old", period="202609"),
            batch("people", "first", period="202610"),
            batch("people", "again", period="202610", received_at=datetime(2026, 11, 2)),
            batch("people", "refused", period="202611", status="refused"),
        ],
        results=[result("people", b, "id_there", 10, n) for b, n in (("old", 9), ("first", 5), ("again", 1), ("refused", 10))],
    )
    found = one(scores(project), scope="dataset", rule="id_there")
    assert (found["a"], found["b"]) == (9, 10)


def test_a_daily_delta_counts_for_31_days(tmp_path: Path) -> None:
    contract(tmp_path, "air", [("station", "Z", "站点", "string", 1)], mode="delta", period="daily")
    suite(tmp_path, "air", [{"id": "there", "column": "station", "indicator": "0201"}])
    project = Project(tmp_path, tmp_path / "data")
    days = ("20260923", "20260924", "20261024")
    fill(project, batches=[batch("air", d, period=d) for d in days], results=[result("air", d, "there", 10, 1) for d in days])
    assert one(scores(project), scope="dataset", rule="there")["b"] == 20


def test_the_newest_result_of_a_batch_counts(project: Project) -> None:
    from datetime import datetime

    suite(project.root, "people", RULES[:1])
    fill(
        project,
        batches=[batch("people", "b")],
        results=[result("people", "b", "id_there", 10, 5), result("people", "b", "id_there", 10, 1, checked_at=datetime(2026, 11, 3))],
    )
    assert one(scores(project), scope="dataset", rule="id_there")["a"] == 9


def test_a_dataset_that_was_never_handed_over_halves_the_coverage_of_its_department(project: Project) -> None:
    contract(project.root, "houses", [("id", "FWBM", "房屋编码", "string", 1)], title="房屋")
    for name in ("people", "houses"):
        suite(project.root, name, [r for r in RULES if r["id"] != "name_there"])
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", r, 10, 0) for r in ("id_there", "no_copies", "id_alone")])
    found = scores(project, standard(i0202=0))
    total = one(found, scope="department", level="total")
    assert (total["score"], total["coverage"], total["ranked"], total["grade"]) == (100, 0.5, 50, "B")
    assert one(found, scope="dataset", dataset="houses", level="total")["coverage"] == 0


def test_a_model_has_scores_of_its_own_and_none_in_a_department_of_its_name(project: Project) -> None:
    """The thematic database `police` is judged by its newest check, apart from the department `police`."""
    from datetime import datetime

    source = project.root / "assets" / "sources" / "police" / "people.odcs.yaml"
    text = source.read_text(encoding="utf-8").replace("id: people", "id: joined").replace("name: people", "name: joined")
    model = project.root / "assets" / "thematic" / "police" / "joined.odcs.yaml"
    model.parent.mkdir(parents=True)
    model.write_text(text, encoding="utf-8")
    suites = project.expectations / "suites"
    suite(project.root, "people", RULES[:1])
    (suites / "thematic" / "police").mkdir(parents=True)
    (suites / "thematic" / "police" / "joined.yaml").write_bytes((suites / "sources" / "police" / "people.yaml").read_bytes())
    fill(
        project,
        batches=[batch("people", "b")],
        results=[
            result("people", "b", "id_there", 10, 0),
            result("joined", "old", "id_there", 10, 9, run_id="run-0", checked_at=datetime(2026, 10, 1)),
            result("joined", "new", "id_there", 10, 5),
        ],
    )
    found = scores(project)
    model_rule = one(found, scope="dataset", dataset="joined", rule="id_there")
    assert (model_rule["department"], model_rule["a"], model_rule["b"]) == ("thematic/police", 5, 10)
    assert one(found, scope="department", level="indicator", indicator="0201")["score"] == 100


def waiver(rule: str, unit: str = "") -> Waiver:
    return Waiver("people", rule, unit, "系统改造", "王处长", date(2026, 1, 1), date(2026, 12, 31))


def test_waived_failures_stand_apart(project: Project) -> None:
    """Unit A misses 5 of 10 names and unit B 1 of 10; what A misses is waived: 0201 scores B's 0.9, and A's five are shown."""
    suite(project.root, "people", RULES[1:2])
    fill(
        project,
        batches=[batch("people", "a", unit="210100"), batch("people", "b", unit="210200")],
        results=[result("people", "a", "name_there", 10, 5), result("people", "b", "name_there", 10, 1)],
    )
    found = scores(project, waivers=[waiver("name_there", "210100")])
    whole = one(found, scope="dataset", rule="name_there")
    assert (whole["a"], whole["b"], whole["score"], whole["coverage"], whole["waived"]) == (9, 10, pytest.approx(90), 1, 5)
    in_a = one(found, scope="unit", unit="210100", level="dimension", dimension="02")
    assert (in_a["score"], in_a["coverage"], in_a["ranked"], in_a["grade"], in_a["waived"]) == (None, 1, None, None, 5)
    assert one(found, scope="department", level="total")["waived"] == 5
    without = scores(project)
    assert one(without, scope="dataset", rule="name_there")["score"] == pytest.approx(70)
    assert {r["waived"] for r in without} == {0}


def test_a_waiver_of_another_rule_or_of_a_rule_that_passed_changes_nothing(project: Project) -> None:
    suite(project.root, "people", RULES[:2])
    results = [result("people", "b", "id_there", 10, 0), result("people", "b", "name_there", 10, 5)]
    fill(project, batches=[batch("people", "b")], results=results)
    assert scores(project, waivers=[waiver("id_there"), waiver("no_such")]) == scores(project)


def test_a_city_is_the_mean_of_the_datasets_that_it_hands_over(project: Project) -> None:
    """Shenyang: people 0.9 and houses 0.5; Dalian hands over people alone."""
    contract(project.root, "houses", [("id", "FWBM", "房屋编码", "string", 3)], group="housing")
    suite(project.root, "people", RULES[:1])
    suite(project.root, "houses", [RULES[0]], group="housing")
    fill(
        project,
        batches=[
            batch("people", "a", unit="210100"),
            batch("people", "b", unit="210200"),
            batch("houses", "c", unit="210100"),
        ],
        results=[
            result("people", "a", "id_there", 10, 1),
            result("people", "b", "id_there", 10, 3),
            result("houses", "c", "id_there", 10, 5),
        ],
    )
    found = scores(project)
    cities = {r["unit"]: r["score"] for r in found if r["scope"] == "city" and r["level"] == "total"}
    assert cities == {"210100": pytest.approx(70), "210200": pytest.approx(70)}
    assert one(found, scope="city", unit="210100", level="indicator", indicator="0201")["department"] is None


def test_targets_stand_beside_what_they_are_of(project: Project) -> None:
    suite(project.root, "people", RULES[:1])
    fill(project, batches=[batch("people", "b")], results=[result("people", "b", "id_there", 10, 1)])
    found = scores(project, replace(standard(), targets={"total": 85, "completeness": 95}))
    assert one(found, scope="dataset", level="total")["target"] == 85
    assert {r["dimension"]: r["target"] for r in found if r["level"] == "dimension"} == {"02": 95, "03": None}
    assert {r["target"] for r in found if r["level"] in ("rule", "indicator")} == {None}
