"""What the sample writes in each form, the pipeline's own readers read back: every row at the place that the truth names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from assets.lake import open_lake
from assets.project import CODE, Project
from assets.readers import Extract, reader_for
from sample_data import serving
from sample_data.forms import kept
from sample_data.made import make

ROWS = """
SELECT 'N' || n AS number, CASE WHEN n % 7 = 3 THEN '䶮一, "' || n || '"' ELSE '王' || n END AS name,
  CASE WHEN n % 5 > 0 THEN (n * 10)::VARCHAR END AS amount, 'H' || (n // 4) AS home,
  n AS _key, CASE WHEN n < 6 THEN '甲区' ELSE '乙区' END AS _part
FROM range(12) AS t(n)
"""
FAULTS = [{"kind": "amount_bad", "column": "amount", "indicator": "0301", "effect": "flag", "spoilt": "'-' || amount", "least": 2}]


def project(
    folder: Path, server: dict[str, Any], declared: Mapping[str, Any], columns: Mapping[str, dict[str, Any]] | None = None, **delivery: Any
) -> Project:
    """A project of one dataset, `thing`, delivered as `server` says."""
    headers = {"number": "编号", "name": "名称", "amount": "金额", "home": "户"}
    properties = []
    for name, header in headers.items():
        node: dict[str, Any] = {"name": name, "physicalName": header, "logicalType": "string", **(columns or {}).get(name, {})}
        properties.append(node | ({"primaryKey": True, "primaryKeyPosition": 1} if name == "number" else {}))
    local = server["type"] == "local"
    pattern = {"pattern": r"thing_(?P<period>[0-9]{6})\.\w+"} if local else {}
    contract = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "thing", "name": "thing", "version": "1.0.0", "status": "active",
        "servers": [server],
        "schema": [{"name": "thing", "properties": properties}],
        "customProperties": [{"property": "delivery", "value": {"mode": "delta", "period": "monthly", **pattern, **delivery}}],
    }  # fmt: skip
    here = folder / "root" / "assets" / "sources" / "office"
    here.mkdir(parents=True)
    (folder / "root" / "expectations").symlink_to(CODE / "expectations")
    (here / "thing.odcs.yaml").write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    sample = {"rows": ROWS, "faults": FAULTS, "order": "number", **declared}
    (here / "thing.sample.yaml").write_text(yaml.safe_dump(sample, allow_unicode=True), encoding="utf-8")
    made = Project.at(folder / "root", folder / "data")
    make(made, scale=100, seed=3)
    return made


def read_back(made: Project) -> tuple[Extract, list[dict[str, Any]]]:
    """The one hand-over that waits, as its reader reads it."""
    contract = made.contracts["thing"]
    with serving(made), open_lake(made) as con:
        reader = reader_for(contract)
        (handover,) = reader.pending(contract, made, con)
        assert not handover.details.get("refusal"), handover.details
        extract = reader.read(handover, contract, made, con)
        found = con.execute(f"SELECT * FROM ({extract.relation}) ORDER BY _row")
        names = [c[0] for c in found.description or ()]
        headers = {f"c{n}": header for n, header in enumerate(extract.header)}
        rows = [{headers.get(n, n): v for n, v in zip(names, row, strict=True)} for row in found.fetchall()]
    return extract, rows


def expected() -> list[dict[str, str | None]]:
    cells = duckdb.sql(ROWS).fetchall()
    return [{"编号": r[0], "名称": r[1], "金额": r[2], "户": r[3]} for r in sorted(cells)]


def local(form: str, **options: Any) -> dict[str, Any]:
    known = {k: v for k, v in options.items() if k == "encoding"}
    custom = [{"property": k, "value": v} for k, v in options.items() if k != "encoding"]
    return {
        "server": "landing",
        "type": "local",
        "path": f"thing/*.{'txt' if form == 'fixed' else form}",
        "format": form,
        **known,
        "customProperties": custom,
    }


WIDE = {name: {"customProperties": [{"property": "width", "value": 24}]} for name in ("number", "name", "amount", "home")}
PATHS = {"number": {"physicalName": "编号"}, "name": {"physicalName": "人员/名称"}, "amount": {"physicalName": "人员/金额"}}
TITLES = {"number": "编号", "name": "名称", "amount": "金额", "home": "户"}
IDS = {name: {"physicalName": f"TB_{name.upper()}", "businessName": title} for name, title in TITLES.items()}
XML = {"number": {"physicalName": "@编号"}}
FILE = {"form": {"name": "thing_{period}.csv"}}
FORMS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, Any]]]] = {
    "csv": (local("csv", encoding="gb18030"), {"form": {"name": "thing_{period}.csv", "eol": "crlf"}}, {}),
    "csv with a mark": (local("csv", encoding="utf-8"), {"form": {"name": "thing_{period}.csv", "bom": True}}, {}),
    "pipe": (local("csv", encoding="utf-8", delimiter="|", quotes=False), FILE, {}),
    "fixed": (local("fixed", encoding="gb18030"), {"form": {"name": "thing_{period}.txt"}}, WIDE),
    "fixed utf-8": (local("fixed", encoding="utf-8"), {"form": {"name": "thing_{period}.txt"}}, WIDE),
    "xml": (local("xml", recordsAt="data/rows/row", totalAt="data/@total"), {"form": {"name": "thing_{period}.xml"}}, XML),
    "zip": (
        local("zip", encoding="gb18030", memberFormat="csv", manifest="manifest.csv"),
        {"form": {"name": "thing_{period}.zip", "members": "_part"}}, {},
    ),
    "xlsx": (
        local("xlsx"),
        {
            "form": {
                "name": "thing_{period}.xlsx", "title": "表", "note": "填报单位：示例", "numbers": ["amount"], "merge": ["home"],
                "foot": [["合计", "{rows}件"]],
            }
        }, {},
    ),
    "xlsx of two levels": (local("xlsx"), {"form": {"name": "thing_{period}.xlsx", "title": "表"}}, PATHS),
    "xlsx of a template": (
        local("xlsx"),
        {"form": {"name": "thing_{period}.xlsx", "title": "表", "note": "表格说明：金额以元计", "above": [list(TITLES.values())]}}, IDS,
    ),
    "xlsx of several sheets": (local("xlsx", sheets="all"), {"form": {"name": "thing_{period}.xlsx", "sheets": "_part"}}, {}),
    "xls": (local("xls"), {"form": {"name": "thing_{period}.xls", "title": "表", "numbers": ["amount"], "merge": ["home"]}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_file_is_read_back_row_by_row(tmp_path: Path, form: str) -> None:
    server, declared, columns = FORMS[form]
    made = project(tmp_path, server, declared, columns)
    extract, rows = read_back(made)
    assert not extract.rejects
    truth = pq.read_table(tmp_path / "data" / "sample" / "truth.parquet").to_pylist()
    assert {f["kind"] for f in truth} == {"amount_bad"}
    spoilt = {f["row"]: f["spoilt"] for f in truth}
    assert len(spoilt) == 2
    header = {name.rpartition("/")[2].lstrip("@").removeprefix("人员"): name for name in extract.header}
    found = []
    for row in rows:
        cells = {name: row[header[name]] for name in ("编号", "名称", "金额", "户")}
        if row["_row"] in spoilt:
            assert cells["金额"] == spoilt.pop(row["_row"])
            cells["金额"] = (cells["金额"] or "").removeprefix("-")
        found.append(cells)
    assert not spoilt
    assert sorted(found, key=lambda r: str(r["编号"])) == expected()


DATABASES = {
    "postgresql": {"type": "postgresql", "host": "127.0.0.1", "port": 5432, "database": "office", "schema": "public"},
    "mysql": {"type": "mysql", "host": "127.0.0.1", "port": 3306, "database": "office"},
}


@pytest.mark.parametrize("kind", DATABASES)
def test_each_table_is_read_back(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="yuanqing-sample-", ignore_cleanup_errors=True) as name:
        custom = [
            {"property": "table", "value": "things"},
            {"property": "batchBy", "value": "cd_batch"},
            {"property": "timeBy", "value": "cd_time"},
        ]
        server = {"server": "office_database", **DATABASES[kind], "customProperties": custom}
        time = "timestamp" if kind == "postgresql" else "TIMESTAMP"
        extra = {"cd_batch": "'B' || $period", "cd_time": "TIMESTAMP '2026-10-30 08:00:00' + to_seconds(_key)"}
        made = project(Path(name), server, {"form": {"extra": extra, "types": {"cd_time": time}}, "order": "_key"})
        _, rows = read_back(made)
        assert [row["_row"] for row in rows] == list(range(1, 13))
        assert [row["编号"] for row in rows] == [f"N{n}" for n in range(12)]
        assert {row["cd_batch"] for row in rows} == {"B202610"}
        truth = pq.read_table(Path(name) / "data" / "sample" / "truth.parquet").to_pylist()
        assert {rows[f["row"] - 1]["金额"] for f in truth} == {f["spoilt"] for f in truth}


def test_an_interface_is_read_back(tmp_path: Path) -> None:
    custom = [
        {"property": "pageSize", "value": 5}, {"property": "recordsAt", "value": "data.rows"},
        {"property": "totalAt", "value": "data.count"},
        {"property": "pageAt", "value": "data.page"}, {"property": "daysPath", "value": "things/days"},
    ]  # fmt: skip
    server = {"server": "office_api", "type": "api", "location": "http://127.0.0.1:8765/api/things", "customProperties": custom}
    made = project(tmp_path, server, {}, period="daily")
    _, rows = read_back(made)
    truth = pq.read_table(tmp_path / "data" / "sample" / "truth.parquet").to_pylist()
    assert [row["编号"] for row in rows] == [str(r["编号"]) for r in expected()]
    assert {rows[f["row"] - 1]["金额"] for f in truth} == {f["spoilt"] for f in truth}
    assert {(f["source"], f["period"]) for f in truth} == {("2026-10-31", "20261031")}


@pytest.mark.parametrize("pieces", [[11], [1] * 11, [3, 7, 1], [4, 4, 3]])
def test_what_a_server_keeps_is_read_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[int]) -> None:
    """However the rows came, also where a page goes over the end of a part, or lies behind the last row."""
    monkeypatch.setattr(kept, "GROUP", 4)
    declaration = SimpleNamespace(
        contract=SimpleNamespace(columns=(), server=SimpleNamespace(properties={})), form=SimpleNamespace(extra=["数"])
    )
    scene = SimpleNamespace(declaration=declaration, missing=set(), headers=lambda: ["数"], keep_time=lambda path: None)
    writer, numbers, cells = kept.Rows(scene, tmp_path / "day.parquet"), list[int](), iter(map(str, range(11)))  # type: ignore[arg-type]
    for many in pieces:
        numbers += writer.add(pa.table({"c0": [next(cells) for _ in range(many)]}), None).tolist()
    (path,) = writer.close()
    assert numbers == list(range(1, 12))
    assert (kept.count(path), kept.headers(path), pq.ParquetFile(path).num_row_groups) == (11, ["数"], 3)
    for size in (1, 3, 4, 5, 20):
        for first in range(14):
            assert [row["数"] for row in kept.rows(path, first, first + size)] == [str(n) for n in range(first, min(11, first + size))]
    assert [b.num_rows for b in kept.batches(path)] == [4, 4, 3]
    kept.forget()
