"""The clerk's page: it answers its own browser tab alone, says what `yuanqing check` says, and leaves nothing behind."""

from __future__ import annotations

import html
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tiny_support import make_tiny

from assets.project import Project
from benchmarks.browser import browsing, chromium
from pipelines.entry import selfcheck
from pipelines.entry.selfcheck import HEADER, Page, plain_name, serve_page
from pipelines.precheck import precheck

FILE = "tag,born\nA1,2020-01-02\n,2020-13-01\n<b>,2020-01-02\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_tiny(tmp_path_factory.mktemp("selfcheck"))


@pytest.fixture(scope="module")
def page(project: Project) -> Iterator[Page]:
    with serve_page(project) as page:
        yield page


def post(page: Page, body: str = FILE, name: str = "pet_202601.csv", dataset: str = "pet", **changed: Any) -> httpx.Response:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.address))
    headers = {HEADER: "1", "Origin": origin, **changed}
    where = f"{page.address}check"
    return httpx.post(where, params={"dataset": dataset, "name": name}, content=body.encode(), headers=headers, timeout=60)


def test_the_same_words_as_yuanqing_check(page: Page, project: Project, tmp_path: Path) -> None:
    file = tmp_path / "pet_202601.csv"
    file.write_text(FILE, encoding="utf-8")
    found = precheck(project, "pet", file)
    assert {f["rule"] for f in found.failing} >= {"tag_present", "born_present"}

    text = html.unescape(post(page).text)

    for rule in found.failing:
        assert rule["title"] in text
        assert rule["remedy"] in text
        assert all(example in text for example in rule["examples"])
    assert "3 条记录" in text
    assert "不通过" in text


def test_a_file_that_passes_and_one_that_is_refused(page: Page) -> None:
    assert "通过" in post(page, "tag,born\nA1,2020-01-02\n").text
    assert "不通过" not in post(page, "tag,born\nA1,2020-01-02\n").text
    refused = post(page, "colour\nred\n").text
    assert "拒收" in refused
    assert "没有契约所列的任何列名" in refused
    assert "no source dataset is named" in html.unescape(post(page, dataset="cats").text)


def test_what_a_file_holds_is_shown_as_text(page: Page) -> None:
    answer = post(page, "tag,born\nA1,2020-01-02\n", name="<img src=x>.csv")
    assert "<img" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {HEADER: ""},
    ],
)
def test_another_site_cannot_ask(page: Page, changed: dict[str, str]) -> None:
    assert post(page, **changed).status_code == 403


def test_the_address_is_not_to_be_guessed(page: Page) -> None:
    parts = urlsplit(page.address)
    for path in ("/", "/x/", f"/{parts.path.strip('/')[:-1]}/", f"{parts.path}other"):
        assert httpx.get(f"http://{parts.netloc}{path}").status_code in (403, 404)
    assert httpx.get(page.address, headers={"Host": "evil.example"}).status_code == 403
    assert "常" not in httpx.get(f"http://{parts.netloc}/").text
    assert httpx.get(page.address).status_code == 200


def test_nothing_is_left_behind(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = selfcheck.found_text

    def looked(project: Project, dataset: str, path: Path) -> str:
        seen.append((path.name, oct(os.stat(path.parent).st_mode & 0o777), path.read_text(encoding="utf-8")))
        return real(project, dataset, path)

    monkeypatch.setattr(selfcheck, "found_text", looked)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert post(page, name="../../pet_202601.csv").status_code == 200
    assert seen == [("pet_202601.csv", "0o700", FILE)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.csv", "a.csv"),
        ("../a.csv", "a.csv"),
        ("C:\\x\\a.csv", "a.csv"),
        ("", "file"),
        ("..", "file"),
        ("a\0\n.csv", "a.csv"),
        ("x" * 200 + ".csv", "x" * 116 + ".csv"),
    ],
)
def test_names_of_files(given: str, kept: str) -> None:
    assert plain_name(given) == kept


def test_the_page_loads_nothing_from_elsewhere(page: Page) -> None:
    text = httpx.get(page.address).text
    assert "犬只登记" in text
    assert "http://" not in text
    assert "https://" not in text
    assert "src=" not in text


@pytest.mark.skipif(not chromium(), reason="no Chromium on this machine")
def test_a_clerk_chooses_a_file_and_reads_what_is_wrong(page: Page, tmp_path: Path) -> None:
    """In a real browser, under the page's own policy: the script runs, the file goes over, the answer shows; at 390 pixels too."""
    file = tmp_path / "pet_202601.csv"
    file.write_text(FILE, encoding="utf-8")
    with browsing() as tab:
        tab.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=False)
        tab.call("Page.navigate", url=page.address)
        tab.ask("new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))")
        choose = "const s = document.getElementById('dataset'); s.value = 'pet'; s.dispatchEvent(new Event('change'));"
        tab.ask(f"(() => {{ {choose} return 1; }})()")
        root = tab.call("DOM.getDocument")["root"]["nodeId"]
        node = tab.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        tab.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)
        shown = "const look = () => document.querySelector('.verdict') ? done(document.body.innerText) : setTimeout(look, 50); look();"
        text = tab.ask(f"new Promise(done => {{ {shown} }})")
        assert "不通过" in text
        assert "犬牌必填" in text
        assert tab.ask("document.documentElement.scrollWidth") <= 390
        assert tab.errors == []
