"""What the benchmark runs as processes of their own, so that each one's time and memory are its own.

python -m benchmarks.children bare-plain FOLDER     transcode GB18030 to UTF-8, load bare into a plain DuckDB file
python -m benchmarks.children bare-lake FOLDER      the same into a DuckLake
python -m benchmarks.children steps DATA            collect, standardise, base, results, reports without Dagster; prints JSON
python -m benchmarks.children steps-25 DATA         the same with the 25 rules of bench-rules
python -m benchmarks.children command NOTE ARG ...  `yuanqing ARG ...`; seconds spent in Dagster's event log go to the file NOTE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

BLOCK = 8 << 20


def transcode(source: Path, target: Path) -> None:
    """GB18030 to UTF-8, streamed."""
    with source.open(encoding="gb18030", newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        while text := read.read(BLOCK):
            write.write(text)


def bare(files: Path, into: Path, lake: bool) -> None:
    """The least that any loader must do: every column as text, nothing looked at, nothing kept about it."""
    from assets.lake import connect, literal

    into.mkdir(parents=True)
    con = connect(extensions=("sqlite_scanner", "ducklake") if lake else ())
    target = f"ducklake:sqlite:{into / 'catalogue.sqlite'}" if lake else str(into / "bare.duckdb")
    options = f" (DATA_PATH {literal(str(into / 'files'))})" if lake else ""
    con.execute(f"ATTACH {literal(target)} AS bare{options}")
    con.execute("USE bare")
    plain = into / "one.csv"
    for number, file in enumerate(sorted(files.glob("*.csv"))):
        transcode(file, plain)
        # As a loader would that must not stop at the few broken lines: what it loses, nobody counts.
        with plain.open(encoding="utf-8") as read:
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in read.readline().rstrip().split(","))
        lenient = f"auto_detect = false, strict_mode = false, ignore_errors = true, columns = {{{columns}}}"
        rows = f"SELECT * FROM read_csv({literal(str(plain))}, header = true, delim = ',', quote = '\"', {lenient})"
        con.execute(f"INSERT INTO rows {rows}" if number else f"CREATE TABLE rows AS {rows}")
    plain.unlink()
    con.close()


def narrowed() -> None:
    """Hold the register to the 25 rules that bench-rules compares, and to no others."""
    from assets import judging
    from benchmarks.rules.declared import DATASET, suite

    whole, few = judging.suite_of, suite()
    judging.suite_of = lambda project, contract: few if contract.name == DATASET else whole(project, contract)


def steps(data: Path) -> None:
    """The same functions that the command runs, one after the other, each timed."""
    from assets.collect import collect
    from assets.lake import open_lake
    from assets.models import build, check_built, order
    from assets.project import Project
    from assets.standardise import standardise
    from pipelines.reports import build_reports
    from pipelines.results import publish

    project = Project.at(data=data)
    spent: dict[str, float] = {}

    def timed(name: str, began: float) -> None:
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

    with open_lake(project) as con:
        for contract in project.sources():
            if (project.landing / contract.name).is_dir():
                began = time.perf_counter()
                collect(con, project, contract, "benchmark")
                timed("collect", began)
                began = time.perf_counter()
                standardise(con, project, contract, "benchmark")
                timed("standardise and check", began)
        began = time.perf_counter()
        for model in order(project):
            build(con, project, model, "benchmark")
            check_built(con, project, model, "benchmark")
        timed("base", began)
    began = time.perf_counter()
    publish(project)
    timed("results", began)
    began = time.perf_counter()
    build_reports(project)
    timed("reports", began)
    print(json.dumps(spent))


def command(note: Path, arguments: list[str]) -> None:
    """The command line, with what Dagster's event log takes of it written down: every event, its storing and its following up."""
    import atexit

    from dagster._core.instance import DagsterInstance

    from pipelines.cli import app

    spent, handle = 0.0, DagsterInstance.handle_new_event

    def timed(self: DagsterInstance, *args: Any, **kwargs: Any) -> None:
        nonlocal spent
        began = time.perf_counter()
        try:
            handle(self, *args, **kwargs)
        finally:
            spent += time.perf_counter() - began

    DagsterInstance.handle_new_event = timed  # type: ignore[method-assign]
    atexit.register(lambda: note.write_text(str(spent)))
    app(arguments)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare-plain" | "bare-lake" as kind, files, into]:
            bare(Path(files), Path(into), kind == "bare-lake")
        case ["steps" | "steps-25" as which, data]:
            if which == "steps-25":
                narrowed()
            steps(Path(data))
        case ["command", note, *arguments]:
            command(Path(note), arguments)
        case _:
            sys.exit(__doc__)
