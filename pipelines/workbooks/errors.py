"""The error of workbooks. Here and not where it is raised, so that telling it imports nothing."""

from __future__ import annotations


class WorkbookError(Exception):
    """A workbook that is not taken: which, what was found, what was expected, what to do."""
