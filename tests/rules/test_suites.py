"""Suites, patterns, code tables and the standard: what is wrong in them is refused by line, with a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.codes import CodeTables
from expectations.compiler.patterns import PatternError, translate
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.rules import kinds
from expectations.documents import DocumentError
from expectations.interchange import suite_to_gx
from expectations.standard import Standard
from expectations.suite import Suite, load_suite

HEAD = "name: tried\nexpectations:\n"
RULE = '  - type: {type}\n    kwargs: {kwargs}\n    severity: {severity}\n    meta: {{id: {id}, indicator: "{indicator}"}}\n'
GOOD = {"type": "expect_column_values_to_not_be_null", "kwargs": "{column: s}", "severity": "warning", "id": "present", "indicator": "0201"}
IN_SET, REGEX, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_match_regex", "expect_column_values_to_be_between"


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        ({"type": "expect_column_values_to_not_be_nul"}, 3, "Did you mean 'expect_column_values_to_not_be_null'?"),
        ({"kwargs": "{colum: s}"}, 4, "unknown argument 'colum'"),
        ({"kwargs": "{}"}, 4, "lacks its argument 'column'"),
        ({"kwargs": "{column: s, mostly: 1.5}"}, 4, "not between 0 and 1"),
        ({"kwargs": "{column: s, mostly: 0}"}, 4, "can never fail"),
        ({"severity": "error"}, 5, "severity 'error'"),
        ({"indicator": "0299"}, 6, "unknown indicator '0299'"),
        ({"id": "Present"}, 6, "rule id 'Present'"),
        ({"type": IN_SET, "kwargs": "{column: s, value_set: {$code: sexx}}"}, 4, "Did you mean 'sex'?"),
        ({"type": IN_SET, "kwargs": "{column: s, value_set: {$code: division, status: current, lvel: county}}"}, 4, "no column 'lvel'"),
        ({"type": IN_SET, "kwargs": "{column: s, value_set: []}"}, 4, "empty value set"),
        ({"type": REGEX, "kwargs": "{column: s, regex: '[a'}"}, 4, "not a regular expression"),
        ({"type": REGEX, "kwargs": r"{column: s, regex: '\b[0-9]'}"}, 4, "Python reads as Unicode and RE2 as ASCII"),
        ({"type": BETWEEN, "kwargs": "{column: i}"}, 4, "can never fail"),
        ({"type": BETWEEN, "kwargs": "{column: i, min_value: 3, max_value: 1}"}, 4, "always fails"),
        ({"kwargs": "{column: s, row_condition: 'state = 4'}"}, 4, "is no row condition"),
        ({"type": "expect_compound_columns_to_be_unique", "kwargs": "{column_list: [s, s]}"}, 4, "two different columns"),
        ({"type": "expect_column_values_to_be_resident_id", "kwargs": "{column: s, accept: [legacy]}"}, 4, "Did you mean 'legacy15'?"),
    ],
)
def test_a_wrong_rule_is_refused_by_line(
    tmp_path: Path, codes: CodeTables, standard: Standard, change: dict[str, str], line: int, words: str
) -> None:
    path = tmp_path / "tried.yaml"
    path.write_text(HEAD + RULE.format(**(GOOD | change)), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_suite(path, codes, standard)
    assert caught.value.line == line
    assert words in str(caught.value)


def test_a_doubled_rule_id_and_a_suite_of_another_version_are_refused(tmp_path: Path, codes: CodeTables, standard: Standard) -> None:
    path = tmp_path / "tried.yaml"
    path.write_text(HEAD + RULE.format(**GOOD) * 2, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"tried.yaml:10: the rule id 'present' stands at line 6 too"):
        load_suite(path, codes, standard)
    path.write_text("name: tried\nmeta: {great_expectations_version: 0.18.2}\nexpectations: []\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"tried\.yaml:2: written for Great Expectations 0.18.2"):
        load_suite(path, codes, standard)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ((IN_SET, "{column: s, value_set: [1, 2]}"), 'Quote it: "1"'),
        ((IN_SET, "{column: d, value_set: [soon]}"), "Write a date"),
        ((BETWEEN, "{column: s, min_value: 3}"), "takes no bounds"),
        ((REGEX, "{column: x, regex: a}"), "Use x__text"),
        (("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: d}"), "cannot be compared"),
        (("expect_column_values_to_parse", "{column: s}"), "can never fail"),
        (("expect_column_mean_to_be_between", "{column: s, min_value: 1}"), "it has no mean"),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_refused(
    suite_of: Callable[..., Suite], codes: CodeTables, rule: tuple[str, str], words: str
) -> None:
    fields = [Field("s", "string", "VARCHAR", None), Field("x", "number", "DOUBLE", "x__text"), Field("d", "date", "DATE", "d__text")]
    with pytest.raises(DocumentError, match=re.escape(words)) as caught:
        compile_suite(suite_of(rule), fields, codes=codes)
    assert caught.value.line == 4


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "^[0-9]{4}$",
            r"\Aa\Z",
            "a|b$",
            "[^a-c]x*?",
            "(ab){1,2}",
            ".",
            r"[\]\-\\^]",
            "[一-龥]+",
            "",
            "^$",
            r"\$\.\*",
            "a{2,}$",
            "[-+]?[0-9]",
        ),
        *(r"^\d+$", r"\s", r"^\w+$", r"\D", r"\W", r"\S", r"[^\W]", r"[^\s\d]", r"[\d.-]"),
    ],
)
def test_a_pattern_means_to_duckdb_what_it_means_to_python(con: duckdb.DuckDBPyConnection, pattern: str) -> None:
    texts = ["", "a", "b", "ab", "abab", "2024", "2024\n", "x", "ax", "\n", "\r", "一", "]", "-", "\\", "^", "$.*", "aa\n", "+1", "𠮷", "c"]
    texts += ["１２", "٣", "é", "_", " ", "\u3000", "\x1c", "½", "Ⅷ", "²", "a b"]
    ours = [con.execute("SELECT regexp_matches(?, ?)", [text, translate(pattern)]).fetchone() for text in texts]
    assert [r and r[0] for r in ours] == [re.search(pattern, text) is not None for text in texts]


@pytest.mark.parametrize("pattern", [r"[\W.]", r"\bx", "(?=a)", r"(a)\1", "(?i)a", "(?i:a)", "a{1001}", "a$b", "[[a]", "a++", "("])
def test_a_pattern_that_engines_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        translate(pattern)


def test_great_expectations_takes_every_kind(suite_of: Callable[..., Suite], gx_validate: Any) -> None:
    suite = suite_of(*[(kind.type, kind.example) for kind in kinds().values()])
    made = suite_to_gx(suite)
    assert [e.expectation_type for e in made.expectations] == list(kinds())
    resolved = next(e for e in made.expectations if e.expectation_type == IN_SET)
    assert resolved.value_set == ["0", "1", "2", "9"]


def test_every_code_table_reads(codes: CodeTables) -> None:
    assert len(codes.get("ethnicity").codes) == 58
    assert codes.get("ethnicity").dialect["汉"] == codes.get("ethnicity").dialect["1"] == "01"
    assert {codes.get("registration_state").dialect[t] for t in ("存续", "在业", "开业")} == {"1"}
    assert sum(r["status"] == "sample" for r in codes.get("division").rows) == 15
    for name in codes.names:
        assert set(codes.get(name).dialect.values()) <= set(codes.get(name).codes)


def test_a_wrong_code_table_is_refused_by_line(tmp_path: Path) -> None:
    (tmp_path / "colour.csv").write_text("code,name\n1,red\n2,blue\n1,green\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"colour.csv:4: the code '1' stands twice"):
        CodeTables(tmp_path).get("colour")
    with pytest.raises(KeyError, match="Did you mean 'colour'"):
        CodeTables(tmp_path).get("color")
    (tmp_path / "colour.csv").write_text("code,name\n1,red\n2,blue\n", encoding="utf-8")
    (tmp_path / "colour.dialect.csv").write_text("text,code\nrot,1\nblau,3\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"colour.dialect.csv:3: '3' is no code of colour"):
        CodeTables(tmp_path).get("colour")


def test_every_code_table_has_a_title_and_a_projects_own_goes_before(codes: CodeTables, tmp_path: Path) -> None:
    assert [name for name in codes.names if codes.title(name)[0] == name] == []
    (tmp_path / "tables.yaml").write_text("tables: {colour: [颜色, Colour], sex: [性別, Sexes]}\n", encoding="utf-8")
    own = CodeTables(*codes.folders, tmp_path)
    assert [own.title(name) for name in ("colour", "sex", "some_other")] == [
        ("颜色", "Colour"),
        ("性別", "Sexes"),
        ("some_other", "some other"),
    ]
    assert (own.column_title("code"), own.column_title("strange")) == (("代码", "code"), ("", ""))
    (tmp_path / "tables.yaml").write_text("tables:\n  colour: 颜色\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"tables.yaml:2: the title '颜色' of colour. Write it as \[性别, Sex\]"):
        CodeTables(tmp_path).title("colour")


def test_the_manual_is_made_from_the_code() -> None:
    from expectations.manual import manual

    written = Path(__file__).parents[2] / "docs" / "rules.md"
    assert written.read_text(encoding="utf-8") == manual(), "run: python -m expectations.manual > docs/rules.md"
