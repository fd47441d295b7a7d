"""A catalogue in the guide's form becomes drafts of contracts that read, with a note of what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter
from typer.testing import CliRunner

from assets.catalogue import check_catalogue
from assets.contracts import Contract, read_contract, read_contracts
from assets.project import Project
from expectations.documents import DocumentError
from pipelines.catalogue import read_catalogue
from pipelines.catalogue.drafts import NOTES, write_drafts
from pipelines.catalogue.entries import Entry, entry_of
from pipelines.catalogue.form import write_form
from pipelines.catalogue.measures import Measured
from pipelines.catalogue.reading import read_form
from pipelines.cli import app

NAMES = (
    "信息资源名称",
    "信息资源代码",
    "信息资源提供方",
    "信息项名称",
    "数据类型",
    "共享类型",
    "共享条件",
    "更新周期",
    "发布日期",
    "是否向社会开放",
)


def book(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as made:
        sheet = made.add_worksheet("目录")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return path


def contracts(out: Path) -> list[Contract]:
    return [read_contract(path, out) for path in sorted(out.rglob("*.odcs.yaml"))]


def comparable(entry: Entry) -> Entry:
    """Without what the guide's form does not hold."""
    return replace(
        entry,
        path=Path(),
        group="",
        layer="",
        limitations="",
        provider_en="",
        duties={},
        registration=None,
        users=(),
        delivery=None,
        lacking=(),
        items=tuple(replace(i, required=False, description="", hidden=None, opened=False, codes=None) for i in entry.items),
    )


@pytest.mark.parametrize("real", [False, True])
def test_out_and_in_again(project: Project, tmp_path: Path, real: bool) -> None:
    entries = read_catalogue(Project.at() if real else project)
    write_form(entries, tmp_path / "form.xlsx", Measured())
    drafts = write_drafts(tmp_path / "form.xlsx", tmp_path / "drafts")
    assert [d.title for d in drafts] == [e.title for e in entries]
    again = {c.name: entry_of(c) for c in read_contracts(tmp_path / "drafts").values()}
    check_catalogue(read_contracts(tmp_path / "drafts").values())
    assert set(again) == {e.name for e in entries}
    for entry in entries:  # a draft needs a period of delivery, and where the form says none it has a month
        found = again[entry.name] if entry.cycle else replace(again[entry.name], cycle=None)
        assert comparable(found) == comparable(entry)


def test_a_foreign_form(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["某市政务信息资源目录"],
        list(NAMES),
        ["企业 登记", "301001/1", "市场局", "Shop Name", "字符型C", "无条件共享", "", "每月", "2026-03-01", "是"],
        ["", "", "", "注册资本", "货币型Y(18,2)"],
        ["", "", "", "成立日期", "日期型"],
        ["", "", "", "状态", "VARCHAR(20)"],
        ["", "", "", "Shop Name", "整型I"],
        ["名单", "301001/1", "", "编号", 7, 3, "", "实时", "三月", "部分"],
        ["../../etc/passwd", "99", "市场局", "=1+1", "C", "不予共享", "保密法", "每季度", 46000, "否"],
    ]
    drafts = write_drafts(book(tmp_path / "f.xlsx", rows), tmp_path / "out")
    shop, names, odd = drafts
    assert [d.place.as_posix() for d in drafts] == [
        "sources/provider_1/resource_301001_1.odcs.yaml",
        "sources/provider_2/resource_301001_1_2.odcs.yaml",
        "sources/provider_1/resource_99.odcs.yaml",
    ]
    first, third, second = contracts(tmp_path / "out")
    assert [(c.name, c.title, c.logical_type, c.classification) for c in first.columns] == [
        ("shop_name", "Shop Name", "string", 4),
        ("item_2", "注册资本", "number", 4),
        ("item_3", "成立日期", "date", 4),
        ("item_4", "状态", "string", 4),
        ("shop_name_2", "Shop Name（重名）", "integer", 4),
    ]
    assert first.catalogue == {"resourceCode": "301001/1", "sharing": 1, "open": True, "cycle": "每月", "published": "2026-03-01"}
    assert any("状态 的 VARCHAR(20) 暂按字符型" in note for note in shop.notes)
    assert any("暂按 4 级" in note for note in shop.notes)
    assert second.catalogue == {"open": False, "cycle": "实时"}
    told = "\n".join(names.notes)
    for lack in (
        "已属另一资源",
        "提供方",
        "须写明法律依据",
        "三月 不是日期",
        "部分, 暂按不开放",
        "实时: 交付周期暂按每月",
        "编号 的 7 暂按字符型",
    ):
        assert lack in told
    assert (third.title, third.columns[0].title, third.catalogue) == (
        "../../etc/passwd",
        "=1+1",
        {"sharing": 3, "basis": "保密法", "open": False, "cycle": "每季度"},
    )
    assert any("46000 不是日期" in note for note in odd.notes)
    listed = (tmp_path / "out" / NOTES).read_text("utf-8")
    assert all(note in listed for draft in drafts for note in draft.notes)
    assert {p.relative_to(tmp_path / "out").parts[0] for p in (tmp_path / "out").rglob("*")} == {"sources", NOTES}


