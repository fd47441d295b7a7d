"""Addresses: of reports and of pages of the Dagster UI, from the project's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from assets.project import Project


def report_url(project: Project, group: str) -> str:
    """The address of a department's report, under the base address that browsers reach."""
    return f"{project.reports_url.rstrip('/')}/{quote(group)}/index.html"


def check_path(schema: str, dataset: str, check: str) -> str:
    """The page of one check in the Dagster UI, without host."""
    return f"/assets/{quote(schema)}/{quote(dataset)}?view=checks&checkDetail={quote(check)}"
