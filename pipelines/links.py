"""Addresses: of reports and of pages of the Dagster UI, from the project's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project


def report_url(project: Project, contract: Contract) -> str:
    """The address of the report on a dataset: its department's page, or a base or thematic table's place on the index page."""
    page = f"{quote(contract.group)}/index.html" if contract.layer == "sources" else f"index.html#{quote(contract.table)}"
    return f"{project.reports_url.rstrip('/')}/{page}"


def lineage_url(project: Project, contract: Contract) -> str:
    """The way of a dataset's table on the lineage page; raw and std are one box there."""
    return f"{project.reports_url.rstrip('/')}/lineage.html#t={quote(contract.table)}"


def check_path(schema: str, dataset: str, check: str) -> str:
    """The page of one check in the Dagster UI, without host."""
    return f"/assets/{quote(schema)}/{quote(dataset)}?view=checks&checkDetail={quote(check)}"
