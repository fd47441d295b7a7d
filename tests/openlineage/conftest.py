"""A small project, a server that takes events only if the official client's types and schemas do, and the schemas themselves."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import UnionType
from typing import Any
from urllib.parse import urlsplit

import attr
import pytest
from tiny_support import hand_over, make_tiny

from assets.project import CODE, Project

SPECIFICATION = CODE.parent / "shared" / "conformance" / "openlineage"
YEAR = '      - {name: year, businessName: 出生年, logicalType: integer, classification: "2"}\n'
SQL = "SELECT p.tag AS tag, year(p.born) AS \"year\" FROM std.pet AS p WHERE p.tag <> 'A9'\n"


def make_project(root: Path) -> Project:
    return make_tiny(root, column=YEAR, sql=SQL)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def made_at() -> Callable[[Path], Project]:
    return make_project


def official(event: dict[str, Any]) -> None:
    """Build the event from the official client's types; raises for a key, a facet or a version that they do not know."""
    from openlineage.client.event_v2 import RunEvent

    assert event["schemaURL"] == RunEvent._get_schema()
    RunEvent(
        **{
            **{k: v for k, v in event.items() if k not in ("schemaURL", "run", "job", "inputs", "outputs", "eventType")},
            "eventType": _enumerated(event["eventType"]),
            "run": _structured(_types()["Run"], event["run"]),
            "job": _structured(_types()["Job"], event["job"]),
            "inputs": [_structured(_types()["InputDataset"], d) for d in event["inputs"]],
            "outputs": [_structured(_types()["OutputDataset"], d) for d in event["outputs"]],
        }
    )


def _enumerated(kind: str) -> Any:
    from openlineage.client.event_v2 import RunState

    return RunState[kind]


_found: dict[str, Any] = {}
_CORRECTION = re.compile(r"(/\d+-\d+)-\d+(?=/)")


def _types() -> dict[str, Any]:
    if not _found:
        from openlineage.client import generated

        for module in pkgutil.iter_modules(generated.__path__):
            inside = vars(importlib.import_module(f"{generated.__name__}.{module.name}"))
            _found.update({name: kind for name, kind in inside.items() if isinstance(kind, type) and attr.has(kind)})
    return _found


def _structured(kind: Any, said: Any) -> Any:
    if isinstance(kind, UnionType) or typing.get_origin(kind) is typing.Union:
        return _structured(next(k for k in typing.get_args(kind) if k is not type(None)), said)
    if typing.get_origin(kind) is list:
        return [_structured(typing.get_args(kind)[0], one) for one in said]
    if typing.get_origin(kind) is dict:
        return {key: _structured(typing.get_args(kind)[1], one) for key, one in said.items()}
    if not (isinstance(kind, type) and attr.has(kind)):
        return said
    if "_schemaURL" in said:  # a facet says itself which it is
        kind = _types()[said["_schemaURL"].rpartition("/")[2]]
        # The client's copy of one facet is a correction (the third number) ahead of the specification's release.
        assert _CORRECTION.sub(r"\1", said["_schemaURL"]) == _CORRECTION.sub(r"\1", kind._get_schema())
    attr.resolve_types(kind)
    kinds = {f.name: f.type for f in attr.fields(kind)}
    given = {k: _structured(kinds[k], v) for k, v in said.items() if k != "_schemaURL"}
    return kind(**{k.lstrip("_"): v for k, v in given.items()})


@dataclass
class Endpoint:
    """A real server at a port of its own. `mode`: ok, hang, drip, or a status; `down` takes it away for a while."""

    mode: str = "ok"
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/lineage"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    @contextmanager
    def up(self) -> Iterator[None]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.asked += 1
                if endpoint.mode == "hang":
                    endpoint.over.wait(30)
                    return
                if endpoint.mode == "drip":
                    for _ in range(300):
                        if endpoint.over.wait(0.1):
                            return
                        self.wfile.write(b"H")
                status = 201 if endpoint.mode == "ok" else int(endpoint.mode)
                if status == 201:
                    try:
                        official(json.loads(body))
                    except Exception as error:
                        endpoint.wrong.append(f"{type(error).__name__}: {error}")
                        status = 422
                    else:
                        endpoint.bodies.append(body)
                        endpoint.headers.append(dict(self.headers))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        server.handle_error = lambda request, address: None  # type: ignore[method-assign]
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            server.shutdown()
            server.server_close()
            thread.join()
            self.over.clear()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    with served.up():
        yield served


@pytest.fixture(scope="module")
def listening() -> Iterator[Endpoint]:
    """An endpoint for a whole module."""
    served = Endpoint()
    with served.up():
        yield served


@pytest.fixture
def gone() -> Endpoint:
    """An endpoint whose server does not run: `with gone.up()` starts it."""
    served = Endpoint()
    with served.up():
        pass
    return served


def write_settings(project: Project, url: str, **more: Any) -> None:
    project.data.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"url": url, **more}.items()]
    project.connections.write_text("\n".join(["[openlineage]", *lines]), encoding="utf-8")


@pytest.fixture(scope="session")
def connect() -> Callable[..., None]:
    """`connect(project, url, **more)` writes the section of the settings."""
    return write_settings


@pytest.fixture(scope="session")
def valid() -> Callable[[dict[str, Any]], None]:
    """Hold an event against the specification's own JSON schemas."""
    if not SPECIFICATION.is_dir():
        pytest.skip("the specification lies beside the project, in ../shared/conformance/openlineage, and is not there")
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry, Resource

    documents = [
        json.loads(p.read_text(encoding="utf-8")) for p in (SPECIFICATION / "OpenLineage.json", *SPECIFICATION.glob("facets/*.json"))
    ]
    registry: Registry[Any] = Registry().with_resources((d["$id"], Resource.from_contents(d)) for d in documents)
    formats = FormatChecker(["uuid"])
    formats.checks("date-time", raises=ValueError)(lambda v: "T" in v and datetime.fromisoformat(v).tzinfo is not None)
    formats.checks("uri")(lambda v: bool(urlsplit(v).scheme) and v.isascii() and " " not in v)

    def hold(said: Any, url: str) -> None:
        Draft202012Validator({"$ref": url}, registry=registry, format_checker=formats).validate(said)

    def check(event: dict[str, Any]) -> None:
        hold(event, event["schemaURL"])
        for one in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
            for kind in ("facets", "inputFacets", "outputFacets"):
                for said in one.get(kind, {}).values():
                    hold(said, said["_schemaURL"])

    return check


@pytest.fixture(scope="session")
def deliver() -> Callable[[Project, str, str], None]:
    return hand_over
