"""A contract and a suite drafted from a file, a table of the lake, or a table of a server that `connections.toml` names.

The rows are read by the readers that will read hand-overs, under a contract of texts; what the columns are follows from them, and the
rules from the rows as standardising will make them. What is drafted takes in the very file that it is drafted from.
Belongs here: the way from source to drafts. Not here: forms (`files`), guesses (`columns`), rules (`expectations.profiling`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.contracts import IDENTIFIER, Contract, read_contract
from assets.project import Project
from expectations.documents import near
from pipelines.drafting.columns import Guess, guesses, names_for
from pipelines.drafting.contracts import Draft, frame, one_line
from pipelines.drafting.files import Form, Naming, form_of, naming_of
from pipelines.drafting.servers import address
from pipelines.errors import StartError

if TYPE_CHECKING:
    import duckdb

    from expectations.profiling.draft import Draft as Rules

MOST = 1_000_000  # rows of a table that are looked at
SERVER = re.compile(r"(?P<server>[A-Za-z][\w-]*):(?:(?P<schema>\w+)\.)?(?P<table>\w+)")


@dataclass(frozen=True)
class Asked:
    """What is to be drafted: `source` a file, `schema.table` of the lake, or `server:[schema.]table`."""

    source: str
    dataset: str
    department: str
    department_name: str = ""
    title: str = ""
    sheet: str | None = None
    tolerance: float = 0.0


@dataclass
class Drafted:
    """`contract` and `suite` (None where the rows tell no rule) as text, their files relative to the project, and what was seen."""

    contract: str
    suite: str | None
    contract_path: Path
    suite_path: Path
    rows: int
    columns: list[Guess]
    rules: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Source:
    """The server's part of the contract, how hand-overs are named and come, and the header."""

    server: dict[str, Any]
    naming: Naming
    header: tuple[str, ...]
    notes: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)  # what the source calls a column besides its header


def draft(project: Project, asked: Asked) -> Drafted:
    """Draft both; nothing is written. Raises `StartError`, `RefusedError` or `LaterError` (the source), `LookupError`, `OSError`."""
    for name in (asked.dataset, asked.department):
        if not IDENTIFIER.fullmatch(name):
            raise StartError(f"{name!r}: 不能作名称。 No name: expected lower-case letters, digits and _, such as my_data.")
    if asked.dataset in project.contracts:
        raise StartError(f"{asked.dataset}: 契约已有。 A contract stands at {project.contracts[asked.dataset].path}; it stays as it is.")
    with ExitStack() as stack:
        there = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source, con, relation = stack.enter_context(_opened(project, asked, there))
        header = [h for h in source.header if h]
        names, made_up = names_for(header, project.contracts.values())
        plain = [Guess(name, label, title=one_line(source.titles.get(label, ""))) for name, label in zip(names, header, strict=True)]
        texts = _declared(there / "texts", asked, source, plain, []).contract
        con.execute(f"CREATE TEMP TABLE handed AS {relation(texts)}")
        (rows,) = con.execute("SELECT count(*) FROM handed").fetchone() or (0,)
        if not rows:
            raise StartError(f"{asked.source}: 没有一行数据。 No row to draft from.")
        found, other_keys = guesses(con, "handed", texts.columns, asked.tolerance)
        notes = [*source.notes, *_notes(found, other_keys, made_up, len(header) < len(source.header))]
        declared = _declared(there / "typed", asked, source, found, notes)
        rules = _rules(con, declared, project, asked.tolerance)
        return Drafted(
            declared.text,
            rules.text() if rules.rules else None,
            Path("assets", declared.place),
            Path("expectations/suites", declared.contract.suite_path),
            rows,
            found,
            len(rules.rules),
            notes,
        )


def write(project: Project, drafted: Drafted) -> list[Path]:
    """Put the drafts where they belong in the project. Raises `StartError` where a file stands there already."""
    texts = {drafted.contract_path: drafted.contract} | ({drafted.suite_path: drafted.suite} if drafted.suite else {})
    for path in texts:
        if (project.root / path).exists():
            raise StartError(f"{project.root / path}: 已有，不覆盖。 It stands already and stays as it is; name another dataset.")
    for path, text in texts.items():
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_text(text, encoding="utf-8")
    return list(texts)


