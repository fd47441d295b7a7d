"""The quarterly evaluation as a workbook: the departments, the weights, and what it was made from.

Belongs here: sheets and cells. Every text is written as a text: nothing becomes a formula or a link, whatever it begins with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.league.showing import moved
from pipelines.reports.pages import moment
from pipelines.swapping import swapped

if TYPE_CHECKING:
    from pipelines.league.evaluation import Department, Evaluation

CELL = 32_767
_FONT = "Microsoft YaHei"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Column = tuple[str, str, float, "Callable[[Department], Any]"]
COLUMNS: tuple[Column, ...] = (
    ("名次", "rank", 7, lambda d: d.rank),
    ("变动", "move", 7, lambda d: "、".join(f"原{zh}（{rank}）" for zh, rank in d.was) or moved(d.move)),
    ("部门", "department", 30, lambda d: d.zh),
    ("部门（英文）", "department", 34, lambda d: d.en),
    ("得分×覆盖率", "score x coverage", 13, lambda d: d.ranked),
    ("等级", "grade", 7, lambda d: d.grade),
    ("得分", "score", 9, lambda d: d.score),
    ("覆盖率", "coverage", 10, lambda d: d.coverage),
    ("目标", "target", 8, lambda d: d.target),
    ("豁免", "waived", 9, lambda d: d.waived),
    ("按时率", "in time, share", 10, lambda d: d.punctuality.share),
    ("按时", "in time", 8, lambda d: d.punctuality.in_time),
    ("逾期", "late", 8, lambda d: d.punctuality.late),
    ("未到", "missing", 8, lambda d: d.punctuality.missing),
    ("平台抽取", "datasets pulled", 10, lambda d: d.punctuality.pulled),
    ("发现问题", "issues found", 11, lambda d: d.issues.found if d.issues else None),
    ("已整改", "mended", 9, lambda d: d.issues.mended if d.issues else None),
    ("未办结", "open", 9, lambda d: d.issues.open if d.issues else None),
    ("超期", "overdue", 9, lambda d: d.issues.overdue if d.issues else None),
)
FORMS = {"覆盖率": "share", "按时率": "share", "得分×覆盖率": "score", "得分": "score", "目标": "score"}
"""Of numbers with a fraction; others are shown as weights."""
WEIGHTS = (
    ("维度", "dimension", 20, "dimension_zh"),
    ("维度（英文）", "dimension", 20, "dimension_en"),
    ("维度权重", "its weight", 10, "dimension_weight"),
    ("指标", "indicator", 10, "indicator"),
    ("名称", "name", 26, "zh"),
    ("名称（英文）", "name", 40, "en"),
    ("指标权重", "its weight", 10, "weight"),
)


def write_workbook(target: Path, made: Evaluation, about: dict[str, Any]) -> Path:
    """Write the evaluation to `target`, swapped in whole."""
    import xlsxwriter

    with swapped(target) as fresh, xlsxwriter.Workbook(str(fresh), {"in_memory": True}) as book:
        head = book.add_format({"font_name": _FONT, "font_size": 10, "bold": True, "text_wrap": True, "bottom": 2, "bg_color": "#E6F1EF"})
        form = {
            kind: book.add_format({"font_name": _FONT, "font_size": 10, "valign": "top"} | what)
            for kind, what in {
                "text": {"num_format": "@"},
                "whole": {"num_format": "#,##0"},
                "score": {"num_format": "0.0"},
                "share": {"num_format": "0.0%"},
                "weight": {"num_format": "0.00##"},
            }.items()
        }
        _sheet(
            book,
            f"季度评价 {made.quarter.name}",
            [c[:3] for c in COLUMNS],
            head,
            form,
            ([c[3](d) for c in COLUMNS] for d in made.departments),
        )
        _sheet(book, "权重 weights", [w[:3] for w in WEIGHTS], head, form, ([row[w[3]] for w in WEIGHTS] for row in made.weights))
        _sheet(book, "说明 about", [("事项", "what", 26), ("内容", "said", 90)], head, form, _about(made, about))
    return target


def _sheet(
    book: Any, name: str, columns: Sequence[tuple[str, str, float]], head: Any, form: dict[str, Any], rows: Iterable[Sequence[Any]]
) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    for at, (zh, en, width) in enumerate(columns):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, f"{zh}\n{en}", head)
    for line, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            if isinstance(value, int) and not isinstance(value, bool):
                sheet.write_number(line, at, value, form["whole"])
            elif isinstance(value, float):
                sheet.write_number(line, at, value, form[FORMS.get(columns[at][0], "weight")])
            elif value is not None:
                sheet.write_string(line, at, _NO_XML.sub("�", str(value))[:CELL], form["text"])


def _about(made: Evaluation, about: dict[str, Any]) -> list[tuple[str, str]]:
    seq, seal = about["anchor"]
    return [
        ("季度 quarter", f"{made.quarter.zh} {made.quarter.name}"),
        ("发布人 officer", about["officer"]),
        ("事由 why", about["why"]),
        ("发布时间 published", moment(about["at"])),
        ("更正 corrects", str(about["corrects"] or "—")),
        ("标准 standard", f"{made.published['standard']} {made.published['standard_fingerprint']}"),
        ("湖快照 lake snapshot", str(made.published["snapshot"])),
        ("结果 results of", moment(made.published["published_at"])),
        ("名次变动相比 moves since", f"{made.since[1]} (#{made.since[0]})" if made.since else "—"),
        ("审计锚点 audit anchor", f"{seq}:{seal}"),
    ]
