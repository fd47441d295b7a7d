"""What Dagster wrote down of a run, in plain words; and which runs failed and what of them is still to be done.

Words are those of our errors; of an error that explains nothing only the kind is told, since its words may hold data. Paths of this
machine are left out. Belongs here: reading Dagster's records. Not here: running (`pipelines.run`, `pipelines.replaying`), the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from expectations.documents import near
from pipelines.errors import CODES

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, EventLogEntry

Kind = Literal["info", "done", "check", "warning", "error"]
RECENT = 200  # runs among which one is looked for
_PATH = re.compile(r"(?<![\w:/.])(?:/[^\s/:'\"，。；]+){2,}|(?<!\w)[A-Za-z]:\\[^\s'\"]+")
_SECRET = re.compile(r"(?i)\b(password|passwd|pwd|token|secret|dsn)\s*[=:]\s*\S+|(?<=://)[^\s/@]+@")
_OURS = {name.rpartition(".")[2] for name in CODES}


@dataclass(frozen=True)
class Line:
    """One event: when (local time), what kind, of which asset or check, and what happened, in both languages."""

    at: str
    kind: Kind
    of: str
    what: str


@dataclass(frozen=True)
class RunLine:
    """One run: its job, partitions, how it ended and what its checks said."""

    run_id: str
    job: str
    partitions: str
    started: str
    seconds: float
    status: str
    verdict: str


def plain(text: str) -> str:
    """Without paths of this machine (their last part stays) and without what looks like a secret; on one line."""
    text = _SECRET.sub(lambda m: f"{m[1]}=***" if m[1] else "***@", text)
    text = _PATH.sub(lambda m: "…/" + re.split(r"[/\\]", m[0])[-1], text)
    return " ".join(text.split())


def find_run(instance: DagsterInstance, run_id: str | None = None) -> DagsterRun:
    """The run of this id, or of an id that begins so; the newest without one. Raises `LookupError`."""
    if run_id and (run := instance.get_run_by_id(run_id)):
        return run
    runs = list(instance.get_runs(limit=RECENT if run_id else 1))
    found = [r for r in runs if not run_id or r.run_id.startswith(run_id)]
    if not runs:
        raise LookupError("还没有运行过。 Nothing has run yet. Run `yuanqing run` first.")
    if len(found) > 1 and run_id:
        raise LookupError(f"{run_id!r}: 不止一个运行以此开头。 More than one run begins so: {', '.join(r.run_id[:12] for r in found[:5])}")
    if not found:
        raise LookupError(f"没有运行 {run_id!r}。 No run has this id. {near(str(run_id), (r.run_id for r in runs))}")
    return found[0]


def recent(instance: DagsterInstance, limit: int = 20) -> list[RunLine]:
    """The newest runs."""
    return [run_line(record) for record in instance.get_run_records(limit=limit)]


def run_line(record: Any) -> RunLine:
    """A run, from Dagster's record of it."""
    run, began, ended = record.dagster_run, record.start_time, record.end_time
    started = datetime.fromtimestamp(began).strftime("%Y-%m-%d %H:%M:%S") if began else ""
    seconds = round(ended - began, 1) if began and ended else 0.0
    status = run.status.value.lower()
    return RunLine(run.run_id, run.job_name, partitions_of(run), started, seconds, status, run.tags.get("yuanqing/verdict", ""))


