"""The page in a real browser: opened, searched, clicked, used by keyboard, on a narrow screen and in the dark."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.browser import Tab, browsing, chromium
from benchmarks.lineage_page import FRAME, OPEN, crowd, figures
from pipelines.lineage.page import write_facts
from tests.lineage_page.test_written import HOSTILE, hostile

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on the path: what the page does in a browser is not tested")


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with browsing() as tab:
        yield tab


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_facts(crowd(50, 6, departments=5), tmp_path_factory.mktemp("page") / "lineage.html")


@pytest.fixture
def opened(tab: Tab, page: Path) -> Iterator[Tab]:
    tab.open(page)
    yield tab
    assert tab.errors == []


def texts(tab: Tab, selector: str) -> list[str]:
    return tab.ask(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")


def typed(tab: Tab, text: str) -> None:
    tab.ask("document.getElementById('search').focus()")
    tab.call("Input.insertText", text=text)
    tab.frame()


def test_the_whole_graph_is_folded_and_opens_by_department_table_and_column(opened: Tab) -> None:
    assert [t.split()[0] for t in texts(opened, ".lanes h3")] == ["交付", "原始与标准", "基础库", "主题库"]
    assert texts(opened, ".lanes [data-table], .lanes [data-node]") == []
    opened.point(".lanes .group", click=True)
    assert opened.ask("document.querySelector('.group').getAttribute('aria-expanded')") == "true"
    opened.point(".lanes .table .fold", click=True)
    assert len(texts(opened, ".lanes [data-node]")) == 6
    opened.point(".lanes .group", click=True)
    assert texts(opened, ".lanes [data-table]") == []


@pytest.mark.parametrize(
    ("asked", "first"),
    [("第7号数据集", "in.dataset_0007"), ("dataset_0007 column_03", "std.dataset_0007"), ("数据集 第3列 0049", "dataset_0049")],
)
def test_search_in_chinese_and_english(opened: Tab, asked: str, first: str) -> None:
    typed(opened, asked)
    assert first in texts(opened, "#results button")[0]
    assert "找到" in texts(opened, "#found")[0]


def test_a_search_leads_to_the_way_of_a_table_by_keyboard_alone(opened: Tab) -> None:
    opened.press("/", "/")
    opened.call("Input.insertText", text="base.dataset_0047")
    opened.press("ArrowDown")
    opened.press("Enter", "\r")
    opened.frame()
    assert opened.ask("location.hash") == "#t=base.dataset_0047"
    assert opened.ask("document.activeElement.id") == "heading"
    assert texts(opened, ".box.here .columns .name") == [f"第{n}列 column_{n:02}" for n in range(6)]
    above = opened.ask("[...G.tableClosure([G.byKey.get('base.dataset_0047')], true).keys()].length - 1")
    below = opened.ask("[...G.tableClosure([G.byKey.get('base.dataset_0047')], false).keys()].length - 1")
    assert [h.split()[-1] for h in texts(opened, "#side h3")][-2:] == [str(above), str(below)]
    assert above > 2


def test_a_columns_way_is_what_the_graph_says(opened: Tab, page: Path) -> None:
    opened.open(page, "#c=thematic.dataset_0049/column_02")
    above = opened.ask("[...G.closure([G.node(G.byKey.get('thematic.dataset_0049'), 'column_02')], true, false).keys()]")
    drawn = opened.ask("[...document.querySelectorAll('.box [data-node]')].map(e => +e.dataset.node)")
    assert set(above) <= set(drawn)
    assert opened.ask("document.querySelectorAll('.box .lit-up').length") == len(above) - 1
    assert opened.ask("document.querySelectorAll('svg.lines .up').length") >= len(above) - 1
    assert texts(opened, "#side h3")[0].endswith(str(len(above) - 1))


def test_hover_and_focus_light_the_same(opened: Tab) -> None:
    lit = "[...document.querySelectorAll('.lit-up, .lit-down, .lit-self')].map(e => e.textContent)"
    opened.point("section:nth-child(3) .group")
    hovered = opened.ask(lit)
    opened.ask("document.body.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))")
    opened.press("Escape")
    opened.frame()
    assert opened.ask(lit) == []
    opened.ask("document.activeElement.blur(); document.querySelector('section:nth-child(3) .group').focus()")
    opened.frame()
    assert opened.ask(lit) == hovered
    assert len(hovered) > 2


def test_the_filter_by_level_leaves_only_such_columns(opened: Tab) -> None:
    opened.ask("{ const l = document.getElementById('level'); l.value = '4'; l.dispatchEvent(new Event('change')); }")
    opened.ask("location.hash = '#t=std.dataset_0003'")
    opened.frame()
    wanted = opened.ask("G.tables[G.byKey.get('std.dataset_0003')].columns.filter(c => c[3] === 4).length")
    assert len(texts(opened, ".box.here [data-node]")) == wanted
    typed(opened, "column")
    assert all("4级" in t for t in texts(opened, "#results button"))


def test_everything_that_acts_is_a_named_button_in_the_order_of_the_page(opened: Tab) -> None:
    opened.ask("document.querySelector('#actions button').click()")
    opened.frame()
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    roles = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored")]
    buttons = [name for role, name in roles if role == "button"]
    assert len(buttons) > 100
    assert all(name.strip() for name in buttons)
    assert {"main", "complementary", "searchbox", "status", "region"} <= {role for role, _ in roles}
    assert opened.ask("[...document.querySelectorAll('[tabindex]')].every(e => e.tabIndex <= 0)")
    for _ in range(3):
        opened.press("Tab")
    assert opened.ask("document.activeElement.id") == "search" or opened.ask("document.activeElement.tagName") in ("A", "BUTTON", "SELECT")


def test_an_address_that_leads_nowhere_says_so(opened: Tab, page: Path) -> None:
    opened.open(page, "#c=std.dataset_0003/columm")
    assert "没有 no std.dataset_0003.columm" in texts(opened, "#told")[0]


@pytest.mark.parametrize("fragment", ["", "#t=base.dataset_0047", "#c=base.dataset_0047/column_01"])
def test_a_narrow_screen_is_not_overrun(opened: Tab, page: Path, fragment: str) -> None:
    opened.open(page, fragment, width=390, height=844)
    assert opened.ask("document.documentElement.scrollWidth") == 390


def test_names_with_markup_are_shown_as_they_are(tab: Tab, tmp_path: Path) -> None:
    bad = write_facts(hostile(), tmp_path / "bad.html")
    for fragment in ("", "#t=std.bad"):
        tab.open(bad, fragment)
        for folded in (".group", ".table .fold"):
            tab.ask(f"document.querySelectorAll({json.dumps(folded)}).forEach(b => b.click())")
        assert tab.ask("document.querySelectorAll('img, iframe, object').length") == 0
        assert HOSTILE.split()[0] in tab.ask("document.getElementById('view').textContent")
    tab.ask("document.querySelector('.box [data-node]').click()")
    tab.frame()
    assert tab.ask("location.hash.startsWith('#c=')")
    assert HOSTILE.split()[0] in texts(tab, "#heading")[0]
    assert tab.errors == []


def corner(picture: bytes) -> float:
    """How light the first pixel of a PNG is, 0 to 255: enough to tell night from day."""
    at, data = 8, b""
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        at += 12 + length
    width = struct.unpack(">I", picture[16:20])[0]
    channels = {2: 3, 6: 4}[picture[25]]
    first = zlib.decompress(data)[1 : 1 + width * channels]  # the first line; whatever its filter, its first pixel stands as it is
    return sum(first[:3]) / 3


def test_light_and_dark(tab: Tab, page: Path) -> None:
    tab.open(page)
    day = corner(tab.picture())
    tab.open(page, dark=True)
    assert day > 200 > 60 > corner(tab.picture())


def test_a_thousand_datasets_open_in_two_seconds_and_scroll(tab: Tab, tmp_path: Path) -> None:
    facts = crowd()
    assert sum(len(t["columns"]) for t in facts["tables"] if not t["key"].startswith("in.")) == 20_000
    found = figures(tab, write_facts(facts, tmp_path / "lineage.html"))
    assert found["open"] < OPEN
    assert found["scroll, median frame"] < FRAME
    assert tab.errors == []
