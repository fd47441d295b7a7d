"""Departments that were called otherwise, or were made of several: `formerly` and `merged` in `sources/<department>/department.yaml`.

A department is known by its folder. What is said of one in the journal, the settings or a workbook that it was sent goes on under the
name of today (`Departments.now`); what was scored of several bodies is not one body's (`Departments.then`).

Belongs here: reading that, and who a department was when. Not here: what else the file says (`assets.catalogue`), datasets that were
renamed (`assets.renames`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.catalogue import DEPARTMENT
from expectations.documents import Document, Named, near, read_document

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.settings import Department as Section
    from assets.settings import Settings

FOLDER = re.compile(r"[a-z][a-z0-9_]*")
_KEYS = ("department", "name", "name_en", "formerly", "merged")


@dataclass(frozen=True)
class Body:
    """One department. `name` is its folder, `formerly` those it had before; `of`: the bodies that became it in the month `since`
    (202603), itself among them where it took the others in."""

    name: str
    zh: str
    en: str
    formerly: tuple[str, ...] = ()
    since: str = ""
    of: tuple[Body, ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """The folders of this very body, today's first."""
        return (self.name, *reversed(self.formerly))

    @property
    def names(self) -> tuple[str, ...]:
        """All folders that are in it, those of the bodies that it was made of too."""
        return tuple(dict.fromkeys((*self.own, *(name for body in self.of for name in body.names))))

    def then(self, folder: str, month: str) -> Body | None:
        """The body to which what lay in `folder` belonged in a month (202602); None where that is not known."""
        if month >= self.since:
            return self
        return next((found for body in self.of if folder in body.names and (found := body.then(folder, month))), None)


class Departments:
    """The departments of today, by folder (`bodies`), and by any folder that one ever had the one of today (`now`)."""

    def __init__(self, bodies: Mapping[str, Body]) -> None:
        self.former = {name: body.name for body in bodies.values() for name in body.names if name not in bodies}
        self.bodies = Named(bodies, self.former)

    def now(self, folder: str) -> str:
        """The department of today; one that nothing is known of stays what it is called."""
        return self.bodies.now(folder)

    def asked(self, folder: str) -> str:
        """The department of today that somebody asks for by any name it had; "" stays "". Raises `LookupError` with a near name."""
        if folder and self.unknown([folder]):
            raise LookupError(f"没有部门 {folder!r}。 No department has this folder. {self.told(folder)}")
        return self.now(folder)

    def then(self, department: str, folder: str, month: str) -> str:
        """Who answered in a month for what is the department's today and lay in `folder`; the department itself where that is not known."""
        body = self.bodies.get(department)
        found = body.then(folder, month) if body else None
        return found.name if found else department

    def told(self, folder: str) -> str:
        """What to write in place of a name that is no department's: the one it bears now, or a near one."""
        return near(folder, self.bodies)

    def section(self, settings: Settings, department: str) -> Section:
        """What settings say of the department, also under a folder that it had before; those of others that became it are not its own."""
        from assets.settings import Department

        body = self.bodies.get(department)
        names = body.own if body else (department,)
        return next((settings.departments[name] for name in names if name in settings.departments), Department())

    def unknown(self, folders: Iterable[str]) -> list[str]:
        """Those that are and were nobody's."""
        return sorted({f for f in folders if f not in self.bodies and f not in self.former})

    def unwritten(self, folders: Iterable[str]) -> dict[str, list[str]]:
        """By department, the sections of settings under names of those that became it, where it has none of its own."""
        found: dict[str, list[str]] = {}
        given = set(folders)
        for body in self.bodies.values():
            if not given & set(body.own) and (left := sorted(given & set(body.names))):
                found[body.name] = left
        return found


def read_departments(assets: Path, sources: Sequence[Contract]) -> Departments:
    """The departments that have contracts. Raises `DocumentError` with the line for what is wrong in a `department.yaml`."""
    bodies: dict[str, Body] = {}
    files: dict[str, Document] = {}
    for contract in sources:
        path = assets / "sources" / contract.group / DEPARTMENT
        if contract.group in bodies:
            continue
        said: Mapping[str, Any] = {}
        if path.is_file():
            files[contract.group] = read_document(path)
            said = files[contract.group].data
        named = {"department": contract.group, "name": contract.department, "name_en": contract.department_en}
        document = files.get(contract.group, contract.document)
        bodies[contract.group] = _body(document, (), {k: v for k, v in said.items() if k in ("formerly", "merged")} | named)
    had: dict[str, str] = {}
    for folder, document in files.items():
        for name in bodies[folder].names:
            if (name in bodies and name != folder) or had.setdefault(name, folder) != folder:
                whose = name if name in bodies else had[name]
                raise document.error((), f"{name!r} is a name of the department {whose} too.", "Name what only this one was or took in.")
    return Departments(bodies)


def _body(document: Document, at: tuple[str | int, ...], node: Any) -> Body:
    if not isinstance(node, Mapping) or not node.get("department") or not node.get("name"):
        raise document.error(at, f"{node!r} is no department.", "Write {department: its_folder, name: 名称, name_en: Its name}.")
    for key in node:
        if key not in _KEYS:
            raise document.error((*at, key), f"unknown key {key!r}.", near(str(key), _KEYS))
    former = node.get("formerly") or []
    if not isinstance(former, list):
        raise document.error((*at, "formerly"), f"`formerly` {former!r}.", "Write the folders it had, the oldest first: [old_folder].")
    folder = str(node["department"])
    for name in (folder, *former):
        if not (isinstance(name, str) and FOLDER.fullmatch(name)):
            raise document.error(at, f"{name!r} is no folder of a department.", "Write lower-case letters, digits and underscores.")
    since, of = _merged(document, (*at, "merged"), node.get("merged"))
    return Body(folder, str(node["name"]), str(node.get("name_en") or folder.replace("_", " ")), tuple(former), since, of)


def _merged(document: Document, at: tuple[str | int, ...], node: Any) -> tuple[str, tuple[Body, ...]]:
    if node is None:
        return "", ()
    match node:
        case {"since": since, "of": [_, _, *_] as of} if len(node) == 2 and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", str(since)):
            bodies = tuple(_body(document, (*at, "of", i), item) for i, item in enumerate(of))
        case _:
            raise document.error(
                at,
                "`merged` says since which month the department is one, and of which two or more it was made.",
                "Write since: 2026-03 and of: [{department: ..., name: ...}, ...], itself among them if it took the others in.",
            )
    names = [name for body in bodies for name in body.names]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise document.error((*at, "of"), f"{twice!r} stands twice.", "Name each department once.")
    return str(since).replace("-", ""), bodies


def walk(bodies: Iterable[Body]) -> Iterator[tuple[Body, Body]]:
    """Each body that was made of others, with each of these."""
    for body in bodies:
        for part in body.of:
            yield body, part
        yield from walk(body.of)
