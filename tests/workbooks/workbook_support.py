"""A small project with tickets, and its workbook edited as a clerk would: cells are read, changed and written anew by other code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from python_calamine import CalamineWorkbook

from assets.project import Project
from pipelines.issues.acting import ActingError, Answer
from pipelines.journal import Entry, append
from pipelines.querying import connect
from pipelines.results import connect_results, publish
from pipelines.workbooks.locking import locked, unlocked
from pipelines.workbooks.receipts import Reading
from pipelines.workbooks.rows import IDENTITY, REASON, STATE
from pipelines.workbooks.writing import write_workbooks

from reports_support import batch, contract, fill, raw, result, suite  # isort: skip

PASSWORD, OTHERS = "公安 2026 !", "transport-password"
ID = "21990119900307123X"
NASTY = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://example.org")')
TICKETS = [  # ticket, rule, batch, row
    ("aaaaaaaaaaaaaaa1", "id_valid", "a", 2),
    ("aaaaaaaaaaaaaaa2", "note_plain", "a", 2),
    ("aaaaaaaaaaaaaaa3", "id_valid", "a", 5),
    ("aaaaaaaaaaaaaaa4", "id_valid", "a", 6),
    ("aaaaaaaaaaaaaaa5", "note_plain", "a", 7),
]
FOREIGN = "bbbbbbbbbbbbbbb1"


ONE, TWO, THREE, FOUR, FIVE = (f"aaaaaaaaaaaaaaa{n}" for n in range(1, 6))
"""The tickets of the rows that break a rule, in their order."""


def make_project(root: Path, *, tracked: bool = True, title: str = "人口") -> Project:
    """Police (a dataset of five bad rows, one without a ticket) and transport (one ticket), published."""
    columns = [("id", "GMSFHM", "身份号码", "string", 3), ("sex", "XB", "性别", "string", 1), ("note", "BZ", "备注", "string", 1)]
    contract(root, "people", columns, title=json.dumps(title), codes={"sex": "sex", "note": "division"})
    contract(root, "roads", [("code", "DM", "代码", "string", 1)], group="transport", department="交通厅", title="道路")
    rules = [
        {"id": "id_valid", "column": "id", "indicator": "0301", "blocking": True, "title": "号码有效", "remedy": "核对证件"},
        {"id": "note_plain", "column": "note", "indicator": "0302", "title": "=备注", "remedy": "@改"},
    ]
    suite(root, "people", rules)
    suite(root, "roads", [{"id": "code_there", "column": "code", "indicator": "0201", "title": "代码必填"}], group="transport")
    project = Project(root, root / "data")
    raw(project, "people", ["id", "sex", "note"], [("a", 2, ID, "1", NASTY[0]), ("a", 5, "2199", "2", NASTY[4]),
        ("a", 6, "0219", "", NASTY[5] + "\nb"), ("a", 7, NASTY[3], NASTY[1], NASTY[2]), ("a", 8, "x", "9", NASTY[6])])  # fmt: skip
    raw(project, "roads", ["code"], [("r", 2, "")])
    bad = {(t[2], t[3], t[1]) for t in TICKETS} | {("a", 8, "note_plain")}
    fill(
        project,
        batches=[batch("people", "a", rows=9, source="=cmd.csv"), batch("roads", "r", rows=3, department="transport")],
        results=[
            result("people", "a", "id_valid", 9, 3),
            result("people", "a", "note_plain", 9, 3),
            result("roads", "r", "code_there", 3, 1),
        ],
        issues=[{"batch": b, "dataset": "people", "row": row, "rule": rule} for b, row, rule in sorted(bad)]
        + [{"batch": "r", "dataset": "roads", "row": 2, "rule": "code_there"}],
    )
    publish(project)
    if tracked:
        rows = [(t, "people", rule, "police", b, row, "dispatched") for t, rule, b, row in TICKETS]
        set_tickets(project, [*rows, (FOREIGN, "roads", "code_there", "transport", "r", 2, "dispatched")])
    return project


def set_tickets(project: Project, rows: Sequence[Sequence[Any]]) -> None:
    """The published table of tickets, as far as workbooks look at it."""
    with duckdb.connect(str(project.results)) as con:
        con.execute(
            "CREATE OR REPLACE TABLE tickets (ticket VARCHAR, dataset VARCHAR, rule VARCHAR, department VARCHAR, last_batch VARCHAR,"
            " last_row BIGINT, state VARCHAR)"
        )
        con.executemany("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", [list(r) for r in rows])


def with_passwords(project: Project, **named: str) -> Project:
    """The project with the passwords of departments in these variables."""
    lines = (f'[departments.{name}]\nworkbook_password_from = "env:{variable}"\n' for name, variable in named.items())
    (project.root / "yuanqing.toml").write_text("".join(lines), encoding="utf-8")
    return Project(project.root, project.data)  # settings are read once


def set_state(project: Project, ticket: str, state: str) -> None:
    with duckdb.connect(str(project.results)) as con:
        con.execute("UPDATE tickets SET state = ? WHERE ticket = ?", [state, ticket])


def sent(project: Project, folder: Path, department: str = "police", **how: Any) -> Path:
    """The department's workbook as it goes out."""
    with connect_results(project) as results, connect(project) as lake:
        return write_workbooks(project, lake, results, department, folder, **how)[0]


