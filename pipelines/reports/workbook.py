"""One department's workbook: the rows to mend, as they were handed over, with what is wrong in each.

Belongs here: sheets and cells. Not here: the figures (`figures`). It is the department's own: keys and values stand in full,
so the file may be read by its owner alone (mode 600) and goes to that department only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project


def write_workbook(project: Project, results: duckdb.DuckDBPyConnection, department: str, target: Path, base_url: str | None) -> Path:
    return target
