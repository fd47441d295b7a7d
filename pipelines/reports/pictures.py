"""Pages of pictures: what a head of department looks at, one page a theme, declared beside the thematic datasets.

`assets/thematic/<theme>/<theme>.page.yaml`:

```yaml
title: {zh: 12345热线, en: The 12345 hotline}
lead: {zh: ..., en: ...}
for: {zh: 省营商局, en: who looks at it}
figures:                                   # large numbers at the top: SQL that gives one value
  - {title: {zh: 工单, en: Orders}, sql: "SELECT sum(orders) FROM thematic.hotline_month", form: number}
pictures:
  - kind: trend                            # x (text, in order), y, and series where there are several lines
    title: {zh: ..., en: ...}
    sql: SELECT month AS "x", sum(orders) AS "y" FROM thematic.hotline_month GROUP BY month ORDER BY month
  - kind: ranking                          # x, y: the longest bar first, in the order of the SQL
  - kind: map                              # x: a city's six-digit code; y
  - kind: table                            # any columns, by their names
```
`form` says how values read: number, percent (of 0 to 1), score (one decimal).

Belongs here: reading the declaration, asking, and where lines and tiles lie. Not here: the look (`templates/pictures.html`).

Maps are tiles, a city each, in the places where the cities lie to each other: no boundary is drawn that nobody has surveyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.judging import codes_of
from assets.models.sql import CODES, Query, code_rows
from expectations.documents import Document, near, read_document
from pipelines.reports.figures import Row, rows
from pipelines.reports.pages import number, percent, period, score, write_page

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project

KINDS = ("trend", "ranking", "map", "table")
FORMS = {"number": lambda v: number(round(v) if isinstance(v, float) else v), "percent": percent, "score": score}
TILES: Mapping[str, tuple[int, int]] = {
    "211200": (5, 0), "210900": (2, 1), "210100": (4, 1), "21SF00": (5, 1), "210400": (6, 1), "211300": (1, 2), "210700": (2, 2),
    "211100": (3, 2), "211000": (4, 2), "210500": (5, 2), "211400": (1, 3), "210800": (3, 3), "210300": (4, 3), "210600": (5, 3),
    "210200": (3, 4),
}  # fmt: skip
"""Column and row of each city's tile."""
NAMES = {"21SF00": "沈抚示范区"}
"""Of tiles that GB/T 2260 has no code for."""
SHADES = 5
WIDTH, HEIGHT = 640, 220
"""Of a trend's drawing, in its own units."""
LINE = 17
"""Between two lines of text, in the same units."""


def theme_pages(project: Project) -> list[Path]:
    """The declarations of pages, in the order of their themes."""
    return sorted((project.assets / "thematic").glob("*/*.page.yaml"))


def write_themes(project: Project, lake: duckdb.DuckDBPyConnection, published: Row, folder: Path) -> list[tuple[Path, Row]]:
    """Write the page of each theme whose tables stand, and take others away; gives files and titles. Raises `DocumentError`."""
    from assets.lake import is_there

    codes, written = codes_of(project), []
    names = {**NAMES, **(codes.get("division").codes if "division" in codes else {})}

    def ask(sql: str) -> list[Row]:
        query = Query(project.assets, sql)
        return rows(lake, query.rewritten(lambda t: code_rows(codes, t.split(".")[1]) if t.startswith(f"{CODES}.") else None))

    for path in theme_pages(project):
        document = read_document(path)
        _checked(document)
        if all(is_there(lake, table) for table in _tables(document)):
            data = document.data
            page = {
                "title": data["title"],
                "lead": data.get("lead"),
                "audience": data.get("for"),
                "figures": [_figure(ask, f) for f in data.get("figures") or ()],
                "pictures": [_picture(ask, p, names) for p in data["pictures"]],
            }
            target = folder / f"{path.name.removesuffix('.page.yaml')}.html"
            written.append((write_page("theme.html", target, published=published, page=page), data["title"]))
    for old in set(folder.glob("*.html")) - {path for path, _ in written}:
        old.unlink()
    return written


def _checked(document: Document) -> None:
    for key in document.data:
        if key not in (known := ("title", "lead", "for", "figures", "pictures")):
            raise document.error((key,), f"unknown key {key!r}.", near(key, known))
    for at in ("title", "pictures"):
        if at not in document.data:
            raise document.error((), f"no {at!r}.", "A page has a title and pictures.")
    for position, picture in enumerate(document.data["pictures"]):
        if picture.get("kind") not in KINDS:
            raise document.error(("pictures", position), f"kind {picture.get('kind')!r}.", near(str(picture.get("kind")), KINDS))
    for group in ("figures", "pictures"):
        for position, one in enumerate(document.data.get(group) or ()):
            for said in ("title", "note"):
                if said in one and set(one[said]) != {"zh", "en"}:
                    raise document.error(
                        (group, position, said), f"{said}: {', '.join(one[said])}.", "Write zh and en; quote what holds a comma."
                    )
            if (form := one.get("form", "number")) not in FORMS:
                raise document.error((group, position), f"form {form!r}.", near(str(form), FORMS))
            _ = Query(document.path, str(one.get("sql") or ""), document.line(group, position, "sql") or 1).tree


