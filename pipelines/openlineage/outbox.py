"""The events on the disk, one a line in a file a day, and what of them an endpoint has received.

The files are the outbox: beside them stands up to where the endpoint has acknowledged. What cannot be sent stays where it is and
goes first at the next run, byte for byte the same, in order. An event may be sent twice, none is left out.

Belongs here: settings, appending, sending. Not here: what an event says.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assets.secrets import SecretError, is_reference, secret

if TYPE_CHECKING:
    from assets.project import Project

SECTION = "openlineage"
BUDGET = 10.0  # seconds that the end of a run gives to sending
REFUSED = (400, 413, 415, 422)  # the endpoint will not take this event at any time


class SettingError(Exception):
    """The section of the settings cannot be followed; its message names no secret."""


@dataclass(frozen=True)
class Settings:
    """The section `[openlineage]` of connections.toml. `timeout` and `pause` in seconds; `url` None: events stay on the disk.

    `pause`: how long an endpoint that did not answer in time is left alone.
    """

    namespace: str = "yuanqing"
    url: str | None = None
    token: str = ""  # where it stands: env:NAME or file:/path
    timeout: float = 3.0
    pause: float = 60.0

    def secret(self) -> str | None:
        """The token itself. Raises `SettingError` where it is not where it should be."""
        if not self.token:
            return None
        try:
            return secret(self.token)
        except SecretError as error:
            raise SettingError(f"[{SECTION}] token: {error}") from None


def read_settings(project: Project) -> Settings:
    """The settings of a project; the defaults where it has none. Raises `SettingError`."""
    from assets.readers import LaterError
    from assets.readers.options import connection
    from expectations.documents import near

    try:
        said = dict(connection(project, SECTION, resolved=False))
    except LaterError as error:
        raise SettingError(str(error)) from None
    if "dsn" in said:  # the environment's word
        said["url"] = said.pop("dsn")
    for key in said:
        if key not in Settings.__dataclass_fields__:
            raise SettingError(
                f"[{SECTION}] of {project.connections.name}: unknown key {key!r}. {near(key, Settings.__dataclass_fields__)}"
            )
    if url := said.get("url"):
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise SettingError(f"[{SECTION}] url: no address of a server. Write one such as http://127.0.0.1:5000/api/v1/lineage.")
        if place.username or place.password:
            raise SettingError(f"[{SECTION}] url holds a user or a password. Take it out; name a token by `token`.")
    if said.get("token") and not is_reference(said["token"]):
        raise SettingError(f"[{SECTION}] token: name where it stands, as env:NAME or file:/path, not the token itself.")
    numbers: dict[str, float] = {}
    for key in ("timeout", "pause"):
        try:
            numbers[key] = float(said.pop(key, getattr(Settings, key)))
        except ValueError:
            raise SettingError(f"[{SECTION}] {key}: expected a number of seconds.") from None
        if not 0 <= numbers[key] <= 3600 or (key == "timeout" and not numbers[key]):
            raise SettingError(f"[{SECTION}] {key}: expected a number of seconds between 0 and 3600.")
    return Settings(**{k: v for k, v in said.items() if v}, **numbers)  # type: ignore[arg-type]


@dataclass
class Sent:
    """What became of one try: events acknowledged and refused, lines that are no events, and why it ended before the last."""

    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    why: str = ""


@dataclass(frozen=True)
class Outbox:
    """The events of a project in `folder`."""

    folder: Path

    @classmethod
    def of(cls, project: Project) -> Outbox:
        return cls(project.data / "openlineage")

    @property
    def files(self) -> list[Path]:
        """The days' files, the oldest first."""
        return sorted(self.folder.glob("[0-9]*.ndjson"))

    def append(self, events: Iterable[dict[str, Any]]) -> None:
        """Write events down for good. A line that was cut off in the middle is closed first, and costs nothing but itself."""
        from filelock import FileLock

        text = "".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in events).encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "append.lock", timeout=10):
            # Never into a file before the newest: what has been passed in sending is not looked at again.
            name = max([f"{date.today():%Y-%m-%d}.ndjson", *(p.name for p in self.files[-1:])])
            with (self.folder / name).open("ab+") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        text = b"\n" + text
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def holds(self, event: dict[str, Any]) -> bool:
        """Whether an event stands in one of the last files, whole."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        return any(line in path.read_bytes() for path in self.files[-2:])

    def waiting(self, url: str) -> Iterator[tuple[str, int, bytes]]:
        """The lines that an endpoint has not acknowledged: file, position behind the line, line."""
        place = self._read(url)
        files = self.files
        for path in files:
            if path.name < place.get("file", ""):
                continue
            with path.open("rb") as file:
                file.seek(place["offset"] if path.name == place.get("file") else 0)
                for line in file:
                    if not line.endswith(b"\n") and path == files[-1]:
                        return  # being written, or cut off: whoever appends next closes it
                    yield path.name, file.tell(), line

    def send(self, settings: Settings, until: float) -> Sent:
        """Send what waits, up to the monotonic time `until`. Never raises for what the endpoint does."""
        from filelock import FileLock, Timeout

        sent = Sent()
        if settings.url is None:
            return sent
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "send.lock", timeout=max(0, until - time.monotonic())):
                self._send(settings, settings.url, until, sent)
        except Timeout:
            sent.why = "another process is sending"
        return sent

    def _send(self, settings: Settings, url: str, until: float, sent: Sent) -> None:
        import requests

        place = self._read(url)
        if place.get("quiet_until", 0) > time.time():
            sent.why = "it did not answer in time a moment ago"
            return
        try:
            token = settings.secret()
        except SettingError as error:
            sent.why = str(error)
            return
        with requests.Session() as session:
            session.auth = lambda request: _signed(request, token)  # and no ~/.netrc
            for name, offset, line in self.waiting(url):
                if time.monotonic() >= until:
                    sent.why = "the time for sending is over"
                    return
                if (said := self._post(session, settings, url, line, sent)) is not None:
                    sent.why, late = said
                    if late:
                        self._write(url, {**self._read(url), "quiet_until": time.time() + settings.pause})
                    return
                self._write(url, {"file": name, "offset": offset})

    def _post(self, session: Any, settings: Settings, url: str, line: bytes, sent: Sent) -> tuple[str, bool] | None:
        """Send one line; None where it is done with, else why not, and whether time ran out."""
        import requests

        if not _event(line):
            sent.broken += line.strip() != b""
            return None
        body = line.rstrip(b"\n")
        headers = {"Content-Type": "application/json", "Idempotency-Key": hashlib.sha256(body).hexdigest()[:32]}
        try:
            with session.post(url, data=body, headers=headers, timeout=settings.timeout, allow_redirects=False, stream=True) as response:
                status = response.status_code
        except requests.Timeout:
            return f"no answer within {settings.timeout:g} s", True
        except (requests.RequestException, OSError) as error:
            return f"not reached ({type(error).__name__})", False
        if 200 <= status < 300 or status == 409:  # 409: it has it
            sent.acknowledged += 1
            return None
        if status in REFUSED:
            with (self.folder / "refused.ndjson").open("ab") as file:
                file.write(f'{{"status":{status},"event":'.encode() + body + b"}\n")
            sent.refused += 1
            return None
        return f"answered {status}", False

    @property
    def _places(self) -> Path:
        return self.folder / "sent.json"

    def _all(self) -> dict[str, Any]:
        try:
            said = json.loads(self._places.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # nothing was sent, or nobody knows any more what: all is sent, maybe again
        return said if isinstance(said, dict) else {}

    def _read(self, url: str) -> dict[str, Any]:
        place = self._all().get(url, {})
        return place if isinstance(place, dict) else {}

    def _write(self, url: str, place: dict[str, Any]) -> None:
        fresh = self._places.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({**self._all(), url: place}), encoding="utf-8")
        fresh.replace(self._places)


def sending(outbox: Outbox, settings: Settings, budget: float = BUDGET) -> tuple[threading.Thread, list[Sent]]:
    """A thread that sends for at most `budget` seconds and one time-out, and the list into which it puts what became of it."""
    said: list[Sent] = []
    until = time.monotonic() + budget

    def send() -> None:
        try:
            said.append(outbox.send(settings, until))
        except OSError as error:  # of the disk
            said.append(Sent(why=f"{type(error).__name__}: {error.strerror}"))

    thread = threading.Thread(target=send, name="openlineage", daemon=True)
    thread.start()
    return thread, said


def send_within(outbox: Outbox, settings: Settings, budget: float = BUDGET) -> Sent:
    """Send, and wait no longer than that, whatever the endpoint does: one that answers a byte a second, too."""
    thread, said = sending(outbox, settings, budget)
    thread.join(budget + settings.timeout)
    return said[0] if said else Sent(why=f"no end within {budget + settings.timeout:g} s")


def _signed(request: Any, token: str | None) -> Any:
    if token:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def _event(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
