"""Into a folder of the department (a share that is mounted): `<folder>/<time of publication>/` with page, workbooks and digest.

The folder itself must be there: one that is not mounted must not fill the disk below.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.delivery.remembered import Sent

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.delivery.parcels import Parcel


def lacks(project: Project, department: str) -> str:  # noqa: ARG001 - a folder that is away comes back: it is a failure, tried again
    return ""


def send(project: Project, parcel: Parcel) -> Sent:
    """Put the parcel there, whole or not at all; one that is there already is replaced."""
    base = Path(str(project.departments.section(project.settings, parcel.department).deliver_to_folder))
    if not base.is_dir():
        return Sent(ok=False, reason=f"{base}: 文件夹不存在 no such folder")
    target = base / f"{parcel.at:%Y%m%d-%H%M%S}"
    part = base / f".{target.name}.{os.getpid()}.part"
    try:
        part.mkdir()
        for file in (parcel.page, *parcel.workbooks):
            shutil.copyfile(file, part / file.name)
        (part / "digest.txt").write_text(parcel.text, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(part, target)
    except OSError as error:
        return Sent(ok=False, reason=f"{base}: {error.strerror or type(error).__name__}")
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Sent(ok=True)
