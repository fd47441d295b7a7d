"""The interface over a real socket: who is let in, what is refused and how, and what the log never holds."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import Any

import httpx
import pytest
from entry_support import OTHER, TOKEN, running
from tiny_support import hand_over, make_tiny

from assets.project import Project
from assets.settings import SettingsError
from pipelines.entry.access import Access
from pipelines.entry.problems import Problem
from pipelines.run import run

PARKS = {"Authorization": f"Bearer {OTHER}"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and kind of a problem, which is told in both languages."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == answer.status_code
    assert re.search("[\u4e00-\u9fff]", told["zh"])
    assert told["en"].isascii()
    return answer.status_code, told["type"].removeprefix("urn:yuanqing:problem:")


def test_one_record_or_several(client: httpx.Client) -> None:
    one = client.post("/check/pet", json={"犬牌": " A1", "born": "2020年1月2日"}).json()
    assert (one["ok"], one["blocked"]) == (True, False)
    assert [(s["pointer"], s["value"]) for s in one["records"][0]["stored"]] == [("/犬牌", "A1"), ("/born", "2020-01-02")]

    several = client.post("/check/pet", json=[{"tag": "A1", "born": "2020-01-02"}, {"tag": None, "born": "2020-13-01"}]).json()
    assert [r["ok"] for r in several["records"]] == [True, False]
    fields = {f["pointer"]: [(w["rule"], w["blocking"]) for w in f["wrong"]] for f in several["records"][1]["fields"]}
    assert fields["/1/tag"] == [("tag_present", True)]
    assert several["blocked"]
    assert [w["mend"] for w in several["records"][1]["fields"][0]["wrong"]] == [{"zh": "补录", "en": "Enter it"}]


@pytest.mark.parametrize(
    ("headers", "dataset", "expected"),
    [
        ({"Authorization": ""}, "pet", (401, "no-token")),
        ({"Authorization": TOKEN}, "pet", (401, "no-token")),
        ({"Authorization": f"Basic {TOKEN}"}, "pet", (401, "no-token")),
        ({"Authorization": f"Bearer {TOKEN}x"}, "pet", (401, "no-token")),
        ({}, "tree", (403, "not-yours")),
        ({}, "pett", (404, "unknown-dataset")),
        ({}, "animal", (404, "unknown-dataset")),
    ],
)
def test_who_may_ask_what(client: httpx.Client, headers: dict[str, str], dataset: str, expected: tuple[int, str]) -> None:
    answer = client.post(f"/check/{dataset}", json={"tag": "A1"}, headers=headers)

    assert problem(answer) == expected
    assert ("tree" in answer.text) == (dataset == "tree"), "another department's dataset is named to nobody who did not"
    assert (answer.headers.get("www-authenticate") is not None) == (expected[0] == 401)


@pytest.mark.parametrize(
    ("body", "expected", "pointers"),
    [
        (b"", (400, "bad-json"), []),
        (b"{", (400, "bad-json"), []),
        (b'{"tag": NaN}', (400, "bad-json"), []),
        (b'{"tag": "\xff"}', (400, "bad-json"), []),
        (b"[" * 900, (400, "bad-json"), []),
        (b"[]", (422, "bad-records"), []),
        (b'"A1"', (422, "bad-records"), []),
        (b'{"colour": "red"}', (422, "bad-records"), []),
        (b'[{"tag": "A1"}, 7]', (422, "bad-records"), ["/1"]),
        (b'[{"tag": {"a": 1}}, {"tag": ["x"]}]', (422, "bad-records"), ["/0/tag", "/1/tag"]),
        ('{"tag": "A1", "犬牌": "A2"}'.encode(), (422, "bad-records"), ["/犬牌"]),
        (b'{"tag": "a\\u0000b"}', (422, "bad-records"), ["/tag"]),
        (b'{"tag": "\\ud800"}', (422, "bad-records"), ["/tag"]),
        (b'[{"tag":"1"},{"tag":"2"},{"tag":"3"},{"tag":"4"},{"tag":"5"},{"tag":"6"}]', (413, "too-large"), []),
        (b'{"tag": "' + b"A" * 1000 + b'"}', (413, "too-large"), []),
    ],
)
def test_what_is_no_record(client: httpx.Client, body: bytes, expected: tuple[int, str], pointers: list[str]) -> None:
    answer = client.post("/check/pet", content=body)

    assert problem(answer) == expected
    assert [e["pointer"] for e in answer.json().get("errors", [])] == pointers


def test_a_body_too_large_is_not_read_to_its_end(client: httpx.Client) -> None:
    sent = []

    def endless() -> Any:
        for _ in range(100_000):
            sent.append(1)
            yield b" " * 1000

    with contextlib.suppress(httpx.TransportError):  # the server has closed, and the client was still writing
        assert problem(client.post("/check/pet", content=endless())) == (413, "too-large")
    assert len(sent) < 50_000


def test_numbers_and_truth_are_taken_as_their_text(client: httpx.Client) -> None:
    answer = client.post("/check/pet", content=b'{"tag": 12345678901234567890.10, "born": true}').json()

    assert answer["records"][0].get("stored") is None
    assert [f["field"] for f in answer["records"][0]["fields"]] == ["born"]


def test_other_ways_of_asking(client: httpx.Client) -> None:
    assert problem(client.get("/check/pet")) == (405, "method")
    assert problem(client.get("/docs")) == (404, "not-found")
    assert problem(client.post("/check/pet", content=b"a,b", headers={"Content-Type": "text/csv"})) == (415, "bad-type")
    assert problem(client.post("/check/pet?ask=1", json={"tag": "A1"})) == (400, "bad-query")
    assert client.get("/health", headers={"Authorization": ""}).json() == {"status": "ok"}


def test_too_many_a_minute(tiny: Project) -> None:
    now = [100.0]
    access = Access(tiny, clock=lambda: now[0])
    parks = access.department(PARKS["Authorization"])
    for _ in range(3):
        access.count(parks)
    with pytest.raises(Problem) as refused:
        access.count(parks)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "60"})
    access.count(access.department(f"Bearer {TOKEN}"))
    now[0] += 61
    access.count(parks)


def test_too_many_over_the_socket(client: httpx.Client) -> None:
    answers = [client.post("/check/tree", json={"tag": "A1"}, headers=PARKS) for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["retry-after"]) > 50


SECRETS = ("2199SECRETKEY", "2199OTHERKEY", TOKEN, OTHER)


def test_no_key_and_no_token_is_logged(tiny: Project, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from a body, an address, a token that is wrong, nor from an error of DuckDB's that quotes what it could not judge."""
    from pipelines.entry.checker import Checker

    def fails(self: Any, rows: Any, left_out: Any = ()) -> Any:
        raise ValueError(f"Could not convert string '{rows.cells['tag'][0]}' to INT32")

    with caplog.at_level(logging.DEBUG), running(tiny) as client:
        client.post("/check/pet", json={"tag": SECRETS[0], "born": SECRETS[1]})
        client.post("/check/pet", content=b'{"tag": "' + SECRETS[0].encode())
        client.post("/check/pet", json=[SECRETS[0]])
        client.post(f"/check/{SECRETS[0]}?q={SECRETS[1]}", json={})
        client.post(f"/{SECRETS[0]}/x?q={SECRETS[1]}", json={})
        client.post("/check/pet", json={}, headers={"Authorization": f"Bearer {TOKEN}{SECRETS[1]}"})
        client.get(f"/codes/{SECRETS[0]}")
        monkeypatch.setattr(Checker, "check", fails)
        assert problem(client.post("/check/pet", json={"tag": SECRETS[0]})) == (500, "failed")
    ours = "\n".join(r.getMessage() + str(r.exc_info or "") for r in caplog.records if not r.name.startswith("http"))  # the client's own

    assert "city pet 200 records=1 wrong=1" in ours
    assert "failed: ValueError on pet" in ours
    assert not [s for s in SECRETS if s in ours]


