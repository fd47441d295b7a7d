"""Cross-department checks as they are declared: one `<id>.check.yaml` each, beside the contract of `base.disagreement`.

```yaml
id: x01_allowance_of_dead
number: X01
title: {zh: 死亡人员仍在领取低保, en: A dead person is still paid an allowance}
remedy: {zh: 核实后停发并追回, en: Verify, stop and reclaim}
indicator: "0402"
severity: critical            # info: told, and counted in no score
grace: {until: end_of_next_month}
to: subsistence_allowance     # whose department gets the ticket (several: a list; each row of the SELECT names its own)
of: death_certificate         # whose standing rows are the elements (B) that are compared
subjects:                     # by source, the subject as SQL over one of its rows (several: a list); no other row bears on a subject
  subsistence_allowance: member_id
  death_certificate: id_number
sql: |                        # one row a contradiction, whether or not its grace is over
  SELECT ... AS "subject", ... AS "since", 'subsistence_allowance' AS "dataset", m._batch AS "batch", m._row AS "row",
    ... AS "value", 'death_certificate' AS "other", d._batch AS "other_batch", d._row AS "other_row", ... AS "other_value"
  FROM std.subsistence_allowance AS m JOIN std.death_certificate AS d ON ...
```

Belongs here: reading and checking declarations. Not here: running them (`building`), what comes of it (`counting`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assets.lake import literal
from assets.models.sql import Query, columns_known, is_disagreement, query_of
from expectations.documents import Document, DocumentError, near, read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

TABLE = "base.disagreement"
EXPECTATION = "expect_departments_to_agree"
FOUND = ("subject", "since", "dataset", "batch", "row", "value", "other", "other_batch", "other_row", "other_value")
"""What the SELECT of a check gives, in this order."""
ENDED = "ended"
"""It may give besides: the day on which the contradiction ended; it counts where that lies beyond the grace (done, but too late)."""
KEYS = (
    "id",
    "number",
    "title",
    "remedy",
    "indicator",
    "severity",
    "weight",
    "grace",
    "to",
    "of",
    "clock",
    "subjects",
    "claims",
    "sql",
    "with",
)
_ID = re.compile(r"x[0-9]{2}[a-z0-9_]*")
Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Grace:
    """How long a contradiction may stand before it is a defect: calendar days, working days, or to the end of the next month."""

    days: int = 0
    working: bool = False
    next_month: bool = False

    def last_day(self, since: str) -> str:
        """SQL of the last day of grace of a contradiction that stands since the day `since`; needs `temp.working_days` if `working`."""
        if self.next_month:
            return f"last_day(CAST({since} AS DATE) + INTERVAL 1 MONTH)"
        if self.working:
            return (
                f"coalesce((SELECT min(l.day) FROM temp.working_days AS l WHERE l.n = {self.days} +"
                f" (SELECT w.n FROM temp.working_days AS w WHERE w.day = CAST({since} AS DATE))), CAST({since} AS DATE) + {self.days * 2})"
            )
        return f"CAST({since} AS DATE) + {self.days}"

    @property
    def zh(self) -> str:
        if not self.days and not self.next_month:
            return "无宽限"
        return "宽限至次月末" if self.next_month else f"宽限 {self.days} 个工作日" if self.working else f"宽限 {self.days} 日"

    @property
    def en(self) -> str:
        if not self.days and not self.next_month:
            return "no grace"
        return "grace to the end of the next month" if self.next_month else f"grace of {self.days} {'working ' if self.working else ''}days"


@dataclass(frozen=True)
class CrossCheck:
    """One check. `subjects` gives by source dataset the expressions of the subject; empty: it is always made in full.

    `clocks` are the datasets whose newest period tells how far it can be judged (none: all that it reads); `claims` the planted
    faults that it must find.
    """

    path: Path
    id: str
    number: str
    title: tuple[str, str]
    remedy: tuple[str, str]
    indicator: str
    severity: Severity
    weight: float
    grace: Grace
    to: tuple[str, ...]
    of: str
    clocks: tuple[str, ...]
    subjects: Mapping[str, tuple[str, ...]]
    claims: tuple[str, ...]
    query: Query

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The datasets that it reads, without their schema."""
        return tuple(t.split(".")[1] for t in self.query.tables if t.startswith("std."))

    @property
    def clock(self) -> tuple[str, ...]:
        return self.clocks or self.sources

    @property
    def definition(self) -> str:
        """What it was made by: another text makes its rows anew."""
        return f"{self.query.text} {self.grace} {sorted(self.subjects.items())}"


def cross_checks(project: Project, contract: Contract | None = None) -> list[CrossCheck]:
    """The checks beside `contract` (by default of the one that is filled by checks), in the order of their ids.

    Raises `DocumentError` with the line of a mistake in the declaration; the SELECT is looked at by `verify`.
    """
    contracts = [contract] if contract else [c for c in project.models() if is_disagreement(c)]
    found = [_read(path, project) for c in contracts for path in sorted(c.path.parent.glob("*.check.yaml"))]
    return sorted(found, key=lambda c: c.id)


