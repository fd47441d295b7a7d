"""One department's workbooks: the rows to mend, in as many parts as they need, each locked with the department's password.

Belongs here: which sheets a part has, dividing rows over parts, the files. Not here: sheets (`rows`, `overview`), the figures
(`pipelines.reports.figures`). A workbook is the department's own: keys and values stand in full, so the file can be read by its
owner alone (mode 600), is encrypted where a password is set, and goes to that department only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.reports import figures
from pipelines.swapping import swapped
from pipelines.workbooks.identity import Manifest
from pipelines.workbooks.lists import Lists
from pipelines.workbooks.locking import locked, password_of
from pipelines.workbooks.overview import instructions, overview, summary
from pipelines.workbooks.rows import Slice, contradictions_sheet, data_sheet, rejects_sheet, tracked
from pipelines.workbooks.sheets import Forms, sheet_name
from pipelines.workbooks.tickets import CONTRADICTED, find_contradicted, find_shared

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

CAP = 200_000
"""Rows of records in one workbook: more make one that office software cannot open in reasonable time."""
PARTS = 10
"""Workbooks of a department: two million rows are mended in the export, not one by one."""
_FIXED = ("填写说明", "概览", "问题汇总", "部门间不一致", "无法读取的记录", "代码表", "_yuanqing")


def write_workbooks(
    project: Project,
    lake: duckdb.DuckDBPyConnection,
    results: duckdb.DuckDBPyConnection,
    department: str,
    folder: Path,
    base_url: str | None = None,
    cap: int = CAP,
    most: int = PARTS,
) -> list[Path]:
    """Write `<department>.xlsx`, and `<department>.2.xlsx` and so on where there are more than `cap` rows; gives the files.

    `lake` sees the published results as `results` (`pipelines.querying.connect`). Raises `SecretError` where the department's
    password is named and cannot be had: then nothing is written, least of all without it.
    """
    password = password_of(project, department)
    datasets = figures.datasets(results, department)
    wanted = [(c, d["broken"]) for d in datasets if (c := project.contracts.get(d["dataset"])) is not None and d["broken"]]
    parts = list(divided(wanted, cap, most)) or [[]]
    asked = tracked(lake, department)
    written = []
    for number, cuts in enumerate(parts, 1):
        target = folder / (f"{department}.xlsx" if number == 1 else f"{department}.{number}.xlsx")
        data = _part(project, lake, results, department, datasets, cuts, (number, len(parts)), base_url, cap, asked=asked)
        with swapped(target, mode=0o600) as fresh:
            fresh.write_bytes(locked(data, password) if password else data)
        written.append(target)
    for stale in folder.glob(f"{department}.*.xlsx"):
        if re.fullmatch(rf"{re.escape(department)}\.\d+\.xlsx", stale.name) and stale not in written:
            stale.unlink()
    return written


def divided(wanted: Sequence[tuple[Contract, int]], cap: int, most: int) -> Iterator[list[Slice]]:
    """The rows of datasets (contract and number), in order, over at most `most` parts of at most `cap` rows each."""
    part: list[Slice] = []
    free, parts = cap, 1
    for contract, every in wanted:
        start = 0
        while start < every:
            if not free:
                if parts == most:
                    break
                yield part
                part, free, parts = [], cap, parts + 1
            count = min(free, every - start)
            part.append(Slice(contract, start, count, every))
            start, free = start + count, free - count
        if start < every:
            cut = part.pop() if part and part[-1].contract is contract else Slice(contract, 0, 0, every)
            part.append(Slice(contract, cut.start, cut.count, every, left=every - start))
    if part:
        yield part


def _part(
    project: Project,
    lake: duckdb.DuckDBPyConnection,
    results: duckdb.DuckDBPyConnection,
    department: str,
    datasets: Sequence[figures.Row],
    cuts: Sequence[Slice],
    part: tuple[int, int],
    base_url: str | None,
    cap: int,
    *,
    asked: bool,
) -> bytes:
    from pipelines.workbooks.memory import Book

    published = figures.publication(results)
    me = next(e for e in figures.league(results) if e["department"] == department)
    number, parts = part
    told = [f"共 {parts} 册，这是第 {number} 册。 Part {number} of {parts}."] if parts > 1 else []
    target = BytesIO()
    book = Book(target)
    book.set_properties({"title": "数据质量更正清单", "author": "yuanqing", "created": published["published_at"]})
    forms = Forms.of(book)
    lists = Lists(project) if asked else None
    manifest = Manifest(department, published["published_at"].isoformat(timespec="seconds"), number, parts)
    if lists:
        instructions(book, forms, me["zh"], told)
    if number == 1:
        overview(book, forms, results, department, datasets, published, base_url, told)
        summary(book, forms, results, department)
    taken = {name.lower() for name in _FIXED}
    titles = {d["dataset"]: d["title"] for d in datasets}
    for cut in cuts:
        if asked and not cut.start:  # the dataset's later slices, of other parts, find what its first one made
            find_shared(lake, project, cut.contract)
        name = sheet_name(titles[cut.contract.name], taken)
        manifest.sheets.append(data_sheet(book, forms, lake, results, cut, name, lists))
    if number == 1:
        named = CONTRADICTED if asked and find_contradicted(lake, project, department) else ""
        other = contradictions_sheet(book, forms, lake, department, cap, named=named, asked=asked)
        manifest.sheets += [other] if other else []
        rejects_sheet(book, forms, lake, department, cap)
    if not book.worksheets():
        overview(book, forms, results, department, datasets, published, base_url, told)
    if lists:
        lists.write(book, forms)
        manifest.write(book)
    book.close()
    return target.getvalue()
