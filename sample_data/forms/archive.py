"""Archives (.zip) of several files with a manifest of their rows.

Belongs here: members and the manifest. Not here: how a member is written (its own form).
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sample_data.forms import PART, Scene, Writer, form_named
from sample_data.forms.workbook import DATE

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sample_data.declaration import Declaration


def _member_form(declaration: Declaration) -> Any:
    return form_named(str(declaration.contract.server.properties.get("memberFormat", "csv")), declaration)


class Archive:
    """Files of `format: zip`: one member for each value of `form.members`, named by it, or one alone."""

    def cells(self, declaration: Declaration) -> list[tuple[str, str]]:
        cells: list[tuple[str, str]] = _member_form(declaration).cells(declaration)
        return cells

    def writer(self, scene: Scene) -> Packed:
        return Packed(scene)


class Packed:
    """One archive: members go to a folder of their own first, in the order of their names."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        scene.folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=scene.folder, prefix=".zip-", ignore_cleanup_errors=True)
        self._suffix = str(scene.declaration.contract.server.properties.get("memberFormat", "csv"))
        self._members: list[tuple[str, int]] = []
        self._writer: Writer | None = None
        self._several = scene.declaration.form.members is not None

    def add(self, rows: pa.Table, parts: pa.Array | None) -> np.ndarray:
        import numpy as np

        names = parts.to_pylist() if parts is not None else [PurePosixPath(self._scene.file).stem] * rows.num_rows
        cuts = [0, *(n for n in range(1, len(names)) if names[n] != names[n - 1]), len(names)]
        numbers = []
        for first, last in pairwise(cuts):
            numbers.append(self._add(rows.slice(first, last - first), f"{names[first]}.{self._suffix}"))
        return np.concatenate(numbers)

    def _add(self, rows: pa.Table, name: str) -> np.ndarray:
        if self._writer is None or self._members[-1][0] != name:
            self._shut()
            self._members.append((name, 0))
            inside = replace(self._scene, folder=Path(self._folder.name), name=name.replace("{", "{{").replace("}", "}}"))
            self._writer = _member_form(self._scene.declaration).writer(inside)
        assert self._writer is not None
        self._members[-1] = (name, self._members[-1][1] + rows.num_rows)
        numbers = self._writer.add(rows, None)
        return numbers + len(self._members) * PART if self._several else numbers

    def _shut(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def close(self) -> list[Path]:
        self._shut()
        path = self._scene.path
        server = self._scene.declaration.contract.server.properties
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if server.get("manifest"):
                archive.writestr(_info(str(server["manifest"])), self._manifest(server))
            for name, _ in self._members:
                with archive.open(_info(name), "w", force_zip64=True) as member, (Path(self._folder.name) / name).open("rb") as file:
                    while piece := file.read(1 << 20):
                        member.write(piece)
        self._folder.cleanup()
        self._scene.keep_time(path)
        return [path]

    def _manifest(self, server: Any) -> bytes:
        """Rows by member, and their total, as the contract names them."""
        file, rows, total = server.get("manifestFile", "file"), server.get("manifestRows", "rows"), server.get("manifestTotal", "total")
        said = [
            (name, count + (self._scene.announced if n == len(self._members) - 1 else 0)) for n, (name, count) in enumerate(self._members)
        ]
        whole = sum(count for _, count in said)
        if str(server["manifest"]).lower().endswith(".json"):
            content: dict[str, Any] = {"files": [{file: name, rows: count} for name, count in said], total: whole}
            return json.dumps(content, ensure_ascii=False, indent=1).encode()
        lines = [f"{file},{rows}", *(f"{name},{count}" for name, count in [*said, (total, whole)])]
        return ("\n".join(lines) + "\n").encode(str(server.get("encoding", "utf-8")))


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
