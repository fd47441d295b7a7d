"""A rule that can never fail, or always fails, is refused with its file and line; what can do both is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from expectations.codes import CodeTables
from expectations.compiler.matching import matches_all, matches_none, matching
from expectations.compiler.patterns import translate
from expectations.compiler.plan import Field, compile_suite
from expectations.compiler.sense import sensible
from expectations.documents import DocumentError
from expectations.suite import Suite

FIELDS = (
    Field("s", "string", "VARCHAR", None),
    Field("t", "string", "VARCHAR", None),
    Field("i", "integer", "BIGINT", "i__text"),
    Field("x", "number", "DOUBLE", "x__text"),
    Field("d", "date", "DATE", "d__text"),
    Field("b", "boolean", "BOOLEAN", "b__text"),
)
NEVER, ALWAYS = "can never fail", "always fails"
BETWEEN, LENGTHS = "expect_column_values_to_be_between", "expect_column_value_lengths_to_be_between"
MATCH, NO_MATCH = "expect_column_values_to_match_regex", "expect_column_values_to_not_match_regex"
PRESENT = "expect_column_values_to_not_be_null"
Check = Callable[[str, str], None]


@pytest.fixture
def check(suite_of: Callable[..., Suite], codes: CodeTables) -> Check:
    def run(type_: str, kwargs: str) -> None:
        sensible(compile_suite(suite_of((type_, kwargs)), FIELDS, codes=codes, as_of=date(2026, 11, 25)))

    return run


@pytest.mark.parametrize(
    ("type_", "kwargs", "words"),
    [
        (BETWEEN, "{column: i, min_value: 3, max_value: 3, strict_min: true}", ALWAYS),
        (BETWEEN, "{column: d, min_value: 2026-01-02, max_value: '2026-01-01'}", ALWAYS),
        (BETWEEN, "{column: d, min_value: 2026-11-26, max_value: {$today: 0}}", ALWAYS),
        (BETWEEN, "{column: x, min_value: -.inf, max_value: .inf}", NEVER),
        (LENGTHS, "{column: s, min_value: 0}", NEVER),
        (LENGTHS, "{column: s, max_value: 0, strict_max: true}", ALWAYS),
        (MATCH, "{column: s, regex: '[0-9]*'}", NEVER),
        (MATCH, "{column: s, regex: '^'}", NEVER),
        (MATCH, "{column: s, regex: a^b}", ALWAYS),
        (NO_MATCH, "{column: s, regex: x?}", ALWAYS),
        (NO_MATCH, "{column: s, regex: a^b}", NEVER),
        ("expect_column_values_to_be_in_set", "{column: b, value_set: [true, false]}", NEVER),
        ("expect_column_values_to_not_be_in_set", "{column: b, value_set: [true, false]}", ALWAYS),
        ("expect_column_values_to_be_division", "{column: s, status: [private], level: [province]}", ALWAYS),
        (PRESENT, "{column: s, row_condition: {type: nullity, column: {name: s}, is_null: false}}", NEVER),
        (PRESENT, "{column: s, row_condition: {type: nullity, column: {name: s}, is_null: true}}", ALWAYS),
        ("expect_table_row_count_to_be_between", "{min_value: 0}", NEVER),
        ("expect_table_row_count_to_be_between", "{max_value: 0, strict_max: true}", ALWAYS),
        ("expect_column_proportion_of_unique_values_to_be_between", "{column: s, max_value: 1}", NEVER),
        ("expect_column_proportion_of_unique_values_to_be_between", "{column: s, min_value: 1, strict_min: true}", ALWAYS),
        ("expect_column_pair_values_to_be_equal", "{column_A: s, column_B: s}", "compares a column with itself"),
        (PRESENT, "{column: t1}", "no column 't1'"),
        (PRESENT, """{column: s, row_condition: 'col("t1")=="a"', condition_parser: great_expectations}""", "no column 't1'"),
        ("expect_column_to_exist", "{column: t1}", "no column 't1'"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(check: Check, type_: str, kwargs: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        check(type_, kwargs)
    assert caught.value.line == 4
    assert caught.value.remedy


def test_resident_ids_of_every_word_are_no_rule(check: Check) -> None:
    from expectations.compiler.rules.identity import RESIDENT_WORDS

    words = list(RESIDENT_WORDS)
    with pytest.raises(DocumentError, match=NEVER):
        check("expect_column_values_to_be_resident_id", f"{{column: s, accept: {words}}}")
    check("expect_column_values_to_be_resident_id", f"{{column: s, accept: {words[:-1]}}}")


@pytest.mark.parametrize(
    ("type_", "kwargs"),
    [
        (BETWEEN, "{column: i, min_value: 3, max_value: 3}"),
        (BETWEEN, "{column: d, min_value: 2026-11-25, max_value: {$today: 0}}"),
        (LENGTHS, "{column: s, min_value: 0, strict_min: true}"),
        (LENGTHS, "{column: s, max_value: 0}"),
        (MATCH, "{column: s, regex: '^[0-9]*$'}"),
        (MATCH, "{column: s, regex: '^$'}"),
        (MATCH, "{column: s, regex: '^a|b$'}"),
        ("expect_column_values_to_be_in_set", "{column: b, value_set: [true]}"),
        (PRESENT, "{column: s, row_condition: {type: nullity, column: {name: t}, is_null: false}}"),
        ("expect_table_row_count_to_be_between", "{max_value: 0}"),
        (
            "expect_column_proportion_of_unique_values_to_be_between",
            "{column: s, min_value: 0, strict_min: true, max_value: 1, strict_max: true}",
        ),
        (PRESENT, "{column: i__text}"),
    ],
)
def test_a_rule_at_the_edge_of_sense_is_taken(check: Check, type_: str, kwargs: str) -> None:
    check(type_, kwargs)


@pytest.mark.parametrize(
    ("pattern", "every", "none"),
    [
        ("", True, False),
        ("a*", True, False),
        ("^a*$", False, False),
        ("(a|b*)", True, False),
        ("a^", False, True),
        ("(?:a^b)+|c", False, False),
        ("a+", False, False),
        ("$", True, False),
        ("^$", False, False),
        (r"\d{2}", False, False),
        ("汉|^", True, False),
    ],
)
def test_what_a_pattern_matches(pattern: str, every: bool, none: bool) -> None:
    assert (matches_all(translate(pattern)), matches_none(translate(pattern))) == (every, none)


@pytest.mark.parametrize("pattern", ["^[0-9]{4}A$", "[^a-z]", r"\w\d\s", "a|b", r"^1[12][0-9A-Z]{16}$", "测试|test", "x{2,}y?", r"\$\."])
def test_an_example_of_a_pattern_matches_it(pattern: str) -> None:
    import re

    text = matching(translate(pattern))
    assert text is not None
    assert re.search(pattern, text)
