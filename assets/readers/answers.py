"""One JSON API: its address, its session, and what its answers say.

Belongs here: asking, asking again where that can help, and the shape of an answer. Not here: which days wait and what makes
a set of pages untrustworthy (`api`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from assets.contracts import Contract
from assets.readers import LaterError, RefusedError
from assets.readers.options import connection, options

if TYPE_CHECKING:
    import requests

    from assets.project import Project

AGAIN = 2  # further tries for a page that came cut, twice or under another number
PATIENCE = 60  # seconds for which a Retry-After is obeyed
REACHED = 3.05  # seconds within which a server must take the connection: what is not there is not tried again


@dataclass(frozen=True)
class Page:
    """One answer: its records, the announced total, its own number and size where it says so, where the next is, its bytes."""

    records: list[dict[str, Any]]
    total: int
    number: str | None
    size: str | None
    cursor: str | None
    bytes: int


class Source:
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

    def __enter__(self) -> Source:
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

    def page(self, day: date, number: int, cursor: str | None = None) -> Page:
        """One page of a day, by its number, or by the `cursor` that the page before gave. Raises `LaterError` or `RefusedError`."""
        opts = self.opts
        what = f"{day}, page {number}"
        asked = {opts["dateParam"]: day.strftime(str(opts["dateForm"])), opts["sizeParam"]: opts["pageSize"]}
        if not opts["cursorAt"]:
            asked[opts["pageParam"]] = number
        elif cursor is not None:
            asked[opts["cursorParam"]] = cursor
        answer, size = self.get(self.address, asked, what)
        try:
            records = _at(answer, str(opts["recordsAt"]))
            total = int(_at(answer, str(opts["totalAt"])))
            own = {option: _said(answer, opts[option]) for option in ("pageAt", "sizeAt", "cursorAt")}
        except (LookupError, TypeError, ValueError):
            raise RefusedError(
                f"an answer without `{opts['recordsAt']}` or `{opts['totalAt']}` ({what})",
                where=self.shown,
                expected="both, as the contract says",
                remedy="Ask the department, or correct the contract.",
            ) from None
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise RefusedError(f"`{opts['recordsAt']}` is no list of records ({what})", where=self.shown, expected="a list of JSON objects")
        return Page(records, total, own["pageAt"], own["sizeAt"], own["cursorAt"] or None, size)


def _said(answer: Any, path: Any) -> str | None:
    found = _at(answer, str(path)) if path else None
    return None if found is None else str(found)


def _at(answer: Any, path: str) -> Any:
    for key in path.split("."):
        answer = answer[key]
    return answer
