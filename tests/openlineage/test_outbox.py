"""Events on the disk and on their way to an endpoint: what is down, hangs, refuses or was cut off."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.project import Project
from pipelines.openlineage.events import Teller
from pipelines.openlineage.outbox import Outbox, SettingError, Settings, read_settings, send_within


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "events")


@pytest.fixture
def made(project: Project) -> Callable[[int], list[dict[str, Any]]]:
    return lambda number: [Teller(project, "test").start(str(uuid.uuid4()), f"job {n}", float(n)) for n in range(number)]


def names(endpoint: Any) -> list[str]:
    return [e["job"]["name"] for e in endpoint.events]


def test_what_was_appended_is_sent_once_and_in_order(outbox: Outbox, made: Any, endpoint: Any) -> None:
    outbox.append(made(3))
    first = send_within(outbox, Settings(url=endpoint.url))
    outbox.append(made(1))
    second = send_within(outbox, Settings(url=endpoint.url))
    assert (first.acknowledged, first.why, second.acknowledged) == (3, "", 1)
    assert names(endpoint) == ["job 0", "job 1", "job 2", "job 0"]
    assert b"\n".join(endpoint.bodies) + b"\n" == outbox.files[0].read_bytes()


def test_without_an_endpoint_nothing_is_sent(outbox: Outbox, made: Any) -> None:
    outbox.append(made(1))
    assert send_within(outbox, Settings()).acknowledged == 0
    assert not (outbox.folder / "sent.json").exists()


@pytest.mark.parametrize("mode", ["500", "503", "401", "404", "302"])
def test_what_an_endpoint_does_not_take_now_goes_first_later(outbox: Outbox, made: Any, endpoint: Any, mode: str) -> None:
    settings = Settings(url=endpoint.url)
    outbox.append(made(2))
    endpoint.mode = mode
    sent = send_within(outbox, settings)
    assert (sent.acknowledged, sent.why, endpoint.asked) == (0, f"answered {mode}", 1)
    endpoint.mode = "ok"
    assert send_within(outbox, settings).acknowledged == 2
    assert names(endpoint) == ["job 0", "job 1"]


def test_an_endpoint_that_is_down_and_comes_back(outbox: Outbox, made: Any, gone: Any) -> None:
    settings = Settings(url=gone.url)
    outbox.append(made(2))
    assert send_within(outbox, settings).why == "not reached (ConnectionError)"
    with gone.up():
        assert send_within(outbox, settings).acknowledged == 2
    assert names(gone) == ["job 0", "job 1"]


def test_an_endpoint_that_hangs_costs_one_time_out_and_is_then_left_alone(outbox: Outbox, made: Any, endpoint: Any) -> None:
    outbox.append(made(2))
    endpoint.mode = "hang"
    begun = time.monotonic()
    assert send_within(outbox, Settings(url=endpoint.url, timeout=0.3)).why == "no answer within 0.3 s"
    assert time.monotonic() - begun < 2
    assert send_within(outbox, Settings(url=endpoint.url, timeout=0.3)).why == "it did not answer in time a moment ago"
    assert endpoint.asked == 1
    endpoint.mode = "ok"
    places = outbox.folder / "sent.json"
    places.write_text(places.read_text().replace('"quiet_until": ', '"quiet_until": 1, "was": '))  # a minute goes by
    assert send_within(outbox, Settings(url=endpoint.url)).acknowledged == 2
    assert names(endpoint) == ["job 0", "job 1"]


def test_an_endpoint_that_answers_a_byte_at_a_time_holds_nobody(outbox: Outbox, made: Any, endpoint: Any) -> None:
    outbox.append(made(1))
    endpoint.mode = "drip"
    begun = time.monotonic()
    assert send_within(outbox, Settings(url=endpoint.url, timeout=0.3), budget=0.3).why == "no end within 0.6 s"
    assert time.monotonic() - begun < 2


def test_an_acknowledgement_that_was_lost_sends_the_same_event_again(outbox: Outbox, made: Any, endpoint: Any) -> None:
    outbox.append(made(1))
    send_within(outbox, Settings(url=endpoint.url))
    (outbox.folder / "sent.json").write_text('{"half')
    send_within(outbox, Settings(url=endpoint.url))
    assert endpoint.bodies[0] == endpoint.bodies[1]
    assert len({h["Idempotency-Key"] for h in endpoint.headers}) == 1


def test_an_event_that_will_never_be_taken_is_put_aside(outbox: Outbox, made: Any, endpoint: Any) -> None:
    wrong, good = made(2)
    outbox.append([{**wrong, "eventTime": "yesterday"}, good])
    sent = send_within(outbox, Settings(url=endpoint.url))
    assert (sent.refused, sent.acknowledged, sent.why) == (1, 1, "")
    assert names(endpoint) == ["job 1"]
    aside = json.loads((outbox.folder / "refused.ndjson").read_text())
    assert (aside["status"], aside["event"]["eventTime"]) == (422, "yesterday")


def test_a_line_that_was_cut_off_costs_only_itself(outbox: Outbox, made: Any, endpoint: Any) -> None:
    events = made(3)
    outbox.append(events[:1])
    with outbox.files[0].open("ab") as file:
        file.write(json.dumps(events[1], ensure_ascii=False).encode()[:-40])
    assert send_within(outbox, Settings(url=endpoint.url)).acknowledged == 1
    outbox.append(events[2:])
    sent = send_within(outbox, Settings(url=endpoint.url))
    assert (sent.acknowledged, sent.broken) == (1, 1)
    assert names(endpoint) == ["job 0", "job 2"]


def test_days_follow_each_other_and_never_backwards(outbox: Outbox, made: Any, endpoint: Any) -> None:
    events = made(3)
    outbox.append(events[:1])
    outbox.files[0].rename(outbox.folder / "2020-01-01.ndjson")
    outbox.append(events[1:2])
    send_within(outbox, Settings(url=endpoint.url))
    outbox.files[1].rename(outbox.folder / "2999-01-01.ndjson")  # the clock was wrong for a day
    outbox.append(events[2:])
    assert [p.name for p in outbox.files] == ["2020-01-01.ndjson", "2999-01-01.ndjson"]
    send_within(outbox, Settings(url=endpoint.url))
    assert names(endpoint)[-1] == "job 2"


def test_a_token_is_read_where_it_stands_and_never_shown(
    project: Project, made: Any, endpoint: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outbox = Outbox.of(project)
    connect(project, endpoint.url, token="env:EVENTS_TOKEN")
    settings = read_settings(project)
    outbox.append(made(1))
    assert send_within(outbox, settings).why.startswith("[openlineage] token: env:EVENTS_TOKEN: ")
    monkeypatch.setenv("EVENTS_TOKEN", "s3cret\n")
    assert send_within(outbox, settings).acknowledged == 1
    assert endpoint.headers[0]["Authorization"] == "Bearer s3cret"
    (tmp_path / "token").write_text("other")
    connect(project, endpoint.url, token=f"file:{tmp_path / 'token'}")
    outbox.append(made(1))
    assert send_within(outbox, read_settings(project)).acknowledged == 1
    assert endpoint.headers[1]["Authorization"] == "Bearer other"
    kept = b"".join(p.read_bytes() for p in outbox.folder.rglob("*") if p.is_file())
    assert b"s3cret" not in kept
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"url": "marquez:5000"}, "no address of a server"),
        ({"url": "http://me:hush@host/x"}, "holds a user or a password"),
        ({"url": "http://host/x", "token": "hush"}, "env:NAME or file:/path"),
        ({"url": "http://host/x", "timeout": "soon"}, "expected a number of seconds"),
        ({"url": "http://host/x", "timeout": 0}, "between 0 and 3600"),
        ({"url": "http://host/x", "tokn": "env:A"}, "Did you mean 'token'"),
    ],
)
def test_settings_that_cannot_be_followed(project: Project, connect: Any, said: dict[str, Any], words: str) -> None:
    connect(project, **said)
    with pytest.raises(SettingError, match=words) as caught:
        read_settings(project)
    assert "hush" not in str(caught.value)


def test_the_environment_names_an_endpoint(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANQING_CONNECTION_OPENLINEAGE", "http://127.0.0.1:1/x")
    assert read_settings(project).url == "http://127.0.0.1:1/x"
    monkeypatch.delenv("YUANQING_CONNECTION_OPENLINEAGE")
    assert read_settings(project) == Settings()
