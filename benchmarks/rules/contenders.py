"""One contender, run to its end in a process of its own: python -m benchmarks.rules.contenders NAME ROWS.parquet RULES.json

Prints one line of JSON: `counts`, by rule the rows that break it, `start`, the seconds until rows could be read (libraries,
declarations), and `judge` and `cpu`, the wall and processor seconds from the first row read to the last count known.
Belongs here: Yuanqing, Great Expectations, and what is written by hand. Not here: other libraries (`peers`), the table (`__main__`).
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Counts = dict[str, int]
Judge = Callable[[], Counts]


def connection() -> Any:
    import duckdb

    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET enable_progress_bar = false")
    return con


def ours(file: Path, told: dict[str, Any]) -> Judge:
    """Compile the suite and run the plan: counts, failing rows with their rules, first values."""
    from benchmarks.rules.declared import compiled, suite

    held, con = suite([r["id"] for r in told["rules"]]), connection()
    compiled(held)  # reads the contract and the code tables

    def judge() -> Counts:
        verdicts = compiled(held).run(con, f"read_parquet('{file}')")
        return {r.rule.id: r.unexpected or 0 for r in verdicts.results}

    return judge


def gx_pandas(file: Path, told: dict[str, Any]) -> Judge:
    """Great Expectations on pandas, our own expectations as its custom classes; result format BASIC, its default."""
    import warnings
    from dataclasses import replace

    import pandas as pd

    from benchmarks.rules.declared import AS_OF, suite
    from expectations.interchange import suite_to_gx

    warnings.simplefilter("ignore")
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("asset")
    rules = suite([r["id"] for r in told["rules"]])
    # it reads "1990-01-01" as a date, which pandas does not compare with times
    midnight = {"min_value": "1990-01-01T00:00:00", "max_value": "2049-12-31T00:00:00"}
    timed = [replace(r, kwargs={**r.kwargs, **midnight}) if r.id == "updated_plausible" else r for r in rules.rules]
    held = suite_to_gx(replace(rules, rules=tuple(timed)), as_of=AS_OF)

    def judge() -> Counts:
        frame = pd.read_parquet(file, columns=told["columns"])
        for name in ("birth_date", "death_date", "updated_at"):
            frame[name] = pd.to_datetime(frame[name], errors="coerce").astype("datetime64[ns]")
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})
        result = batch.validate(held)
        raised = [r.expectation_config.meta["id"] for r in result.results if r.exception_info.get("raised_exception") is not False]
        if raised:
            sys.exit(f"Great Expectations raised on {', '.join(raised)}")
        return {r.expectation_config.meta["id"]: r.result["unexpected_count"] for r in result.results}

    return judge


def by_hand(name: str, file: Path, told: dict[str, Any]) -> Judge:
    from benchmarks.rules import by_hand

    con = connection()
    return lambda: getattr(by_hand, name)(con, f"read_parquet('{file}')", told)


def prepared(name: str, file: Path, told: dict[str, Any]) -> Judge:
    """What judges, ready to read the first row."""
    if name in ("bare", "mask", "pattern"):
        return by_hand(name, file, told)
    if name in ("ours", "gx_pandas"):
        return {"ours": ours, "gx_pandas": gx_pandas}[name](file, told)
    judge: Judge = importlib.import_module(f"benchmarks.rules.peers.{name}").prepare(file, told)
    return judge


def main() -> None:
    name, file, rules = sys.argv[1], Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))
    began = time.perf_counter()
    judge = prepared(name, file, rules)
    ready, cpu = time.perf_counter(), time.process_time()
    counts = judge()
    done = {"counts": counts, "start": ready - began, "judge": time.perf_counter() - ready, "cpu": time.process_time() - cpu}
    # last, and alone on its line: libraries print of their own accord
    print("\n" + json.dumps(done))


if __name__ == "__main__":
    main()
