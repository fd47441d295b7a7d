"""The reader of JSON APIs that give their records in pages, one hand-over a day.

Belongs here: which days wait, fetching the pages of a day, and what makes a set of pages untrustworthy.
Not here: what the records mean. Options: docs/contracts.md.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from assets.contracts import PERIODS, Contract
from assets.lake import columns_of
from assets.readers import Extract, Handover, LaterError, RefusedError
from assets.readers.files import partition_of
from assets.readers.options import connection, options
from assets.readers.table import TextTable

if TYPE_CHECKING:
    import duckdb
    import requests

    from assets.project import Project

AGAIN = 2  # further tries for a page that came cut, twice or under another number
PATIENCE = 60  # seconds for which a Retry-After is obeyed
REACHED = 3.05  # seconds within which a server must take the connection: what is not there is not tried again


class ApiReader:
    """Servers of `type: api`."""

    ahead = False

    def pending(self, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> list[Handover]:
        assert contract.delivery is not None
        source = _Source(contract, project)
        since = date.fromisoformat(str(source.opts["since"] or contract.delivery.start).ljust(10, "x").replace("xxx", "-01")[:10])
        form = PERIODS[contract.delivery.period]
        done = _collected_periods(con, contract)
        handovers = []
        with source:
            days = source.days(since)
        for day in sorted(days):
            moment = datetime(day.year, day.month, day.day)
            period = moment.strftime(form)
            if day >= since and day <= date.today() and period not in done:
                handovers.append(
                    Handover(contract.name, None, period, partition_of(contract, moment), source.shown, None, datetime.now(), {"day": day})
                )
        return handovers

    def read(self, handover: Handover, contract: Contract, project: Project, con: duckdb.DuckDBPyConnection) -> Extract:  # noqa: ARG002 - the protocol's
        scratch = project.scratch / "collect"
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
        extract = Extract((), "", "", 0, 0, 0, 0, [], watermark=handover.details["day"].isoformat(), scratch=folder)
        try:
            with _Source(contract, project) as source:
                _read_day(source, handover.details["day"], contract, extract, folder)
        except OSError as error:
            extract.discard()
            raise LaterError(f"{handover.source}: working files could not be written ({error.strerror}).") from None
        except BaseException:
            extract.discard()
            raise
        return extract


def _collected_periods(con: duckdb.DuckDBPyConnection, contract: Contract) -> set[str]:
    if columns_of(con, "evidence.batches") is None:
        return set()
    rows = con.execute(
        "SELECT DISTINCT period FROM evidence.batches WHERE dataset = ? AND status IN ('collected', 'standardised', 'repeated')",
        [contract.name],
    ).fetchall()
    return {period for (period,) in rows}


class _Source:
    """One API: its address (with the base that `connections.toml` gives it), its session, its answers."""

    def __init__(self, contract: Contract, project: Project) -> None:
        self.opts = options(contract, "api")
        found = connection(project, contract.server.name)
        address = urlsplit(str(self.opts["location"]))
        if "location" in found:
            base = urlsplit(found["location"])
            address = address._replace(scheme=base.scheme, netloc=base.netloc)
        self.address = urlunsplit(address)
        self.shown = urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path, "", ""))
        self._token = found.get("token")

    def __enter__(self) -> _Source:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        retry = Retry(
            total=int(self.opts["retries"]),
            connect=0,
            backoff_factor=0.25,
            backoff_max=20,
            retry_after_max=PATIENCE,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=("GET",),
            raise_on_status=False,
        )
        self.session: requests.Session = requests.Session()
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=retry))
        self.session.headers["Accept"] = "application/json"
        if self._token:
            self.session.headers["Authorization"] = f"Bearer {self._token}"
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def get(self, address: str, parameters: dict[str, Any], what: str) -> tuple[Any, int]:
        """The JSON of one answer and its size. A cut or garbled answer is asked for again."""
        import requests

        said = ""
        for attempt in range(AGAIN + 1):
            if attempt:
                time.sleep(0.2 * attempt)
            try:
                answer = self.session.get(address, params=parameters, timeout=(REACHED, float(self.opts["timeout"])))
                if answer.status_code != 200:
                    self._status(answer.status_code, what)
                # Numbers stay the text that came: a float would lose digits and zeros.
                return json.loads(answer.content, parse_float=str, parse_int=str, parse_constant=str), len(answer.content)
            except requests.exceptions.RetryError:
                said = "it goes on failing (429 or 5xx)"
                break
            except requests.exceptions.ConnectTimeout:
                said = "it cannot be reached"
                break
            except requests.exceptions.Timeout:
                said = f"no answer within {self.opts['timeout']} s"
            except requests.exceptions.ChunkedEncodingError:
                said = "the connection was cut"
            except requests.exceptions.RequestException as error:
                said = (
                    "it cannot be reached"
                    if isinstance(error, requests.exceptions.ConnectionError)
                    else f"no usable answer ({type(error).__name__})"
                )
                if "RemoteDisconnected" in str(error) or "IncompleteRead" in str(error) or "reset" in str(error):
                    said = "the connection was cut"
                if said == "it cannot be reached":
                    break
            except ValueError:
                said = "the answer is no JSON: cut off, or an error page"
        raise LaterError(f"{self.shown}: {said} ({what}). Nothing was kept; the next run tries again.")

    def _status(self, status: int, what: str) -> None:
        if status in (401, 403):
            raise LaterError(f"{self.shown}: access refused ({status}, {what}). Check the token in connections.toml.")
        if status == 429 or status >= 500:
            raise LaterError(f"{self.shown}: it goes on answering {status} ({what}). Nothing was kept; the next run tries again.")
        raise RefusedError(
            f"status {status} ({what})",
            where=self.shown,
            expected="status 200 and a page",
            remedy="Ask the department whether the page exists; the day is fetched again by the next run.",
        )

    def days(self, since: date) -> Iterator[date]:
        """Days that the API lists, or every day from `since` to yesterday."""
        if self.opts["daysPath"] is None:
            for ahead in range((date.today() - since).days):
                yield since + timedelta(days=ahead)
            return
        try:
            answer, _ = self.get(urljoin(self.address, str(self.opts["daysPath"])), {}, "the list of days")
            listed = _at(answer, str(self.opts["daysAt"]))
            form = str(self.opts["dateForm"])
            yield from [datetime.strptime(str(day), form).date() for day in listed]
        except (RefusedError, TypeError, ValueError, LookupError) as error:
            raise LaterError(
                f"{self.shown}: the list of days is not as the contract says (`daysPath`, `daysAt`, `dateForm`): {error}."
            ) from None

    def page(self, day: date, number: int) -> tuple[list[dict[str, Any]], int, str | None, int]:
        """Records, the announced total, the page's own number where it says so, and the size of the answer."""
        opts = self.opts
        what = f"{day}, page {number}"
        answer, size = self.get(
            self.address,
            {opts["dateParam"]: day.strftime(str(opts["dateForm"])), opts["pageParam"]: number, opts["sizeParam"]: opts["pageSize"]},
            what,
        )
        try:
            records = _at(answer, str(opts["recordsAt"]))
            total = int(_at(answer, str(opts["totalAt"])))
            own = str(_at(answer, str(opts["pageAt"]))) if opts["pageAt"] else None
        except (LookupError, TypeError, ValueError):
            raise RefusedError(
                f"an answer without `{opts['recordsAt']}` or `{opts['totalAt']}` ({what})",
                where=self.shown,
                expected="both, as the contract says",
                remedy="Ask the department, or correct the contract.",
            ) from None
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise RefusedError(f"`{opts['recordsAt']}` is no list of records ({what})", where=self.shown, expected="a list of JSON objects")
        return records, total, own, size


