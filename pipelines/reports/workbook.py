"""One department's workbook: the rows to mend, as they were handed over, with what is wrong in each.

Belongs here: sheets and cells. Not here: the figures (`figures`). It is the department's own: keys and values stand in full,
so the file can be read by its owner alone (mode 600) and goes to that department only. Every cell is written as a string or
a number of ours: nothing that a department handed over becomes a formula or a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.lake import columns_of, literal, quote
from assets.readers.parts import placed_sql
from pipelines.reports import contradictions, figures
from pipelines.reports.pages import MODES, PERIODS, REPAIRS, moment, percent, period, score
from pipelines.swapping import swapped

if TYPE_CHECKING:
    import duckdb
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

    from assets.contracts import Contract
    from assets.project import Project

CAP = 200_000
"""Rows on one sheet: more make a workbook that office software cannot open in reasonable time."""
COMMENTS = 1_000
"""Comments on one sheet; beyond, the colour and the column of problems say the same."""
CELL = 32_767
_FONT = "Microsoft YaHei"


@dataclass(frozen=True)
class Forms:
    """The formats of cells."""

    title: Any
    soft: Any
    head: Any
    own: Any
    text: Any
    wrap: Any
    whole: Any
    wrong: Any

    @classmethod
    def of(cls, book: Workbook) -> Forms:
        def form(**what: Any) -> Any:
            return book.add_format({"font_name": _FONT, "font_size": 10, "valign": "top"} | what)

        head = {"bold": True, "text_wrap": True, "bottom": 2, "valign": "bottom"}
        return cls(
            title=form(font_size=16, bold=True),
            soft=form(font_color="#586561"),
            head=form(**head, bg_color="#E6F1EF"),
            own=form(**head),
            text=form(num_format="@"),
            wrap=form(text_wrap=True),
            whole=form(num_format="#,##0"),
            wrong=form(num_format="@", bold=True, bg_color="#FCE8C8", border=1, border_color="#C98A1B"),
        )


def write_workbook(
    project: Project,
    lake: duckdb.DuckDBPyConnection,
    results: duckdb.DuckDBPyConnection,
    department: str,
    target: Path,
    base_url: str | None = None,
    cap: int = CAP,
) -> Path:
    """Write the workbook of the department with this folder name; at most `cap` rows a sheet, and it says how many more.

    `lake` sees the published results as `results` (`pipelines.querying.connect`).
    """
    import xlsxwriter

    published = figures.publication(results)
    datasets = figures.datasets(results, department)
    with swapped(target, mode=0o600) as fresh:
        book = xlsxwriter.Workbook(
            str(fresh),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        book.set_properties({"title": "数据质量更正清单", "author": "yuanqing", "created": published["published_at"]})
        forms = Forms.of(book)
        _overview(book, forms, results, department, datasets, published, base_url)
        _summary(book, forms, results, department)
        taken = {"概览", "问题汇总", "部门间不一致", "无法读取的记录"}
        for dataset in datasets:
            contract = project.contracts.get(dataset["dataset"])
            if contract is not None and dataset["broken"]:
                _rows(book, forms, lake, results, contract, _sheet_name(dataset["title"], taken), dataset["broken"], cap)
        _contradictions(book, forms, lake, department, cap)
        _rejects(book, forms, lake, department, cap)
        book.close()
    return target


def _sheet_name(title: str, taken: set[str]) -> str:
    """Excel takes 31 characters, none of []:*?/\\, and no name twice in any letter case."""
    base = re.sub(r"[\[\]:*?/\\']", "_", title)[:28] or "sheet"
    name, number = base, 2
    while name.lower() in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name.lower())
    return name


def _put(sheet: Worksheet, at: int, values: Sequence[Any], form: Any, forms: Forms) -> None:
    """One row; whole numbers as numbers, everything else as strings."""
    for column, value in enumerate(values):
        if isinstance(value, int) and not isinstance(value, bool):
            sheet.write_number(at, column, value, forms.whole)
        elif value is not None:
            sheet.write_string(at, column, str(value)[:CELL], form)


def _overview(
    book: Workbook,
    forms: Forms,
    results: duckdb.DuckDBPyConnection,
    department: str,
    datasets: Sequence[figures.Row],
    published: figures.Row,
    base_url: str | None,
) -> None:
    me = next(e for e in figures.league(results) if e["department"] == department)
    grade = figures.grades(results).get(me["grade"], {"grade": "—", "zh": "", "en": ""})
    sheet = book.add_worksheet("概览")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 9, 15)
    at = 0
    sheet.write_string(at, 0, f"{me['zh']} 数据质量更正清单", forms.title)
    at += 1
    sheet.write_string(at, 0, f"{me['en']}: rows to mend · {moment(published['published_at'])}", forms.soft)
    facts = [
        ("得分×覆盖率 score × coverage", score(me["ranked"])),
        ("等级 grade", f"{me['grade']} {grade['zh']} {grade['en']}"),
        ("得分 score", score(me["score"])),
        ("覆盖率 coverage", percent(me["coverage"])),
        ("名次 rank", str(me["rank"])),
    ]
    if base_url:
        facts.append(("报告 report", f"{base_url.rstrip('/')}/{department}/index.html"))
    at += 1
    for fact in facts:
        at += 1
        _put(sheet, at, fact, forms.text, forms)
    at += 2
    head = (
        "数据集 dataset",
        "交付 delivery",
        "行 rows",
        "需更正 to mend",
        "隔离 quarantined",
        "无法读取 unreadable",
        "得分 score",
        "覆盖率 coverage",
        "得分×覆盖率 ranked",
    )
    _put(sheet, at, head, forms.head, forms)
    for d in datasets:
        at += 1
        counts = (d["rows"], d["broken"], d["quarantined"], d["rejected"])
        scored = (score(d["score"]), percent(d["coverage"]), score(d["ranked"]))
        _put(
            sheet,
            at,
            (f"{d['title']} {d['dataset']}", f"{MODES[d['mode']][0]}，{PERIODS[d['period']][0]}", *counts, *scored),
            forms.text,
            forms,
        )
    at += 2
    _put(sheet, at, ("维度 dimension", "得分 score", "覆盖率 coverage", "得分×覆盖率 ranked"), forms.head, forms)
    for d in me["dimensions"]:
        at += 1
        _put(sheet, at, (f"{d['zh']} {d['en']}", score(d["score"]), percent(d["coverage"]), score(d["ranked"])), forms.text, forms)
    repairs = [(d["title"], r) for d in datasets for r in d["repairs"]]
    if repairs:
        at += 2
        _put(sheet, at, ("我们代为修整 mended on the way in", "列 column", "修整 repair", "单元格 cells"), forms.head, forms)
        for title, r in repairs:
            at += 1
            kind = REPAIRS.get(r["kind"], (r["kind"], ""))
            _put(sheet, at, (title, f"{r['title'] or ''} {r['header'] or ''}", f"{kind[0]} {kind[1]}", r["cells"]), forms.text, forms)
    at += 2
    for line in (
        "各数据集工作表：每行一条需更正的记录，列名与列序同契约；有误单元格加粗并着色，批注写明规则与改法。请在源系统更正后重新交付。",
        "One sheet a dataset, a row each record; wrong cells are bold and coloured, comments say rule and remedy. Mend at the source.",
        "本表含完整标识，只供本部门使用。 Keys stand in full: for this department only.",
    ):
        sheet.write_string(at, 0, line, forms.soft)
        at += 1


def _summary(book: Workbook, forms: Forms, results: duckdb.DuckDBPyConnection, department: str) -> None:
    found = figures.failing_places(results, department)
    sheet = book.add_worksheet("问题汇总")
    head = (
        "数据集 dataset",
        "单位 unit",
        "期次 period",
        "文件 source",
        "问题 problem",
        "行 rows",
        "自 since",
        "处置 handling",
        "怎么改 remedy",
        "指标 indicator",
        "规则号 rule",
    )
    for column, width in enumerate((18, 16, 14, 36, 36, 9, 12, 12, 48, 11, 24)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    _put(sheet, 0, head, forms.head, forms)
    for at, p in enumerate(found, 1):
        handling = "隔离" if p["blocking"] else "保留并标记"
        unit = f"{p['unit_zh']} {p['unit']}" if p["unit_zh"] else p["unit"]
        values = (
            p["title"],
            unit,
            period(p["period"]),
            p["source"],
            p["title_zh"],
            p["rows"],
            period(p["since"]),
            handling,
            p["remedy_zh"],
        )
        _put(sheet, at, (*values, p["indicator"], p["rule"]), forms.wrap, forms)
    sheet.autofilter(0, 0, max(len(found), 1), len(head) - 1)


_OWN = ("文件\nsource", "行号\nline", "处置\nhandling", "问题\nproblems")


def _rows(
    book: Workbook,
    forms: Forms,
    lake: duckdb.DuckDBPyConnection,
    results: duckdb.DuckDBPyConnection,
    contract: Contract,
    name: str,
    every: int,
    cap: int,
) -> None:
    rules = {r["rule"]: r for r in figures.rows(results, "FROM rules WHERE dataset = ?", [contract.name])}
    places = {column.name: len(_OWN) + i for i, column in enumerate(contract.columns)}
    sheet = book.add_worksheet(name)
    for column, width in enumerate((34, 9, 11, 44, *(max(12, min(30, 2 * len(c.title) + 4)) for c in contract.columns))):
        sheet.set_column(column, column, width)
    told = f"共 {every:,} 行需更正 rows to mend"
    if every > cap:
        told += f"；此表列出前 {cap:,} 行，另有 {every - cap:,} 行未列出，更正后再看。 {every - cap:,} more do not stand here."
    sheet.write_string(0, 0, told, forms.soft)
    sheet.set_row(1, 32)
    _put(sheet, 1, (*_OWN, *(f"{c.title}\n{c.header}" for c in contract.columns)), forms.head, forms)
    sheet.freeze_panes(2, 2)
    at, comments = 1, 0
    for source, row, broken, *values in _bad_rows(lake, contract, cap):
        at += 1
        known = [rules[r] for r in broken if r in rules]
        wrong: dict[int, list[figures.Row]] = {}
        for rule in known:
            for column in rule["columns"]:
                wrong.setdefault(places.get(column, -1), []).append(rule)
        handling = "隔离" if any(r["blocking"] for r in known) else "保留并标记"
        titles = "；".join(rules[r]["title_zh"] if r in rules else r for r in broken)
        _put(sheet, at, (source, row, handling, titles), forms.text, forms)
        for column, value in enumerate(values, len(_OWN)):
            form = forms.wrong if column in wrong else forms.text
            if value:
                sheet.write_string(at, column, value[:CELL], form)
            elif column in wrong:
                sheet.write_blank(at, column, None, form)
            if column in wrong and comments < COMMENTS:
                sheet.write_comment(
                    at, column, "\n".join(f"{r['title_zh']}：{r['remedy_zh']}" for r in wrong[column]), {"author": "yuanqing"}
                )
                comments += 1
    sheet.autofilter(1, 0, max(at, 2), len(_OWN) + len(contract.columns) - 1)


def _bad_rows(lake: duckdb.DuckDBPyConnection, contract: Contract, cap: int) -> Iterator[tuple[Any, ...]]:
    """(source, row, rules, *values as they came) of the standing rows that break a rule, in the order of their files."""
    there = columns_of(lake, f"raw.{contract.name}")
    if there is None:
        return
    columns = ", ".join(f"r.{quote(c.name)}" if c.name in there else "NULL" for c in contract.columns)
    cursor = lake.execute(
        f"""
        WITH bad AS (
            SELECT i.batch, i."row", any_value(b.source) AS source, any_value(b.parts) AS parts,
                any_value(b.unit) AS unit, any_value(b.period) AS period,
                list(DISTINCT i.rule ORDER BY i.rule) AS rules
            FROM results.issues i JOIN results.standing s ON s.batch = i.batch AND s.dataset = i.dataset
                JOIN results.batches b ON b.batch = i.batch
            WHERE i.dataset = ? GROUP BY i.batch, i."row"
            ORDER BY period DESC, unit, i.batch, i."row" LIMIT {int(cap)})
        SELECT {", ".join(placed_sql("bad.source", 'bad."row"', "bad.parts"))}, bad.rules, {columns}
        FROM bad JOIN raw.{quote(contract.name)} r ON r._batch = bad.batch AND r._row = bad."row"
        ORDER BY bad.period DESC, bad.unit, bad.batch, bad."row\"""",
        [contract.name],
    )
    while chunk := cursor.fetchmany(10_000):
        yield from chunk


