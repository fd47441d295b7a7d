"""Locking and unlocking a workbook with its department's password (ECMA-376 agile encryption, AES-256).

Belongs here: encryption and which password a department has. Not here: whether what was unlocked is trusted (`opening`).
No message shows a password, and nothing unlocked is written to the disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from pipelines.workbooks.errors import WorkbookError

if TYPE_CHECKING:
    from assets.project import Project
    from assets.settings import Department

LONGEST = 255
"""Characters of a password that Excel takes."""


def password_of(project: Project, department: str) -> str | None:
    """The department's password; None where none is set. Raises `SecretError` where the one that is named cannot be had or used."""
    return _secret(project.departments.section(project.settings, department))


def passwords_of(project: Project, department: str) -> dict[str, str]:
    """The passwords that may open what was sent to the department, by the names it was sent under: its own, then those of the sections of
    settings under names that it, or a department that became it, had before. Raises `SecretError`."""
    body = project.departments.bodies.get(department)
    sections = project.settings.departments
    given = {department: project.departments.section(project.settings, department)}
    given |= {name: sections[name] for name in (body.names if body else ()) if name != department and name in sections}
    return {name: password for name, section in given.items() if (password := _secret(section))}


def _secret(section: Department) -> str | None:
    from assets.secrets import SecretError, secret

    if section.workbook_password_from is None:
        return None
    found = secret(section.workbook_password_from)
    if len(found) > LONGEST:
        raise SecretError(
            f"{section.workbook_password_from}: 密码超过 {LONGEST} 个字符，Excel 打不开。 "
            f"Longer than {LONGEST} characters: Excel could not open the workbook. Choose a shorter one."
        )
    return found


def locked(data: bytes, password: str) -> bytes:
    """The workbook, encrypted."""
    from msoffcrypto.format.ooxml import OOXMLFile

    target = BytesIO()
    OOXMLFile(BytesIO(data)).encrypt(password, target)
    return target.getvalue()


def is_locked(data: bytes) -> bool:
    """Whether these are the bytes of an encrypted workbook (or of the older form .xls, which is such a container too)."""
    return data.startswith(b"\xd0\xcf\x11\xe0")


def unlocked(data: bytes, passwords: Mapping[str, str], name: str) -> tuple[bytes, str]:
    """The workbook decrypted, and whose of `passwords` opened it. Raises `WorkbookError`."""
    from msoffcrypto.exceptions import FileFormatError, InvalidKeyError
    from msoffcrypto.format.ooxml import OOXMLFile

    try:
        book = OOXMLFile(BytesIO(data))
    except FileFormatError:
        raise WorkbookError(
            f"{name}: 是旧式 .xls 或已损坏，不是发出的 .xlsx。请另存为 .xlsx 再送回。 "
            "An older .xls, or damaged: expected the .xlsx that was sent. Save it as .xlsx and send it again."
        ) from None
    except Exception as error:  # the library reads what it is given without looking: a broken container fails anywhere in it
        raise _broken(name, error) from None
    for department, password in passwords.items():
        target = BytesIO()
        try:
            book.load_key(password=password, verify_password=True)
            book.decrypt(target, verify_integrity=book.type == "agile")
        except InvalidKeyError:
            continue
        except Exception as error:
            raise _broken(name, error) from None
        return target.getvalue(), department
    tried = "、".join(passwords) or "（没有设置密码 no password is set）"
    raise WorkbookError(
        f"{name}: 密码不对，打不开（试过：{tried}）。请用收到时的密码保存后送回，不要另设密码；设置见 docs/workbook.md。 "
        f"A wrong password (tried those of: {', '.join(passwords) or 'none'}). Save it with the password it came with, and send it again."
    )


def _broken(name: str, error: Exception) -> WorkbookError:
    return WorkbookError(
        f"{name}: 加密的文件已损坏（{type(error).__name__}）。请重新保存后送回。 "
        "An encrypted file that is damaged. Save the workbook again and send it again."
    )
