"""The catalogue as a workbook in the guide's form: a line each information item, what concerns the whole resource merged over its lines.

Columns in the words of 政务信息资源目录编制指南（试行）(发改高技〔2017〕1272号); after them, apart, five of our own, so that a catalogue
that goes out comes back whole (`pipelines.catalogue.drafts`). Every cell is a text of ours: nothing becomes a formula or a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.catalogue.measures import Measures
from pipelines.reports.pages import percent
from pipelines.swapping import swapped

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.catalogue.entries import Entry, Item
    from pipelines.catalogue.measures import Measured

RESOURCE: tuple[tuple[str, str, int], ...] = (
    ("信息资源分类", "类", 16),
    ("信息资源分类", "项", 14),
    ("信息资源分类", "目", 14),
    ("信息资源分类", "细目", 10),
    ("信息资源名称", "", 24),
    ("信息资源代码", "", 14),
    ("信息资源提供方", "", 24),
    ("信息资源提供方代码", "", 22),
    ("信息资源摘要", "", 44),
    ("信息资源格式", "", 12),
)
ITEM: tuple[tuple[str, str, int], ...] = (("信息项信息", "信息项名称", 22), ("信息项信息", "数据类型", 13), ("信息项信息", "数据长度", 9))
TERMS: tuple[tuple[str, str, int], ...] = (
    ("共享属性", "共享类型", 13),
    ("共享属性", "共享条件", 34),
    ("共享属性", "共享方式", 18),
    ("开放属性", "是否向社会开放", 10),
    ("开放属性", "开放条件", 22),
    ("更新周期", "", 10),
    ("发布日期", "", 12),
    ("关联资源代码", "", 16),
)
OWN: tuple[tuple[str, str, int], ...] = (
    ("附加（源清）", "数据集标识", 22),
    ("附加（源清）", "停止归集", 12),
    ("附加（源清）", "字段名", 20),
    ("附加（源清）", "数据分级", 9),
    ("附加（源清）", "主键", 6),
)
COLUMNS = (*RESOURCE, *ITEM, *TERMS, *OWN)
HEAD = 2  # where the two lines of names begin, from 0
CELL = 32_767
_FONT = "Microsoft YaHei"


def write_form(entries: Sequence[Entry], target: Path, measured: Measured) -> Path:
    """Write the workbook: the catalogue, and lists of responsibility, demand and registration where entries have them."""
    import xlsxwriter

    with swapped(target) as fresh:
        book = xlsxwriter.Workbook(str(fresh), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
        # Without a time of its own the file would differ at each writing.
        book.set_properties({"title": "政务信息资源目录", "author": "yuanqing", **({"created": measured.at} if measured.at else {})})
        font = {"font_name": _FONT, "font_size": 10, "valign": "top"}
        head = book.add_format({**font, "bold": True, "text_wrap": True, "bg_color": "#E6F1EF", "border": 1, "valign": "vcenter"})
        text = book.add_format({**font, "num_format": "@", "text_wrap": True, "border": 1, "border_color": "#BFC8C5"})
        title = book.add_format({**font, "font_size": 16, "bold": True})
        soft = book.add_format({**font, "font_color": "#586561"})
        _catalogue(book, entries, head, text, title, soft)
        _list(book, "责任清单", _DUTY_HEAD, _duty_rows(entries, measured), head, text)
        _list(book, "需求清单", _USER_HEAD, _user_rows(entries), head, text)
        _list(book, "登记记录", _REGISTRATION_HEAD, _registration_rows(entries), head, text)
        book.close()
    return target


def _catalogue(book: Any, entries: Sequence[Entry], head: Any, text: Any, title: Any, soft: Any) -> None:
    sheet = book.add_worksheet("政务信息资源目录")
    sheet.write_string(0, 0, "政务信息资源目录", title)
    sheet.write_string(
        1,
        0,
        "依《政务信息资源目录编制指南（试行）》；末五列为附加项。 In the form of the 2017 guide; the last five columns are ours.",
        soft,
    )
    for at, (_, _, width) in enumerate(COLUMNS):
        sheet.set_column(at, at, width, text)
    start = 0
    while start < len(COLUMNS):
        over = COLUMNS[start][0]
        end = start
        while end + 1 < len(COLUMNS) and COLUMNS[end + 1][0] == over:
            end += 1
        if end > start:
            sheet.merge_range(HEAD, start, HEAD, end, over, head)
            for at in range(start, end + 1):
                sheet.write_string(HEAD + 1, at, COLUMNS[at][1], head)
        else:
            sheet.merge_range(HEAD, start, HEAD + 1, start, over, head)
        start = end + 1
    sheet.freeze_panes(HEAD + 2, 5)
    line = HEAD + 2
    for entry in entries:
        lines = entry.items or (None,)
        last = line + len(lines) - 1
        whole = _resource(entry)
        for at, value in whole.items():
            if last > line:
                sheet.merge_range(line, at, last, at, "", text)
            sheet.write_string(line, at, value[:CELL], text)
        for item in lines:
            for at, value in _item(item).items():
                sheet.write_string(line, at, value[:CELL], text)
            line += 1
    sheet.ignore_errors({"number_stored_as_text": f"A1:Y{line + 1}"})


def _resource(entry: Entry) -> dict[int, str]:
    """By column, what concerns the whole resource."""
    values = (
        *entry.classification,
        entry.title,
        entry.code,
        entry.provider,
        entry.provider_code,
        entry.summary,
        entry.format,
    )
    terms = (
        f"{entry.sharing} {entry.sharing_words[0]}" if entry.sharing else "",
        entry.condition,
        "；".join(entry.ways),
        "是" if entry.open else "否",
        entry.open_condition,
        entry.cycle[0] if entry.cycle else "",
        entry.published.isoformat() if entry.published else "",
        "；".join(entry.related),
    )
    own = (entry.name, entry.ends.isoformat() if entry.ends else "")
    first = len(RESOURCE) + len(ITEM)
    return dict(enumerate(values)) | dict(enumerate((*terms, *own), first))


def _item(item: Item | None) -> dict[int, str]:
    if item is None:
        return {}
    values = (item.title, item.kind, item.length)
    own = (item.name, str(item.level), "是" if item.key else "")
    return dict(enumerate(values, len(RESOURCE))) | dict(enumerate(own, len(COLUMNS) - len(own)))


Rows = list[tuple[str, ...]]
Head = tuple[tuple[str, int], ...]
_DUTY_HEAD: Head = (
    *(("信息资源代码 code", 14), ("信息资源名称 resource", 24), ("提供方 provider", 24), ("责任 duty", 16), ("责任方 who", 28)),
    *(("依据 from", 16), ("交付周期 how often", 16), ("时限 within", 12), ("最近一期 newest", 14), ("是否按时 kept", 14)),
)
_USER_HEAD: Head = (
    *(("信息资源代码 code", 14), ("信息资源名称 resource", 24), ("使用方 who", 34), ("用途 purpose", 30)),
    *(("共享类型 sharing", 16), ("条件 condition", 44), ("期限 until", 12)),
)
_REGISTRATION_HEAD: Head = (
    *(("信息资源代码 code", 14), ("信息资源名称 resource", 24), ("状态 state", 22), ("登记日期 date", 12)),
    *(("有效期至 until", 12), ("登记号 number", 20), ("登记机构 authority", 24)),
)


def _duty_rows(entries: Sequence[Entry], measured: Measured) -> Rows:
    rows: Rows = []
    for e in entries:
        found = measured.datasets.get(e.name)
        kept = " ".join((found or Measures()).kept) + (f" {percent(found.late)}" if found and found.late else "")
        for key, duty in e.duties.items():
            due = (
                (e.delivery.cycle, e.delivery.within, (found.newest or "") if found else "", kept)
                if e.delivery and key == "collection"
                else ("",) * 4
            )
            said = "契约 contract" if duty.declared else "默认 default"
            rows.append((e.code, e.title, e.provider, f"{duty.zh} {duty.en}", duty.who, said, *due))
    return rows


def _user_rows(entries: Sequence[Entry]) -> Rows:
    return [(e.code, e.title, u.who, u.purpose, " ".join(e.sharing_words), u.condition, u.until) for e in entries for u in e.users]


def _registration_rows(entries: Sequence[Entry]) -> Rows:
    rows: Rows = []
    for e in entries:
        if r := e.registration:
            days = (r.day.isoformat() if r.day else "", r.until.isoformat() if r.until else "")
            rows.append((e.code, e.title, f"{r.zh} {r.en}", *days, r.number, r.authority))
    return rows


def _list(book: Any, name: str, columns: Head, rows: Rows, head: Any, text: Any) -> None:
    if not rows:
        return
    sheet = book.add_worksheet(name)
    for at, (said, width) in enumerate(columns):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, said, head)
    sheet.freeze_panes(1, 2)
    for line, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            sheet.write_string(line, at, value[:CELL], text)
    sheet.autofilter(0, 0, len(rows), len(columns) - 1)