def partitions_of(run: DagsterRun) -> str:
    """The partitions that a run is for, in words; empty where it names none."""
    first, last = (run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    return run.tags.get("dagster/partition") or (f"{first} … {last}" if first else "")


def lines(instance: DagsterInstance, run: DagsterRun, *, errors: bool = False) -> list[Line]:
    """The run's events in order; with `errors` what failed, what does not pass, and warnings."""
    said = [line for entry in instance.all_logs(run.run_id) if (line := _line(entry))]
    if problems := run.tags.get("yuanqing/problems"):
        said.append(Line(said[-1].at if said else "", "error", run.job_name, f"未能收取 could not be collected: {plain(problems)}"))
    return [line for line in said if not errors or line.kind in ("error", "warning") or (line.kind == "check" and line.what[0] == "✗")]


def _line(entry: EventLogEntry) -> Line | None:
    at = datetime.fromtimestamp(entry.timestamp).strftime("%H:%M:%S")
    event = entry.dagster_event
    if event is None:  # a message of a step
        return Line(at, "warning", entry.step_key or "", plain(entry.user_message)) if int(entry.level) >= 30 else None
    told = _told(event)
    return Line(at, told[0], told[1], told[2]) if told else None


def _told(event: Any) -> tuple[Kind, str, str] | None:
    of, data = event.step_key or "", event.event_specific_data
    match event.event_type_value:
        case "PIPELINE_START":
            return "info", event.job_name, "开始 started"
        case "PIPELINE_SUCCESS":
            return "done", event.job_name, "完成 done"
        case "PIPELINE_CANCELED":
            return "error", event.job_name, "已取消 canceled"
        case "PIPELINE_FAILURE":
            return "error", event.job_name, "失败 failed" + _because(getattr(data, "error", None))
        case "ASSET_MATERIALIZATION":
            made = data.materialization
            rows = getattr(made.metadata.get("dagster/row_count"), "value", None)
            where = f" {made.partition}" if made.partition else ""
            return "done", "/".join(made.asset_key.path), f"已生成 made{where}" + (f"，{rows:,} 行 rows" if rows is not None else "")
        case "ASSET_CHECK_EVALUATION":
            mark = "✓ 通过 passed" if data.passed else f"✗ {'阻断 blocking' if data.blocking else '未通过 does not pass'}"
            cause = "" if data.passed or not data.description else f"：{plain(data.description)}"
            where = f" {data.partition}" if getattr(data, "partition", None) else ""
            return "check", f"{'/'.join(data.asset_key.path)} {data.check_name}{where}", mark + cause
        case "STEP_FAILURE":
            return "error", of, "失败 failed" + _because(data.error, data.user_failure_data)
        case "STEP_UP_FOR_RETRY":
            return "warning", of, "将再试 to be tried again" + _because(data.error)
        case "STEP_SKIPPED":
            return "warning", of, "未做，因上游失败 skipped: what it needs has failed"
    return None


def _because(error: Any, user: Any = None) -> str:
    """Why, in the words of an error of ours, or of one at the bottom that explains itself; else its kind."""
    if user is not None and user.description:
        return f"：{plain(str(user.description))}"
    found = []
    while error is not None:
        found.append(error)
        error = error.cause
    if not found:
        return ""
    last = found[-1]
    if last.cls_name in _OURS or "Check" in (last.cls_name or ""):
        return f"：{plain(str(last.message).strip().split(': ', 1)[-1])}"
    return f"：{last.cls_name}，详见界面 see the run in the UI"


def not_made_good(instance: DagsterInstance) -> DagsterRun | None:
    """The newest run that failed and whose job has not since succeeded for the same partitions; None where there is none."""
    good: set[tuple[str, str]] = set()
    for run in instance.get_runs(limit=RECENT):
        what = run.job_name, partitions_of(run)
        if run.status.value == "SUCCESS":
            good.add(what)
        elif run.status.value in ("FAILURE", "CANCELED") and what not in good:
            return run
    return None


def undone_assets(instance: DagsterInstance, run: DagsterRun) -> list[list[str]] | None:
    """The assets of a failed run that it did not make, so that they and no others are made again; None: all of its job.

    Raises `LookupError` for a run that did not fail.
    """
    if run.status.value not in ("FAILURE", "CANCELED"):
        word = run.status.value.lower()
        raise LookupError(f"{run.run_id[:8]} {run.job_name}: 没有失败（{word}）。 It has not failed; nothing is to be done again.")
    made = {tuple(key.path) for key in _made(instance, run)}
    planned = {tuple(key.path) for key in run.asset_selection or ()} or {
        tuple(entry.dagster_event.asset_materialization_planned_data.asset_key.path)
        for entry in instance.all_logs(run.run_id)
        if entry.dagster_event is not None and entry.dagster_event.event_type_value == "ASSET_MATERIALIZATION_PLANNED"
    }
    return [list(path) for path in sorted(planned - made)] or None


def _made(instance: DagsterInstance, run: DagsterRun) -> Iterator[Any]:
    for entry in instance.all_logs(run.run_id):
        event = entry.dagster_event
        if event is not None and event.event_type_value == "ASSET_MATERIALIZATION" and event.asset_key is not None:
            yield event.asset_key