class Clerk:
    """A workbook in somebody's hands: `sheets` by name, each a list of rows that may be changed; `save` writes it anew."""

    def __init__(self, path: Path, password: str | None = None) -> None:
        data = path.read_bytes()
        if password:
            data, _ = unlocked(data, {"": password}, path.name)
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        self.sheets: dict[str, list[list[Any]]] = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}
        self.formulas: dict[tuple[str, int, int], str] = {}

    @property
    def rows(self) -> list[list[Any]]:
        """The rows of the first dataset: a line above the header, the header, then records."""
        return self.sheets["人口"]

    def at(self, header: str) -> int:
        return self.rows[1].index(header)

    def answer(self, record: int, state: str, reason: str = "") -> None:
        self.rows[2 + record][self.at(STATE)] = state
        self.rows[2 + record][self.at(REASON)] = reason

    def identity(self, record: int) -> str:
        return str(self.rows[2 + record][self.at(IDENTITY)])

    def save(self, path: Path, password: str | None = None, change: Callable[[dict[str, bytes]], None] | None = None) -> Path:
        """Write it as office software does; `change` may change the parts of the archive."""
        target = BytesIO()
        book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
        for name, rows in self.sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    if (name, at, column) in self.formulas:
                        sheet.write_formula(at, column, self.formulas[name, at, column], None, value)
                    elif isinstance(value, str):
                        sheet.write_string(at, column, value)
                    else:
                        sheet.write(at, column, value)
            if name.startswith("_"):
                sheet.very_hidden()
        book.close()
        data = target.getvalue()
        if change:
            data = repacked(data, change)
        path.write_bytes(locked(data, password) if password else data)
        return path


class Acts:
    """Stands for acting upon issues: every answer goes into the journal and no lake is asked; `busy` is raised before the first, answers
    about `refused` tickets are errors."""

    def __init__(self) -> None:
        self.busy: ActingError | None = None
        self.refused: set[str] = set()

    def answer(self, project: Project, who: str, answers: Sequence[Answer], **_: Any) -> Iterator[Entry | ActingError]:
        if self.busy:
            raise self.busy
        for one in answers:
            scope = one.scope
            if self.refused & set(scope.tickets):
                yield ActingError("现在不行")
                continue
            what = "dispute" if one.against else "claim"
            yield append(project, what, who, one.why, dataset=scope.dataset, rule=scope.rule, tickets=list(scope.tickets))


def repacked(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with its parts changed."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def kinds(reading: Reading) -> dict[str, int]:
    return dict(reading.counts)


def only(reading: Reading, kind: str) -> Any:
    (found,) = [o for o in reading.odd if o.kind == kind]
    return found


def mended(reading: Reading) -> dict[str, tuple[str, ...]]:
    return {c.rule: c.tickets for c in reading.mended}
