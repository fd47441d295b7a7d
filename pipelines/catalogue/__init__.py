"""One catalogue of everything, made from contracts; quality measurements from published results where there are some.

Out: a page with search, a workbook in the guide's form, DCAT 3, the contracts as they are, and what may be opened, by itself. In:
drafts of contracts from a workbook in the guide's form (`drafts`). Belongs here: which files there are.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.catalogue.entries import Entry, opened, read_catalogue

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.catalogue.measures import Measured

__all__ = ["Entry", "opened", "read_catalogue", "write_catalogue"]
WHOLE = ("公共数据目录", "Catalogue of public data")
OPEN = ("公共数据开放目录", "Catalogue of open data")


def write_catalogue(
    project: Project, target: Path, results: duckdb.DuckDBPyConnection | None = None, base_url: str | None = None
) -> list[Path]:
    """Write the catalogue into the folder `target`, and under `open/` what may be opened, by itself. Returns the files written.

    Each folder holds `index.html`, `catalogue.xlsx`, `catalogue.jsonld`, `catalogue.ttl`; the whole one also `contracts/`. `base_url`
    is where browsers reach the project's reports: DCAT names the pages by it. Raises `DocumentError` as `read_catalogue`.
    """
    from pipelines.catalogue.measures import Measured, measured
    from pipelines.swapping import swapped

    entries = read_catalogue(project)
    found = measured(results) if results is not None else Measured()
    address = f"{(base_url or project.reports_url).rstrip('/')}/catalogue"
    written = _write(entries, target, found, f"{address}/index.html", WHOLE, whole=True)
    written += _write(opened(entries), target / "open", found, f"{address}/open/index.html", OPEN, whole=False)
    kept = {f"{e.name}.odcs.yaml" for e in entries}
    for old in (target / "contracts").glob("*.odcs.yaml"):
        if old.name not in kept:  # of a dataset that is gone
            old.unlink()
    for entry in entries:
        path = target / "contracts" / f"{entry.name}.odcs.yaml"
        with swapped(path) as fresh:
            shutil.copyfile(entry.path, fresh)
        written.append(path)
    return written


def _write(entries: list[Entry], target: Path, found: Measured, address: str, title: tuple[str, str], *, whole: bool) -> list[Path]:
    from pipelines.catalogue import dcat, rdf
    from pipelines.catalogue.form import write_form
    from pipelines.catalogue.site import write_site
    from pipelines.swapping import swapped

    written = [write_site(entries, target / "index.html", found, title, whole=whole), write_form(entries, target / "catalogue.xlsx", found)]
    nodes = list(dcat.nodes(entries, found, address, title))
    for name, text in (("catalogue.jsonld", rdf.to_jsonld(dcat.PREFIXES, nodes)), ("catalogue.ttl", rdf.to_turtle(dcat.PREFIXES, nodes))):
        with swapped(target / name) as fresh:
            fresh.write_text(text, encoding="utf-8")
        written.append(target / name)
    return written
