"""A suite that is wrong, through the command: file, line, what is wrong, what to do; exit 2, no traceback, nothing stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.lake import columns_of, open_lake
from assets.project import CODE, Project
from pipelines.cli import app

SUITE = "expectations/suites/sources/public_security/population_register.yaml"
HEADER = "GMSFHM,XM,XBDM,MZDM,CSRQ,HH,YHZGXDM,HJDZ_SSXQDM,HJDZ_QHNXXDZ,SJJZDZ,HYZKDM,WHCD,SWBS,SWRQ,ZXRQ,PCSJGDM,SJXGXSJ"
PERSON = "219901199001010010,甲乙丙,1,01,19900101,H1,01,219901,某路1号,,10,,0,,,219901000001,20261001120000"
IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
PRESENT, MATCH = "expect_column_values_to_not_be_null", "expect_column_values_to_match_regex"

Rule = dict[str, str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the population register alone, and one hand-over of it waiting."""
    root, data = tmp_path / "project", tmp_path / "data"
    for part in ("assets/sources/public_security", "expectations/suites/sources/public_security"):
        (root / part).mkdir(parents=True)
        for file in (CODE / part).glob("population_register.*"):
            (root / part / file.name).write_bytes(file.read_bytes())
    landing = data / "landing" / "population_register"
    landing.mkdir(parents=True)
    (landing / "population_register_219901_202610.csv").write_bytes(f"{HEADER}\r\n{PERSON}\r\n".encode("gb18030"))
    monkeypatch.setenv("YUANQING_ROOT", str(root))
    monkeypatch.setenv("YUANQING_DATA", str(data))
    return root


