"""One command from hand-over to report: what `yuanqing run` does, in this process.

Belongs here: the order of the runs, and what is said at the end. Not here: the steps themselves, the screen
(`pipelines.commands`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from assets.lake import at_hand
from expectations.documents import near
from pipelines.work import pending_work, seconds_to_settle
from pipelines.writer import sole_run

if TYPE_CHECKING:
    import dagster as dg
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.inbox import Failing
    from pipelines.standing import Refusal
    from pipelines.workbooks.returned import Returned

Progress = Callable[[str, int, int], None]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class SelectionError(Exception):
    """No dataset has the name that was asked for."""


@dataclass(frozen=True)
class Ran:
    """One Dagster run: its job, partitions, outcome, time in seconds and events, and why it failed."""

    job: str
    partitions: str
    run_id: str
    ok: bool
    seconds: float
    events: int
    failure: str = ""


@dataclass
class RunSummary:
    """What `run` did. `nothing`: there was nothing to do and nothing was changed."""

    nothing: bool = False
    runs: list[Ran] = field(default_factory=list)
    batches: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    failing: list[Failing] = field(default_factory=list)
    stopped: dict[str, list[str]] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    returned: list[Returned] = field(default_factory=list)  # workbooks that came back and were read
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """`unfinished`: something could not be done, however the rest came out; else what the runs' tags say."""
        if self.undone:
            return "unfinished"
        if self.stopped:
            return "failed"
        return "warned" if self.failing else "passed"

    @property
    def exit_code(self) -> int:
        """2: something could not be done; 1: a blocking check failed; 0: all was done."""
        return 2 if self.undone else 1 if self.stopped else 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict, "exit_code": self.exit_code}


def run(
    project: Project,
    select: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    rounds: Iterable[AbstractContextManager[object]] = (nullcontext(),),
) -> RunSummary:
    """Collect, standardise, check, build and publish whatever is out of date, one Dagster run after the other.

    `select` names datasets (`population`, `std.population_register`); the models that follow from a selected source
    come along with the models that these read, and what people read is always brought up to date. `progress` hears (what, done, of).
    Before anything is built, it is collected once within each of `rounds`, as long as all could be: what a source is about to
    overwrite cannot be asked for again.
    Raises `LakeBusyError` where another run is at work, `SelectionError`, and `DocumentError` before anything is changed.
    """
    from pipelines.definitions import build_definitions
    from pipelines.instance import open_instance
    from pipelines.jobs import BUILD, PUBLISH
    from pipelines.matching import keys_of

    begun, started = time.perf_counter(), datetime.now()
    say = progress or _silent
    sources, models = selected(project, select)
    summary = RunSummary(nothing=True)
    with ExitStack() as open_:
        open_.enter_context(sole_run(project))
        con = open_.enter_context(_reading(project))
        definitions = build_definitions(project)
        instance: dg.DagsterInstance | None = None

        def execute(job: str, tags: dict[str, str], assets: list[list[str]] | None) -> Ran:
            nonlocal instance
            instance = instance or open_.enter_context(open_instance(project))
            summary.nothing = False
            summary.runs.append(execute_job(definitions, instance, job, tags, assets))
            return summary.runs[-1]

        for around in rounds:
            with around:
                time.sleep(seconds_to_settle(project))
                say("查看 looking for what is new", 0, 0)
                work = pending_work(con, project, sources)
                for position, item in enumerate(work):
                    what = item.first if item.first == item.last else f"{item.first} … {item.last}"
                    say(f"{item.dataset} {what}", position, len(work) + 2)
                    execute(f"collect_{item.dataset}", item.tags, None)
            if any(ran.failure and not only_stopped(ran) for ran in summary.runs):
                break
        summary.returned = _returned(project)
        summary.nothing = summary.nothing and not any(found.tickets for found in summary.returned)
        if not summary.nothing or _out_of_date(con, project, models):
            say("基础库与主题库 base and thematic", 0, 2)
            due = _due(con, project, summary, models)
            if due and not execute(BUILD, {}, keys_of(due)).ok:
                summary.held += _held(due, _stopping(con, project, due))
            say("结果与报告 results and reports", 1, 2)
            execute(PUBLISH, {}, None)
        summary.undone = [
            f"{r.job} {r.partitions}: {r.failure}".replace(" :", ":") for r in summary.runs if r.failure and not only_stopped(r)
        ]
        summary.seconds = time.perf_counter() - begun
        _finish(con, project, summary, started)
    if not summary.nothing and project.settings.deliver.after_run:
        summary.undone += _undelivered(project)
    return summary


