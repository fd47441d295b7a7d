"""Code tables: the values that a column may hold, and the dialects that stand for them.

A table is `<name>.csv` with the columns `code` and `name` first (more may follow: `rows` gives them all); an optional
`<name>.dialect.csv` beside it (`text,code`) maps what departments write instead. `tables.yaml` beside them says what tables and
their columns are called. Belongs here: reading and checking tables. Not here: which column uses which table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from expectations.documents import DocumentError, near, read_document

FOLDER = Path(__file__).with_name("codes")
TITLES = "tables.yaml"
Words = tuple[str, str]
"""The same in Chinese and in English."""


@dataclass(frozen=True)
class CodeTable:
    """One table: `codes` gives each code's name, in the file's order; `dialect` the code that a text stands for."""

    name: str
    path: Path
    codes: Mapping[str, str]
    dialect: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...] = field(repr=False, default=())

    def where(self, **wanted: str) -> tuple[str, ...]:
        """The codes of the rows in which each named column holds the wanted text."""
        return tuple(r["code"] for r in self.rows if all(r.get(k) == v for k, v in wanted.items()))


class CodeTables:
    """The tables in some folders; a table of a later folder stands in for one of the same name before it."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders or (FOLDER,)
        self._read: dict[str, CodeTable] = {}

    @cached_property
    def _paths(self) -> dict[str, Path]:
        files = [p for folder in self.folders for p in sorted(folder.glob("*.csv"))]
        return {p.stem: p for p in files if not p.name.endswith(".dialect.csv")}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._paths))

    def title(self, name: str) -> Words:
        """What a table is called; its name where nobody says. Raises `DocumentError` for a `tables.yaml` that is wrong."""
        return self._titles["tables"].get(name, (name, name.replace("_", " ")))

    def column_title(self, column: str) -> Words:
        """What a column of that name is called, in whatever table."""
        return self._titles["columns"].get(column, ("", ""))

    @cached_property
    def _titles(self) -> dict[str, dict[str, Words]]:
        found: dict[str, dict[str, Words]] = {"tables": {}, "columns": {}}
        for path in (folder / TITLES for folder in self.folders if (folder / TITLES).is_file()):
            document = read_document(path)
            for part, titles in document.data.items():
                if part not in found or not isinstance(titles, dict):
                    raise document.error((part,), f"found {part!r}.", "Write `tables:` and `columns:`, each with names and titles.")
                for name, words in titles.items():
                    if not (isinstance(words, list) and len(words) == 2 and all(isinstance(w, str) for w in words)):
                        raise document.error((part, name), f"the title {words!r} of {name}.", "Write it as [性别, Sex].")
                    found[part][name] = (words[0], words[1])
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def get(self, name: str) -> CodeTable:
        """The table of this name. Raises `KeyError` with a near name, `DocumentError` for a table that is wrong."""
        if name not in self._paths:
            raise KeyError(f"no code table {name!r}. {near(name, self._paths)}")
        if name not in self._read:
            self._read[name] = _read_table(name, self._paths[name])
        return self._read[name]


def _read_table(name: str, path: Path) -> CodeTable:
    beside = path.with_name(f"{name}.dialect.csv")
    return _table(name, path, _text(path), _text(beside) if beside.exists() else None)


@lru_cache(1024)
def _table(name: str, path: Path, text: str, dialects: str | None) -> CodeTable:
    """The table of these texts: one process reads the same tables again and again."""
    rows: list[dict[str, str]] = []
    codes: dict[str, str] = {}
    for line, row in _rows(path, text, ("code", "name")):
        code = row["code"]
        if code in codes:
            raise DocumentError(path, line, f"the code {code!r} stands twice.", "Remove one.")
        codes[code] = row["name"]
        rows.append(row)
    if not codes:
        raise DocumentError(path, 1, "the table holds no code.", "Add at least one row.")
    dialect: dict[str, str] = {}
    if dialects is not None:
        beside = path.with_name(f"{name}.dialect.csv")
        for line, row in _rows(beside, dialects, ("text", "code")):
            said, code = row["text"], row["code"]
            if code not in codes:
                raise DocumentError(beside, line, f"{code!r} is no code of {name}.", near(code, codes))
            if said in dialect or said in codes:
                raise DocumentError(beside, line, f"the text {said!r} stands twice, or is itself a code.", "Remove it.")
            dialect[said] = code
    return CodeTable(name, path, codes, dialect, tuple(rows))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError(path, None, "not UTF-8 text.", "Save the file as UTF-8.") from None


def _rows(path: Path, text: str, first: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header[: len(first)]) != first:
            raise DocumentError(path, 1, f"the header is {','.join(header)!r}.", f"Let it begin with {','.join(first)}.")
        rows = []
        for values in reader:
            if not values:
                continue
            if len(values) != len(header) or not values[0]:
                raise DocumentError(
                    path,
                    reader.line_num,
                    f"{len(values)} values under {len(header)} headers, or no {first[0]}.",
                    "Give each row all its values.",
                )
            rows.append((reader.line_num, dict(zip(header, values, strict=True))))
        return rows
    except csv.Error as error:
        raise DocumentError(path, reader.line_num, f"not CSV: {error}.", "Check the quotes.") from None
