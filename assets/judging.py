"""What a dataset is held to: its code tables, the standard, its suite, and the repairs and rules compiled from them.

Belongs here: finding and compiling declarations of a project. Not here: running them (`assets.standardise`, `assets.models`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets.called import entries
from assets.repair import staged
from assets.std import digest
from expectations.codes import CodeTable, CodeTables
from expectations.compiler.plan import Field, Plan, compile_suite
from expectations.compiler.sense import sensible
from expectations.standard import Standard, load_standard
from expectations.suite import Suite, make_suite, read_suite

if TYPE_CHECKING:
    from datetime import date

    from assets.contracts import Contract
    from assets.project import Project


def codes_of(project: Project) -> CodeTables:
    """The code tables that come with Yuanqing; a project's own stand in for those of the same name."""
    from assets.project import CODE

    return CodeTables(*dict.fromkeys((CODE / "expectations" / "codes", project.expectations / "codes")))


def standard_of(project: Project, on: date | None = None) -> Standard:
    """The edition valid on a day (the project's today) of the project's own standard, else of the one that comes with Yuanqing.

    Raises `DocumentError`.
    """
    own = project.expectations / "standard.yaml"
    return load_standard(own if own.exists() else None, on or project.now().date())


def suite_of(project: Project, contract: Contract) -> Suite | None:
    """What a dataset is held to: its suite, and what its contract yields besides; None where both are empty.

    Raises `DocumentError` with file and line, of the suite or of the contract.
    """
    path = project.expectations / "suites" / contract.suite_path
    written = read_suite(path) if path.exists() else None
    rules = entries(contract, written)
    if not rules:
        return None
    data: dict[str, Any] = written.data if written else {"name": contract.name}
    return make_suite(data["name"], path, rules, codes_of(project), standard_of(project), data.get("meta"))


def plan_of(project: Project, contract: Contract, further: Sequence[Field] = ()) -> Plan | None:
    """The compiled suite of a dataset, or None where there is no suite. `further` fields may be looked at besides its columns.

    Raises `DocumentError` for a rule on a column that neither declares, one that can never fail, one that always fails.
    """
    suite = suite_of(project, contract)
    fields = [
        Field(c.name, c.logical_type, c.sql_type, None if c.logical_type == "string" else f"{c.name}__text") for c in contract.columns
    ]
    return sensible(compile_suite(suite, [*fields, *further], codes=codes_of(project))) if suite else None


@dataclass(frozen=True)
class Judge:
    """What rows of one source dataset are held to, made once for however many batches there are."""

    project: Project
    contract: Contract

    @cached_property
    def _compiled(self) -> Plan | None:
        return plan_of(self.project, self.contract)

    @property
    def plan(self) -> Plan:
        """The compiled suite. Raises `LookupError` where there is none, `DocumentError` where it is wrong."""
        if self._compiled is None:
            where = f"expectations/suites/{self.contract.suite_path}"
            raise LookupError(f"{self.contract.name}: no suite at {where}, and the contract calls for nothing. Declare a key, at least.")
        return self._compiled

    @cached_property
    def standard(self) -> Standard:
        """The edition of the standard that holds today."""
        return standard_of(self.project)

    @cached_property
    def _tables(self) -> dict[str, CodeTable]:
        codes = codes_of(self.project)
        return {c.name: codes.get(c.codes) for c in self.contract.columns if c.codes}

    def staged(self, relation: str) -> str:
        """The SELECT that standardises `relation` (raw rows with `_batch` and `_row`); see `assets.repair.staged`."""
        return staged(self.contract.columns, self._tables, relation)

    @cached_property
    def mark(self) -> str:
        """What a batch is judged by: the compiled suite and the repairs before it; empty where there is no suite."""
        return digest(self._compiled.fingerprint + self.staged("raw")) if self._compiled else ""
