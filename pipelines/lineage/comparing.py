"""What differs between two states of a project's declarations, and whether it breaks what others rely on.

Breaking: a table removed, or renamed without `formerly`; a column removed, or renamed without an alias; a header that departments
write no longer known; a type that holds less; another key; a rule that begins to block; a level lowered; SQL that no longer resolves;
a level that falls or a sharing type that widens along lineage. All else is told, and breaks nothing.

Belongs here: the changes themselves. Not here: what follows from them (`impact`), where the other state comes from (`past`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from assets.called import entries
from assets.crosschecks.declared import CrossCheck, cross_checks, verify
from assets.judging import codes_of
from assets.models import columns_known, dependencies, order
from assets.models.classification import falls, shown, widenings
from assets.models.fusion import is_fusion, read_fusion
from assets.models.sql import Columns, Query, is_disagreement, read_model
from expectations.documents import Document, DocumentError, read_document
from pipelines.lineage.graph import Graph, Node, read_graph
from pipelines.reports.pictures import theme_pages

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from assets.project import Project

WIDER = {"BOOLEAN": ("BIGINT",), "BIGINT": ("DOUBLE",), "DATE": ("TIMESTAMP",)}
"""Types that hold all that another holds; text holds everything."""
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


@dataclass(frozen=True)
class Change:
    """One difference: of which kind, at which thing, in Chinese and English; what follows from it begins at `nodes`."""

    kind: str
    where: str
    zh: str
    en: str
    breaking: bool = False
    nodes: tuple[Node, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class State:
    """A project's declarations, read. Raises `DocumentError` for a contract or suite that cannot be."""

    project: Project

    @cached_property
    def contracts(self) -> Mapping[str, Contract]:
        """By table."""
        return {c.table: c for c in self.project.contracts.values()}

    @cached_property
    def former(self) -> Mapping[str, str]:
        """By former table what it is now, where a contract names it under `formerly`."""
        return {replace(c, name=old).table: table for table, c in self.contracts.items() for old in c.former_names}

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """By table and id, as written or yielded."""
        return {table: {_id(node): node for _, _, node in entries(c, self._suite(c))} for table, c in self.contracts.items()}

    def _suite(self, contract: Contract) -> Document | None:
        path = self.project.expectations / "suites" / contract.suite_path
        return read_document(path) if path.exists() else None

    @cached_property
    def checks(self) -> Mapping[str, CrossCheck]:
        return {c.id: c for c in cross_checks(self.project)}

    @cached_property
    def pages(self) -> Mapping[str, Document]:
        return {path.name.removesuffix(".page.yaml"): read_document(path) for path in theme_pages(self.project)}

    @cached_property
    def codes(self) -> Mapping[str, list[str]]:
        """The rows of each code table, as text."""
        tables = codes_of(self.project)
        return {n: [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in tables.get(n).rows] for n in tables.names}

    @cached_property
    def known(self) -> Columns | None:
        """None where a base table's SQL cannot be read: then `unresolved` says so."""
        try:
            return columns_known(self.project)
        except DocumentError:
            return None

    @cached_property
    def graph(self) -> Graph:
        """Without an edge where the SQL does not resolve."""
        try:
            return read_graph(self.project)
        except DocumentError:
            return Graph({t: tuple(c.name for c in contract.columns) for t, contract in self.contracts.items()}, ())

    @cached_property
    def unresolved(self) -> Mapping[str, str]:
        """By model, cross-department check (`check x01_...`) or page (`page ...`): what is wrong with its SQL."""
        found: dict[str, str] = {}

        def look(name: str, at: Callable[[], object]) -> None:
            try:
                at()
            except DocumentError as error:
                found.setdefault(name, str(error).replace(f"{self.project.root}/", ""))

        for contract in self.project.models():
            look(contract.table, lambda c=contract: _resolve(c, self.known))  # type: ignore[misc]
        if not found:
            look("models", lambda: order(self.project))
        if self.known is None and not found:
            look("models", lambda: columns_known(self.project))
        if self.known is not None:
            try:
                verify(self.project, self.checks.values())
            except DocumentError:
                for check in self.checks.values():
                    look(f"check {check.id}", lambda c=check: verify(self.project, [c]))  # type: ignore[misc]
            for name, document in self.pages.items():
                for query in page_queries(document):
                    look(f"page {name}", lambda q=query: q.check(self.known))  # type: ignore[misc]
        return found

    @cached_property
    def falls(self) -> Mapping[str, str]:
        """By what it is along (a column, a table): levels that fall and sharing types that widen."""
        if self.unresolved:
            return {}
        shows = shown(self.project)
        found: dict[str, str] = {}
        for contract in self.project.models():
            found |= {f"{f.source} → {f.target}": f"a level falls along {f}" for f in falls(self.project, contract, shows)}
            widened = widenings(self.project, contract, shows)
            found |= {f"{contract.table} sharing {'.'.join(w.way[-2])}": f"a sharing type widens along {w}" for w in widened}
        return found


