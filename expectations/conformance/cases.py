"""Cases in Great Expectations' own JSON form: a table, the arguments of one expectation, and what it must say.

Source of the form: `great_expectations.self_check.util.evaluate_json_test_v3_api`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT = Path("../shared/conformance/gx")


class CasesError(Exception):
    """The folder of cases cannot be used: says where and what to do."""


@dataclass(frozen=True)
class Table:
    """The data of a case: values a column as JSON has them, type names by engine (`{"pandas": {"x": "int"}}`)."""

    name: str
    data: Mapping[str, list[Any]]
    schemas: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """One case. `id` is the file's name and the places of data set and test in it, from 1; `out` is what was recorded."""

    id: str
    type: str
    title: str
    tables: tuple[Table, ...]
    kwargs: Mapping[str, Any]
    out: Mapping[str, Any]
    exact: bool
    tolerance: float | None
    only_for: tuple[str, ...]
    not_for: tuple[str, ...]

    @property
    def for_nobody(self) -> bool:
        """Whether the case says that no engine may run it."""
        return {"pandas", "sqlalchemy", "spark"} <= set(self.not_for)

    def meant_for(self, engine: str) -> bool:
        """Whether Great Expectations runs the case on an engine (`pandas`, or a dialect of SQL)."""
        names = {engine} if engine == "pandas" else {engine, "sqlalchemy"}
        return (not self.only_for or bool(names & set(self.only_for))) and not names & set(self.not_for)


def read_cases(folder: Path) -> list[Case]:
    """All cases below a folder, in the order of their files. Raises `CasesError`."""
    if not folder.is_dir():
        raise CasesError(
            f"{folder}: no such folder of cases. Give one: make conformance CASES=DIR "
            "(Great Expectations' tests/test_definitions, JSON files with expectation_type and datasets)."
        )
    cases = [case for path in sorted(folder.rglob("*.json")) for case in _file(path)]
    if not cases:
        raise CasesError(f"{folder}: no case in it. Expected JSON files with expectation_type and datasets.")
    return cases


def _file(path: Path) -> Iterator[Case]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CasesError(f"{path}: not JSON ({error}).") from None
    if not isinstance(content, dict) or "expectation_type" not in content:
        raise CasesError(f"{path}: no case of Great Expectations: it lacks expectation_type.")
    for set_number, dataset in enumerate(content["datasets"], 1):
        several = list(enumerate(dataset["data"] if isinstance(dataset["data"], list) else [dataset], 1))
        for number, test in enumerate(dataset["tests"], 1):
            kwargs = test["in"] if isinstance(test["in"], dict) else {"column": test["in"][0], **test.get("kwargs", {})}
            out = {**test["out"], **test.get("error", {})}
            yield Case(
                f"{path.stem} {set_number}.{number}",
                content["expectation_type"],
                test["title"],
                tuple(_table(path, d, f"{set_number}.{n}", () if "traceback_substring" in out else kwargs.values()) for n, d in several),
                kwargs,
                out,
                test["exact_match_out"],
                test.get("tolerance"),
                tuple(test.get("only_for") or dataset.get("only_for") or ()),
                (*(test.get("suppress_test_for") or ()), *(dataset.get("suppress_test_for") or ())),
            )


def _table(path: Path, dataset: Mapping[str, Any], number: str, used: Iterable[Any]) -> Table:
    """A data set as the table of a case; the spare data where a column in use has no one type, as Great Expectations does then."""
    schemas = {k: v for k, v in (dataset.get("schemas") or {}).items() if isinstance(v, dict)}
    name = dataset.get("dataset_name") or f"{path.stem}_{number.replace('.', '_')}"
    data = dataset["data"]
    if dataset.get("data_alt") and any(mixed(data[name]) for name in used if isinstance(name, str) and name in data):
        return Table(f"{name}_alt", dataset["data_alt"], schemas)
    return Table(name, data, schemas)


def mixed(values: Sequence[Any]) -> bool:
    """Whether the values are of types that no one SQL type holds."""
    types = {type(v) for v in values if v is not None}
    return len(types) > 1 and not types <= {int, float}


def partial(values: Sequence[Any]) -> list[Any]:
    """A list cut to the length of Great Expectations' partial lists."""
    from expectations.compiler.duckdb import LISTED

    return list(values)[:LISTED]
