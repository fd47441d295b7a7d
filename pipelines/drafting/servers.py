"""Where a database is, told from the dsn by which it is reached: host, port and database, never user or password.

Belongs here: reading a dsn. Not here: connecting (`assets.readers`), what a contract says besides (`dataset`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from assets.readers.options import OPTIONS

WORD = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")


def address(dsn: str, otherwise: str) -> dict[str, Any]:
    """`type`, `host`, `port` and `database` as ODCS has them; the database is `otherwise` where the dsn names none."""
    kind = "mysql" if dsn.startswith(("mysql://", "mariadb://")) else "postgresql"
    if "://" in dsn:
        parts = urlsplit(dsn)
        said = {name: found[0] for name, found in parse_qs(parts.query).items()}
        try:
            port = parts.port
        except ValueError:  # connecting tells what is wrong with it
            port = None
        host, database = parts.hostname or said.get("host"), unquote(parts.path.strip("/"))
        number = str(port or said.get("port", ""))
    else:
        words = {name: value.strip("'").replace("\\'", "'") for name, value in WORD.findall(dsn)}
        host, database, number = words.get("host"), words.get("dbname", ""), words.get("port", "")
    local = not host or host.startswith("/")  # a socket
    return {
        "type": kind,
        "host": "localhost" if local else host,
        "port": int(number) if number.isdigit() else OPTIONS[kind]["port"],
        "database": database or otherwise,
    }
