"""What a change of contracts, suites or SQL touches: tables, columns, rules, reports and departments, as a text for a pull request.

What follows is read from the graphs of all columns before and after the change. Belongs here: what follows, and how it is told. Not
here: the changes themselves (`comparing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.called import Written
from assets.models.dependence import depend
from expectations.documents import DocumentError
from pipelines.ledger import declarations
from pipelines.lineage.comparing import Change, State, changes, page_queries
from pipelines.lineage.graph import Node

if TYPE_CHECKING:
    from assets.models.sql import Query
    from assets.project import Project

MOST = 12  # names that are listed of one thing; a count tells the others


@dataclass(frozen=True)
class Touched:
    """A table that is changed itself or made of what is; `columns` of it that are, `rows` whether which rows there are may differ."""

    table: str
    title: str
    department: str
    itself: bool
    columns: tuple[str, ...]
    rows: bool


@dataclass(frozen=True)
class Report:
    """A page of pictures, a cross-department check, a theme or a department's report that shows what is touched."""

    kind: str
    name: str
    title: str


@dataclass(frozen=True)
class Impact:
    against: str
    changes: tuple[Change, ...]
    tables: tuple[Touched, ...]
    rules: Mapping[str, tuple[str, ...]]
    reports: tuple[Report, ...]
    departments: tuple[str, ...]

    @property
    def breaking(self) -> bool:
        return any(c.breaking for c in self.changes)

    def as_json(self) -> dict[str, Any]:
        return {
            "against": self.against,
            "breaking": self.breaking,
            "changes": [{"kind": c.kind, "where": c.where, "zh": c.zh, "en": c.en, "breaking": c.breaking} for c in self.changes],
            "tables": [{**vars(t), "columns": list(t.columns)} for t in self.tables],
            "rules": {table: list(ids) for table, ids in self.rules.items()},
            "reports": [vars(r) for r in self.reports],
            "departments": list(self.departments),
        }


def impact(before: Project, after: Project, against: str) -> Impact:
    """What the way from `before` to `after` touches. Raises `DocumentError` where contracts or suites of either cannot be read."""
    if declarations(before) == declarations(after):
        return Impact(against, (), (), {}, (), ())
    old, new = State(before), State(after)
    found = changes(old, new)
    begin = {n for c in found for n in c.nodes}
    reached = begin | {n for s in (old, new) for n in s.graph.down(*(b for b in begin if b[0] in s.graph.columns))}
    reached |= {(t, c) for t, e in reached if not e for s in (old, new) for c in s.graph.columns.get(t, ())}
    touched = tuple(_touched(old, new, begin, reached))
    reports = tuple(_reports(old, new, found, reached, touched))
    departments = {t.department: None for t in touched}
    for contract in (c for s in (new, old) for t, c in s.contracts.items() if any(f.where.split(":")[0] == t for f in found)):
        departments[contract.department] = None
    for check in (c for s in (old, new) for c in s.checks.values() if Report("check", c.id, " ".join(c.title)) in reports):
        tickets = [s.contracts[f"std.{d}"].department for s in (old, new) for d in check.to if f"std.{d}" in s.contracts]
        departments |= dict.fromkeys(tickets)
    return Impact(against, tuple(found), touched, dict(_rules(old, new, reached, found)), reports, tuple(departments))


def _touched(old: State, new: State, begin: set[Node], reached: set[Node]) -> Iterator[Touched]:
    by_table: dict[str, set[str]] = {}
    for table, column in reached:
        by_table.setdefault(table, set()).add(column)
    themselves = {t for t, _ in begin}
    for table in dict.fromkeys((*old.contracts, *new.contracts)):
        columns = by_table.get(table)
        if not columns:
            continue
        contract = new.contracts.get(table) or old.contracts[table]
        names = tuple(dict.fromkeys(c for s in (new, old) for c in s.graph.columns.get(table, ()) if c in columns))
        yield Touched(table, contract.title, contract.department, table in themselves, names, "" in columns)


