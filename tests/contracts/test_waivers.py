"""Waivers: read with their line, and refused where nobody, no reason or no end is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assets.project import Project
from assets.waivers import load_waivers
from expectations.documents import DocumentError

KNOWN = {("people", "name_there"), ("people", "id_there"), ("roads", "code_form")}
GOOD = """\
waivers:
  - dataset: people
    rule: name_there
    unit: "210100"
    reason: 系统改造，名称字段待补
    officer: 王处长
    valid_from: 2026-11-01
    until: 2026-12-31
  - {dataset: people, rule: name_there, unit: "210200", reason: r, officer: o, valid_from: 2026-11-01, until: 2026-11-30}
  - {dataset: people, rule: name_there, unit: "210100", reason: r, officer: o, valid_from: 2027-01-01, until: 2027-01-31}
"""


def project_of(root: Path, text: str) -> Project:
    (root / "expectations").mkdir(exist_ok=True)
    (root / "expectations" / "waivers.yaml").write_text(text, encoding="utf-8")
    return Project(root, root / "data")


def test_a_waiver_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    first, *others = load_waivers(project_of(tmp_path, GOOD), KNOWN)
    assert (first.dataset, first.rule, first.unit, first.officer, first.line) == ("people", "name_there", "210100", "王处长", 2)
    days = (date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 31), date(2027, 1, 1))
    assert [first.holds(d) for d in days] == [False, True, True, False]
    assert len(others) == 2


def test_no_file_is_no_waiver(tmp_path: Path) -> None:
    assert load_waivers(Project(tmp_path, tmp_path / "data"), KNOWN) == ()


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("dataset: people\n", "dataset: peple\n", "peple", "no dataset 'peple'. Did you mean 'people'"),
        ("rule: name_there\n", "rule: name_ther\n", "name_ther", "people has no rule 'name_ther'. Did you mean 'name_there'"),
        ("    reason: 系统改造，名称字段待补\n", "", "dataset: people", "the waiver has no reason. Add it"),
        ("    officer: 王处长\n", "    officer: ''\n", "dataset: people", "the waiver has no officer"),
        ("    until: 2026-12-31\n", "", "dataset: people", "the waiver has no until"),
        ("until: 2026-12-31", "until: for ever", "for ever", "until 'for ever' is no date"),
        ("until: 2026-12-31", "until: 2026-10-31", "until", "until 2026-10-31 is before valid_from 2026-11-01"),
        ("    unit:", "    units:", "units", "unknown key 'units'. Did you mean 'unit'"),
        ('unit: "210200"', 'unit: "210100"', "210100", "the same scope is waived at line 2 for a time that meets this"),
        ("waivers:", "waiver:", "waiver:", "expected one list `waivers`"),
    ],
)
def test_a_wrong_waiver_is_refused_by_line(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    text = GOOD.replace(old, new, 1)
    with pytest.raises(DocumentError, match=words) as caught:
        load_waivers(project_of(tmp_path, text), KNOWN)
    assert at in text.splitlines()[(caught.value.line or 0) - 1]
