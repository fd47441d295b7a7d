"""From the body of a request to rows as a file would have them: text under the contract's columns.

Belongs here: JSON, the names that a caller may use, what no cell of a file could hold. Not here: judging values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from assets.headers import fold
from expectations.documents import near
from pipelines.entry.problems import Complaint, Problem

if TYPE_CHECKING:
    from assets.contracts import Column, Contract

COMPLAINTS = 20
"""So many wrong places are told; who mends them sees the others next time."""


@dataclass(frozen=True)
class Rows:
    """Records of one request. `cells` has the text of each column that some record names, a value a record (None where it has none);
    `named` tells by column how each record calls it, `unknown` the names that are no column's. `single`: one object, no list."""

    count: int
    cells: Mapping[str, list[str | None]]
    named: Mapping[str, Mapping[int, str]]
    unknown: tuple[str, ...]
    single: bool

    def pointer(self, record: int, name: str) -> str:
        """Where a record holds what it calls `name`."""
        place = "/" + name.replace("~", "~0").replace("/", "~1") if name else ""
        return place if self.single else f"/{record}{place}"


def parse(body: bytes) -> Any:
    """The JSON of a body; numbers as the text that came. Raises `Problem` with the line and column, and nothing of the body."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Problem("bad-json", f"第 {error.start} 字节处不是 UTF-8。", f"Byte {error.start} is no UTF-8.") from None
    except json.JSONDecodeError as error:
        zh = f"第 {error.lineno} 行第 {error.colno} 字处读不下去。"
        raise Problem("bad-json", zh, f"Line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise Problem("bad-json", "嵌套过深。", "Nested too deeply.") from None


def _no_number(_: str) -> NoReturn:
    raise Problem("bad-json", "NaN 与 Infinity 不是 JSON。", "NaN and Infinity are no JSON.")


def rows_of(body: bytes, columns: Mapping[str, Column], contract: Contract, most: int) -> Rows:
    """The records of a body: one object, or a list of at most `most`. `columns` by folded name (`assets.headers.names`).

    Raises `Problem` with the place of everything that is no record of this dataset.
    """
    found = parse(body)
    single = isinstance(found, dict)
    records = [found] if single else found
    if not isinstance(records, list) or not records:
        raise Problem("bad-records", "需要一个对象（一条记录）或对象的列表。", "Give one object (a record), or a list of them.")
    if len(records) > most:
        raise Problem(
            "too-large", f"一次最多 {most} 条，这里有 {len(records)} 条。", f"At most {most} records at once; there are {len(records)}."
        )
    reading = _Reading(columns, len(records), single)
    for number, record in enumerate(records):
        reading.take(number, record)
    if reading.complaints:
        told = reading.complaints
        zh, en = (
            f"{len(told)} 处形式不对，值应为文本、数字、真假或空。",
            f"{len(told)} places; a value is a text, a number, true, false or null.",
        )
        raise Problem("bad-records", zh, en, told[:COMPLAINTS])
    if not reading.cells:
        expected = ", ".join(c.header for c in contract.columns[:6])
        zh, en = (
            f"没有一个字段是 {contract.title} 的，应如 {expected}。",
            f"No field is one of {contract.name}; expected such as {expected}.",
        )
        raise Problem("bad-records", zh, en)
    return Rows(len(records), reading.cells, reading.named, tuple(reading.unknown), single)


class _Reading:
    """Records as they are taken in."""

    def __init__(self, columns: Mapping[str, Column], count: int, single: bool) -> None:
        self.columns, self.count = columns, count
        self.cells: dict[str, list[str | None]] = {}
        self.named: dict[str, dict[int, str]] = {}
        self.unknown: dict[str, None] = {}
        self.complaints: list[Complaint] = []
        self._known: dict[str, str | None] = {}
        self._pointer = Rows(count, {}, {}, (), single).pointer

    def take(self, number: int, record: Any) -> None:
        if not isinstance(record, dict):
            self._complain(number, "", "不是对象。", "No object.")
            return
        for name, value in record.items():
            column = self._column(name)
            if column is None:
                self.unknown[name] = None
                continue
            cells = self.cells.get(column)
            if cells is None:
                cells = self.cells[column] = [None] * self.count
                self.named[column] = {}
            if number in self.named[column]:
                other = self.named[column][number]
                self._complain(number, name, f"与 {other} 是同一字段。", f"The same field as {other}.")
                continue
            self.named[column][number] = name
            if isinstance(value, bool):
                value = "true" if value else "false"
            if isinstance(value, str):
                if "\0" in value or not _sound(value):
                    self._complain(number, name, "含有 NUL 或不完整的字符。", "It holds a NUL or half a character.")
                cells[number] = value
            elif value is not None:
                self._complain(number, name, "不是单个值。", "Not a single value.")

    def _column(self, name: str) -> str | None:
        if name not in self._known:
            column = self.columns.get(fold(name))
            self._known[name] = column.name if column else None
        return self._known[name]

    def _complain(self, number: int, name: str, zh: str, en: str) -> None:
        self.complaints.append(Complaint(self._pointer(number, name), zh, en))


def _sound(text: str) -> bool:
    """Whether it is text: JSON may escape half of a pair of surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def nearest(name: str, contract: Contract) -> str:
    """A word on an undeclared name: the declared one that it looks like."""
    return near(name, [c.header for c in contract.columns])
