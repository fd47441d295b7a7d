"""Options of a contract's server and the connections file.

Belongs here: which options there are (docs/contracts.md lists them), their defaults, and secrets kept apart from messages.
Not here: what a reader does with them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assets.contracts import Contract
from assets.readers import LaterError, RefusedError
from assets.secrets import SecretError, is_reference, secret
from expectations.documents import near

if TYPE_CHECKING:
    from assets.project import Project

FILE = {"path": None, "format": None, "encoding": "utf-8", "settle": 2.0}
NOTES = ("合计", "总计", "小计", "填表人", "制表人", "审核人", "单位负责人", "备注", "注", "说明")
DATABASE = {
    "host": None,
    "database": None,
    "table": None,
    "holdBack": 60.0,
    "changedBy": None,
    "batchBy": None,
    "timeBy": None,
    "periodBy": None,
}
SHEETS = {"sheet": None, "sheets": None, "ignoreSheets": (), "sheetColumn": None, "fillDown": (), "fullSheet": "refuse", "notes": NOTES}
OPTIONS: dict[str, dict[str, Any]] = {
    "csv": {**FILE, "delimiter": ",", "lookAhead": 100, "quotes": True, "titleLines": 0},
    "fixed": {**FILE, "headerLine": False, "titleLines": 0, "cutBlanks": False},
    "xlsx": {**FILE, **SHEETS},
    "xls": {**FILE, **SHEETS},
    "xml": {**FILE, "recordsAt": None, "totalAt": None},
    "zip": {
        **FILE,
        "members": None,
        "memberFormat": "csv",
        "manifest": None,
        "manifestFile": "file",
        "manifestRows": "rows",
        "manifestTotal": "total",
        "onMismatch": "refuse",
        "ignoreMembers": ("readme*", "说明*"),
        "maxMembers": 1000,
        "maxBytes": 8 << 30,
        "maxRatio": 200,
    },
    "api": {
        "location": None,
        "dateParam": "date",
        "dateForm": "%Y-%m-%d",
        "pageParam": "page",
        "firstPage": 1,
        "sizeParam": "size",
        "pageSize": 500,
        "recordsAt": "records",
        "totalAt": "total",
        "pageAt": None,
        "sizeAt": None,
        "cursorAt": None,
        "cursorParam": "cursor",
        "daysPath": None,
        "daysAt": "days",
        "since": None,
        "timeout": 30.0,
        "retries": 4,
    },
    "postgresql": {**DATABASE, "port": 5432, "schema": "public"},
    "mysql": {**DATABASE, "port": 3306},
}
ODCS = ("id", "description", "environment", "roles")


def options(contract: Contract, form: str) -> dict[str, Any]:
    """Every option of `form`, the contract's word before the default. Raises `RefusedError` for an unknown one.

    An archive takes the options of its members' form beside its own.
    """
    known = OPTIONS[form]
    if form == "zip":
        member = str(contract.server.properties.get("memberFormat", known["memberFormat"]))
        inside = sorted(OPTIONS.keys() - {"zip", "api", "postgresql", "mysql"})
        if member not in inside:
            raise RefusedError(f"memberFormat {member!r}", where=str(contract.path), remedy=near(member, inside))
        known = {**OPTIONS[member], **known}
    given = {k: v for k, v in contract.server.properties.items() if k not in ODCS}
    for key in given:
        if key not in known:
            raise RefusedError(f"unknown server option {key!r}", where=str(contract.path), remedy=near(key, known))
    return {**known, **given}


def connection(project: Project, name: str, *, resolved: bool = True) -> Mapping[str, str]:
    """What `connections.toml` and the environment say about the server `name`; empty where they say nothing.

    A value that refers to a secret (`env:NAME`, `file:/path`) is that secret, unless not `resolved`. Raises `LaterError`.
    """
    found: dict[str, str] = {}
    try:
        text = project.connections.read_text(encoding="utf-8")
        section = tomllib.loads(text).get(name, {})
        found.update({k: str(v) for k, v in section.items()})
    except FileNotFoundError:
        pass
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The decoder's words name line and column; the content is never quoted.
        raise LaterError(f"{project.connections.name}: not readable as TOML ({type(error).__name__}). Mend it.") from None
    variable = "YUANQING_CONNECTION_" + "".join(c if c.isalnum() else "_" for c in name).upper()
    if variable in os.environ:
        found["dsn"] = os.environ[variable]
    try:
        return {k: secret(v) if resolved and is_reference(v) else v for k, v in found.items()}
    except SecretError as error:
        raise LaterError(f"[{name}] of {project.connections.name}: {error}") from None
