"""`make bench-increment`: what one percent of changed rows costs against the first load, table by table.

A register (delta by change time) and an insurance list of half its size are fused into people with a history; towns are counted
over people by keys. Standardised rows are written straight into the lake: what reading and standardising costs, `make
bench-pipeline` measures. Rows written are told beside processor time: they do not depend on how crowded the machine is. DuckDB may
take `--memory`; peak memory is resident memory. Ten million rows take some minutes of processor time and 8 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Step, step

if TYPE_CHECKING:
    from assets.project import Project

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: {0}\nname: {0}\nversion: 1.0.0\nstatus: active\n"
KEY = "      - {name: id, logicalType: string, primaryKey: true, required: true, classification: '3'}\n"
TEXT = "      - {{name: {0}, logicalType: string}}\n"
SEEN = "      - {name: seen, logicalType: timestamp}\n"
DELTA = "{mode: delta, period: monthly, event: seen}"
CONTRACTS = {
    "sources/office/register": (KEY + TEXT.format("name") + TEXT.format("town") + SEEN, "delivery", DELTA),
    "sources/office/insurance": (KEY + TEXT.format("name") + TEXT.format("employer") + SEEN, "delivery", DELTA),
    "base/store/people": (
        KEY + TEXT.format("name") + TEXT.format("town") + TEXT.format("employer"),
        "increment",
        "SELECT id FROM new.register UNION SELECT id FROM new.insurance",
    ),
    "thematic/store/towns": (
        "      - {name: town, logicalType: string, primaryKey: true}\n      - {name: people, logicalType: integer}\n",
        "increment",
        "SELECT town FROM new.people",
    ),
}  # fmt: skip
MODELS = {
    "base/store/people": """SELECT r.id AS "id", r.name AS "name", r.town AS "town", NULL AS "employer",
    'register' AS "_source", r.seen AS "_event", r._batch AS "_batch", r._row AS "_row" FROM std.register AS r
UNION ALL
SELECT i.id AS "id", i.name AS "name", NULL AS "town", i.employer AS "employer",
    'insurance' AS "_source", i.seen AS "_event", i._batch AS "_batch", i._row AS "_row" FROM std.insurance AS i
""",
    "thematic/store/towns": """SELECT p.town AS "town", count(*) AS "people"
FROM base.people AS p WHERE p.town IS NOT NULL GROUP BY p.town
""",
}


def declare(root: Path) -> Project:
    from assets.project import Project

    for place, (columns, option, value) in CONTRACTS.items():
        path = root / "assets" / f"{place}.odcs.yaml"
        name = path.name.split(".")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        server = f'servers: [{{server: landing, type: local, path: "{name}/*.csv", format: csv}}]\n' if option == "delivery" else ""
        history = "  - {property: history, value: true}\n" if name == "people" else ""
        text = f"{HEAD.format(name)}{server}schema:\n  - name: {name}\n    properties:\n{columns}customProperties:\n{history}"
        path.write_text(f"{text}  - {{property: {option}, value: {value}}}\n", encoding="utf-8")
        if place in MODELS:
            path.with_name(f"{name}.sql").write_text(MODELS[place], encoding="utf-8")
    return Project(root, root / "data")


def deliver(con: Any, dataset: str, batch: str, rows: str, number: int, month: int) -> None:
    from assets import evidence
    from assets.lake import transaction

    with transaction(con, "benchmark", batch):
        con.execute(f"INSERT INTO std_batches.{dataset} BY NAME SELECT *, '{batch}' AS _batch, row_number() OVER () AS _row FROM ({rows})")
        row = {"batch": batch, "dataset": dataset, "period": f"2026{month:02}", "status": "standardised", "rows_std": number}
        evidence.write(con, "batches", [row | {"rows_quarantine": 0, "received_at": datetime(2026, 1, 1) + timedelta(days=month)}])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=10_000_000)
    asked.add_argument("--share", type=float, default=0.01, help="of the rows, how many change (0.01)")
    asked.add_argument("--memory", default="2GB", help="DuckDB's limit (2GB)")
    asked.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    given = asked.parse_args()
    os.environ["YUANQING_MEMORY"] = given.memory
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        measure(Console(width=120), declare(Path(name)), given.rows, int(given.rows * given.share))


def measure(screen: Console, project: Project, rows: int, few: int) -> None:
    from assets.lake import open_lake
    from assets.models import build, check_built, create_views, order

    person = "lpad(i::VARCHAR, 18, '0') AS id, '人' || i AS name"
    told: dict[str, list[tuple[Step, int]]] = {}

    def tell(what: str, took: Step, wrote: int) -> None:
        screen.print(f"{what}: {wrote:,} rows, {took.cpu:.1f} s cpu, {took.memory:,.0f} MB, {took.scratch:,.0f} MB of working files")
        told.setdefault(what, []).append((took, wrote))

    with open_lake(project) as con:
        create_views(con, project)
        for month, part in ((1, rows), (2, few)):
            town = f"'镇' || (i // 1000 + {month}) AS town"
            seen = f"TIMESTAMP '2026-0{month}-01' AS seen"
            deliver(con, "register", f"r{month}", f"SELECT {person}, {town}, {seen} FROM range({part}) t(i)", part, month)
            if month == 1:
                half = rows // 2
                deliver(con, "insurance", "i1", f"SELECT {person}, '单位' || i % 999 AS employer, {seen} FROM range({half}) t(i)", half, 1)
            for contract in order(project):
                with step(project.scratch) as took:
                    made = build(con, project, contract, f"run{month}")
                tell(f"{contract.table} build", took, made.changed)
                with step(project.scratch) as took:
                    check_built(con, project, contract, f"run{month}")
                tell(f"{contract.table} check", took, made.changed)
        newest = "SELECT count(*) FROM history.people WHERE _known_from = (SELECT max(_known_from) FROM history.people)"
        kept = (con.execute(newest).fetchone() or (0,))[0]
    table = Table(title=f"{rows:,} rows, then {few:,} changed ({few / rows:.2%})", title_justify="left")
    headings = ("first: cpu s", "MB", "rows", "change: cpu s", "MB", "rows", "cpu, change / first")
    for heading in ("", *headings):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, ((first, wrote), (again, rewrote)) in told.items():
        initial, later = ((f"{s.cpu:.2f}", f"{s.memory:,.0f}", f"{n:,}") for s, n in ((first, wrote), (again, rewrote)))
        table.add_row(name, *initial, *later, f"{again.cpu / first.cpu:.1%}")
    screen.print(table)
    screen.print(f"history.people: {kept:,} intervals written for the change")


if __name__ == "__main__":
    main()