def _rules(old: State, new: State, reached: set[Node], found: Iterable[Change]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """By table the rules that changed, or look at a touched column (without columns: at touched rows)."""
    changed = {c.where for c in found if c.kind == "rule"}
    for table in dict.fromkeys((*old.contracts, *new.contracts)):
        nodes = {**old.rules.get(table, {}), **new.rules.get(table, {})}
        ids = tuple(
            id_
            for id_, node in nodes.items()
            if f"{table}:{id_}" in changed or any((table, c) in reached for c in (Written.of(node).columns or ("",)))
        )
        if ids:
            yield table, ids


def _reports(old: State, new: State, found: Iterable[Change], reached: set[Node], touched: Iterable[Touched]) -> Iterator[Report]:
    changed = {(c.kind, c.where) for c in found}
    tables = {t for t, _ in reached}

    def shows(state: State, queries: Iterable[Query]) -> bool:
        return any(_reads(state, query, tables) & reached for query in queries)

    for name in dict.fromkeys((*old.pages, *new.pages)):
        sides = [(s, s.pages[name]) for s in (new, old) if name in s.pages]
        if ("page", name) in changed or any(shows(s, page_queries(d)) for s, d in sides):
            yield Report("page", name, _both(sides[0][1].data.get("title")))
    for name in dict.fromkeys((*old.checks, *new.checks)):
        both = [(s, s.checks[name]) for s in (new, old) if name in s.checks]
        if ("check", name) in changed or any(shows(s, [c.query]) for s, c in both):
            yield Report("check", name, " ".join(both[0][1].title))
    groups = {(c.layer, c.group): c for s in (old, new) for c in s.contracts.values() if c.table in {t.table for t in touched}}
    for (layer, group), contract in groups.items():
        if layer == "thematic":
            yield Report("theme", group, contract.department)
        elif layer == "sources":
            yield Report("department", group, contract.department)


def _reads(state: State, query: Query, tables: set[str]) -> set[Node]:
    """The columns that a query depends on; all of its tables' where it does not resolve."""
    try:
        read = set(query.tables) & tables
        if not read:
            return set()
        if state.known is not None:
            query.check(state.known)
            found = depend(query.qualified(state.known))
            return {(d.table, d.column) for of in (*found.columns.values(), found.rows) for d in of} | {(t, "") for t in read}
    except DocumentError:
        read = tables
    return {(t, c) for t in read for c in ("", *state.graph.columns.get(t, ()))}


def _both(title: Any) -> str:
    return f"{title.get('zh', '')} {title.get('en', '')}".strip() if isinstance(title, Mapping) else str(title or "")


def text(found: Impact) -> str:
    """The impact as Markdown."""
    breaks = sum(c.breaking for c in found.changes)
    lines = [f"## 变更影响 Impact, against {found.against}", ""]
    if not found.changes:
        return "\n".join([*lines, "契约、规则集、SQL 都没有变。 No contract, suite or SQL has changed.", ""])
    verdict = f"⛔ {breaks} 处破坏性变更 breaking" if breaks else "✓ 没有破坏性变更 nothing breaks"
    lines += [
        f"**{verdict}** · {len(found.changes)} 处变更 changes · {len(found.tables)} 张表 tables · {len(found.reports)} 份报告 reports",
        "",
    ]
    lines += ["### 变更 Changes"]
    lines += [f"- {'⛔ ' if c.breaking else ''}{_WORDS[c.kind]} `{c.where}`: {c.zh} · {c.en}" for c in found.changes]
    if found.tables:
        lines += ["", "### 表与列 Tables and columns", "| 表 table | | 部门 department | 列 columns |", "|---|---|---|---|"]
        lines += [
            f"| `{t.table}` {_cell(t.title)} | {'改 changed' if t.itself else '下游 follows'} | {_cell(t.department)} | {_columns(t)} |"
            for t in found.tables
        ]
    if found.rules:
        lines += ["", "### 规则 Rules"]
        lines += [f"- `{table}`: {_some(ids)}" for table, ids in found.rules.items()]
    if found.reports:
        lines += ["", "### 报告 Reports"]
        lines += [f"- {_WORDS[r.kind]} `{r.name}` {r.title}" for r in found.reports]
    if found.departments:
        lines += ["", "### 部门 Departments", *(f"- {d}" for d in found.departments)]
    return "\n".join([*lines, ""])


_WORDS = {
    "table": "表 table",
    "contract": "契约 contract",
    "key": "主键 key",
    "column": "列 column",
    "header": "表头 header",
    "type": "类型 type",
    "level": "分级 level",
    "rule": "规则 rule",
    "model": "模型 model",
    "check": "跨部门核对 cross check",
    "page": "页面 page",
    "codes": "代码表 codes",
    "standard": "标准 standard",
    "sql": "SQL",
    "classification": "分级 classification",
    "theme": "主题 theme",
    "department": "部门报告 department's report",
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _columns(touched: Touched) -> str:
    return ("行 rows; " if touched.rows else "") + _some(touched.columns)


def _some(names: tuple[str, ...]) -> str:
    more = f" … +{len(names) - MOST}" if len(names) > MOST else ""
    return ", ".join(f"`{n}`" for n in names[:MOST]) + more
