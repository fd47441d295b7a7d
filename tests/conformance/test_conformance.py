"""Great Expectations' own cases, those that are quick to judge; `make conformance` runs them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from expectations.conformance.__main__ import examine, main, report
from expectations.conformance.cases import DEFAULT, Case, CasesError, Table, read_cases
from expectations.conformance.compare import against_gx, against_record, alike
from expectations.conformance.known import read_known
from expectations.documents import DocumentError

ROOT = Path(__file__).parents[2]
CASES = ROOT / DEFAULT
QUICK = ("column_pair_map_expectations", "multicolumn_map_expectations", "other_expectations")


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases of Great Expectations are not at {DEFAULT}")
@pytest.mark.parametrize("folder", QUICK)
def test_nothing_differs_that_is_not_listed(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    cases = read_cases(CASES / folder)
    known = {case: why for case, why in read_known().items() if case in {c.id for c in cases}}
    assert report(examine(cases), known), capsys.readouterr().out


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases of Great Expectations are not at {DEFAULT}")
def test_what_is_listed_is_a_case() -> None:
    assert set(read_known()) <= {case.id for case in read_cases(CASES)}


def case(out: dict[str, Any], **changes: Any) -> Case:
    table = Table("t", {"x": [1, 2]}, {})
    return Case(**{**dict(id="c 1.1", type="expect", title="", tables=(table,), kwargs={}, out=out, exact=False, tolerance=None, only_for=(), not_for=()), **changes})  # fmt: skip  # noqa: C408, E501


def verdict(success: bool | None, **result: Any) -> dict[str, Any]:
    return {"success": success, "result": result}


def test_a_difference_is_found() -> None:
    ours = verdict(False, unexpected_count=2, partial_unexpected_list=[2, 1], partial_unexpected_index_list=[0, 3])
    assert against_record(ours, case({"success": False, "unexpected_list": [1, 2]})) == []
    assert against_record(ours, case({"success": False, "unexpected_list": [1, 2]}, exact=True)) != []
    assert against_record(ours, case({"success": True})) == ["success: False, should be True"]
    assert against_record(ours, case({"unexpected_index_list": [{"x": 1, "pk_index": 0}, {"x": 2, "pk_index": 2}]})) != []
    assert against_record(ours, case({"traceback_substring": "TypeError"})) != []
    assert against_record({"error": "no"}, case({"traceback_substring": "TypeError"})) == []
    assert against_gx(verdict(None), verdict(True), None) == ["success: None, should be True"]
    assert against_gx(ours, verdict(False, unexpected_count=3), None) == ["unexpected_count: 2, should be 3"]


def test_values_that_are_one() -> None:
    assert alike([1, float("nan")], [1.0, None])
    assert not alike(True, 1.5)
    assert not alike("1", 1)
    assert alike({"a": 1.0000001}, {"a": 1}, 1e-5)
    assert not alike({"a": 1.0001}, {"a": 1}, 1e-5)


def test_folders_without_cases_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "no such folder of cases" in capsys.readouterr().err
    with pytest.raises(CasesError, match="no case in it"):
        read_cases(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"a": 1}), encoding="utf-8")
    with pytest.raises(CasesError, match="lacks expectation_type"):
        read_cases(tmp_path)


def test_a_case_has_one_reason(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(
        "a:\n  from: [record]\n  reason: r\n  cases: [x 1.1]\nb:\n  from: [gx]\n  reason: r\n  cases: [x 1.1]\n", encoding="utf-8"
    )
    with pytest.raises(DocumentError, match="stands twice"):
        read_known(path)
