"""A real local HTTP server as source: pages of a day, and every way in which they can go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from assets.batches import accounts
from assets.collect import pending
from assets.project import Project

RECORDS = [{"BH": f"{i:03}", "XM": None if i == 2 else f"名{i}", "BZ": i} for i in range(1, 8)]


class Office:
    """What the server has, how it misbehaves (`faults`: one for each coming request, None for a good answer), who asked."""

    def __init__(self) -> None:
        self.days: dict[str, list[dict[str, Any]]] = {"2026-10-01": RECORDS}
        self.faults: list[Any] = []
        self.asked: list[str] = []
        self.authorization: str | None = None
        self.raw: str | None = None
        office = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                office.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = urlsplit(request.path)
        self.authorization = request.headers.get("Authorization")
        if asked.path == "/api/licences/days":
            return self.send(request, {"days": sorted(self.days)})
        query = {k: v[0] for k, v in parse_qs(asked.query).items()}
        if "page" not in query:  # pages by a token: it is the number, in disguise
            query["page"] = query.get("token", "t1")[1:]
        self.asked.append(f"{query['date']}/{query['page']}")
        page, size = int(query["page"]), int(query["size"])
        fault = self.faults.pop(0) if self.faults else None
        records = self.days[query["date"]]
        total: Any = len(records)
        shown = records[(page - 1) * size : page * size]
        if isinstance(fault, int):
            request.send_response(fault)
            request.send_header("Retry-After", "0")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return None
        if fault == "twice":
            shown = records[(page - 2) * size : (page - 1) * size]
        if fault == "border":  # a record was put in before the pages that were still to be asked for
            shown = records[(page - 1) * size - 1 : min(page * size - 1, len(records) - 1)]
        if fault == "smaller":
            shown = records[(page - 1) * 2 : page * 2]
        if fault == "empty":
            shown = []
        if fault == "more":
            total -= 6
        if fault == "changed":
            total += 1
        if fault == "page":
            page -= 1
        following = f"t{page + 1}" if page * size < total and fault != "tokenless" else None
        body: dict[str, Any] = {"data": {"list": shown, "total": total, "page": page, "next": following}}
        if fault == "shape":
            body = {"data": {"rows": []}}
        self.send(request, body, cut=fault == "cut", text="<html>" if fault == "html" else self.raw)
        return None

    def send(self, request: BaseHTTPRequestHandler, body: Any, *, cut: bool = False, text: str | None = None) -> None:
        data = (text or json.dumps(body, ensure_ascii=False)).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            request.connection.close()


@pytest.fixture
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def api(desk, make_column, office) -> Any:
    desk.contract(
        [make_column("id", "BH", key=True, required=True), make_column("name", "XM"), make_column("note", "BZ")],
        server={"server": "office_api", "type": "api", "location": "http://nowhere.invalid/api/licences"},
        delivery={"mode": "delta", "period": "daily", "pattern": None, "start": "2026-10-01"},
        options={
            "pageSize": 3,
            "recordsAt": "data.list",
            "totalAt": "data.total",
            "pageAt": "data.page",
            "daysPath": "licences/days",
            "retries": 2,
            "timeout": 5,
        },
    )
    desk.project.data.mkdir()
    desk.project.connections.write_text(f'[office_api]\nlocation = "{office.address}"\ntoken = "geheim"\n')
    desk.office = office
    return desk


def test_what_is_given_up_is_not_asked(api):
    assert len(pending(api.con, api.project, api.project.contracts["people"])) == 1
    api.office.authorization = None
    path = next(api.root.rglob("people.odcs.yaml"))
    path.write_text(path.read_text(encoding="utf-8") + "slaProperties:\n- {property: endOfLife, value: 2020-01-31}\n", encoding="utf-8")
    again = Project.at(api.root, api.root / "data")
    assert pending(api.con, again, again.contracts["people"]) == []
    assert api.office.authorization is None


def test_the_pages_of_a_day_become_one_batch(api):
    [batch] = api.collect().batches
    assert api.office.asked == ["2026-10-01/1", "2026-10-01/2", "2026-10-01/3"]
    assert api.office.authorization == "Bearer geheim"
    assert api.raw("id, name, note, _row") == [(r["BH"], r["XM"], str(r["BZ"]), i) for i, r in enumerate(RECORDS, 1)]
    assert (batch["period"], batch["partition_key"], batch["lines"], batch["records"], batch["watermark"]) == (
        "20261001",
        "2026-10-01",
        7,
        7,
        "2026-10-01",
    )
    assert "geheim" not in str(batch)
    assert batch["source"] == f"{api.office.address}/api/licences"
    assert api.collect().batches == []
    assert len(api.office.asked) == 3
    assert [a.differences for a in accounts(api.con, api.project.contracts["people"])] == [[]]


def test_values_are_the_text_that_came(api):
    api.office.raw = (
        '{"data": {"list": [{"BH": 7.10, "XM": true, "BZ": {"a": [1.0, "中"]}, "大": 12345678901234567890.10}], "total": 1, "page": 1}}'
    )
    api.collect()
    assert api.raw("id, name, note, _extra") == [("7.10", "true", '{"a": ["1.0", "中"]}', '{"大":"12345678901234567890.10"}')]


def test_a_day_without_records_is_collected_once(api):
    api.office.days = {"2026-10-01": [], "2026-10-02": []}
    first, second = api.collect().batches
    assert (first["status"], second["status"], first["records"]) == ("collected", "collected", 0)
    assert "no records for this day" in first["reason"]
    assert api.collect().batches == []


@pytest.mark.parametrize("faults", [[500, 503], [429, 429], [None, "cut"], [None, "twice", None], [None, "page", "empty"], ["html", None]])
def test_passing_faults_are_tried_again(api, faults):
    api.office.faults = list(faults)
    outcome = api.collect()
    assert outcome.problems == []
    assert [b["rows_raw"] for b in outcome.batches] == [7]
    assert len(api.raw()) == 7


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([500] * 9, "it goes on answering 500"),
        ([None, *[429] * 9], "it goes on answering 429 (2026-10-01, page 2)"),
        (["cut"] * 9, "the connection was cut (2026-10-01, page 1)"),
        (["html"] * 9, "no JSON"),
        ([401], "access refused (401"),
        ([None, "changed"], "the total changed from 7 to 8"),
    ],
)
def test_lasting_faults_wait_for_the_next_run(api, faults, words):
    api.office.faults = list(faults)
    outcome = api.collect()
    [problem] = outcome.problems
    assert words in problem
    assert "geheim" not in problem
    assert outcome.batches == []
    assert api.sql("SELECT count(*) FROM evidence.batches") == [(0,)]
    api.office.faults = []
    assert api.collect().batches[0]["rows_raw"] == 7


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([None, "twice", "twice", "twice"], "page 2 is page 1 over again"),
        ([None, None, "empty", "empty", "empty"], "page 3 is empty, though 6 of 7 records have come: a page is missing"),
        ([None, 404], "status 404 (2026-10-01, page 2)"),
        (["more"], "records, where 1 were announced"),
        ([None, "page", "page", "page"], "page 1 came where page 2 was asked for"),
        (["shape"], "without `data.list`"),
        ([None, *["smaller"] * 3], "page 2 has 2 records where the first had 3: the page size changed"),
    ],
)
def test_pages_that_do_not_add_up_are_refused_and_fetched_again(api, faults, words):
    if words.startswith("page 2 is"):
        api.office.days["2026-10-01"] = RECORDS
        contract = api.root / "assets/sources/office/people.odcs.yaml"
        contract.write_text(
            contract.read_text().replace("property: pageAt", "property: since").replace("value: data.page", "value: 2026-10-01")
        )
        api.project = type(api.project).at(api.root, api.root / "data")
    api.office.days["2026-10-02"] = [{"BH": "9", "XM": "a", "BZ": 1}]
    api.office.faults = list(faults)
    refused, good = sorted(api.collect().batches, key=lambda b: b["period"])
    assert refused["status"] == "refused"
    assert words in refused["reason"]
    assert (good["status"], good["period"]) == ("collected", "20261002")
    assert api.raw("id") == [("9",)]
    api.office.faults = []
    [mended] = api.collect().batches
    assert (mended["status"], mended["rows_raw"]) == ("collected", 7)
    assert api.sql("SELECT count(*) FROM evidence.batches WHERE status = 'refused'") == [(0,)]


def test_pages_that_move_while_they_are_read_are_not_kept(api):
    api.office.faults = [None, "border", "border"]
    outcome = api.collect()
    assert outcome.batches == []
    assert "1 records of 2026-10-01 came on two pages, and others when the day was asked for again" in outcome.problems[0]
    api.office.faults = [None, "smaller"]
    assert [b["rows_raw"] for b in api.collect().batches] == [7]


def test_records_that_are_there_twice_are_kept_twice_and_said(api):
    api.office.days["2026-10-01"] = [*RECORDS[:4], RECORDS[0], *RECORDS[5:]]
    [batch] = api.collect().batches
    assert api.raw("id") == [("001",), ("002",), ("003",), ("004",), ("001",), ("006",), ("007",)]
    assert "1 records came on two pages, and again so when the day was asked for twice: kept as they came" in batch["reason"]
    assert api.office.asked == [f"2026-10-01/{page}" for page in (1, 2, 3, 1, 2, 3)]


def test_pages_by_a_token(api):
    contract = api.root / "assets/sources/office/people.odcs.yaml"
    text = contract.read_text().replace("property: pageAt\n    value: data.page", "property: cursorAt\n    value: data.next")
    contract.write_text(text.replace("property: pageSize", "property: cursorParam\n    value: token\n  - property: pageSize"))
    api.project = type(api.project).at(api.root, api.root / "data")
    [batch] = api.collect().batches
    assert (batch["rows_raw"], batch["announced"]) == (7, 7)
    assert api.office.asked == ["2026-10-01/1", "2026-10-01/2", "2026-10-01/3"]
    api.office.days["2026-10-02"] = RECORDS
    api.office.faults = [None, "tokenless"]
    [refused] = api.collect().batches
    assert "no token for the page after 2, though 6 of 7 records have come" in refused["reason"]


def test_an_office_out_of_reach_is_a_problem(api):
    api.project.connections.write_text('[office_api]\nlocation = "http://127.0.0.1:1"\n')
    [problem] = api.collect().problems
    assert "http://127.0.0.1:1/api/licences: it cannot be reached" in problem


def test_a_connections_file_with_a_typing_error(api):
    api.project.connections.write_text("[office_api\nlocation = geheim")
    [problem] = api.collect().problems
    assert "connections.toml: not readable as TOML" in problem
    assert "geheim" not in problem