def _resolve(contract: Contract, known: Columns | None) -> None:
    dependencies(contract, known)
    query = read_model(contract)
    if not is_disagreement(contract) and is_fusion(query):
        read_fusion(contract, query)


def page_queries(document: Document) -> Iterator[Query]:
    for group in ("figures", "pictures"):
        for position, one in enumerate(document.data.get(group) or ()):
            if isinstance(one, Mapping) and one.get("sql"):
                yield Query(document.path, str(one["sql"]), document.line(group, position, "sql") or 1)


def _id(node: Mapping[str, Any]) -> str:
    return str((node.get("meta") or {}).get("id") or node["type"])


def changes(old: State, new: State) -> list[Change]:
    """Everything that differs, what breaks first."""
    moved = {t: now for t, now in new.former.items() if t in old.contracts and t not in new.contracts and now not in old.contracts}
    pairs = [(c, new.contracts[now]) for t, c in old.contracts.items() if (now := moved.get(t, t)) in new.contracts]
    found = [
        *_tables(old, new, moved),
        *(c for was, now in pairs for c in _table(was, now)),
        *(c for was, now in pairs for c in _rules(now.table, old.rules[was.table], new.rules[now.table])),
        *(c for was, now in pairs for c in _model(old.graph, new.graph, moved, was, now)),
        *_texts(old, new),
        *_codes(old, new),
        *_broken(old, new),
    ]
    return sorted(dict.fromkeys(found), key=lambda c: not c.breaking)


def _tables(old: State, new: State, moved: Mapping[str, str]) -> Iterator[Change]:
    gone = {t: c for t, c in old.contracts.items() if t not in new.contracts and t not in moved}
    added = {t: c for t, c in new.contracts.items() if t not in old.contracts and t not in moved.values()}
    for table, now in moved.items():
        yield Change(
            "table", table, f"改名为 {now}，历史随之移走", f"renamed to {now}, which has it under `formerly`: its history moves along"
        )
    for table, contract in gone.items():
        nodes = tuple((table, c) for c in ("", *(k.name for k in contract.columns)))
        if heir := next((t for t, c in added.items() if _alike(contract, c)), None):
            zh, en = (
                f"改名为 {heir}，未写 formerly：历史留在旧名下",
                f"renamed to {heir} without `formerly`: its history stays under the old name",
            )
        else:
            zh, en = "删除", "removed"
        yield Change("table", table, zh, en, breaking=True, nodes=nodes)
    for table, contract in added.items():
        yield Change("table", table, "新增", "added", nodes=tuple((table, c.name) for c in contract.columns))


def _alike(one: Contract, other: Contract) -> bool:
    names = {c.name for c in one.columns}
    return one.layer == other.layer and len(names & {c.name for c in other.columns}) >= 0.8 * max(len(names), len(other.columns))