def _at(answer: Any, path: str) -> Any:
    for key in path.split("."):
        answer = answer[key]
    return answer


def _read_day(source: _Source, day: date, contract: Contract, extract: Extract, folder: Path) -> None:
    table = TextTable(folder)
    sha = hashlib.sha256(f"{contract.name} {day.isoformat()}\n".encode())
    header: dict[str, int] = {}
    try:
        for records, size in _pages(source, day):
            extract.bytes += size
            for record in records:
                for name in record:
                    header.setdefault(name, len(header))
                values: list[str | None] = [None] * len(header)
                for name, value in record.items():
                    values[header[name]] = _text(value)
                table.write(table.rows + 1, values)
                sha.update(json.dumps(record, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    finally:
        table.close()
    extract.digest = sha.hexdigest()
    extract.records = extract.lines = table.rows
    extract.header = tuple(header) if table.rows else tuple(c.header for c in contract.columns)
    extract.relation = table.relation(range(len(header))) if table.rows else _nothing(len(extract.header))
    if not table.rows:
        extract.notes.append("the source says that it has no records for this day")


def _pages(source: _Source, day: date) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """The pages of a day until all announced records have come; each page once, or `RefusedError`."""
    number = int(source.opts["firstPage"])
    seen: dict[bytes, int] = {}
    got, announced = 0, None
    while announced is None or got < announced:
        fault = ""
        for attempt in range(AGAIN + 1):
            if attempt:
                time.sleep(0.2 * attempt)
            records, total, own, size = source.page(day, number)
            mark = hashlib.sha256(json.dumps(records, ensure_ascii=False).encode()).digest()
            if own is not None and own != str(number):
                fault = f"page {own} came where page {number} was asked for"
            elif records and mark in seen:
                fault = f"page {number} is page {seen[mark]} over again"
            elif not records and (announced or total) > got:
                fault = f"page {number} is empty, though {got} of {announced or total} records have come: a page is missing"
            else:
                fault = ""
                break
        if fault:
            raise RefusedError(
                f"{fault} ({day})",
                where=source.shown,
                expected="each page once",
                remedy="Nothing was kept; the next run fetches the day again. If it stays so, tell the department.",
            )
        if announced is not None and total != announced:
            raise LaterError(
                f"{source.shown}: the total changed from {announced} to {total} while {day} was read. "
                f"Nothing was kept; the next run tries again."
            )
        announced, got = total, got + len(records)
        seen[mark] = number
        number += 1
        if got > announced:
            raise RefusedError(
                f"{got} records, where {announced} were announced ({day})",
                where=source.shown,
                expected="as many as announced",
                remedy="Nothing was kept; the next run fetches the day again. If it stays so, tell the department.",
            )
        yield records, size


def _nothing(width: int) -> str:
    return f"SELECT NULL::BIGINT AS _row, {', '.join(f'NULL::VARCHAR AS c{i}' for i in range(width))} WHERE false"


def _text(value: Any) -> str | None:
    """A JSON value as text: numbers and texts as they came, true and false, null as None, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
