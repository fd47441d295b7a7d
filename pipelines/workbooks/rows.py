"""The sheets of rows: records as they were handed over with what is wrong in each, and where other departments say otherwise.

Belongs here: which rows, their marks and comments, the columns that the department fills in. Not here: reading them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.lake import columns_of, is_there, literal, quote
from assets.readers.parts import placed_sql
from pipelines.reports import contradictions, figures
from pipelines.workbooks.identity import Sent, SentSheet, digest_of
from pipelines.workbooks.sheets import CELL, printed, put, shown, tall, widths
from pipelines.workbooks.tickets import SHARED

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from pipelines.workbooks.lists import Lists
    from pipelines.workbooks.memory import Book, Sheet
    from pipelines.workbooks.sheets import Forms

COMMENTS = 10_000
"""Comments on one sheet: beyond, office software takes minutes to open it; the colour and the columns of words say the same."""
MEASURED, WIDEST = 2_000, 40
"""Rows whose values widen their columns, and how far."""
OWN = ("文件\nsource", "行号\nline", "处置\nhandling", "问题\nproblems", "怎么改\nremedy")
STATE, REASON, IDENTITY = "处理情况\nwhat was done", "说明\nreason", "编号（勿动）\ntickets (do not touch)"
MENDED, DISPUTED = "已整改", "有异议"
"""What a department may say of a row."""


@dataclass(frozen=True)
class Slice:
    """`count` of the rows of a dataset from `start` on, for one sheet; the dataset has `every`, of which `left` fit into no part."""

    contract: Contract
    start: int
    count: int
    every: int
    left: int = 0


def tracked(lake: duckdb.DuckDBPyConnection, department: str) -> bool:
    """Whether the department has tickets: without them a workbook has nothing to be sent back for."""
    asked = "SELECT 1 FROM results.tickets WHERE department = ? LIMIT 1"
    return is_there(lake, "results.tickets") and lake.execute(asked, [department]).fetchone() is not None


def data_sheet(
    book: Book,
    forms: Forms,
    lake: duckdb.DuckDBPyConnection,
    results: duckdb.DuckDBPyConnection,
    cut: Slice,
    name: str,
    lists: Lists | None,
) -> SentSheet:
    """One dataset's rows to mend; with `lists` (the workbook is to be sent back) the columns to fill in."""
    contract, own = cut.contract, OWN
    rules = {r["rule"]: r for r in figures.rows(results, "FROM rules WHERE dataset = ?", [contract.name])}
    places = {column.name: len(own) + i for i, column in enumerate(contract.columns)}
    header = (*own, *(f"{c.title}\n{c.header}" for c in contract.columns))
    sheet, top = book.add_worksheet(name), 2
    sizes = [max(12, min(30, shown(c.title) + 4)) for c in contract.columns]
    sheet.write_string(0, 0, _told(cut), forms.soft)
    sheet.set_row(1, 32)
    put(sheet, 1, header, forms.head, forms)
    sent = SentSheet(name, contract.name, header, len(own), tuple(c.name for c in contract.columns))
    ask = _Ask(sheet, forms, sent, len(header)) if lists else None
    sheet.freeze_panes(2, 2)
    at, comments = top - 1, 0
    for source, row, broken, tickets, batch, raw_row, *values in bad_rows(lake, cut, tickets=ask is not None):
        at += 1
        known = [rules[r] for r in broken if r in rules]
        wrong: dict[int, list[figures.Row]] = {}
        for rule in known:
            for column in rule["columns"]:
                wrong.setdefault(places.get(column, -1), []).append(rule)
        handling = "隔离" if any(r["blocking"] for r in known) else "保留并标记"
        titles = "；".join(rules[r]["title_zh"] if r in rules else r for r in broken)
        remedies = "；".join(dict.fromkeys(r["remedy_zh"] for r in known if r["remedy_zh"]))
        put(sheet, at, (source, row, handling, titles, remedies), forms.text, forms)
        if at < top + MEASURED:
            sizes = [max(size, min(WIDEST, shown(v) + 3)) if v else size for size, v in zip(sizes, values, strict=True)]
        for column, value in enumerate(values, len(own)):
            form = forms.wrong if column in wrong else forms.text
            if value:
                sheet.write_string(at, column, value[:CELL], form)
            elif column in wrong:
                sheet.write_blank(at, column, None, form)
            if column in wrong and comments < COMMENTS:
                _comment(sheet, at, column, wrong[column])
                comments += 1
        if ask:
            ask.row(at, tickets, batch, raw_row, values)
    widths(sheet, [34, 9, 11, 40, 40, *sizes])
    columns = len(header)
    if ask and lists:
        columns += ask.end(top, at)
        lists.offer(sheet, contract, len(own), top, max(at, top))
    sheet.autofilter(1, 0, max(at, top), columns - 1)
    printed(sheet, name, 1)
    return sent