def publish_again(project: Project) -> Ran:
    """Publish results and reports anew from what the lake holds, as a run of its own: what is published can be made again by its id.

    Raises `LakeBusyError` where another run is at work, `FileNotFoundError` where nothing was collected yet.
    """
    from assets.lake import open_lake
    from pipelines.definitions import build_definitions
    from pipelines.instance import open_instance
    from pipelines.jobs import PUBLISH

    with open_lake(project, read_only=True):
        pass  # a lake is not made by this
    with sole_run(project), open_instance(project) as instance:
        return execute_job(build_definitions(project), instance, PUBLISH, {}, None)


def _returned(project: Project) -> list[Returned]:
    """Take in the workbooks that departments have put back; what became of each."""
    if not project.returned.is_dir():
        return []
    from pipelines.workbooks.returned import take_returned

    return [found for found, _ in take_returned(project)]


def _undelivered(project: Project) -> list[str]:
    """Deliver what was published; what could not be, in words."""
    from pipelines.delivery import deliver
    from pipelines.errors import DeliveryError, JournalError, told

    try:
        found = deliver(project)
    except (DeliveryError, JournalError, FileNotFoundError) as error:
        return [told(error)]
    return [f"送达 delivery {s.department}, {s.channel}: {s.reason}" for s in found if s.state in ("failed", "given_up")]


def _silent(what: str, done: int, of: int) -> None:
    """Nobody wants to hear."""


def selected(project: Project, names: Iterable[str]) -> tuple[list[Contract], list[Contract]]:
    """Source contracts and models (in the order of building) for what was named; all of them for nothing.

    A model that reads another brings it along: it may never have been built.

    Raises `SelectionError` with a near name.
    """
    from assets.models import dependencies, order

    wanted = [n.replace("/", ".").split(".")[-1] for given in names for n in given.replace(",", " ").split()]
    contracts = project.contracts
    for name in wanted:
        if name not in contracts:
            raise SelectionError(f"no dataset is named {name!r}. {near(name, contracts)}")
    models = order(project)
    if not wanted:
        return project.sources(), models
    chosen = {contracts[n].table for n in wanted}
    for model in models:
        if chosen & set(dependencies(model)):
            chosen.add(model.table)
    below = {model.table for model in models}
    for model in reversed(models):
        if model.table in chosen:
            chosen |= below & set(dependencies(model))
    return [c for c in project.sources() if c.table in chosen], [c for c in models if c.table in chosen]