@contextmanager
def _opened(project: Project, asked: Asked, there: Path) -> Iterator[tuple[_Source, duckdb.DuckDBPyConnection, Any]]:
    """The source: its part of the contract, a connection, and a function from contract to the SQL of its rows as `raw` has them."""
    path = Path(asked.source)
    if path.is_file():
        opened = _file(project, asked, path, there)
    elif path.suffix and not SERVER.fullmatch(asked.source) and not re.fullmatch(r"\w+\.\w+", asked.source):
        raise FileNotFoundError(f"{path}: 没有这个文件。 No such file.")
    elif found := SERVER.fullmatch(asked.source):
        opened = _server(project, asked, found, there)
    else:
        opened = _table(project, asked)
    with opened as parts:
        yield parts


@contextmanager
def _file(project: Project, asked: Asked, path: Path, there: Path) -> Iterator[tuple[_Source, duckdb.DuckDBPyConnection, Any]]:
    from assets.collect import extract_file
    from assets.headers import map_header
    from assets.lake import connect
    from assets.raw import raw_select

    form: Form = form_of(path, asked.sheet)
    suffix = path.suffix.lower() or ".csv"
    server: dict[str, Any] = {"server": "landing", "type": "local", "path": f"{asked.dataset}/*{suffix}", "format": form.format}
    if form.options:
        server["customProperties"] = [{"property": k, "value": v} for k, v in form.options.items()]
    naming = naming_of(path.name)
    notes = () if naming.pattern else ("文件名里没有年月，交付周期暂按每月、以收到日期为准 no period in the file's name: delivery.pattern",)
    con = connect(memory_limit=project.memory)
    extracts = []

    def relation(contract: Contract) -> str:
        extract = extract_file(con, replace(project, data=there / "data"), contract, path)
        extracts.append(extract)
        return raw_select(contract, extract, map_header(contract, extract.header, path.name), "draft")

    try:
        yield _Source(server, naming, form.header, notes), con, relation
    finally:
        for extract in extracts:
            extract.discard()
        con.close()


@contextmanager
def _table(project: Project, asked: Asked) -> Iterator[tuple[_Source, duckdb.DuckDBPyConnection, Any]]:
    from assets.lake import columns_of, open_lake, quote

    schema, _, name = asked.source.rpartition(".")
    at = f"{schema or 'raw'}.{name}"
    with open_lake(project, read_only=True) as con:
        columns = columns_of(con, at) if re.fullmatch(r"\w+\.\w+", at) else None
        if columns is None:
            sql = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name <> 'evidence'"
            tables = [t for (t,) in con.execute(sql).fetchall()]
            raise LookupError(f"{asked.source}: 没有这个文件或表。 No file and no table of the lake. {near(at, tables)}")
        header = tuple(c for c in columns if not c.startswith("_"))
        server = {"server": "landing", "type": "local", "path": f"{asked.dataset}/*.csv", "format": "csv"}
        cells = ", ".join(f"CAST({quote(h)} AS VARCHAR) AS {quote(h)}" for h in header)
        # Read several times: of a view the rows would come in another order each time, under other numbers.
        con.execute(f"CREATE TEMP TABLE drafted_from AS SELECT {cells} FROM {quote(at)} LIMIT {MOST}")
        select = "SELECT *, 'draft' AS _batch, rowid + 1 AS _row FROM temp.drafted_from"
        note = f"由 {at} 起草，交付方式暂按 CSV drafted from {at}: servers, delivery.pattern"
        yield _Source(server, Naming(None, "monthly", "mo", "2026-01"), header, (note,)), con, lambda contract: _renamed(contract, select)


def _renamed(contract: Contract, select: str) -> str:
    from assets.lake import quote

    cells = ", ".join(f"{quote(c.header)} AS {quote(c.name)}" for c in contract.columns)
    return f"SELECT {cells}, _batch, _row FROM ({select})"


