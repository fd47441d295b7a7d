"""What contracts call for, the rules they yield, and which rules of a suite meet them."""

# ruff: noqa: E501 - a column of a contract stands in one line
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.called import Call, Written, calls, entries
from assets.contracts import Contract, read_contract
from assets.judging import plan_of, suite_of
from assets.kinds import KINDS
from assets.project import Project
from assets.quality import made_of
from expectations.documents import Document, DocumentError, read_document
from expectations.suite import Suite

NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
BOUNDS = "expect_column_values_to_be_between"
CODES = "expect_column_values_to_be_in_set"
PARSE = "expect_column_values_to_parse"
REGEX = "expect_column_values_to_match_regex"
METRIC, QUERY = "expect_metric_to_be_between", "expect_query_to_return"

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: 'people/*.csv', format: csv}]
schema:
  - name: people
    businessName: 登记
    properties:
"""
TAIL = """\
customProperties:
  - {property: delivery, value: {mode: full, period: monthly, event: changed}}
"""
COLUMNS = """\
      - {name: id, businessName: 身份号码, logicalType: string, required: true, primaryKey: true, classification: "3"}
      - {name: sex, businessName: 性别, logicalType: string, required: true, classification: "2", customProperties: [{property: codes, value: sex}]}
      - {name: county, businessName: 区县, logicalType: string, customProperties: [{property: codes, value: division}]}
      - {name: born, businessName: 出生日期, logicalType: date, classification: "3", logicalTypeOptions: {minimum: "1900-01-01"}}
      - {name: phone, businessName: 电话, logicalType: string, unique: true, logicalTypeOptions: {pattern: "^1[0-9]{10}$", maxLength: 11}}
      - {name: height, businessName: 身高, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 30, maximum: 260, multipleOf: 5}}
      - {name: note, businessName: 备注, logicalType: string}
      - {name: place, businessName: 地址, logicalType: string, classification: "2"}
      - {name: changed, businessName: 更新时间, logicalType: timestamp}
"""
FLAGS = "{column: flag, insert: I, update: U, delete: D}"
SLA = """\
slaProperties:
  - {property: frequency, value: 1, unit: mo}
  - {property: latency, value: 36, unit: hours, element: people.changed}