def write(project: Path, *rules: Rule, head: str = "meta: {great_expectations_version: 1.24.1}") -> None:
    """Rules of five lines each, the first at line 4: type, kwargs, severity, and meta with id and indicator."""
    lines = ["name: population_register", head, "expectations:"]
    for number, rule in enumerate(rules):
        given: Rule = {"type": PRESENT, "kwargs": "{column: name}", "severity": "warning", "id": f"r{number}", "indicator": '"0201"'} | rule
        lines += [f"  - type: {given['type']}", f"    kwargs: {given['kwargs']}", f"    severity: {given['severity']}"]
        lines += ["    meta:", f"      {{id: {given['id']}, indicator: {given['indicator']}}}"]
    (project / SUITE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def refused(*arguments: str) -> str:
    """What the command says (in one line) where it exits with 2 and without a traceback."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return re.sub(r"\s+", " ", result.output)


WRONG: list[tuple[Rule, int, str, str]] = [
    # rule; line, what is found, what to do
    ({"type": "expect_column_values_to_be_nul"}, 4, "unknown expectation type", "Did you mean 'expect_column_values_to_be_null'?"),
    ({"kwargs": "{column: name, mostli: 0.9}"}, 5, "unknown argument 'mostli'", "Did you mean 'mostly'?"),
    ({"kwargs": "{}"}, 5, "lacks its argument 'column'", "As in {column:"),
    ({"kwargs": "{column: nmae}"}, 4, "no column 'nmae'", "Did you mean 'name'?"),
    (
        {"kwargs": """{column: name, row_condition: 'col("sexx")=="1"', condition_parser: great_expectations}"""},
        4,
        "no column 'sexx'",
        "sex",
    ),
    ({"type": "expect_column_to_exist", "kwargs": "{column: nmae}"}, 4, "no column 'nmae'", "Did you mean 'name'?"),
    ({"indicator": '"0209"'}, 8, "unknown indicator '0209'", "Did you mean '02"),
    ({"indicator": "0201"}, 8, "unknown indicator 129", "Quote its four digits"),
    ({"severity": "fatal"}, 6, "severity 'fatal'", "critical"),
    ({"type": MATCH, "kwargs": "{column: name, regex: '[甲'}"}, 5, "not a regular expression", "unterminated character set"),
    ({"type": MATCH, "kwargs": "{column: name, regex: '(?=甲)'}"}, 5, "look-around, which RE2 lacks", "Write two rules"),
    ({"type": MATCH, "kwargs": r"{column: name, regex: '(甲)\1'}"}, 5, "back reference, which RE2 lacks", "Write it out"),
    ({"type": MATCH, "kwargs": "{column: name, regex: 'x{1001}'}"}, 5, "RE2 refuses", "Use a rule on the length"),
    ({"type": MATCH, "kwargs": r"{column: name, regex: '\bx'}"}, 5, "Python reads as Unicode and RE2 as ASCII", "List the characters"),
    ({"type": MATCH, "kwargs": "{column: name, regex: '(?i)x'}"}, 5, "engines read differently", "[Aa]"),
    ({"type": MATCH, "kwargs": "{column: name, regex: 'a$b'}"}, 5, "engines read differently", "Move it to the end"),
    ({"kwargs": "{column: name, mostly: 1.01}"}, 5, "mostly 1.01 is not between 0 and 1", "0.95 means 95 %"),
    ({"kwargs": "{column: name, mostly: -0.1}"}, 5, "mostly -0.1 is not between 0 and 1", "0.95 means 95 %"),
    ({"kwargs": "{column: name, mostly: .nan}"}, 5, "mostly nan", "Give a number"),
    ({"kwargs": "{column: name, mostly: '95%'}"}, 5, "mostly '95%'", "Give a number"),
    ({"kwargs": "{column: name, mostly: 0}"}, 5, "can never fail", "Give the share"),
    ({"type": IN_SET, "kwargs": "{column: sex, value_set: {$code: sexe}}"}, 5, "no code table 'sexe'", "Did you mean 'sex'?"),
    ({"type": IN_SET, "kwargs": "{column: sex, value_set: {$code: [sex]}}"}, 5, "value_set", "Name one code table"),
    ({"type": IN_SET, "kwargs": "{column: sex, value_set: {$code: sex, kind: x}}"}, 5, "has no column 'kind'", "Known: code, name"),
    ({"type": IN_SET, "kwargs": "{column: sex, value_set: []}"}, 5, "empty value set", "List at least one value"),
    ({"type": IN_SET, "kwargs": "{column: sex, value_set: [1, 2]}"}, 4, "sex, which is a string", 'Quote it: "1"'),
    ({"type": BETWEEN, "kwargs": "{column: birth_date}"}, 5, "can never fail", "Give at least one"),
    (
        {"type": BETWEEN, "kwargs": "{column: birth_date, min_value: 2027-01-01, max_value: 2026-01-01}"},
        5,
        "always fails",
        "Change them over",
    ),
    ({"type": BETWEEN, "kwargs": "{column: birth_date, min_value: 2999-01-01, max_value: {$today: 0}}"}, 4, "always fails", "remove it"),
    ({"type": BETWEEN, "kwargs": "{column: birth_date, min_value: soon}"}, 4, "'soon' for birth_date, which is a date", "Write a date"),
    ({"type": MATCH, "kwargs": "{column: name, regex: '.*'}"}, 4, "can never fail", "remove it"),
    ({"type": "expect_column_values_to_not_match_regex", "kwargs": "{column: name, regex: 'x?'}"}, 4, "always fails", "remove it"),
    ({"type": "expect_table_row_count_to_be_between", "kwargs": "{min_value: 0}"}, 4, "can never fail", "remove it"),
    ({"type": "expect_column_values_to_parse", "kwargs": "{column: name}"}, 4, "can never fail", "Use it on dates"),
]


@pytest.mark.parametrize(("rule", "line", "what", "remedy"), WRONG, ids=[" ".join(r.values()) for r, *_ in WRONG])
def test_a_wrong_rule_is_told_by_file_and_line(project: Path, rule: Rule, line: int, what: str, remedy: str) -> None:
    write(project, rule)
    told = refused("explain", "population_register")
    assert f"population_register.yaml:{line}:" in told
    assert what in told
    assert remedy in told


def test_two_rules_with_one_id(project: Path) -> None:
    write(project, {"id": "one"}, {"id": "one", "kwargs": "{column: sex}"})
    told = refused("explain", "population_register")
    assert "population_register.yaml:13: the rule id 'one' stands at line 8 too. Give each rule an id of its own." in told


@pytest.mark.parametrize("version", ["0.18.22", "2.0.0", "1.2"])
def test_a_suite_of_another_version(project: Path, version: str) -> None:
    write(project, {}, head=f"meta: {{great_expectations_version: {version}}}")
    told = refused("explain", "population_register")
    assert f"population_register.yaml:2: written for Great Expectations {version}, this is 1.24" in told


def test_a_code_table_with_a_doubled_code_or_without_one(project: Path) -> None:
    codes = project / "expectations" / "codes"
    codes.mkdir()
    (codes / "sex.csv").write_text("code,name\n1,男\n2,女\n1,男性\n", encoding="utf-8")
    write(project, {"type": IN_SET, "kwargs": "{column: sex, value_set: {$code: sex}}"})
    assert "sex.csv:4: the code '1' stands twice. Remove one." in refused("explain", "population_register")
    (codes / "sex.csv").write_text("code,name\n", encoding="utf-8")
    assert "sex.csv:1: the table holds no code. Add at least one row." in refused("explain", "population_register")


@pytest.mark.parametrize(
    "text", ["name: [x\n", "- 1\n", "name: x\nname: y\n", "name: x\nexpectations: 5\n", "name: x\nexpectations: [5]\n", ""]
)
def test_a_suite_that_is_no_suite(project: Path, text: str) -> None:
    (project / SUITE).write_text(text, encoding="utf-8")
    assert "population_register.yaml:" in refused("explain", "population_register")


BROKEN: tuple[Rule, ...] = (
    {"type": "expect_nothing"},
    {"kwargs": "{column: nmae}"},
    {"type": MATCH, "kwargs": "{column: name, regex: '.*'}"},
)


@pytest.mark.parametrize("rule", BROKEN, ids=["type", "column", "sense"])
def test_nothing_is_stored(project: Path, tmp_path: Path, rule: Rule) -> None:
    """The run says what is wrong and leaves the hand-over where it is; a check beforehand and the doctor say it too."""
    write(project, rule)
    (waiting,) = (tmp_path / "data" / "landing" / "population_register").iterdir()
    content = waiting.read_bytes()
    for arguments in (["check", str(waiting), "-d", "population_register"], ["run"], ["doctor"]):
        told = refused(*arguments)
        assert "population_register.yaml" in told, arguments
    assert waiting.read_bytes() == content
    assert not (tmp_path / "data" / "collected").exists()
    assert not (tmp_path / "data" / "results.duckdb").exists()
    here = Project.at()
    if (here.lake / "catalogue.sqlite").exists():
        with open_lake(here, read_only=True) as lake:
            assert lake.execute("SELECT count(*) FROM evidence.batches").fetchone() == (0,)
            assert columns_of(lake, "raw.population_register") is None