@contextmanager
def _server(project: Project, asked: Asked, found: re.Match[str], there: Path) -> Iterator[tuple[_Source, duckdb.DuckDBPyConnection, Any]]:
    from assets.lake import connect, quote
    from assets.readers.database import Opened
    from assets.readers.options import connection, options

    name = found["server"]
    said = connection(project, name)
    if not said:
        raise LookupError(
            f"{name}: connections.toml 里没有这个服务器。 {project.connections} names no such server: write [{name}] with its dsn."
        )
    if "dsn" not in said:
        raise StartError(f"[{name}]: 没有 dsn。 No dsn there: a table is drafted from a database (docs/contracts.md).")
    server: dict[str, Any] = {"server": name} | address(said["dsn"], asked.dataset)
    kind = server["type"]
    if kind == "postgresql":
        server["schema"] = found["schema"] or "public"
    elif found["schema"]:
        server["database"] = found["schema"]
    server["customProperties"] = [{"property": "table", "value": found["table"]}]
    naming = Naming(None, "daily", "d", f"{date.today():%Y-%m}")
    note = "整表交付：大表请声明 changedBy 等增量方式 the whole table each time: changedBy, batchBy or periodBy for a large one"
    source = _Source(server, naming, ("x",), (note,))
    bare = _declared(there / "bare", asked, source, [Guess("x", "x")], []).contract
    con = connect(memory_limit=project.memory)
    opener: Opened = import_module(f"assets.readers.{kind}").opened
    try:
        with opener(bare, project, con, options(bare, kind)) as opened:
            folder = there / "copied"
            folder.mkdir()
            rows = opened.copy("1 = 1", [], folder, MOST)
            header = tuple(opened.columns)
            cells = ", ".join(f"c{at} AS {quote(h)}" for at, h in enumerate(header))
            select = f"SELECT {cells}, 'draft' AS _batch, _row FROM ({rows})"
            yield replace(source, header=header, titles=opened.titles()), con, lambda contract: _renamed(contract, select)
    finally:
        con.close()


@dataclass(frozen=True)
class _Declared:
    text: str
    place: Path
    contract: Contract


def _declared(folder: Path, asked: Asked, source: _Source, found: list[Guess], notes: list[str]) -> _Declared:
    """The contract written below `folder` and read back, so that it is one."""
    title = asked.title or asked.dataset
    naming = source.naming
    delivery: dict[str, Any] = {"mode": "full", "period": naming.period, "start": naming.start}
    if naming.pattern:
        delivery["pattern"] = naming.pattern
    contract = frame(
        asked.dataset,
        title,
        purpose=title,
        team={"name": asked.department_name or asked.department},
        server=source.server,
        properties=[g.as_property() for g in found],
        sla=[{"property": "frequency", "value": 1, "unit": naming.unit}],
        delivery=delivery,
        catalogue={},
    )
    made = Draft(Path("sources", asked.department, f"{asked.dataset}.odcs.yaml"), title, contract, notes)
    path = folder / "assets" / made.place
    path.parent.mkdir(parents=True)
    path.write_text(made.text(), encoding="utf-8")
    return _Declared(made.text(), made.place, read_contract(path, folder / "assets"))


def _notes(found: list[Guess], other_keys: list[str], made_up: list[str], unnamed: bool) -> list[str]:
    notes = ["全部内容由数据推测，须经人核定 everything here is guessed from data: a person decides"]
    if made_up:
        notes.append(f"列的英文名暂拟 names are made up: {', '.join(made_up)}")
    if unnamed:
        notes.append("有的列没有表头，未列入 columns without a header are left out")
    key = [g.name for g in found if g.key]
    also = f"；另可选 others that would do: {', '.join(other_keys[:5])}" if other_keys else ""
    notes.append(
        f"主键 primaryKey: 暂定 chosen {'+'.join(key)}{also}"
        if key
        else "主键 primaryKey: 没有唯一且不缺的列 no column is unique and complete"
    )
    notes.append("数据分级暂按2级，涉及个人的按3级 levels are taken to be 2, of what concerns a person 3: classification")
    notes += [f"{g.name} 3级 level 3: {g.why}" for g in found if g.why]
    notes.append("业务含义 description, 代码表 codes, 全量或增量 delivery.mode, 更新周期与时限 slaProperties, 编目 catalogue")
    return notes


def _rules(con: duckdb.DuckDBPyConnection, declared: _Declared, project: Project, tolerance: float) -> Rules:
    """The rules that the rows tell, judged on all of them; what the contract yields by itself is left to it."""
    from assets.called import calls
    from assets.judging import codes_of, standard_of
    from assets.repair import staged
    from expectations.profiling.draft import draft as drafted
    from expectations.profiling.figures import look
    from pipelines.profiling.rows import table_of

    contract = declared.contract
    con.execute(f"CREATE OR REPLACE TEMP TABLE profiled AS {staged(contract.columns, {}, 'handed')}")
    made = drafted(con, look(con, table_of(contract)), codes=codes_of(project), standard=standard_of(project), tolerance=tolerance)
    yielded = {(c.wanted, c.columns) for c in calls(contract) if c.node}
    return replace(made, rules=tuple(d for d in made.rules if (d.proposal.type, tuple(d.proposal.columns)) not in yielded))
