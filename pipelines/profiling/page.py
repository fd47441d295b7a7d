"""The profile page of a dataset: its columns in figures and small pictures, and the rules that the data suggests.

Values are shown by the classification of their column: up to level 2 as they are (where some rows bear them), level 3 by shape
and by bulk only, level 4 as counts. Belongs here: what the page is made of. Not here: counting (`expectations.profiling`), its
look (`reports/templates`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.masking import SHOWN_UP_TO
from expectations.profiling.proposals import SUPPORT, percent
from expectations.profiling.shapes import shape, shown
from expectations.profiling.values import SENTINELS, quantile
from pipelines.reports.pages import write_page

if TYPE_CHECKING:
    from expectations.profiling.draft import Draft
    from expectations.profiling.figures import ColumnFigures, Profile
    from pipelines.profiling.rows import Found

BARS = 24
LEAST = 5  # a value of fewer rows is not listed, whatever its column's level: it may have come from another column
TOP = 8
KINDS = {
    "string": ("文本", "text"),
    "integer": ("整数", "whole number"),
    "number": ("数", "number"),
    "date": ("日期", "date"),
    "timestamp": ("时间", "time"),
    "boolean": ("是否", "yes or no"),
}
WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")


def write_profile(found: Found, made: Draft, target: Path) -> Path:
    """Write the page; the same data gives the same page."""
    profile = made.profile
    contract = found.contract
    return write_page(
        "profile.html",
        target,
        contract=contract,
        found=found,
        profile=profile,
        columns=[_column(profile, c, contract.column(c.name).classification) for c in profile.columns],
        rules=[_rule(d) for d in made.rules],
        left=[_rule(d) for d in made.left_out],
        tolerance=percent(made.tolerance),
        scans=made.scans,
        kinds=KINDS,
    )


def _rule(drafted: Any) -> dict[str, Any]:
    p = drafted.proposal
    return {
        "id": p.id,
        "title": p.title,
        "evidence": p.evidence,
        "indicator": p.indicator,
        "support": drafted.support,
        "fails": drafted.fails,
        "share": percent(drafted.share),
        "unit": {"rows": ("行", "rows"), "batches": ("批", "batches")}[drafted.unit],
    }


def _column(profile: Profile, c: ColumnFigures, level: int) -> dict[str, Any]:
    values = profile.values(c.name)
    zh, en = profile.table.title(c.name)
    open_ = level <= SHOWN_UP_TO
    return {
        "name": c.name,
        "zh": zh,
        "en": en[:1].upper() + en[1:],
        "kind": c.kind,
        "level": level,
        "filled": c.present / c.rows if c.rows else 0.0,
        "unread": (c.texts - c.present) / c.rows if c.rows else 0.0,
        "missing": c.rows - c.texts,
        "unread_rows": c.texts - c.present,
        "distinct": _about(c),
        "ends": _ends(c) if open_ or (c.kind == "string" and level < 4) else None,
        "top": _top(c, values) if open_ and c.kind in ("string", "boolean", "integer") else [],
        "shapes": _shapes(values) if c.kind == "string" and level < 4 else [],
        "bars": _bars(c, values, open_) if level < 4 else None,
        "seasons": _seasons(values) if c.kind in ("date", "timestamp") and level < 4 else [],
        "hidden": level,
    }


def _about(c: ColumnFigures) -> str:
    return f"{len(c.values):,}" if c.values else f"≈{float(f'{c.distinct:.2g}'):,.0f}"


def _ends(c: ColumnFigures) -> tuple[str, str] | None:
    if c.low is None:
        return None
    return _said(c.low), _said(c.high)


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M") if value.year >= 1000 else str(value)
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _top(c: ColumnFigures, values: Sequence[Any]) -> list[tuple[str, str, float]]:
    """The most frequent values with their share of those present: of all rows where few differ, else of the sample."""
    counted = list(c.values) or sorted(Counter(values).items(), key=lambda v: (-v[1], str(v[0])))
    of = c.present if c.values else len(values)
    return [(_cut(str(v)), percent(n / of), n / of) for v, n in counted[:TOP] if n >= LEAST]


def _cut(text: str) -> str:
    return text if len(text) <= 28 else text[:27] + "…"


def _shapes(values: Iterable[Any]) -> list[tuple[str, str, float]]:
    counted = Counter(_cut(shown(shape(str(v)))) for v in values)
    total = counted.total()
    return [(s, percent(n / total), n / total) for s, n in sorted(counted.items(), key=lambda v: (-v[1], v[0]))[:5]]


def _bars(c: ColumnFigures, values: Sequence[Any], ends: bool) -> dict[str, Any] | None:
    """A histogram of the bulk (2 % to 98 %) of numbers or days: heights of 0 to 100, and what stands at the two ends."""
    if c.kind not in ("integer", "number", "date", "timestamp") or len(values) < SUPPORT:
        return None
    days = c.kind in ("date", "timestamp")
    if days:
        values = [d for v in values if (d := v.date() if isinstance(v, datetime) else v) not in SENTINELS]
    numbers = sorted(float(v.toordinal()) if days else float(v) for v in values)
    low, high = (quantile(numbers, p) for p in (0.02, 0.98)) if numbers else (0.0, 0.0)
    if low >= high:
        return None
    inside = [n for n in numbers if low <= n <= high]
    counts = Counter(min(int((n - low) / (high - low) * BARS), BARS - 1) for n in inside)
    most = max(counts.values())
    middle = quantile(numbers, 0.5)

    def said(n: float) -> str:
        if not days:
            return f"{n:,.3g}"
        day = date.fromordinal(int(n))
        return day.isoformat() if ends else str(day.year)

    return {
        "heights": [round(100 * counts.get(i, 0) / most, 1) for i in range(BARS)],
        "first": said(low) if ends or days else "",
        "middle": said(middle) if ends or days else "",
        "last": said(high) if ends or days else "",
    }


def _seasons(values: Sequence[Any]) -> list[dict[str, Any]]:
    """How the days spread over months and weekdays, and times over hours: shares, with the even share to compare."""
    values = [v for v in values if (v.date() if isinstance(v, datetime) else v) not in SENTINELS]
    if len(values) < SUPPORT:
        return []
    found = [_season("月份", "month", Counter(v.month for v in values), {m: str(m) for m in range(1, 13)})]
    found.append(_season("星期", "weekday", Counter(v.weekday() for v in values), dict(enumerate(WEEKDAYS))))
    if any(isinstance(v, datetime) and (v.hour or v.minute) for v in values):
        found.append(_season("时", "hour", Counter(v.hour for v in values), {h: str(h) if h % 3 == 0 else "" for h in range(24)}))
    return [f for f in found if f]


def _season(zh: str, en: str, counts: Mapping[int, int], labels: Mapping[int, str]) -> dict[str, Any]:
    most, total = max(counts.values()), sum(counts.values())
    top = max(counts, key=lambda k: (counts[k], -k))
    return {
        "zh": zh,
        "en": en,
        "bars": [(label, round(100 * counts.get(k, 0) / most, 1)) for k, label in labels.items()],
        "most": labels[top] or str(top),
        "share": percent(counts[top] / total),
        "even": percent(1 / len(labels)),
    }