@contextmanager
def _reading(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake for looking, made where there is none. The runs write through connections of their own."""
    from assets.lake import open_lake
    from assets.renames import carry_on, is_due

    if not (project.lake / "catalogue.sqlite").exists():
        with open_lake(project):
            pass
    with open_lake(project, read_only=True) as con:
        renamed = is_due(con, project)
        if not renamed:
            yield con
    if renamed:  # before anything is looked for: what was collected under the old name is not collected again
        with open_lake(project) as con:
            carry_on(con, project)
        with open_lake(project, read_only=True) as con:
            yield con


def _out_of_date(con: duckdb.DuckDBPyConnection, project: Project, models: list[Contract]) -> bool:
    """Whether a model, the results or the reports show less than the lake holds, or what other settings or another program made of it."""
    from pipelines.ledger import READ, stale
    from pipelines.matching import keys_of
    from pipelines.publications import is_outdated

    if not project.results.exists() and con.execute("SELECT count(*) FROM evidence.batches").fetchone() != (0,):
        return True
    return bool(stale(con, project, [*map(".".join, keys_of(models)), *READ])) or is_outdated(con, project)


def _due(con: duckdb.DuckDBPyConnection, project: Project, summary: RunSummary, models: list[Contract]) -> list[Contract]:
    """The models that are out of date and may be built now: none that stands on a stopped dataset, directly or through another.

    A stopped model that is built now holds back nothing yet: its checks will say whether it still stops what lies above.
    """
    from pipelines.ledger import stale
    from pipelines.matching import keys_of, matches_table
    from pipelines.standing import stopped

    summary.stopped = stopped(con, project)
    out_of_date = set(stale(con, project, list(map(".".join, keys_of(models)))))
    waiting = [m for m in models if out_of_date & {m.table, matches_table(m)}]
    stops = {project.contracts[name].table for name in summary.stopped}
    held = _held(waiting, {t for t in stops if t not in {m.table for m in waiting}})
    summary.held = held
    return [m for m in waiting if m.table not in held]


def _stopping(con: duckdb.DuckDBPyConnection, project: Project, models: list[Contract]) -> set[str]:
    """The tables, of these models, that stop what lies above them now."""
    from pipelines.standing import stopped

    return {project.contracts[name].table for name in stopped(con, project, models)}


def _held(models: list[Contract], stops: set[str]) -> list[str]:
    """Of `models`, in the order of building, the tables that stand on one of `stops`, directly or through each other."""
    from assets.models import dependencies

    held: list[str] = []
    for model in models:
        if set(dependencies(model)) & {*stops, *held}:
            held.append(model.table)
    return held


def execute_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, tags: dict[str, str], assets: list[list[str]] | None
) -> Ran:
    """One Dagster run of a job (of these of its assets), in this process; a failure is in what it gives, never raised."""
    import dagster as dg

    from pipelines.factories import PROBLEMS_TAG

    begun = time.perf_counter()
    result = definitions.resolve_job_def(job).execute_in_process(
        run_config=QUIET,
        instance=instance,
        tags=tags,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(a) for a in assets] if assets is not None else None,
    )
    first, last = tags.get("dagster/asset_partition_range_start"), tags.get("dagster/asset_partition_range_end")
    keys = tags.get("dagster/partition") or (f"{first} … {last}" if first else "")
    seconds = time.perf_counter() - begun
    record = instance.get_run_by_id(result.run_id)
    problems = record.tags.get(PROBLEMS_TAG, "") if record else ""
    return Ran(
        job,
        keys,
        result.run_id,
        result.success,
        round(seconds, 3),
        len(result.all_events),
        problems if result.success else _failure(result),
    )


def _failure(result: Any) -> str:
    """Why a run failed, in the words of the error at the bottom."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                return str(error.message).strip()
    for event in result.all_events:
        if event.is_failure and event.event_specific_data is not None:
            error = getattr(event.event_specific_data, "error", None)
            if error is not None:
                return str((error.cause or error).message).strip()
    return "失败，原因见界面 failed; see the run in the UI"


def only_stopped(ran: Ran) -> bool:
    """Whether the run failed for no other reason than a blocking check that said what it had to say."""
    return "blocking" in ran.failure.lower() and "check" in ran.failure.lower()


def _finish(con: duckdb.DuckDBPyConnection, project: Project, summary: RunSummary, started: datetime) -> RunSummary:
    """Add what stands now to the summary."""
    from pipelines.inbox import failing_checks
    from pipelines.standing import refusals

    with at_hand(con, "results", "batches"):
        summary.failing = failing_checks(con, project)
        stopped = sorted((f.dataset, f.rule) for f in summary.failing if f.state == "stopped")
        summary.stopped = {dataset: [rule for _, rule in found] for dataset, found in groupby(stopped, itemgetter(0))}
        summary.refused = [r for c in project.sources() for r in refusals(con, c)]
        rows = con.execute(
            """SELECT dataset, count(*) FILTER (status = 'standardised'), coalesce(sum(rows_raw), 0)::BIGINT,
                coalesce(sum(rows_std), 0)::BIGINT, coalesce(sum(rows_quarantine), 0)::BIGINT, coalesce(sum(rows_rejected), 0)::BIGINT,
                count(*) FILTER (status = 'refused'), count(*) FILTER (status = 'repeated')
            FROM evidence.batches WHERE collected_at >= ? OR standardised_at >= ? GROUP BY dataset ORDER BY dataset""",
            [started, started],
        ).fetchall()
    names = ("batches", "rows", "standard", "quarantined", "rejects", "refused", "repeated")
    summary.batches = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
    return summary
