"""What stands around the rows of a workbook: how to fill it in, the department's figures, its problems in short.

Belongs here: those three sheets. Not here: the figures themselves (`pipelines.reports.figures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.reports import figures
from pipelines.reports.pages import MODES, PERIODS, REPAIRS, moment, percent, period, score
from pipelines.workbooks.sheets import Forms, printed, put, tall, widths

if TYPE_CHECKING:
    import duckdb

    from pipelines.workbooks.memory import Book

TITLE = 24
"""Points of the row of a title."""
HOW = (
    ("这是什么", "What this is"),
    (
        "每张数据表列出贵部门需要更正的记录：列名、列序与贵部门的数据相同，有误的单元格着色，批注写明错在哪里、怎么改。",
        "Each data sheet lists records of yours to mend, in your own columns; wrong cells are coloured, their comments say what and how.",
    ),
    ("请您做三件事", "What we ask of you"),
    (
        "一、在贵部门自己的系统里更正数据，下次交付时带来。在本表里改数据不起作用，改了也不会被采用。",
        "1. Mend the data in your own system; the next hand-over brings it. Values changed in this workbook are not taken over.",
    ),
    (
        "二、在最右边“处理情况”一列选：已整改（源系统已改好），或有异议（您认为数据没有错）。有异议的，请在“说明”里写明理由。",
        "2. In 处理情况, at the right, choose 已整改 (mended at the source) or 有异议 (you hold it is right; give the reason in 说明).",
    ),
    (
        "三、保存（不要改密码，不要另存为其他格式），原样送回数据局。没填的行不受影响，可以分几次填、几次送；没有底色的行不用填。",
        "3. Save it (same password, same form .xlsx) and send it back. Rows left empty stay as they are; rows without colour ask nothing.",
    ),
    ("请不要", "Please do not"),
    (
        "不要删行、加行，不要删列、改列名，不要写公式、加宏。筛选、排序、调列宽都可以。",
        "No rows or columns deleted, added or renamed, no formulas, no macros. Filtering, sorting and column widths are free.",
    ),
    (
        "“已整改”是您的说法，下一次交付检查通过后才算销号；仍有同样的错，会重新打开。",
        "已整改 is your word; it is closed when the next hand-over passes the check, and opened again when it does not.",
    ),
    ("本表含完整标识，只供本部门使用。", "Keys stand in full: for this department only."),
)


def instructions(book: Book, forms: Forms, name: str, told: Sequence[str]) -> None:
    """How to fill it in, in a clerk's words; `told` is what is particular to this workbook."""
    sheet = book.add_worksheet("填写说明")
    sheet.hide_gridlines(2)
    sizes = [78, 78]
    widths(sheet, sizes)
    sheet.set_row(0, TITLE)
    put(sheet, 0, [f"{name} 数据质量更正清单：填写说明 How to fill this in"], forms.title, forms)
    at = 1
    for line in told:
        at += 1
        put(sheet, at, [line], forms.soft, forms)
    at += 1
    for zh, en in HOW:
        at += 1
        tall(sheet, at, [zh, en], sizes)
        put(sheet, at, [zh, en], forms.head if len(zh) < 8 else forms.wrap, forms)
    printed(sheet, name)


def overview(
    book: Book,
    forms: Forms,
    results: duckdb.DuckDBPyConnection,
    department: str,
    datasets: Sequence[figures.Row],
    published: figures.Row,
    base_url: str | None,
    told: Sequence[str],
) -> None:
    """The department's scores, hand-overs and what was repaired."""
    me = next(e for e in figures.league(results) if e["department"] == department)
    grade = figures.grades(results).get(me["grade"], {"grade": "—", "zh": "", "en": ""})
    sheet = book.add_worksheet("概览")
    sheet.hide_gridlines(2)
    widths(sheet, [34, *[15] * 9])
    at = 0
    sheet.set_row(0, TITLE)
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
        put(sheet, at, fact, forms.text, forms)
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
    put(sheet, at, head, forms.head, forms)
    for d in datasets:
        at += 1
        named = (f"{d['title']} {d['dataset']}", f"{MODES[d['mode']][0]}，{PERIODS[d['period']][0]}")
        counts = (d["rows"], d["broken"], d["quarantined"], d["rejected"])
        put(sheet, at, (*named, *counts, score(d["score"]), percent(d["coverage"]), score(d["ranked"])), forms.text, forms)
    at += 2
    put(sheet, at, ("维度 dimension", "得分 score", "覆盖率 coverage", "得分×覆盖率 ranked"), forms.head, forms)
    for d in me["dimensions"]:
        at += 1
        put(sheet, at, (f"{d['zh']} {d['en']}", score(d["score"]), percent(d["coverage"]), score(d["ranked"])), forms.text, forms)
    repairs = [(d["title"], r) for d in datasets for r in d["repairs"]]
    if repairs:
        at += 2
        put(sheet, at, ("我们代为修整 mended on the way in", "列 column", "修整 repair", "单元格 cells"), forms.head, forms)
        for title, r in repairs:
            at += 1
            kind = REPAIRS.get(r["kind"], (r["kind"], ""))
            put(sheet, at, (title, f"{r['title'] or ''} {r['header'] or ''}", f"{kind[0]} {kind[1]}", r["cells"]), forms.text, forms)
    at += 2
    for line in (
        *told,
        "各数据集工作表：每行一条需更正的记录，列名与列序同契约；有误单元格加粗并着色，批注写明规则与改法。请在源系统更正后重新交付。",
        "One sheet a dataset, a row each record; wrong cells are bold and coloured, comments say rule and remedy. Mend at the source.",
        "本表含完整标识，只供本部门使用。 Keys stand in full: for this department only.",
    ):
        sheet.write_string(at, 0, line, forms.soft)
        at += 1
    printed(sheet, me["zh"])


def summary(book: Book, forms: Forms, results: duckdb.DuckDBPyConnection, department: str) -> None:
    """Every failing rule on every hand-over, a row each."""
    found = figures.failing_places(results, department)
    sheet = book.add_worksheet("问题汇总")
    head = (
        ("数据集 dataset", 18), ("单位 unit", 16), ("期次 period", 14), ("文件 source", 36), ("问题 problem", 36), ("行 rows", 9),
        ("自 since", 12), ("处置 handling", 12), ("怎么改 remedy", 48), ("指标 indicator", 11), ("规则号 rule", 24),
    )  # fmt: skip
    sizes = [width for _, width in head]
    widths(sheet, sizes)
    sheet.freeze_panes(1, 0)
    put(sheet, 0, [name for name, _ in head], forms.head, forms)
    for at, p in enumerate(found, 1):
        handling = "隔离" if p["blocking"] else "保留并标记"
        unit = f"{p['unit_zh']} {p['unit']}" if p["unit_zh"] else p["unit"]
        where = (p["title"], unit, period(p["period"]), p["source"], p["title_zh"], p["rows"], period(p["since"]))
        values = (*where, handling, p["remedy_zh"], p["indicator"], p["rule"])
        tall(sheet, at, values, sizes)
        put(sheet, at, values, forms.wrap, forms)
    sheet.autofilter(0, 0, max(len(found), 1), len(head) - 1)
    printed(sheet, "问题汇总", 0)
