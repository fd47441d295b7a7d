"""The catalogue as one page that works without a network or a server: search, filters, one section a dataset.

Belongs here: what the page needs. Not here: what entries say (`entries`), the look (`pipelines.reports`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from assets.catalogue import SHARING
from pipelines.reports.pages import environment
from pipelines.swapping import swapped

if TYPE_CHECKING:
    from jinja2 import Environment

    from pipelines.catalogue.entries import Entry
    from pipelines.catalogue.measures import Measured

LAYERS = {"sources": ("部门数据", "sources"), "base": ("基础库", "base"), "thematic": ("主题库", "thematic")}
_HERE = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    """The reports' environment, with our template beside theirs."""
    from jinja2 import ChoiceLoader, FileSystemLoader

    shared = environment()
    assert shared.loader is not None
    return shared.overlay(loader=ChoiceLoader([FileSystemLoader(_HERE), shared.loader]))


def write_site(entries: Sequence[Entry], target: Path, measured: Measured, title: tuple[str, str], *, whole: bool) -> Path:
    """Write the page. `whole`: of the whole catalogue, which leads to the contracts and the open part; else of the open part."""
    script = (_HERE / "search.js").read_text(encoding="utf-8")
    # The only script that the page may run is the one that stands in it: a value that broke out of its escaping would be dead.
    policy = "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = (
        _environment()
        .get_template("catalogue.html")
        .render(
            entries=entries,
            measures=measured.datasets,
            measured_at=measured.at,
            dimensions=measured.dimensions,
            title=title,
            whole=whole,
            script=script,
            policy=policy,
            SHARING=SHARING,
            LAYERS=LAYERS,
            layers=[layer for layer in LAYERS if any(e.layer == layer for e in entries)],
        )
    )
    with swapped(target) as fresh:
        fresh.write_text(text, encoding="utf-8")
    return target