def test_openapi_is_that_of_the_contracts_of_the_caller(client: httpx.Client) -> None:
    from fastapi.openapi.models import OpenAPI
    from jsonschema import Draft202012Validator

    document = client.get("/openapi.json").json()
    OpenAPI.model_validate(document)
    assert [p for p in document["paths"] if p.startswith("/check/")] == ["/check/pet"]
    record = document["components"]["schemas"]["pet_record"]
    assert record["properties"]["born"]["x-title"] == {"zh": "出生日期", "en": "born"}
    Draft202012Validator.check_schema(record)
    Draft202012Validator(record).validate(record["examples"][0])
    answer = {**document["components"]["schemas"]["answer"], "components": document["components"]}
    Draft202012Validator(answer).validate(client.post("/check/pet", json={"tag": "A1", "colour": 1}).json())
    assert client.get("/openapi.json", headers={"Authorization": ""}).status_code == 401


@pytest.mark.usefixtures("quick")
def test_the_base_answers_yes_or_no(tiny: Project, client: httpx.Client) -> None:
    rule = "key_unique"
    before = client.post("/check/pet?ask_base=true", json={"tag": "A1"}).json()
    assert (before["base"], [c["why"]["en"] for c in before["not_assessable"]]) == ([], ["nothing has been collected yet"])

    hand_over(tiny, "202601", "tag,born\nA1,2020-01-02\n")
    run(tiny, ["pet"])
    asked = client.post("/check/pet?ask_base=true", json=[{"tag": "A1 "}, {"tag": "A2"}, {"tag": ""}]).json()
    assert [(b["rule"], b["there"]) for b in asked["base"]] == [(rule, [True, False, None])]
    assert asked["not_assessable"] == []

    assert [c["rule"] for c in client.post("/check/pet", json={"tag": "A1"}).json()["not_assessable"]] == [rule]


@pytest.mark.parametrize(
    ("toml", "variables", "said"),
    [
        ("", {}, "Nobody may ask"),
        ('[serve.departments.town]\ntoken_from = "env:T"', {"T": TOKEN}, "Did you mean 'city'|No such department"),
        ('[serve.departments.city]\ntoken_from = "env:T"', {"T": "short"}, "5 characters"),
        ('[serve.departments.city]\ntoken_from = "env:T"\ndatasets = ["pat"]', {"T": TOKEN}, "Did you mean 'pet'"),
    ],
)
def test_settings_that_let_in_nobody_or_anybody(
    tmp_path: Any, toml: str, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_tiny(tmp_path)
    (tmp_path / "yuanqing.toml").write_text(toml, encoding="utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=said):
        Access(project)


def test_two_departments_with_one_token(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARKS_TOKEN", TOKEN)
    with pytest.raises(SettingsError, match="the same token"):
        Access(tiny)