def _told(cut: Slice) -> str:
    told = f"共 {cut.every:,} 行需更正 rows to mend"
    if cut.count < cut.every:
        told += f"；本册第 {cut.start + 1:,} 至 {cut.start + cut.count:,} 行 here: {cut.start + 1:,} to {cut.start + cut.count:,}"
    if cut.left:
        told += f"；另有 {cut.left:,} 行未列出，更正后再看。 {cut.left:,} more do not stand here."
    return told


def _comment(sheet: Sheet, at: int, column: int, rules: list[figures.Row]) -> None:
    said = "\n".join(
        f"{r['title_zh']}：{r['remedy_zh']}" + (f"\n{r['title_en']}: {r['remedy_en']}" if r["title_en"] or r["remedy_en"] else "")
        for r in rules
    )
    options = {"author": "yuanqing", "width": 260, "height": min(60 + 34 * (len(said) // 40 + len(rules)), 400)}
    sheet.write_comment(at, column, said[:CELL], options)


class _Ask:
    """The last columns of a sheet: what was done, the reason, and hidden the row's tickets."""

    def __init__(self, sheet: Sheet, forms: Forms, sent: SentSheet, first: int, head: int = 1) -> None:
        self.sheet, self.forms, self.sent, self.first = sheet, forms, sent, first
        put(sheet, head, (STATE, REASON, IDENTITY), forms.ask, forms, first)
        sheet.set_column(first, first, 13)
        sheet.set_column(first + 1, first + 1, 36)
        sheet.set_column(first + 2, first + 2, 20, None, {"hidden": True})
        sent.header = (*sent.header, STATE, REASON, IDENTITY)

    def row(self, at: int, tickets: list[str], batch: str, row: int | None, values: list[Any]) -> None:
        if not tickets:
            self.sent.untracked += 1
            return
        sent = Sent(tuple(tickets), batch, row or 0, digest_of(values))
        for column in (self.first, self.first + 1):
            self.sheet.write_blank(at, column, None, self.forms.fill)
        self.sheet.write_string(at, self.first + 2, sent.identity, self.forms.soft)
        self.sent.rows.append(sent)

    def end(self, top: int, bottom: int) -> int:
        """The list to choose from; gives the number of these columns."""
        self.sheet.data_validation(
            top,
            self.first,
            max(top, bottom),
            self.first,
            {
                "validate": "list",
                "source": [MENDED, DISPUTED],
                "input_title": "处理情况",
                "input_message": f"{MENDED} mended：源系统已改好。\n{DISPUTED} disputed：数据没有错，请在右边写理由 give the reason.",
                "error_title": "只有两种选择",
                "error_message": f"请选 {MENDED} 或 {DISPUTED}，或留空。 Choose one of the two, or leave it empty.",
            },
        )
        return 3


_TICKETS = f"""
    SELECT ticket, dataset, rule, last_batch AS batch, last_row AS row FROM results.tickets WHERE state <> 'closed'
    UNION ALL SELECT s.ticket, k.dataset, s.rule, s.batch, s.row FROM {SHARED} s JOIN results.tickets k ON k.ticket = s.ticket
        WHERE k.state <> 'closed'"""


def bad_rows(lake: duckdb.DuckDBPyConnection, cut: Slice, *, tickets: bool) -> Iterator[tuple[Any, ...]]:
    """(source, row, rules, tickets, batch, row in the lake, *values as they came) of standing rows that break a rule, file by file.

    `tickets`: with those that are open, for which the table of shared ones was made (`find_shared`)."""
    contract = cut.contract
    there = columns_of(lake, f"raw.{contract.name}")
    if there is None:
        return
    columns = ", ".join(f"r.{quote(c.name)}" if c.name in there else "NULL" for c in contract.columns)
    of = "list(DISTINCT t.ticket ORDER BY t.ticket) FILTER (t.ticket IS NOT NULL)" if tickets else "NULL"
    joined = f'LEFT JOIN ({_TICKETS}) t ON t.dataset = i.dataset AND t.rule = i.rule AND t.batch = i.batch AND t.row = i."row"'
    cursor = lake.execute(
        f"""
        WITH bad AS (
            SELECT i.batch, i."row", any_value(b.source) AS source, any_value(b.parts) AS parts,
                any_value(b.unit) AS unit, any_value(b.period) AS period,
                list(DISTINCT i.rule ORDER BY i.rule) AS rules, {of} AS tickets
            FROM results.issues i JOIN results.standing s ON s.batch = i.batch AND s.dataset = i.dataset
                JOIN results.batches b ON b.batch = i.batch {joined if tickets else ""}
            WHERE i.dataset = ? GROUP BY i.batch, i."row"
            ORDER BY period DESC, unit, i.batch, i."row" LIMIT {int(cut.count)} OFFSET {int(cut.start)})
        SELECT {", ".join(placed_sql("bad.source", 'bad."row"', "bad.parts"))}, bad.rules, coalesce(bad.tickets, []), bad.batch, bad."row",
            {columns}
        FROM bad JOIN raw.{quote(contract.name)} r ON r._batch = bad.batch AND r._row = bad."row"
        ORDER BY bad.period DESC, bad.unit, bad.batch, bad."row\"""",
        [contract.name],
    )
    while chunk := cursor.fetchmany(10_000):
        yield from chunk


def contradictions_sheet(
    book: Book, forms: Forms, lake: duckdb.DuckDBPyConnection, department: str, cap: int, *, named: str = "", asked: bool
) -> SentSheet | None:
    """What other departments' records contradict beyond the grace, a row each; None where nothing does."""
    found = contradictions.listed(lake, department, cap + 1, named=named)
    first = next(found, None)
    if first is None:
        return None
    sheet = book.add_worksheet("部门间不一致")
    head = (
        ("编号 no.", 9), ("核对 check", 40), ("起算日 since", 12), ("宽限至 due", 12), ("本部门数据集 our dataset", 18),
        ("文件 source", 34), ("行号 row", 9), ("本部门的值 our value", 20), ("对方 the other side", 28),
        ("对方文件 its source", 34), ("对方行号 its row", 9), ("怎么改 remedy", 44),
    )  # fmt: skip
    sizes = [width for _, width in head]
    widths(sheet, sizes)
    sheet.freeze_panes(1, 0)
    header = tuple(name for name, _ in head)
    put(sheet, 0, header, forms.head, forms)
    sent = SentSheet("部门间不一致", "", header)
    ask = _Ask(sheet, forms, sent, len(header), head=0) if asked else None
    at = 0
    for at, (ticket, batch, row, *values) in enumerate(_chained(first, found), 1):
        if at > cap:
            put(sheet, at, [None, f"只列出前 {cap:,} 行，还有更多。 Only the first {cap:,} are listed."], forms.soft, forms)
            break
        tall(sheet, at, values, sizes)
        put(sheet, at, values, forms.wrap, forms)
        if ask:
            ask.row(at, [ticket] if ticket else [], batch or "", row, values)
    columns = len(head) + (ask.end(1, at) if ask else 0)
    sheet.autofilter(0, 0, max(at, 1), columns - 1)
    printed(sheet, sent.name, 0)
    return sent


def _chained(first: tuple[Any, ...], rest: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    yield from rest


def rejects_sheet(book: Book, forms: Forms, lake: duckdb.DuckDBPyConnection, department: str, cap: int) -> None:
    """Records that never became rows, with their text: only here is it shown."""
    found = lake.execute(
        f"""
        SELECT d.title, {", ".join(placed_sql("b.source", 'e."row"', "b.parts"))}, e.lines, e.reason, e.text
        FROM lake.evidence.rejects e JOIN results.standing s ON s.batch = e.batch JOIN results.batches b ON b.batch = e.batch
            JOIN results.datasets d ON d.dataset = s.dataset
        WHERE s.department = {literal(department)} ORDER BY d.title, b.period DESC, b.source, e."row" LIMIT {int(cap) + 1}"""
    ).fetchall()
    if not found:
        return
    sheet = book.add_worksheet("无法读取的记录")
    sizes = [18, 36, 9, 9, 60, 80]
    widths(sheet, sizes)
    sheet.freeze_panes(1, 0)
    head = ("数据集 dataset", "文件 source", "行号 line", "行数 lines", "原因与改法 reason and remedy", "原文 text")
    put(sheet, 0, head, forms.head, forms)
    for at, values in enumerate(found[:cap], 1):
        tall(sheet, at, values, sizes)
        put(sheet, at, values, forms.wrap, forms)
    if len(found) > cap:
        put(sheet, cap + 1, [f"只列出前 {cap:,} 条，还有更多。 Only the first {cap:,} are listed."], forms.soft, forms)
    sheet.autofilter(0, 0, len(found), 5)
    printed(sheet, "无法读取的记录", 0)
