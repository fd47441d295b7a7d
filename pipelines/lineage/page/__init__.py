"""The lineage page: one HTML with the whole graph of columns in it, to be opened from a disk, without a network or a server.

Belongs here: writing the page. Not here: what is in it (`facts`), how it looks and acts (`page.html`, `page.css`, the scripts).
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

SCRIPTS = ("dagre.min.js", "graph.js", "ways.js", "lit.js", "page.js")  # in the order in which they need each other


def write_lineage(project: Project, results: duckdb.DuckDBPyConnection, target: Path) -> Path:
    """Write the page of a project: its graph, its contracts, and the scores and hand-overs of its published results."""
    from pipelines.lineage.page.facts import facts_of
    from pipelines.lineage.stored import graph_of

    return write_facts(facts_of(project, graph_of(project), results), target)


def write_facts(facts: dict[str, Any], target: Path) -> Path:
    """Write the page of what `facts_of` tells. The file is swapped in whole."""
    from pipelines.swapping import swapped

    text = render(facts)
    with swapped(target) as fresh:
        fresh.write_text(text, encoding="utf-8")
    return target


def render(facts: dict[str, Any]) -> str:
    """The page. Names come in as data, never as markup; the page's policy lets no script run but ours, by its digest."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    scripts = _scripts()
    policy = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return environment.get_template("page.html").render(
        facts=in_script(facts), scripts=scripts, policy=policy, published=facts["published"]
    )


def in_script(value: Any) -> str:
    """JSON that can stand in a script element: no `<` is in it, so no name can end the element or open another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


@cache
def _scripts() -> tuple[str, ...]:
    return tuple(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SCRIPTS)