"""


def project_of(
    root: Path, columns: str = COLUMNS, sla: str = SLA, suite: str | None = None, quality: str = "", tail: str = TAIL
) -> Project:
    for path, text in (
        ("assets/sources/police/people.odcs.yaml", HEAD + columns + quality + sla + tail),
        ("expectations/suites/sources/police/people.yaml", suite),
    ):
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    return Project(root, root / "data")


def contract_of(root: Path, **parts: str) -> Contract:
    return project_of(root, **parts).contracts["people"]


def test_calls_follow_from_the_contract_alone(tmp_path: Path) -> None:
    found = calls(contract_of(tmp_path))
    assert [(c.id, c.indicator, c.wanted) for c in found] == [
        ("presence:id", "0201", NULL),
        ("presence:sex", "0201", NULL),
        ("reference:sex", "0105", CODES),
        ("reference:county", "0105", "expect_column_values_to_be_division"),
        ("form:born", "0302", PARSE),
        ("range:born", "0301", BOUNDS),
        ("unique:phone", "0304", UNIQUE),
        ("pattern:phone", "0302", REGEX),
        ("length:phone", "0302", "expect_column_value_lengths_to_be_between"),
        ("form:height", "0302", PARSE),
        ("range:height", "0301", BOUNDS),
        ("multiple:height", "0301", ""),
        ("form:changed", "0302", PARSE),
        ("identity:id", "0304", UNIQUE),
        ("security:note,place", "0106", "expect_columns_to_show_no_resident_id"),
        ("timeliness:changed", "0502", "expect_column_to_be_fresh"),
    ]


def test_a_contract_alone_yields_rules_that_compile(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    suite = suite_of(project, project.contracts["people"])
    assert suite is not None
    said = {r.id: (r.kwargs, r.severity, r.blocking, r.weight) for r in suite.rules}
    assert said == {
        "required_id": ({"column": "id"}, "critical", True, 3),
        "required_sex": ({"column": "sex"}, "warning", False, 1),
        "code_sex": ({"column": "sex", "value_set": ["0", "1", "2", "9"]}, "warning", False, 1),
        "code_county": ({"column": "county"}, "warning", False, 1),
        "form_born": ({"column": "born"}, "warning", False, 1),
        "range_born": ({"column": "born", "min_value": "1900-01-01"}, "warning", False, 1),
        "unique_phone": ({"column": "phone"}, "warning", False, 1),
        "pattern_phone": ({"column": "phone", "regex": "^1[0-9]{10}$"}, "warning", False, 1),
        "length_phone": ({"column": "phone", "max_value": 11}, "warning", False, 1),
        "form_height": ({"column": "height"}, "warning", False, 1),
        "range_height": ({"column": "height", "min_value": 30, "max_value": 260, "strict_min": True}, "warning", False, 1),
        "form_changed": ({"column": "changed"}, "warning", False, 1),
        "key_unique": ({"column": "id"}, "critical", True, 3),
        "open_columns": ({"column_list": ["note", "place"]}, "warning", False, 1),
        "time_changed": ({"column": "changed", "max_age": "780h"}, "warning", False, 1),  # a month of 31 days and 36 hours
    }
    rule = suite.rule("required_sex")
    assert (rule.title_zh, rule.title_en, rule.origin, rule.path) == (
        "性别必填",
        "Sex is present",
        "contract",
        project.contracts["people"].path,
    )
    assert rule.line == (HEAD + COLUMNS).splitlines().index(COLUMNS.splitlines()[1]) + 1
    plan = plan_of(project, project.contracts["people"])
    assert plan is not None
    assert len(plan.compiled) == len(said)


def test_a_manifest_that_is_only_flagged_calls_for_a_rule(tmp_path: Path) -> None:
    def called_by(name: str, **options: str) -> list[Call]:
        custom = ", ".join(f"{{property: {o}, value: {v}}}" for o, v in options.items())
        server = f"servers: [{{server: landing, type: local, path: 'people/*.zip', format: zip, customProperties: [{custom}]}}]"
        project = project_of(tmp_path / name)
        path = project.contracts["people"].path
        lines = [server if line.startswith("servers:") else line for line in path.read_text(encoding="utf-8").splitlines()]
        path.write_text("\n".join(lines), encoding="utf-8")
        return [c for c in calls(Project(project.root, project.data).contracts["people"]) if c.kind == "announced"]

    (call,) = called_by("flagged", manifest="list.csv", onMismatch="flag")
    assert (call.rule, call.indicator, call.columns) == ("announced_records", "0202", ())
    assert call.title == ("登记记录数与清单所报一致", "People has as many records as its manifest says")
    assert call.at == ("servers", 0, "customProperties", 1)
    # What is refused is judged already; without a manifest nothing is announced.
    assert not called_by("refused", manifest="list.csv", onMismatch="refuse")
    assert not called_by("by itself", manifest="list.csv")
    assert not called_by("nothing said", onMismatch="flag")


OWN = """\
name: people
meta:
  great_expectations_version: 1.24.1
  contract:
    required_sex: {weight: 2, severity: info, claims: [sex_missing], title: {zh: 性别, en: Sex}}
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {column: id}
    severity: warning
    meta: {id: id_present, indicator: "0201"}
  - type: expect_column_values_to_be_division
    kwargs: {column: county, level: [county]}
    meta: {id: county_in_force, indicator: "0105"}
  - type: expect_column_values_to_not_be_null
    kwargs: {column: note, row_condition: 'col("sex")=="1"', condition_parser: great_expectations}
    meta: {id: note_if_male, indicator: "0201"}