def _table(was: Contract, now: Contract) -> Iterator[Change]:
    table = now.table
    every = tuple((table, c) for c in ("", *(k.name for k in was.columns)))
    if was.key != now.key:
        keys = f"({', '.join(was.key)}) → ({', '.join(now.key)})"
        yield Change("key", table, f"主键 {keys}", f"key {keys}", breaking=True, nodes=every)
    for what, zh, one, other in (
        ("delivery", "交付方式", _plain(was.custom.get("delivery")), _plain(now.custom.get("delivery"))),
        ("source", "来源", _plain(was.document.data.get("servers")), _plain(now.document.data.get("servers"))),
        ("catalogue entry", "目录项", _plain(dict(was.catalogue)), _plain(dict(now.catalogue))),
        ("promises", "服务承诺", _plain(was.document.data.get("slaProperties")), _plain(now.document.data.get("slaProperties"))),
        ("department", "责任部门", was.department, now.department),
    ):
        if one != other:
            nodes = every if what in ("delivery", "source") else ()
            yield Change("contract", table, f"{zh}有变", f"{what} changed", nodes=nodes)
    columns, present = {c.name: c for c in was.columns}, {c.name: c for c in now.columns}
    for name, column in columns.items():
        if name in present:
            if was.layer == "sources":
                yield from _headers(table, column, present[name])
            yield from _column(table, column, present[name])
            continue
        heir = next((c for c in now.columns if c.name not in columns and {name, column.header} & set(c.headers)), None)
        node = ((was.table, name),)
        if heir:
            yield Change(
                "column",
                f"{table}.{name}",
                f"改名为 {heir.name}，旧名仍认",
                f"renamed to {heir.name}, which has it as an alias",
                nodes=node,
            )
        else:
            yield Change("column", f"{table}.{name}", "删除，没有列以它为别名", "removed; no column has it as an alias", True, node)
    for name in present:
        if name not in columns:
            yield Change("column", f"{table}.{name}", "新增", "added", nodes=((table, name),))


def _headers(table: str, was: Column, now: Column) -> Iterator[Change]:
    """Names by which hand-overs may call the column that are known no more; a former one (an alias) breaks no hand-over of today."""
    if lost := [h for h in was.headers if h not in now.headers]:
        today = was.title if was.header == was.name else was.header
        words = f"不再认表头 {'、'.join(lost)}", f"no longer known by the header {', '.join(lost)}"
        yield Change("header", f"{table}.{was.name}", *words, today in lost, ((table, was.name),))


def _column(table: str, was: Column, now: Column) -> Iterator[Change]:
    where, nodes = f"{table}.{was.name}", ((table, was.name),)
    if was.sql_type != now.sql_type:
        types = f"{was.sql_type} → {now.sql_type}"
        narrower = not _holds(now.sql_type, was.sql_type)
        zh, en = (f"类型变窄 {types}", f"type narrowed {types}") if narrower else (f"类型放宽 {types}", f"type widened {types}")
        yield Change("type", where, zh, en, narrower, nodes)
    if was.classification != now.classification:
        levels, lower = f"{was.classification} → {now.classification}", now.classification < was.classification
        words = ("降低", "lowered") if lower else ("提高", "raised")
        yield Change("level", where, f"分级{words[0]} {levels}", f"level {words[1]} {levels}", lower, nodes)
    told = ("required", "codes", "missing", "repair", "authority", "agreement", "derived", "masking", "declassified", "opened", "options")
    for name in (*told, "width", "position", "unique", "timed"):
        if (one := getattr(was, name)) != (other := getattr(now, name)):
            yield Change(
                "column", where, f"{name}：{_short(one)} → {_short(other)}", f"{name}: {_short(one)} → {_short(other)}", nodes=nodes
            )


def _holds(wide: str, narrow: str) -> bool:
    if wide == "VARCHAR" or wide in WIDER.get(narrow, ()):
        return True
    one, other = _DECIMAL.fullmatch(wide), _DECIMAL.fullmatch(narrow)
    if one and other:
        (p, s), (q, r) = ((int(m[1]), int(m[2])) for m in (one, other))
        return s >= r and p - s >= q - r
    return wide == "DOUBLE" and other is not None and int(other[1]) <= 15


