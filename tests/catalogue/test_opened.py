"""The page in a real browser: searched, filtered, opened by its address, on a narrow screen and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.project import Project
from benchmarks.browser import Tab, browsing, chromium
from pipelines.catalogue import write_catalogue

from catalogue_support import write_contract  # isort: skip

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on the path: what the page does in a browser is not tested")
HOSTILE = "</script><script>document.title = 'broken'</script>"


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with browsing() as tab:
        yield tab


@pytest.fixture
def page(project: Project, tmp_path: Path) -> Path:
    write_contract(tmp_path, "odd", "{resourceCode: 301001/9, sharing: 1, open: true}", title=HOSTILE, column="气温 PM2.5")
    write_catalogue(Project(project.root, project.data), tmp_path / "out")
    return tmp_path / "out" / "index.html"


def shown(tab: Tab) -> list[str]:
    return tab.ask("[...document.querySelectorAll('article')].filter(a => a.offsetHeight).map(a => a.id)")


def find(tab: Tab, text: str) -> None:
    tab.ask("document.getElementById('find').select()")
    tab.call("Input.insertText", text=text)
    tab.frame()


def choose(tab: Tab, by: str, value: str) -> None:
    tab.ask(f"(s => {{ s.value = '{value}'; s.dispatchEvent(new Event('change')); }})(document.querySelector('[data-by={by}]'))")


def test_search_and_filters(tab: Tab, page: Path) -> None:
    tab.open(page)
    assert tab.ask("document.title") == "公共数据目录 · 源清"
    assert shown(tab) == ["shop", "stall", "secret", "odd"]
    tab.press("/", "/")
    assert tab.ask("document.activeElement.id") == "find"
    for text, found in (("ｐｍ2.5", ["odd"]), ("301001/2 摊位", ["stall"]), ("税务局", ["shop"]), ("没有", [])):
        find(tab, text)
        assert shown(tab) == found, text
        assert tab.ask("document.getElementById('found').textContent") == f"{len(found)} / 4 个数据集 datasets"
    find(tab, " ")
    choose(tab, "sharing", "1")
    assert shown(tab) == ["shop", "odd"]
    choose(tab, "open", "no")
    assert shown(tab) == []
    choose(tab, "sharing", "")
    assert shown(tab) == ["stall", "secret"]
    assert tab.errors == []


def test_an_address_opens_its_dataset(tab: Tab, page: Path) -> None:
    tab.open(page, "#secret")
    assert tab.ask("[...document.querySelectorAll('details[open]')].map(d => d.closest('article').id)") == ["secret"]
    tab.open(page)
    find(tab, "摊位")
    tab.ask("location.hash = '#shop'")
    tab.frame()
    assert "shop" in shown(tab)
    assert tab.ask("document.querySelector('#shop details').open") is True
    assert tab.errors == []


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_narrow_screen(tab: Tab, page: Path, dark: bool) -> None:
    tab.open(page, width=390, height=800, dark=dark)
    tab.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    tab.frame()
    assert tab.ask("document.documentElement.scrollWidth") == 390
    light = tab.ask("Math.min(...getComputedStyle(document.querySelector('main')).backgroundColor.match(/\\d+/g).map(Number))")
    assert (light < 60) is dark


def test_the_open_page_searches_too(tab: Tab, page: Path) -> None:
    tab.open(page.parent / "open" / "index.html")
    assert shown(tab) == ["shop", "odd"]
    find(tab, "负责人")
    assert shown(tab) == []
    assert tab.errors == []
