"""The resource that hears a run begin and end, from whichever side it was launched, and tells of it.

It is opened before the lake and closed after it, so that a run which never got the lake is told of, too. Whatever goes wrong
here is a warning in the run's log; no run fails by it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.openlineage.facts import Facts

if TYPE_CHECKING:
    import duckdb

    from assets.project import Project
    from pipelines.openlineage.events import Step, Teller, Told

RESOURCE = "openlineage"
_INTERRUPTED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}  # as the log names them
_CHECKS_FAILED = "DagsterAssetCheckFailedError"
_ENDED = ("STEP_SUCCESS", "STEP_FAILURE")


@dataclass
class Telling:
    """What is known of one run besides its log; the lake puts in what it knows as it closes."""

    log: Any
    facts: Facts = field(default_factory=Facts)

    def ask(self, con: duckdb.DuckDBPyConnection, run_id: str, done: Collection[str]) -> None:
        """Ask the lake what the run, which made the tables `done`, has written into it."""
        from pipelines.openlineage.facts import facts_of

        with _no_harm(self.log):
            self.facts = facts_of(con, run_id, done)


def openlineage_resource(project: Project) -> dg.ResourceDefinition:
    """Events of OpenLineage for every run of `project`."""

    def opened(context: dg.InitResourceContext) -> Iterator[Telling]:
        run, instance, log = context.run, context.instance, context.log
        telling = Telling(log)
        if run is None or instance is None:
            yield telling
            return
        running = Running(project)
        begun = time.time()
        with _no_harm(log):
            running.finish_dead(instance, log)
            running.begin(run.run_id, run.job_name, begun)
            running.send_beside()
        try:
            yield telling
        finally:
            with _no_harm(log):
                running.end(read_told(instance, run.run_id, run.job_name, begun), telling.facts)
            with _no_harm(log):
                running.send(log)
            running.close()

    return dg.ResourceDefinition(resource_fn=opened, description="事件：谁读了什么、做成了什么。 What ran, as events of OpenLineage.")


class Running:
    """Runs that have begun and not ended, as files: one that nobody holds any more belongs to a run that was killed."""

    def __init__(self, project: Project) -> None:
        from pipelines.openlineage.outbox import Outbox, SettingError, Settings, read_settings

        self.project = project
        self.outbox = Outbox.of(project)
        self.folder = self.outbox.folder / "running"
        self.trouble = ""
        try:
            self.settings = read_settings(project)
        except SettingError as error:
            self.settings, self.trouble = Settings(), str(error)
        except (OSError, AttributeError) as error:
            self.settings, self.trouble = Settings(), f"{project.connections.name}: not readable ({type(error).__name__}). Mend it."
        self._held: Any = None

    def teller(self) -> Teller:
        from expectations.documents import DocumentError
        from pipelines.lineage.stored import graph_of
        from pipelines.openlineage.events import Teller

        try:
            graph = graph_of(self.project)
        except DocumentError:  # one wrong model must not keep the events of all others
            graph = None
        return Teller(self.project, self.settings.namespace, graph)

    def begin(self, run_id: str, job: str, at: float) -> None:
        """Write down that a run has begun, in a way that tells when nobody can end it any more."""
        from filelock import FileLock

        from pipelines.openlineage.events import Teller

        self.folder.mkdir(parents=True, exist_ok=True)
        self._held = FileLock(self.folder / f"{run_id}.lock", timeout=0)
        self._held.acquire()
        (self.folder / f"{run_id}.json").write_text(json.dumps({"job": job, "begun": at}), encoding="utf-8")
        self.outbox.append([Teller(self.project, self.settings.namespace).start(run_id, job, at)])

    def end(self, told: Told, facts: Facts) -> None:
        """Write down what a run did and how it ended."""
        self.outbox.append(self.teller().end(told, facts))
        (self.folder / f"{told.run_id}.json").unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the run's file."""
        if self._held is not None:
            self._held.release()
            Path(self._held.lock_file).unlink(missing_ok=True)

    def finish_dead(self, instance: dg.DagsterInstance, log: Any) -> None:
        """End the runs that were killed: with what their log says, as failed or aborted."""
        from filelock import FileLock, Timeout

        for marker in self.folder.glob("*.json"):
            lock = FileLock(marker.with_suffix(".lock"), timeout=0)
            try:
                with lock, _no_harm(log):
                    said = json.loads(marker.read_text(encoding="utf-8") or "{}")
                    if said:
                        told = read_told(instance, marker.stem, said["job"], said["begun"], cut_off=True)
                        teller = self.teller()
                        start = teller.start(told.run_id, told.job, told.begun)
                        self.outbox.append([*([] if self.outbox.holds(start) else [start]), *teller.end(told)])
                    marker.unlink(missing_ok=True)
            except Timeout:
                continue  # it is still at work, or waits for the lake
            Path(lock.lock_file).unlink(missing_ok=True)

    def send_beside(self) -> None:
        """Send what waits while the run goes on, so that it can be seen at work."""
        from pipelines.openlineage.outbox import sending

        if self.settings.url is not None:
            sending(self.outbox, self.settings)

    def send(self, log: Any) -> None:
        """Send what waits to the endpoint, where there is one, and say what stays."""
        from pipelines.openlineage.outbox import send_within

        if self.trouble:
            log.warning(f"OpenLineage: 事件只写入文件。 Events are in {self.outbox.folder.name}/ only. {self.trouble}")
        if self.settings.url is None:
            return
        sent = send_within(self.outbox, self.settings)
        if sent.why:
            log.warning(f"OpenLineage: 未送达的事件下次运行再送。 What was not received is sent at the next run: {sent.why}.")
        if sent.refused:
            log.warning(f"OpenLineage: {sent.refused} 个事件被拒收。 Refused by the endpoint, kept in openlineage/refused.ndjson.")