"""


def test_a_rule_of_the_suite_stands_in_place_of_the_yielded_one(tmp_path: Path) -> None:
    project = project_of(tmp_path, suite=OWN)
    suite = suite_of(project, project.contracts["people"])
    assert suite is not None
    ids = [r.id for r in suite.rules]
    assert ids[:4] == ["id_present", "county_in_force", "note_if_male", "required_sex"]
    assert not {"required_id", "code_county"} & set(ids)
    sex = suite.rule("required_sex")
    assert (sex.weight, sex.severity, sex.claims, sex.title_zh, sex.remedy_zh) == (2, "info", ("sex_missing",), "性别", "按原始凭证补录")


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("required_sex:", "required_sexx:", "required_sexx:", "yields no rule 'required_sexx'.* Did you mean 'required_sex'"),
        ("required_sex:", "required_id:", "required_id:", "or a rule of this suite stands in its place"),
        ("{weight: 2,", "{wieght: 2,", "wieght", "unknown key 'wieght'. Did you mean 'weight'"),
        ("id: id_present", "id: code_sex", "sex, businessName", "the rule id 'code_sex' stands at line 10 too"),
        ("weight: 2", "weight: -2", "sex, businessName", "weight -2"),
    ],
)
def test_a_suite_that_speaks_wrongly_of_its_contract_is_refused(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    project = project_of(tmp_path, suite=OWN.replace(old, new))
    with pytest.raises(DocumentError, match=words) as caught:
        suite_of(project, project.contracts["people"])
    assert at in caught.value.path.read_text(encoding="utf-8").splitlines()[(caught.value.line or 0) - 1]


def test_without_a_promise_no_timeliness_is_called_for(tmp_path: Path) -> None:
    assert "timeliness" not in {c.kind for c in calls(contract_of(tmp_path, sla=""))}


@pytest.mark.parametrize(
    ("kind", "columns", "rule", "met"),
    [
        ("presence", ["name"], {"indicator": "0201", "column": "name"}, True),
        ("presence", ["name"], {"indicator": "0201", "column": "other"}, False),
        # a rule that skips empty values does not ask for them, whatever its indicator
        ("presence", ["name"], {"indicator": "0201", "column": "name", "type": "expect_column_values_to_not_match_regex"}, False),
        # nor does one that looks at some rows only
        ("presence", ["name"], {"indicator": "0201", "kwargs": {"column": "name", "row_condition": 'col("a")=="1"'}}, False),
        ("reference", ["sex"], {"indicator": "0105", "column": "sex", "type": CODES}, True),
        ("reference", ["sex"], {"indicator": "0301", "column": "sex", "type": CODES}, False),
        ("form", ["born"], {"indicator": "0301", "column": "born", "type": BOUNDS}, True),
        ("form", ["born"], {"indicator": "0503", "column": "born", "type": BOUNDS}, False),
        ("identity", ["a", "b"], {"indicator": "0304", "kwargs": {"column_list": ["b", "a"]}, "type": UNIQUE}, True),
        ("identity", ["a", "b"], {"indicator": "0303", "column": "a", "type": UNIQUE}, True),
        ("identity", ["a"], {"indicator": "0304", "kwargs": {"column_list": ["a", "b"]}, "type": UNIQUE}, False),
        ("timeliness", ["at"], {"indicator": "0501", "column": "at", "type": BOUNDS}, True),
        ("timeliness", ["at"], {"indicator": "0503", "kwargs": {"column_A": "end", "column_B": "at"}, "type": "pair"}, True),
        ("timeliness", ["at"], {"indicator": "0301", "column": "at", "type": BOUNDS}, False),
        # of other calls, a rule of the same type on the same columns
        ("pattern", ["a"], {"indicator": "0301", "column": "a", "type": REGEX}, True),
        ("pattern", ["a"], {"indicator": "0302", "column": "a", "type": BOUNDS}, False),
        ("range", ["a"], {"indicator": "0301", "column": "b", "type": BOUNDS}, False),
    ],
)
def test_what_meets_a_call(kind: str, columns: list[str], rule: dict[str, Any], met: bool) -> None:
    wanted = {"pattern": REGEX, "range": BOUNDS}.get(kind, "")
    node = {
        "type": rule.get("type", NULL),
        "kwargs": rule.get("kwargs") or {"column": rule["column"]},
        "meta": {"id": "r", "indicator": rule["indicator"]},
    }
    call = Call("people", kind, tuple(columns), (), KINDS[kind].indicator, wanted, None)
    assert call.met_by(Written.of(node)) is met


def yielded(contract: Contract) -> dict[str, tuple[str, dict[str, Any]]]:
    return {n["meta"]["id"]: (n["type"], dict(n["kwargs"])) for _, _, n in entries(contract, None) if n["meta"]["id"].startswith("quality")}


QUALITY = """\
    quality:
      - {metric: rowCount, mustBeGreaterThan: 1000}
      - {metric: rowCount, mustNotBeBetween: [0, 9], severity: error, dimension: coverage}
      - {metric: duplicateValues, arguments: {properties: [note, place]}, mustBe: 0}
      - type: sql
        name: unmarried children
        query: |
          SELECT count(*)
          FROM ${table}
          WHERE born > DATE '2020-01-01'
        mustBeLessOrEqualTo: 5
      - {type: text, description: 每年与民政核对 compared with the civil register once a year}
      - type: custom
        engine: great-expectations
        implementation: {type: expect_column_mean_to_be_between, kwargs: {column: height, min_value: 100}}
