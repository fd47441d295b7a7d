"""From a template to a file: the environment, the forms of numbers and periods, and the swap.

Belongs here: what every page shares. Not here: what a page says.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.reports.phrases import in_chinese
from pipelines.swapping import swapped

if TYPE_CHECKING:
    from jinja2 import Environment

STATUS = {
    "standardised": ("已接收", "accepted"),
    "collected": ("待标准化", "waiting"),
    "refused": ("已退回", "refused"),
    "repeated": ("重复交付", "repeated"),
}
SEVERITY = {"critical": ("严重", "critical"), "warning": ("警告", "warning"), "info": ("提示", "info")}
REPAIRS = {
    "trimmed": ("去首尾空白", "trimmed"),
    "folded": ("全角转半角", "folded to half width"),
    "upper": ("转大写", "upper-cased"),
    "dialect": ("代码转换", "dialect mapped to code"),
    "placeholder": ("占位词转空", "placeholder emptied"),
    "recast": ("数字格式统一", "number form unified"),
}
PERIODS = {"monthly": ("每月", "monthly"), "daily": ("每日", "daily"), "hourly": ("每小时", "hourly")}
MODES = {"full": ("全量", "full"), "delta": ("增量", "delta")}


def number(value: Any) -> str:
    return "—" if value is None else f"{value:,}"


def score(value: float | None) -> str:
    """A score of 0 to 100 with one decimal; never rounded up to 100 where something is broken."""
    if value is None:
        return "—"
    return "99.9" if 99.9 < value < 100 - 1e-9 else f"{value:.1f}"


def percent(value: float | None) -> str:
    """A share of 0 to 1; a small one is not rounded to nothing, one near to 1 not to all."""
    if value is None:
        return "—"
    if 0 < value < 0.0001:
        return "<0.01%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{100 * value:.0f}%" if value in (0, 1) else f"{100 * value:.2f}%" if value < 0.01 else f"{100 * value:.1f}%"


def period(value: str | None) -> str:
    """202610 as 2026-10, 20261024 as 2026-10-24, 2026102408 as 2026-10-24 08:00."""
    if not value:
        return ""
    if not value.isdigit() or len(value) not in (6, 8, 10):
        return value
    shown = "-".join(p for p in (value[:4], value[4:6], value[6:8]) if p)
    return f"{shown} {value[8:]}:00" if len(value) == 10 else shown


def points(value: float | None) -> str:
    """Points gained, with two decimals; what is less than a hundredth is said to be that."""
    if value is None:
        return "—"
    return f"+{value:.2f}" if value >= 0.01 else "+<0.01"


def moved(value: float | None) -> str:
    """How far a score moved, with an arrow beside the sign, so that it reads in black and white."""
    if value is None:
        return "—"
    if abs(value) < 0.005:
        return "持平 steady"
    return f"{'▲ +' if value > 0 else '▼ −'}{abs(value):.2f}"


def shortfall(value: float) -> float:
    """How far a score is from 100."""
    return max(100 - value, 0.0)


def moment(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M") if value else ""


@cache
def environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "score": score, "percent": percent, "period": period, "moment": moment}
    made.filters |= {"points": points, "moved": moved, "shortfall": shortfall}
    made.filters |= {"in_chinese": in_chinese}
    made.globals |= {"STATUS": STATUS, "SEVERITY": SEVERITY, "REPAIRS": REPAIRS, "PERIODS": PERIODS, "MODES": MODES}
    return made


def write_page(template: str, target: Path, **what: Any) -> Path:
    """Render a template to a file, which is swapped in whole."""
    text = environment().get_template(template).render(**what)
    with swapped(target) as fresh:
        fresh.write_text(text, encoding="utf-8")
    return target
