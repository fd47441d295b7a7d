"""Files that are no workbook of ours, or would do harm: none is taken, and the reason is said."""

from __future__ import annotations

import contextlib
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.project import Project
from pipelines.workbooks import opening
from pipelines.workbooks.errors import WorkbookError
from pipelines.workbooks.identity import SHEET
from pipelines.workbooks.reading import read_workbook

from workbook_support import PASSWORD, Clerk  # isort: skip


def refusal(project: Project, path: Path) -> str:
    with pytest.raises(WorkbookError) as told:
        read_workbook(project, path)
    return str(told.value)


def put(name: str, content: bytes = b"x") -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.update({name: content})


@pytest.mark.parametrize(
    "change",
    [
        put("xl/vbaProject.bin"),
        put("xl/macrosheets/sheet1.xml"),
        put("xl/embeddings/oleObject1.bin"),
        put("xl/externalLinks/externalLink1.xml"),
        lambda parts: parts.update(
            {"[Content_Types].xml": parts["[Content_Types].xml"].replace(b"sheet.main", b"sheet.macroEnabled.main")}
        ),
    ],
)
def test_macros_and_the_like(project: Project, clerk: Clerk, tmp_path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    assert "有宏、嵌入对象或外部链接" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


@pytest.mark.parametrize(("name", "said"), [("police.xlsm", "含宏的格式"), ("police.xlsb", "含宏的格式"), ("police.csv", "不是 .xlsx")])
def test_other_forms(project: Project, clerk: Clerk, tmp_path: Path, name: str, said: str) -> None:
    assert said in refusal(project, clerk.save(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "不是工作簿"),
        (b"<html>", "不是工作簿"),
        (b"PK\x03\x04 and nothing", "已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "已损坏"),
    ],
)
def test_no_workbook(project: Project, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "police.xlsx").write_bytes(content)
    assert said in refusal(project, tmp_path / "police.xlsx")


def test_an_archive_of_something_else(project: Project, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "police.xlsx", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "压缩包里没有工作簿" in refusal(project, tmp_path / "police.xlsx")


def test_a_workbook_of_their_own(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """Rows copied into a new file have lost the hidden sheet."""
    del clerk.sheets[SHEET]
    assert f"缺隐藏表 {SHEET}" in refusal(project, clerk.save(tmp_path / "police.xlsx"))


@pytest.mark.parametrize("line", [["yuanqing workbook", "2"], ["sheet"], ["row", "x"], ["yuanqing workbook", "1", "police", "x", "a", "b"]])
def test_a_hidden_sheet_that_was_changed(project: Project, clerk: Clerk, tmp_path: Path, line: list[str]) -> None:
    clerk.sheets[SHEET].insert(0, [*line, *[""] * (7 - len(line))])
    assert f"隐藏表 {SHEET} 被改动" in refusal(project, clerk.save(tmp_path / "police.xlsx"))


def test_what_unpacks_to_too_much(project: Project, clerk: Clerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "UNZIPPED_MOST", 20 << 20)
    path = clerk.save(tmp_path / "police.xlsx", change=put("xl/media/image1.png", bytes(30 << 20)))
    assert path.stat().st_size < 200_000
    assert "解开后超过 20 MB" in refusal(project, path)


def test_a_size_that_is_not_what_the_archive_claims(
    project: Project, clerk: Clerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claimed size is put small in the archive's directory: what is unpacked is counted, not believed."""
    monkeypatch.setattr(opening, "UNZIPPED_MOST", 20 << 20)
    path = clerk.save(tmp_path / "police.xlsx", change=put("xl/media/image1.png", bytes(30 << 20)))
    data = path.read_bytes()
    path.write_bytes(data.replace((30 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "解开后超过 20 MB" in refusal(project, path)


def test_a_cell_at_the_end_of_the_world(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    """The reader would keep every cell between: two cells of a tiny file would take hundreds of gigabytes."""
    path = clerk.save(
        tmp_path / "police.xlsx",
        change=lambda parts: parts.update(
            {
                "xl/worksheets/sheet1.xml": parts["xl/worksheets/sheet1.xml"].replace(
                    b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                )
            }
        ),
    )
    assert "伸展到 1,048,576 行 × 16,384 列" in refusal(project, path)


def test_cells_without_an_address(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b'<c r="A1"', b"<c")

    assert "单元格没有位置" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


def test_entities_are_not_let_through(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook', 1)

    assert "写法异常" in refusal(project, clerk.save(tmp_path / "police.xlsx", change=change))


@pytest.mark.parametrize("seed", range(12))
def test_a_file_damaged_on_its_way(secured: Project, clerk: Clerk, tmp_path: Path, seed: int) -> None:
    """Cut off, or with bytes turned over: told as an error, or read; never anything else."""
    chance = random.Random(seed)
    path = clerk.save(tmp_path / "police.xlsx", PASSWORD if seed % 2 else None)
    data = bytearray(path.read_bytes())
    if seed % 3 == 0:
        del data[chance.randrange(len(data)) :]
    else:
        for _ in range(20):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    with contextlib.suppress(WorkbookError):
        read_workbook(secured, path)


def test_parts_with_one_name(project: Project, clerk: Clerk, tmp_path: Path) -> None:
    path = clerk.save(tmp_path / "police.xlsx")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/workbook.xml", "x")
    assert "文件重名" in refusal(project, path)