def _tables(document: Document) -> set[str]:
    data = document.data
    asked = [*(data.get("figures") or ()), *data["pictures"]]
    return {table for one in asked for table in Query(document.path, str(one["sql"])).tables if not table.startswith(CODES)}


def _figure(ask: Callable[[str], list[Row]], declared: Mapping[str, Any]) -> Row:
    value = next(iter(ask(str(declared["sql"]))[0].values()))
    return {"title": declared["title"], "value": FORMS[declared.get("form", "number")](value), "note": declared.get("note")}


def _picture(ask: Callable[[str], list[Row]], declared: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    found = ask(str(declared["sql"]))
    said = FORMS[declared.get("form", "number")]
    made = {"kind": declared["kind"], "title": declared["title"], "note": declared.get("note"), "rows": found, "empty": not found}
    match declared["kind"]:
        case "trend":
            return made | _trend(found, said)
        case "ranking":
            most = max((abs(r["y"] or 0) for r in found), default=0) or 1
            return made | {"bars": [{"x": r["x"], "said": said(r["y"]), "share": 100 * max(r["y"] or 0, 0) / most} for r in found]}
        case "map":
            return made | {"tiles": tiles(found, said, names)}
    return made | {"columns": list(found[0]) if found else []}


def _trend(found: Sequence[Row], said: Any) -> Row:
    """Lines over the positions of x, in the order of their names, whichever row of an x comes first; the scale begins at nothing, so
    that a small change does not look like a large one."""
    places = _months(list(dict.fromkeys(r["x"] for r in found)))
    top = max((r["y"] or 0 for r in found), default=0) or 1
    step = WIDTH / max(len(places) - 1, 1)
    names = {str(r.get("series") or "") for r in found if r["y"] is not None}
    lines: dict[str, list[tuple[float, float, str]]] = {name: [] for name in sorted(names)}
    for r in found:
        if r["y"] is not None:
            x, y = places.index(r["x"]) * step, HEIGHT - HEIGHT * r["y"] / top
            lines[str(r.get("series") or "")].append((round(x, 1), round(y, 1), f"{period(str(r['x']))}：{said(r['y'])}"))
    last = {name: next((r["y"] for r in reversed(found) if str(r.get("series") or "") == name), None) for name in lines}
    every = max(1, -(-len(places) // 8))
    ends: dict[str, float] = {}
    for name, points in sorted(lines.items(), key=lambda line: line[1][-1][1]):
        ends[name] = max(points[-1][1], max(ends.values(), default=-LINE) + LINE)  # names of lines that end together stand apart
    return {
        "lines": [
            {
                "name": name,
                "points": points,
                "path": " ".join(f"{x},{y}" for x, y, _ in points),
                "last": said(last[name]),
                "end": ends[name],
            }
            for name, points in lines.items()
        ],
        "ticks": [
            {"x": round(i * step, 1), "text": period(str(p)), "spare": back // every % 2 == 1}
            for i, p in enumerate(places)
            if (back := len(places) - 1 - i) % every == 0  # the newest has its name
        ],
        "top": said(top),
        "width": WIDTH,
        "height": HEIGHT,
    }


def _months(places: Sequence[Any]) -> list[Any]:
    """Months with those between that nothing is known of, so that a year is as long as any other; anything else as it is."""
    if not all(isinstance(p, str) and len(p) == 6 and p.isdigit() and "01" <= p[4:] <= "12" for p in places):
        return list(places)
    numbers = [int(p[:4]) * 12 + int(p[4:]) - 1 for p in places]
    return [f"{n // 12}{n % 12 + 1:02}" for n in range(min(numbers, default=0), max(numbers, default=-1) + 1)]


def tiles(found: Sequence[Row], said: Any, names: Mapping[str, str]) -> list[Row]:
    """Each city's tile: place, name, `said` value and shade (0 to 4, by its rank; -1 without a value). `found`: x its code, y its value."""
    by = {str(r["x"]): r for r in found}
    values = sorted(r["y"] for r in found if r["y"] is not None)
    made = []
    for unit, (column, row) in TILES.items():
        value = by.get(unit, {}).get("y")
        below = sum(v < value for v in values) if value is not None else 0
        shade = min(SHADES - 1, below * SHADES // max(len(values), 1)) if value is not None else -1
        made.append(
            {
                "unit": unit,
                "name": by.get(unit, {}).get("name") or names.get(unit),
                "column": column,
                "row": row,
                "said": said(value),
                "shade": shade,
            }
        )
    return made