def test_repeated_values_and_other_places_of_columns(tmp_path: Path) -> None:
    rows = [
        ["信息项信息", "", "政务信息资源名称", "信息资源代码"],
        ["信息项名称（必填）", "数据类型", "", ""],
        ["甲", "C", "登记", "301001/1"],
        ["乙", "D", "登记", "301001/1"],
        ["丙", "D", "登记", "301001/2"],
    ]
    found = read_form(book(tmp_path / "f.xlsx", rows))
    assert [(r.line, r.values["code"], [(i["item"], i["type"]) for i in r.items]) for r in found] == [
        (3, "301001/1", [("甲", "C"), ("乙", "D")]),
        (5, "301001/2", [("丙", "D")]),
    ]


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "=1+1", "+1", "-1", "@a", "a: [b, {c", "# x", "a\nstatus: active", "'", '"', "null", "2026-01-01"]
)
def test_any_name_stays_text(tmp_path: Path, text: str) -> None:
    form = book(tmp_path / "f.xlsx", [list(NAMES), [text, "301001/1", text, text, "C", "有条件", text, "每日", "", "否"]])
    [draft] = write_drafts(form, tmp_path / "out")
    [contract] = contracts(tmp_path / "out")
    assert (contract.title, contract.department, contract.columns[0].title, contract.catalogue["condition"]) == (text, text, text, text)
    assert contract.document.data["status"] == "draft"
    assert all("\n" not in note for note in draft.notes)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["a", "b"]], "no sheet with the columns 信息资源名称、信息项名称"),
        ([["信息资源名称", "信息资源代码"]], "no sheet with the columns"),
        ([list(NAMES)], "no resource under the names"),
    ],
)
def test_what_is_no_such_form(tmp_path: Path, rows: list[list[str]], words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        write_drafts(book(tmp_path / "f.xlsx", rows), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="file not found"):
        write_drafts(tmp_path / "none.xlsx", tmp_path / "out")
    (tmp_path / "text.xlsx").write_text("a,b")
    with pytest.raises(DocumentError, match="no workbook that can be read"):
        write_drafts(tmp_path / "text.xlsx", tmp_path / "out")


def test_a_draft_that_stands_is_left_alone(project: Project, tmp_path: Path) -> None:
    write_form(read_catalogue(project), tmp_path / "form.xlsx", Measured())
    run = CliRunner().invoke(app, ["catalogue", "import", str(tmp_path / "form.xlsx"), "--out", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    worked_on = next((tmp_path / "out").rglob("stall.odcs.yaml"))
    worked_on.write_text("mine")
    run = CliRunner().invoke(app, ["catalogue", "import", str(tmp_path / "form.xlsx"), "--out", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert "a draft stands here already" in run.output
    assert worked_on.read_text() == "mine"
