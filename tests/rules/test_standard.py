"""The standard: what GB/T 36344-2018 lays down, and the bureau's dated editions."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from expectations.compiler.rules import kinds
from expectations.documents import DocumentError
from expectations.standard import PATH, Standard, load_editions, load_standard, read_edition
from pipelines.cli import app

TEXT = PATH.read_text(encoding="utf-8")
SECOND = """\
  - version: "2.0"
    valid_from: 2027-07-01
    weights: {conformity: 10, completeness: 30, accuracy: 25, consistency: 15, timeliness: 15, accessibility: 5}
    indicators: {"0202": 2, "0103": 0}
    grades: [{name: A, zh: 优, en: Excellent, at_least: 90}, {name: D, zh: 差, en: Poor, at_least: 0}]
    targets: {total: 90, completeness: 95}
"""


def test_the_standard_has_the_indicators_of_gbt_36344(standard: Standard) -> None:
    assert [len(d.indicators) for d in standard.dimensions.values()] == [6, 2, 5, 2, 3, 2]
    assert [i.code for i in standard.indicators.values() if i.inverted] == ["0303", "0305"]
    assert [standard.grade(s).zh for s in (100, 95, 94.9, 70, 0)] == ["优", "优", "良", "中", "差"]


def test_editions_stand_side_by_side_and_a_day_chooses(tmp_path: Path) -> None:
    path = tmp_path / "standard.yaml"
    path.write_text(TEXT + SECOND, encoding="utf-8")
    first, second = load_editions(path)
    assert [load_standard(path, on=d).version for d in (date(2027, 6, 30), date(2027, 7, 1), date(2030, 1, 1))] == ["1.0", "2.0", "2.0"]
    assert first.fingerprint == load_standard().fingerprint != second.fingerprint
    assert (second.dimensions["02"].weight, second.indicators["0202"].weight, second.indicators["0201"].weight) == (30, 2, 1)
    assert (first.targets, second.targets) == ({"total": 85}, {"total": 90, "completeness": 95})
    with pytest.raises(DocumentError, match=r"standard\.yaml: no edition is valid on 2025-12-31: the first begins on 2026-01-01"):
        load_standard(path, on=date(2025, 12, 31))


def test_an_edition_that_was_written_down_reads_as_it_was(standard: Standard) -> None:
    read = read_edition(standard.as_json())
    assert (read, read.fingerprint) == (standard, standard.fingerprint)


def test_every_kind_of_rule_has_its_element(standard: Standard) -> None:
    said = {t: standard.element(t).element for t in kinds()}
    assert said["expect_column_values_to_be_in_set"] == "cell"
    assert said["expect_column_values_to_be_unique"] == said["expect_compound_columns_to_be_unique"] == "record"
    assert said["expect_column_pair_values_a_to_be_greater_than_b"] == "record"
    assert said["expect_column_mean_to_be_between"] == said["expect_table_row_count_to_be_between"] == "hand-over"


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ('"0106": {', '"0107": {', '"0107"', r"unknown indicator '0107' in dimension '01'. .*Did you mean '010"),
        ("better: lower", "better: higher", '"0303"', "better: 'higher'. GB/T 36344-2018 has 0303 as lower"),
        ('  "06":', '  "07":', '"07"', "unknown dimension '07'.*Known: 01, 02"),
        ("{conformity: 20", "{conformity: -1", "weights:", "weight of conformity: -1. Give a number of at least 0"),
        ("{conformity: 20", "{conformity: .nan", "weights:", "weight of conformity: nan"),
        ("conformity: 20, ", "", "weights:", "'conformity' is missing: the weight of a dimension"),
        ("conformity: 20, ", "conformty: 20, ", "weights:", "unknown dimension 'conformty'. Did you mean 'conformity'"),
        ("indicators: {} #", 'indicators: {"0399": 2} #', '"0399"', "unknown indicator '0399'. Known: 0101"),
        ("at_least: 85", "at_least: 95", "name: B", "grade 'B' begins at 95, not below the one before it"),
        ("at_least: 0}", "at_least: 5}", "grades:", "the lowest grade does not begin at 0"),
        ("at_least: 95", "at_least: 101", "name: A", "at_least: 101. Give a number from 0 to 100"),
        ("{total: 85}", "{totals: 85}", "totals", "unknown target 'totals'. Did you mean 'total'"),
        ("2026-01-01", "soon", "valid_from: soon", "valid_from 'soon' is no date. Write it as 2026-01-01"),
        ("editions:\n", "editions: []\nedition:\n", "edition:", "unknown key 'edition'. Did you mean 'editions'"),
        ('rules: "*"', "rules: expect_x", "elements:", "the last entry is not for all other rules"),
    ],
)
def test_a_wrong_standard_is_refused_by_line(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    path = tmp_path / "standard.yaml"
    text = TEXT.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=words) as caught:
        load_standard(path)
    assert at in text.splitlines()[(caught.value.line or 0) - 1]


def test_an_edition_that_cannot_be_is_told_by_the_command_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "expectations").mkdir()
    (tmp_path / "assets").mkdir()
    (tmp_path / "expectations" / "standard.yaml").write_text(TEXT.replace("conformity: 20", "conformity: -20"), encoding="utf-8")
    monkeypatch.setenv("YUANQING_ROOT", str(tmp_path))
    monkeypatch.setenv("YUANQING_DATA", str(tmp_path / "data"))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 2
    told = next(f for f in json.loads(result.output) if f["what"] == "standard")
    assert not told["ok"]
    assert re.search(r"standard\.yaml:\d+: weight of conformity: -20\. Give a number of at least 0", told["found"])


def test_a_lacking_dimension_and_editions_out_of_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "standard.yaml"
    sixth = TEXT[TEXT.index('  "06":') : TEXT.index("# What one element")]
    path.write_text(TEXT.replace(sixth, ""), encoding="utf-8")
    with pytest.raises(DocumentError, match=r"standard\.yaml:7: '06' is missing: a dimension of GB/T 36344-2018"):
        load_standard(path)
    for old, new, words in (
        ("2027-07-01", "2026-01-01", "valid_from 2026-01-01 is not after 2026-01-01, where the edition before begins"),
        ('"2.0"', '"1.0"', "the version '1.0' stands twice"),
    ):
        path.write_text(TEXT + SECOND.replace(old, new), encoding="utf-8")
        with pytest.raises(DocumentError, match=words) as caught:
            load_standard(path)
        assert caught.value.line is not None
        assert caught.value.line > TEXT.count("\n")
