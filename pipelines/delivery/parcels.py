"""What goes out to a department: its page, its workbooks, and a digest in words and as JSON, all of one publication.

Belongs here: choosing and wording. Not here: how it travels. The digest holds counts and titles of rules, never a value of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipelines.errors import DeliveryError

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SLACK = 2.0
"""Seconds by which the clocks of files and results may differ."""


@dataclass(frozen=True)
class Parcel:
    """One department's report of one publication. `publication` is its time, by which it is known again; `facts` is the digest as
    JSON; `page` and `workbooks` are files."""

    department: str
    publication: str
    at: datetime
    subject: str
    text: str
    facts: dict[str, Any]
    page: Path
    workbooks: tuple[Path, ...]

    @property
    def id(self) -> str:
        """A name for this department's report of this publication, the same at every try: receivers tell repetitions by it."""
        from pipelines.sealing import sm3

        return sm3(f"{self.department}\n{self.publication}".encode())[:32]


def pack(project: Project, results: duckdb.DuckDBPyConnection, department: str) -> Parcel:
    """The department's parcel of what is published. Raises `DeliveryError` where there is no report, or only an older one."""
    from pipelines.reports import figures, head
    from pipelines.reports.issues import open_issues

    published = figures.publication(results)
    at: datetime = published["published_at"]
    folder = project.reports / department
    page = folder / "index.html"
    if not page.exists() or page.stat().st_mtime < at.timestamp() - SLACK:
        raise DeliveryError(
            f"{department}: 没有与结果库（{at:%Y-%m-%d %H:%M}）同一次发布的报告。运行 `yuanqing publish`。 "
            f"There is no report of the publication of {at:%Y-%m-%d %H:%M}. Run `yuanqing publish`."
        )
    me = next(e for e in figures.league(results) if e["department"] == department)
    move = head.moves(results).get(department)
    failing = head.weighed(results, figures.failing(results, department), department)
    issues = open_issues(results, department)
    facts: dict[str, Any] = {
        "department": department,
        "zh": me["zh"],
        "en": me["en"],
        "published_at": at.isoformat(),
        "snapshot": published["snapshot"],
        "ranked": _rounded(me["ranked"]),
        "score": _rounded(me["score"]),
        "coverage": _rounded(me["coverage"], 4),
        "grade": me["grade"],
        "move": _rounded(move["move"]) if move else None,
        "open": {s["state"]: s["every"] for s in issues["states"]} if issues else {},
        "overdue": issues["overdue"] if issues else 0,
        "first": [
            {
                "dataset": r["dataset"],
                "rule": r["rule"],
                "zh": r["title_zh"],
                "en": r["title_en"],
                "rows": r["rows"],
                "gain": _rounded(r["gain"], 2),
            }
            for r in failing[: head.FIRST]
        ],
        "report": f"{project.reports_url}/{quote(department)}/index.html",
    }
    subject = f"源清数据质量 {me['zh']} {at:%Y-%m-%d} · {_points(facts['ranked'])} 分 · Data quality {me['en']}"
    return Parcel(
        department,
        at.isoformat(),
        at,
        " ".join(subject.split()),
        _digest(facts, at),
        facts,
        page,
        tuple(sorted(folder.glob(f"{department}*.xlsx"))),
    )


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _digest(facts: dict[str, Any], at: datetime) -> str:
    from pipelines.reports.issues import STATES

    move = "" if facts["move"] is None else f"{facts['move']:+.1f}"
    counted = facts["open"].items()
    zh = [
        f"{facts['zh']}：",
        f"得分×覆盖率 {_points(facts['ranked'])}" + (f"，较上月 {move}" if move else "") + f"（得分 {_points(facts['score'])}）",
        f"未了结问题 {sum(facts['open'].values()):,} 件，其中超期 {facts['overdue']:,} 件",
        *(f"  {STATES[state][0]}：{n:,}" for state, n in counted),
        *(["先改这几处："] if facts["first"] else ["没有不合格的规则。"]),
        *(f"  {i}. {r['zh']}：{r['rows']:,} 行（改好可得 {r['gain']} 分）" for i, r in enumerate(facts["first"], 1)),
        f"报告：{facts['report']}",
    ]
    en = [
        f"{facts['en']}:",
        f"Score x coverage {_points(facts['ranked'])}"
        + (f", {move} since last month" if move else "")
        + f" (score {_points(facts['score'])})",
        f"Open issues {sum(facts['open'].values()):,}, overdue {facts['overdue']:,}",
        *(f"  {STATES[state][1]}: {n:,}" for state, n in counted),
        *(["Mend first:"] if facts["first"] else ["No rule fails."]),
        *(f"  {i}. {r['en']}: {r['rows']:,} rows (brings {r['gain']} points)" for i, r in enumerate(facts["first"], 1)),
        f"Report: {facts['report']}",
    ]
    return "\n".join([*zh, "", *en, "", f"发布于 published {at:%Y-%m-%d %H:%M}", ""])