def verify(project: Project, checks: Iterable[CrossCheck]) -> None:
    """Raise `DocumentError` with line and near name for the first SELECT that does not fit the contracts."""
    known = {schema: columns for schema, columns in columns_known(project).items() if schema in ("std", "codes")}
    for check in checks:
        check.query.check(known)
        document = read_document(check.path)
        for key, names in (("clock", check.clocks), ("subjects", tuple(check.subjects))):
            if stray := [name for name in names if name not in check.sources]:
                raise document.error((key,), f"{stray[0]!r} is none of the sources.", near(stray[0], check.sources))
        if check.subjects and (lacking := set(check.sources) - set(check.subjects)):
            found, remedy = f"{', '.join(sorted(lacking))}: no subject.", "Give one for each source, or leave `subjects` away."
            raise document.error(("subjects",), found, remedy)
        if check.query.outputs not in (FOUND, (*FOUND, ENDED)):
            found = f"the SELECT gives {', '.join(check.query.outputs)}."
            raise check.query.error(1, found, f"Give {', '.join(FOUND)} (and {ENDED}, where it may have ended late), in this order.")


def joined(contract: Contract) -> str:
    """The checks beside `contract` as one SELECT: for reading what the table is made of, not for making it.

    Raises `DocumentError` where there is no check, or one is no SELECT.
    """
    paths = sorted(contract.path.parent.glob("*.check.yaml"))
    if not paths:
        raise DocumentError(contract.path, None, "no check stands beside it.", "Write one as <id>.check.yaml.")
    given = ", ".join(f'f."{name}" AS "{name}"' for name in FOUND)
    parts = []
    for path in paths:
        query = _query(read_document(path))
        text = query.text.strip().rstrip(";")
        ended = f' AND NOT coalesce(f."{ENDED}" <= f."since", FALSE)' if ENDED in query.outputs else ""
        kept = f'f."subject" IS NOT NULL AND f."since" IS NOT NULL{ended}'
        check = literal(path.name.split(".")[0])
        parts.append(f'SELECT {check} AS "check", f."since" AS "due", {given} FROM (\n{text}\n) AS f WHERE {kept}')
    return "\nUNION ALL\n".join(parts)


def _query(document: Document) -> Query:
    """The check's SELECT, with the shared beginnings that `with` names (`<name>.part.sql`: `name AS (SELECT ...)`) before it."""
    sql, line = str(document.data.get("sql") or ""), document.line("sql") or 1
    shared = document.data.get("with") or ()
    parts = []
    for name in [shared] if isinstance(shared, str) else shared:
        path = document.path.with_name(f"{name}.part.sql")
        if not path.is_file():
            known = [p.name.removesuffix(".part.sql") for p in document.path.parent.glob("*.part.sql")]
            raise document.error(("with",), f"no {path.name} beside the check.", near(str(name), known))
        parts.append(f"{name} AS (\n{path.read_text(encoding='utf-8').strip()}\n)")
    before = f"WITH {', '.join(parts)}\n" if parts else ""
    return query_of(document.path, before + sql, line + 1 - before.count("\n"))


def _read(path: Path, project: Project) -> CrossCheck:
    document = read_document(path)
    data = document.data
    for key in data:
        if key not in KEYS:
            raise document.error((key,), f"unknown key {key!r}.", near(key, KEYS))
    for key in ("id", "number", "title", "grace", "to", "sql"):
        if key not in data:
            raise document.error((), f"no {key!r}.", "A cross-department check says its id, number, title, grace, to and sql.")
    if not _ID.fullmatch(str(data["id"])) or path.name != f"{data['id']}.check.yaml":
        raise document.error(
            ("id",), f"id {data['id']!r} in a file named {path.name}.", "Use one name for both, such as x01_allowance_of_dead."
        )
    query = _query(document)
    to = _listed(data["to"])
    of = str(data.get("of") or to[0])
    for key, names in (("to", to), ("of", (of,))):
        for name in names:
            if name not in project.contracts:
                raise document.error((key,), f"{name!r} is no dataset.", near(name, project.contracts))
    subjects = {str(k): _listed(v) for k, v in (data.get("subjects") or {}).items()}
    return CrossCheck(
        path=path,
        id=str(data["id"]),
        number=str(data["number"]),
        title=_both(document, "title"),
        remedy=_both(document, "remedy") if "remedy" in data else ("核实后由责任部门更正", "Verify; the department concerned corrects it"),
        indicator=str(data.get("indicator") or "0402"),
        severity=_severity(document),
        weight=float(data.get("weight", 1)),
        grace=_grace(document),
        to=to,
        of=of,
        clocks=_listed(data.get("clock") or ()),
        subjects=subjects,
        claims=_listed(data.get("claims") or data["id"]),
        query=query,
    )


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _both(document: Document, key: str) -> tuple[str, str]:
    value = document.data[key]
    if not isinstance(value, Mapping) or set(value) != {"zh", "en"}:
        raise document.error((key,), f"{key}: expected both languages.", f"Write {key}: {{zh: ..., en: ...}}.")
    return str(value["zh"]), str(value["en"])


def _severity(document: Document) -> Severity:
    value = document.data.get("severity", "warning")
    if value not in ("critical", "warning", "info"):
        raise document.error(("severity",), f"severity {value!r}.", near(str(value), ("critical", "warning", "info")))
    return value


def _grace(document: Document) -> Grace:
    match document.data["grace"]:
        case {"days": int(days)} if days >= 0:
            return Grace(days)
        case {"workdays": int(days)} if days >= 0:
            return Grace(days, working=True)
        case {"until": "end_of_next_month"}:
            return Grace(next_month=True)
    raise document.error(("grace",), f"grace {document.data['grace']!r}.", "Write {days: 30}, {workdays: 7} or {until: end_of_next_month}.")
