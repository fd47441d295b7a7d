"""Files in the landing folder: one reader for all forms, and the choice of the function that reads a form.

Belongs here: which module reads which `format`. Not here: reading a form, which files wait (`assets.readers.files`).
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets.contracts import Contract
from assets.readers import Extract, Handover, RefusedError
from assets.readers.files import pending_files
from assets.readers.options import options
from expectations.documents import near

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

FORMS = {"csv": "delimited", "fixed": "fixed", "xlsx": "workbook", "xls": "workbook", "xml": "xml", "zip": "archive"}
"""Values of `format` and the module of this package that reads it."""


class ReadFile(Protocol):
    """Reads one file by its contract; working files go to a new folder in `scratch`. Raises `RefusedError` or `LaterError`."""

    def __call__(self, path: Path, contract: Contract, opts: dict[str, Any], scratch: Path, period: str | None = None) -> Extract: ...


def form_of(contract: Contract) -> str:
    """The form that the contract declares. Raises `RefusedError` for one that nothing reads."""
    form = str(contract.server.properties.get("format", "")).lower()
    if form not in FORMS:
        raise RefusedError(f"format {form!r}", where=str(contract.path), remedy=near(form, FORMS))
    return form


def function_of(form: str) -> ReadFile:
    """The function that reads files of a form."""
    function: ReadFile = import_module(f"assets.readers.{FORMS[form]}").read_file
    return function


def read_local(path: Path, contract: Contract, scratch: Path, period: str | None = None) -> Extract:
    """Read one file in the declared form, wherever it lies."""
    form = form_of(contract)
    return function_of(form)(path, contract, options(contract, form), scratch, period)


class LocalReader:
    """Servers of `type: local`."""

    ahead = True

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:  # noqa: ARG002 - the protocol's
        return pending_files(contract, project, options(contract, form_of(contract)))

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:  # noqa: ARG002 - the protocol's
        assert handover.path is not None
        return read_local(handover.path, contract, project.scratch / "collect", handover.period)