def _contradictions(book: Workbook, forms: Forms, lake: duckdb.DuckDBPyConnection, department: str, cap: int) -> None:
    """What other departments' records contradict beyond the grace, a row each."""
    found = list(contradictions.listed(lake, department, cap))
    if not found:
        return
    sheet = book.add_worksheet("部门间不一致")
    head = (
        ("编号 no.", 9), ("核对 check", 40), ("起算日 since", 12), ("宽限至 due", 12), ("本部门数据集 our dataset", 18),
        ("文件 source", 34), ("行号 row", 9), ("本部门的值 our value", 20), ("对方 the other side", 28),
        ("对方文件 its source", 34), ("对方行号 its row", 9), ("怎么改 remedy", 44),
    )  # fmt: skip
    for column, (_, width) in enumerate(head):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    _put(sheet, 0, [name for name, _ in head], forms.head, forms)
    for at, values in enumerate(found, 1):
        _put(sheet, at, values, forms.wrap, forms)
    sheet.autofilter(0, 0, len(found), len(head) - 1)


def _rejects(book: Workbook, forms: Forms, lake: duckdb.DuckDBPyConnection, department: str, cap: int) -> None:
    """Records that never became rows, with their text: only here is it shown."""
    found = lake.execute(
        f"""
        SELECT d.title, {", ".join(placed_sql("b.source", 'e."row"', "b.parts"))}, e.lines, e.reason, e.text
        FROM lake.evidence.rejects e JOIN results.standing s ON s.batch = e.batch JOIN results.batches b ON b.batch = e.batch
            JOIN results.datasets d ON d.dataset = s.dataset
        WHERE s.department = {literal(department)} ORDER BY d.title, b.period DESC, b.source, e."row" LIMIT {int(cap)}"""
    ).fetchall()
    if not found:
        return
    sheet = book.add_worksheet("无法读取的记录")
    for column, width in enumerate((18, 36, 9, 9, 60, 80)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    _put(
        sheet,
        0,
        ("数据集 dataset", "文件 source", "行号 line", "行数 lines", "原因与改法 reason and remedy", "原文 text"),
        forms.head,
        forms,
    )
    for at, values in enumerate(found, 1):
        _put(sheet, at, values, forms.wrap, forms)
    sheet.autofilter(0, 0, len(found), 5)
