"""Smallest possible OLE2 containers: an .xls with one sheet of texts and numbers, and an encrypted .xlsx."""

from __future__ import annotations

import struct

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR = 512


def container(streams: dict[str, bytes]) -> bytes:
    """An OLE2 file (version 3) that holds `streams`, each padded so that it lies in ordinary sectors."""
    padded = {name: data.ljust(max(4096, -(-len(data) // SECTOR) * SECTOR), b"\0") for name, data in streams.items()}
    chains: list[int] = []
    body = b""
    starts = {}
    for name, data in padded.items():
        starts[name] = len(chains)
        count = len(data) // SECTOR
        chains += [*range(len(chains) + 1, len(chains) + count), END]
        body += data
    directory = len(chains)
    chains.append(END)
    tables = 1
    while len(chains) + tables > tables * 128:
        tables += 1
    table = [len(chains) + at for at in range(tables)]
    chains += [FAT] * tables
    assert tables <= 109  # more would need sectors of their own to list them
    assert len(streams) <= 3

    def entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0" if name else b""
        return text.ljust(64, b"\0") + struct.pack(
            "<HBBIII16sIQQIQ", len(text), kind, 1, FREE, right, child, b"\0" * 16, 0, 0, 0, start, size
        )

    names = sorted(padded, key=lambda n: (len(n), n.upper()))
    entries = [entry("Root Entry", 5, 1, FREE, END, 0)]
    entries += [entry(n, 2, FREE, i + 2 if i + 1 < len(names) else FREE, starts[n], len(padded[n])) for i, n in enumerate(names)]
    entries += [entry("", 0, FREE, FREE, 0, 0)] * (4 - len(entries))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\0" * 16,
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        b"\0" * 6,
        0,
        tables,
        directory,
        0,
        4096,
        END,
        0,
        END,
        0,
        table[0],
    )
    header += struct.pack("<108I", *table[1:], *[FREE] * (109 - tables))
    fat = struct.pack(f"<{128 * tables}I", *chains, *[FREE] * (128 * tables - len(chains)))
    return header + body + b"".join(entries) + fat


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def xls(rows: list[list[str | float]], *, password: bytes = b"") -> bytes:
    """A BIFF8 workbook with one sheet `Sheet1`; `password`: the record that says how it is enciphered (nothing is)."""
    start = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)
    sheet = bytearray(record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6)))
    sheet += record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for at, row in enumerate(rows):
        for over, cell in enumerate(row):
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                sheet += record(0x204, struct.pack("<HHH", at, over, 0) + text)
            else:
                sheet += record(0x203, struct.pack("<HHHd", at, over, 0, cell))
    sheet += record(0x0A, b"")
    name = struct.pack("<BB", 6, 0) + b"Sheet1"

    def book(offset: int) -> bytes:
        return (
            record(0x809, start)
            + (record(0x2F, password) if password else b"")
            + record(0x42, struct.pack("<H", 1200))
            + record(0x85, struct.pack("<IBB", offset, 0, 0) + name)
            + record(0x0A, b"")
        )

    return container({"Workbook": book(len(book(0))) + bytes(sheet)})


def locked() -> bytes:
    """What a spreadsheet program writes for an .xlsx with a password: the package encrypted within OLE2."""
    return container({"EncryptedPackage": b"\x10" * 5000, "EncryptionInfo": b"\x04\0\x04\0\x40\0\0\0<encryption/>"})
