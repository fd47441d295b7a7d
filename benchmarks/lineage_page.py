"""The lineage page with 1,000 datasets and 20,000 columns: how soon it opens, answers and scrolls in a real browser.

Belongs here: such a graph, and the measures. Not here: the page (`pipelines.lineage.page`), the browser (`browser`).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.browser import Tab, browsing, chromium
from pipelines.lineage.graph import Edge, Graph
from pipelines.lineage.page import write_facts
from pipelines.lineage.page.facts import drawn

OPEN, FRAME, HITCH = 2.0, 0.05, 0.1  # seconds at most: to open or answer; a frame while scrolling, and 95 in 100 on a busy machine


def crowd(datasets: int = 1000, width: int = 20, departments: int = 60, seed: int = 5) -> dict[str, Any]:
    """What the page would tell of so many datasets: 94 in 100 come from departments, 4 are base tables, 2 thematic ones."""
    chance = random.Random(seed)
    base, thematic = datasets * 4 // 100, datasets * 2 // 100
    layers = ["sources"] * (datasets - base - thematic) + ["base"] * base + ["thematic"] * thematic
    contracts: dict[str, Any] = {}
    columns: dict[str, tuple[str, ...]] = {}
    edges: list[Edge] = []
    tables: dict[str, list[str]] = {"std": [], "base": [], "thematic": []}
    for number, layer in enumerate(layers):
        name, schema = f"dataset_{number:04}", "std" if layer == "sources" else layer
        names = tuple(f"column_{n:02}" for n in range(width))
        which = chance.randrange(departments)
        told = [
            SimpleNamespace(
                name=c, header=f"LIE{n:02}", title=f"第{n}列", title_en=c.replace("_", " "), classification=chance.choice((1, 1, 2, 3, 4))
            )
            for n, c in enumerate(names)
        ]
        contracts[name] = SimpleNamespace(
            title=f"第{number}号数据集",
            title_en=name.replace("_", " "),
            department=f"第{which}厅",
            department_en=f"Department {which}",
            columns=told,
        )
        table = f"{schema}.{name}"
        columns[table] = names
        if schema == "std":
            columns[f"in.{name}"], columns[f"raw.{name}"] = tuple(c.header for c in told), names
            for c in told:
                edges.append(Edge((f"in.{name}", c.header), (f"raw.{name}", c.name), "IDENTITY", by="as handed over"))
                edges.append(Edge((f"raw.{name}", c.name), (table, c.name), "TRANSFORMATION", by="trim"))
        else:
            above = tables["std"] if schema == "base" else tables["base"] + tables["thematic"]
            read = chance.sample(above, min(len(above), 25 if schema == "base" else 6))
            for c in names:
                edges += [
                    Edge((t, chance.choice(names)), (table, c), chance.choice(("IDENTITY", "TRANSFORMATION")))
                    for t in chance.sample(read, min(3, len(read)))
                ]
            edges += [Edge((t, names[0]), (table, ""), "JOIN") for t in read]
        tables[schema].append(table)
    quality = {name: (chance.uniform(60, 100), 90.0, "A", chance.choice((0, 0, 3))) for name in contracts}
    batches = {
        t: (12, [(t.split(".")[1], "202610", "", "2026-11-03", 1000, f"{t}-{n}") for n in range(6)])
        for t in columns
        if t.startswith("std.")
    }
    return {
        "published": {"at": "2026-11-26 08:00", "snapshot": 1, "standard": 1},
        **drawn(Graph(columns, tuple(edges)), contracts, quality, batches),
    }


def figures(tab: Tab, page: Path) -> dict[str, float]:
    """Seconds by what was done."""
    found = {"open": min(tab.open(page) for _ in range(3))}

    def timed(name: str, script: str) -> None:
        begun = time.perf_counter()
        tab.ask(script)
        tab.frame()
        found[name] = time.perf_counter() - begun

    typed = "{ const s = document.getElementById('search'); s.value = '%s'; s.dispatchEvent(new Event('input')); }"
    timed("search, first", typed % "第7列")
    timed("search, again", typed % "dataset_09 column_1")
    timed("a table's way", "location.hash = '#t=' + encodeURIComponent(G.tables.find(t => t.key.startsWith('base.')).key)")
    timed(
        "a column's way", "location.hash = '#c=' + encodeURIComponent(G.tables.find(t => t.key.startsWith('thematic.')).key) + '/column_03'"
    )
    timed("whole graph", "location.hash = '#'")
    timed("unfold all", "document.querySelector('#actions button').click()")
    timed("light a table", "document.querySelector('[data-table]').dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))")
    frames = tab.ask("""new Promise(done => { const gaps = []; let last = performance.now(), n = 0;
        const step = now => { gaps.push(now - last); last = now; scrollBy(0, 160);
            ++n < 120 ? requestAnimationFrame(step) : done(gaps.slice(2)); };
        requestAnimationFrame(step); })""")
    frames.sort()
    found["scroll, median frame"], found["scroll, 95 in 100 frames"] = (
        frames[len(frames) // 2] / 1000,
        frames[len(frames) * 95 // 100] / 1000,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=20, help="of each dataset")
    given = parser.parse_args()
    if not chromium():
        print("The lineage page is not timed: no Chromium on the path.")
        return
    with tempfile.TemporaryDirectory() as folder, browsing() as tab:
        facts = crowd(given.datasets, given.columns)
        page = write_facts(facts, Path(folder) / "lineage.html")
        print(f"{given.datasets:,} datasets of {given.columns} columns: {len(facts['tables']):,} boxes, {len(facts['edges']) // 5:,} edges")
        print(f"{'size of the page':<26}{page.stat().st_size / 1e6:8.1f} MB")
        found = figures(tab, page)
        for name, seconds in found.items():
            print(f"{name:<26}{seconds * 1000:8.0f} ms")
        if tab.errors:
            raise SystemExit("\n".join(tab.errors))
        most = {"scroll, median frame": FRAME, "scroll, 95 in 100 frames": HITCH}
        slow = [name for name, seconds in found.items() if seconds > most.get(name, OPEN)]
        if slow:
            raise SystemExit(f"too slow: {', '.join(slow)}")


if __name__ == "__main__":
    main()