"""
OF_COLUMN = """\
      - name: extra
        logicalType: string
        classification: "3"
        quality:
          - {metric: nullValues, mustBe: 0}
          - {metric: nullValues, mustBeLessThan: 5, unit: percent}
          - {metric: missingValues, arguments: {missingValues: [null, "", "N/A"]}, mustBe: 0}
          - {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}
          - {metric: invalidValues, arguments: {pattern: "^[a-z]$"}, mustBeBetween: [0, 3]}
          - {metric: duplicateValues, mustBe: 0}
          - {type: sql, query: "SELECT count(*) FROM ${object} WHERE ${property} = 'x'", mustNotBe: 1}
"""


def test_quality_clauses_become_rules(tmp_path: Path) -> None:
    project = project_of(tmp_path, columns=COLUMNS + OF_COLUMN, quality=QUALITY)
    contract = project.contracts["people"]
    assert yielded(contract) == {
        "quality_extra_1": (NULL, {"column": "extra"}),
        "quality_extra_2": (
            METRIC,
            {"metric": "null_values", "column_list": ["extra"], "unit": "percent", "max_value": 5, "strict_max": True},
        ),
        "quality_extra_3": (
            METRIC,
            {"metric": "missing_values", "column_list": ["extra"], "value_set": ["N/A"], "min_value": 0, "max_value": 0},
        ),
        "quality_extra_4": (CODES, {"column": "extra", "value_set": ["a", "b"]}),
        "quality_extra_5": (
            METRIC,
            {"metric": "invalid_values", "column_list": ["extra"], "regex": "^[a-z]$", "min_value": 0, "max_value": 3},
        ),
        "quality_extra_6": (UNIQUE, {"column": "extra"}),
        "quality_extra_7": (
            QUERY,
            {
                "query": "SELECT COUNT(*) FROM this_table WHERE \"extra\" = 'x'",
                "column_list": ["extra"],
                "min_value": 1,
                "max_value": 1,
                "outside": True,
            },
        ),
        "quality_1": ("expect_table_row_count_to_be_between", {"min_value": 1000, "strict_min": True}),
        "quality_2": (METRIC, {"metric": "row_count", "min_value": 0, "max_value": 9, "outside": True}),
        "quality_note_place_3": ("expect_compound_columns_to_be_unique", {"column_list": ["note", "place"]}),
        "quality_unmarried_children": (
            QUERY,
            {
                "query": "SELECT COUNT(*) FROM this_table WHERE born > CAST('2020-01-01' AS DATE)",
                "column_list": ["born"],
                "max_value": 5,
            },
        ),
        "quality_height_6": ("expect_column_mean_to_be_between", {"column": "height", "min_value": 100}),
    }
    text = next(c for c in calls(contract) if c.kind == "quality" and c.node is None)
    assert text.id == "quality:#4"
    suite = suite_of(project, contract)
    assert isinstance(suite, Suite)
    assert (suite.rule("quality_2").severity, suite.rule("quality_2").indicator) == ("critical", "0202")
    assert plan_of(project, contract) is not None


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("{metric: nullValue, mustBe: 0}", "."),
        ("{metric: nullValues, mustBe: 0}", "nullValues stands at the table. Put it under the column's own"),
        ("{metric: duplicateValues, mustBe: 0}", "duplicateValues of a table names no columns"),
        ("{metric: rowCount, mustBe: many}", "mustBe: 'many' is no number"),
        ("{metric: rowCount, mustBe: 1, unit: percent}", "rowCount in percent"),
        ("{metric: rowCount, mustBeBetween: [9, 1]}", "Put the smaller number first"),
        ("{metric: rowCount, mustBe: 1, arguments: {wher: x}}", "unknown argument 'wher' of rowCount"),
        ("{type: sql, query: 'DELETE FROM ${table}', mustBe: 0}", "DELETE: a check only reads"),
        ("{type: sql, query: 'SELECT count(*) FROM std.other', mustBe: 0}", "std.other is not the table that is checked"),
        ("{type: sql, query: 'SELECT count(*) FROM ${table} WHERE ${column} = 1', mustBe: 0}", r"nothing fills \$\{column\}"),
        ("{type: custom, engine: great-expectations, implementation: {kwargs: {}}}", "`implementation` is no expectation"),
    ],
)
def test_a_quality_clause_that_cannot_be_meant_is_refused_by_line(tmp_path: Path, clause: str, words: str) -> None:
    lines = (HEAD + COLUMNS).count("\n")
    with pytest.raises(DocumentError, match=words) as caught:
        calls(contract_of(tmp_path, quality=f"    quality:\n      - {clause}\n"))
    assert caught.value.line == lines + 2


def test_a_query_in_a_block_is_refused_by_its_own_line(tmp_path: Path) -> None:
    block = QUALITY.replace("FROM ${table}\n", "FROM ${table}, std.other\n")
    with pytest.raises(DocumentError, match=r"std\.other is not the table") as caught:
        calls(contract_of(tmp_path, quality=block))
    assert "std.other" in caught.value.path.read_text(encoding="utf-8").splitlines()[(caught.value.line or 0) - 1]


def test_the_example_of_the_standard_itself(tmp_path: Path) -> None:
    """ODCS's own full example: two tables, so no contract of ours, but every quality clause of it comes to a rule."""
    path = Path(__file__).with_name("odcs") / "full-example.odcs.yaml"
    document = read_document(path)
    made = []
    for t, table in enumerate(document.data["schema"]):
        made += [made_of(document, ("schema", t, "quality", i), q, None, []) for i, q in enumerate(table.get("quality") or [])]
        for p, column in enumerate(table["properties"]):
            at = ("schema", t, "properties", p, "quality")
            made += [made_of(document, (*at, i), q, column["name"], []) for i, q in enumerate(column.get("quality") or [])]
    assert [(m.type, m.kwargs, m.indicator, m.severity) for m in made] == [
        ("expect_table_row_count_to_be_between", {"min_value": 1000000, "strict_min": True}, "0201", "critical"),
        (NULL, {"column": "rcvr_cntry_code"}, "0201", "critical"),
    ]
    copy = tmp_path / "assets" / "sources" / "paypal" / "tbl.odcs.yaml"
    copy.parent.mkdir(parents=True)
    copy.write_text(yaml.safe_dump({**document.data, "id": "tbl"}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(DocumentError, match="expected exactly one table under `schema`"):
        read_contract(copy, tmp_path / "assets")
    assert isinstance(document, Document)


def test_a_delete_needs_no_more_than_its_key(tmp_path: Path) -> None:
    columns = COLUMNS + "      - {name: flag, businessName: 同步类型, logicalType: string, required: true}\n"
    contract = contract_of(tmp_path, columns=columns, tail=TAIL.replace("mode: full", f"mode: delta, operation: {FLAGS}"))
    spared = {"type": "comparison", "column": {"name": "flag"}, "operator": "NOT_IN", "parameter": ["D"]}
    asked = {c.rule: c for c in calls(contract) if c.kind == "presence"}
    assert {rule: (c.node or {})["kwargs"].get("row_condition") for rule, c in asked.items()} == {
        "required_id": None,
        "required_sex": spared,
        "required_flag": None,
    }
    of_sex = asked["required_sex"]
    assert of_sex.met_by(Written.of(of_sex.node or {}))
    assert not of_sex.met_by(Written(NULL, ("sex",), "0201", conditional=True, id="another"))