def _rules(table: str, was: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    for id_, node in now.items():
        where, nodes, blocks = f"{table}:{id_}", _looked(table, node), _blocks(node)
        if id_ not in was:
            zh, en = ("新增，且阻断", "added, and it blocks") if blocks else ("新增", "added")
            yield Change("rule", where, zh, en, blocks, nodes)
        elif blocks and not _blocks(was[id_]):
            yield Change("rule", where, "改为阻断", "made blocking", breaking=True, nodes=nodes)
        elif _plain(node) != _plain(was[id_]):
            yield Change("rule", where, "有变", "changed", nodes=nodes)
    for id_, node in was.items():
        if id_ not in now:
            yield Change("rule", f"{table}:{id_}", "删除", "removed", nodes=_looked(table, node))


def _blocks(node: Mapping[str, Any]) -> bool:
    return bool((node.get("meta") or {}).get("blocking"))


def _looked(table: str, node: Mapping[str, Any]) -> tuple[Node, ...]:
    """A blocking rule decides which rows there are; another says what it thinks of them."""
    return ((table, ""),) if _blocks(node) else ()


def _model(before: Graph, after: Graph, moved: Mapping[str, str], was: Contract, now: Contract) -> Iterator[Change]:
    """What a model is made by."""
    if now.layer == "sources" or is_disagreement(now) or not (was.sql_path.exists() and now.sql_path.exists()):
        return
    if was.sql_path.read_text(encoding="utf-8").strip() == now.sql_path.read_text(encoding="utf-8").strip():
        return
    nodes = tuple(sorted(_otherwise(before, after, moved, now.table)))
    columns = ", ".join(c or "rows" for _, c in nodes)
    zh, en = (f"SQL 有变：{columns}", f"SQL changed: {columns}") if columns else ("SQL 有变，血缘未变", "SQL changed, lineage is the same")
    yield Change("model", now.table, zh, en, nodes=nodes or tuple((now.table, c.name) for c in now.columns))


def _otherwise(before: Graph, after: Graph, moved: Mapping[str, str], table: str) -> set[Node]:
    """The columns (and rows) of a table that no longer depend on the same."""

    def today(node: Node) -> Node:
        return moved.get(node[0], node[0]), node[1]

    had = {replace(e, source=today(e.source), target=today(e.target)) for e in before.edges if today(e.target)[0] == table}
    return {e.target for e in had ^ {e for e in after.edges if e.target[0] == table}}


def _texts(old: State, new: State) -> Iterator[Change]:
    definitions = ((old.checks, new.checks, "check"), (old.pages, new.pages, "page"))
    for before, after, kind in definitions:
        for name in dict.fromkeys((*before, *after)):
            one, other = (_text(m.get(name)) for m in (before, after))
            if one != other:
                word = ("新增", "added") if one is None else ("删除", "removed") if other is None else ("有变", "changed")
                yield Change(kind, name, *word)
    standards = [s.project.expectations / "standard.yaml" for s in (old, new)]
    one, other = (p.read_text(encoding="utf-8") if p.exists() else "" for p in standards)
    if one != other:
        yield Change("standard", "standard.yaml", "有变：分数随之而变", "changed: scores change with it")


def _text(one: Any) -> str | None:
    if one is None:
        return None
    path = one.path
    return (
        f"{path.read_text(encoding='utf-8').strip()} {one.query.text}"
        if isinstance(one, CrossCheck)
        else path.read_text(encoding="utf-8").strip()
    )


def _codes(old: State, new: State) -> Iterator[Change]:
    for name in dict.fromkeys((*old.codes, *new.codes)):
        before, after = set(old.codes.get(name, ())), set(new.codes.get(name, ()))
        if before == after:
            continue
        users = [(t, c.name) for t, contract in new.contracts.items() for c in contract.columns if c.codes == name]
        tables = [(f"codes.{name}", c) for g in (old.graph, new.graph) for c in g.columns.get(f"codes.{name}", ())]
        counts = f"+{len(after - before)} −{len(before - after)}"
        yield Change("codes", name, f"代码表有变 {counts}", f"code table changed {counts}", nodes=tuple(dict.fromkeys((*users, *tables))))


def _broken(old: State, new: State) -> Iterator[Change]:
    for name, told in new.unresolved.items():
        if name not in old.unresolved:
            nodes = tuple((name, c) for c in ("", *old.graph.columns.get(name, ()))) if name in old.contracts else ()
            yield Change("sql", name, f"SQL 不再成立：{told}", f"SQL no longer resolves: {told}", breaking=True, nodes=nodes)
    for along, told in new.falls.items():
        if along not in old.falls:
            yield Change("classification", along, f"分级或共享沿血缘放宽：{told}", told, breaking=True)


def _plain(value: Any) -> str:
    return yaml.safe_dump(json.loads(json.dumps(value, default=str)), allow_unicode=True)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."
