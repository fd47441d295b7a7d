"""Reports: what each department mends, and the league; made from the published results alone, workbooks also from raw rows.

Belongs here: reading results for people, pages, workbooks. Not here: scores, publishing. What is on a page was published
masked, so a page cannot show more than `results.duckdb` does; only a department's own workbook has its rows in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assets.project import Project


def division_names(project: Project) -> dict[str, str]:
    """The names of divisions by code; none where the project has no such table."""
    from assets.judging import codes_of

    codes = codes_of(project)
    return dict(codes.get("division").codes) if "division" in codes else {}


def build_reports(project: Project, base_url: str | None = None) -> list[Path]:
    """Write `index.html`, `overview.html`, per department `<department>/index.html` and `<department>/<department>.xlsx` (further parts
    `<department>.2.xlsx` and so on), per theme `themes/<theme>.html`, `lineage.html`, `catalogue/`, and of a sample `proof.html`.

    Reads `project.results` (`pipelines.results.publish` makes it; `FileNotFoundError` without). `base_url` is where browsers
    reach `project.reports`; workbooks, which travel alone, name it. The lake is read as it was when the results were published.
    Each file is swapped in whole; what was written for a department or a theme that no declaration names any more is taken away.
    Returns the files written.
    """
    from assets.evidence import delivering
    from assets.lake import one_look
    from assets.secrets import SecretError
    from pipelines.catalogue import write_catalogue
    from pipelines.lineage.page import write_lineage
    from pipelines.querying import connect
    from pipelines.reports.department import write_department
    from pipelines.reports.figures import departments, publication
    from pipelines.reports.index import write_index
    from pipelines.reports.overview import write_overview
    from pipelines.reports.pictures import write_themes
    from pipelines.reports.proof import write_proof
    from pipelines.results import connect_results
    from pipelines.workbooks.writing import write_workbooks

    written: list[Path] = []
    unlocked: list[str] = []
    with connect_results(project) as results, connect(project, publication(results)["snapshot"]) as lake, one_look(lake):
        for name in departments(results):
            folder = project.reports / name
            written.append(write_department(results, name, folder / "index.html"))
            try:
                written += write_workbooks(project, lake, results, name, folder, base_url)
            except SecretError as error:
                unlocked.append(f"{name}: {error}")
        themes = write_themes(project, lake, publication(results), project.reports / "themes")
        written += [path for path, _ in themes]
        proof = write_proof(project, results, project.reports / "proof.html")
        written += [proof] if proof else []
        lineage = write_lineage(project, results, project.reports / "lineage.html")
        catalogue = write_catalogue(project, project.reports / "catalogue", results, base_url)
        pages = [*themes, (catalogue[0], {"zh": "公共数据目录", "en": "Catalogue"})]
        overview = write_overview(results, project.reports / "overview.html", division_names(project))
        index = write_index(results, project.reports / "index.html", proof, pages, lineage, overview)
        written += [lineage, *catalogue, overview, index]
        gone = [*project.departments.former, *project.departments.unknown(delivering(lake))]
    leave(project, gone)
    if unlocked:
        raise SecretError("工作簿未写出，缺密码（其余报告已写出）。 Without their password no workbook is written: " + "; ".join(unlocked))
    return written


def leave(project: Project, names: Iterable[str]) -> None:
    """Take away the page and the workbooks in folders of departments that are no more: nobody is sent them, and they name people."""
    for name in names:
        folder = project.reports / name
        if folder.is_symlink() or not folder.is_dir():
            continue
        for file in (folder / "index.html", folder / f"{name}.xlsx", *folder.glob(f"{name}.*.xlsx")):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # what somebody else has put there stays
            folder.rmdir()