def read_told(instance: dg.DagsterInstance, run_id: str, job: str, begun: float, *, cut_off: bool = False) -> Told:
    """A run as Dagster's log tells it up to now."""
    from pipelines.openlineage.events import Step, Told

    kinds = {dg.DagsterEventType(k) for k in ("STEP_START", *_ENDED, "RESOURCE_INIT_FAILURE", "PIPELINE_CANCELING")}
    steps: dict[str, Step] = {}
    told = Told(run_id, job, begun, begun, cut_off=cut_off)
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.dagster_event
        if event is None:
            continue
        told.ended = max(told.ended, entry.timestamp)
        kind, key = event.event_type_value, event.step_key
        if kind == "RESOURCE_INIT_FAILURE":
            told.error = _words(event.event_specific_data)
        elif kind == "PIPELINE_CANCELING":
            told.cut_off = True
        elif key and kind == "STEP_START":
            steps.setdefault(key, Step(key, entry.timestamp))
        elif key in steps and kind in _ENDED:
            _end(steps[key], kind, entry.timestamp, event.event_specific_data)
    told.steps = list(steps.values())
    return told


def _end(step: Step, kind: str, at: float, data: Any) -> None:
    step.ended = at
    if kind == "STEP_SUCCESS":
        step.outcome = "COMPLETE"
    elif _INTERRUPTED.isdisjoint(error.cls_name for error in _errors(data)):  # else it stays aborted
        step.outcome, step.error = "FAIL", _words(data)


def _errors(data: Any) -> list[Any]:
    """An error and what caused it, and so on."""
    found, error = [], getattr(data, "error", None)
    while error is not None:
        found.append(error)
        error = error.cause
    return found


def _words(data: Any) -> str:
    """Why something failed: the words of an error that explains itself, else only its kind, as its words may hold data."""
    from pipelines.errors import clear_error_types

    user = getattr(data, "user_failure_data", None)
    if user is not None and user.description:
        return str(user.description)
    if not (errors := _errors(data)):
        return "failed; see the run in Dagster"
    error = errors[-1]
    if error.cls_name in {_CHECKS_FAILED, *(kind.__name__ for kind in clear_error_types())}:
        return str(error.message).strip().split(": ", 1)[-1]  # behind the name of the class
    return f"{error.cls_name}; see the run in Dagster"


@contextmanager
def _no_harm(log: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever it is: what a run does counts more than what is told of it
        log.warning(f"OpenLineage: {type(error).__name__}: 事件未写入。 The events of this run are not complete.", exc_info=True)
