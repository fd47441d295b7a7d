"""Events: a run of Dagster and each of its steps as runs of OpenLineage, made from the run's own log.

One job a step, named by the table it makes (`std.pet`) or by the check (`check_std_pet`), whichever job of Dagster runs it, so that
a table has one history; one job a job of Dagster above them. All that an event says comes from the log, the declarations and the
lake: made twice, it is the same event, and so are its ids.

Not here: what facets hold (`facets`), keeping and sending (`outbox`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pipelines.openlineage import facets
from pipelines.openlineage.facts import NOTHING, Facts

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project
    from pipelines.lineage.graph import Graph

Event = dict[str, Any]
Kind = Literal["START", "COMPLETE", "FAIL", "ABORT"]
_CHECK = re.compile(r"check_(raw|std|base|thematic)_(\w+)")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Z]*[0-9])[0-9A-Z]{11,18}[Xx]?(?![0-9A-Za-z])")


@dataclass
class Step:
    """A step of a run: seconds since 1970 at which it began and ended, and how; `error` is what it said as it failed."""

    key: str
    begun: float
    ended: float | None = None
    outcome: Kind = "ABORT"
    error: str = ""

    @property
    def checks(self) -> str | None:
        """The table that it checks, for a step that does."""
        found = _CHECK.fullmatch(self.key)
        return f"{found[1]}.{found[2]}" if found else None

    @property
    def name(self) -> str:
        """The job that it is a run of: a step that makes something bears the name of what it makes."""
        return self.key if self.checks else self.key.replace("__", ".", 1)


@dataclass
class Told:
    """A run as its log tells it. `error`: why it failed before or beside its steps."""

    run_id: str
    job: str
    begun: float
    ended: float
    steps: list[Step] = field(default_factory=list)
    error: str = ""
    cut_off: bool = False  # nobody saw its end

    @property
    def outcome(self) -> Kind:
        outcomes = {s.outcome for s in self.steps}
        if self.error or "FAIL" in outcomes:
            return "FAIL"
        return "ABORT" if self.cut_off or "ABORT" in outcomes else "COMPLETE"

    @property
    def why(self) -> str:
        return self.error or next((s.error for s in self.steps if s.error), "")


@dataclass(frozen=True)
class Teller:
    """Makes the events of a project's runs. `graph` is None where the declarations cannot be read; the rest is told all the same."""

    project: Project
    namespace: str
    graph: Graph | None = None

    @cached_property
    def _by_table(self) -> dict[str, Contract]:
        found = {c.table: c for c in self.project.contracts.values()}
        return found | {f"raw.{c.name}": c for c in self.project.sources()}

    def start(self, run_id: str, job: str, at: float) -> Event:
        """A run of Dagster begins."""
        return self._event("START", at, run_id, job, {}, {"jobType": facets.job_type("DAG")})

    def end(self, told: Told, facts: Facts = NOTHING) -> Iterator[Event]:
        """The steps of a run, each from START to its end, then the end of the run."""
        for step in told.steps:
            yield from self._step(told, step, facts)
        said = _error(told.why) if told.outcome == "FAIL" else {}
        yield self._event(told.outcome, told.ended, told.run_id, told.job, said, {"jobType": facets.job_type("DAG")})

    def _step(self, told: Told, step: Step, facts: Facts) -> Iterator[Event]:
        id_ = str(uuid.uuid5(uuid.UUID(told.run_id), step.key))
        above = {"parent": facets.parent(self.namespace, told.job, told.run_id)}
        job = self._job(step)
        yield self._event("START", step.begun, id_, step.name, above, job)
        done = step.outcome == "COMPLETE"
        said = above | (_error(step.error) if step.outcome == "FAIL" else {})
        ended = told.ended if step.ended is None else step.ended
        if step.checks:
            inputs, outputs = [self._checked(step.checks, facts)], []
        else:
            inputs = [self._input(table, step.name, facts) for table in self._inputs(step.name)]
            outputs = [self._output(step.name, facts if done else NOTHING)]
        yield self._event(step.outcome, ended, id_, step.name, said, job, inputs, outputs)

    def _event(
        self,
        kind: Kind,
        at: float,
        run_id: str,
        job: str,
        run_facets: dict[str, Any],
        job_facets: dict[str, Any],
        inputs: Iterable[Event] = (),
        outputs: Iterable[Event] = (),
    ) -> Event:
        return {
            "eventTime": datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "eventType": kind,
            "producer": facets.PRODUCER,
            "schemaURL": facets.RUN_EVENT,
            "run": {"runId": run_id, "facets": {"processing_engine": facets.engine(), **run_facets}},
            "job": {"namespace": self.namespace, "name": job, "facets": job_facets},
            "inputs": list(inputs),
            "outputs": list(outputs),
        }

    def _job(self, step: Step) -> dict[str, Any]:
        if step.checks:
            return {"jobType": facets.job_type("CHECK")}
        contract = self._by_table.get(step.name)
        if contract is None or contract.layer == "sources":
            return {"jobType": facets.job_type("TASK")}
        said = {"jobType": facets.job_type("QUERY"), "documentation": facets.facet("jobDocumentation", description=contract.description)}
        if contract.sql_path.exists():
            said["sql"] = facets.facet("sql", query=contract.sql_path.read_text(encoding="utf-8"), dialect="duckdb")
        return said

    def _inputs(self, table: str) -> list[str]:
        """The tables that a step reads to make `table`."""
        contract = self._by_table.get(table)
        if contract is not None:
            if self.graph is not None:
                return sorted(source for source, target in self.graph.tables if target == table)
            return [f"in.{contract.name}"] if table.startswith("raw.") else [f"raw.{contract.name}"] if contract.layer == "sources" else []
        base = self._by_table.get(table.removesuffix("__matches"))
        if base is not None and "matching" in base.custom:
            return [base.table, *(f"std.{name}" for name in base.custom["matching"]["records"])]
        if table == "reports":
            return ["results"]
        return sorted(c.table for c in self.project.contracts.values())

    def _dataset(self, table: str, said: dict[str, Any], **more: dict[str, Any]) -> Event:
        return {"namespace": self.namespace, "name": table, "facets": said, **more}

    def _input(self, table: str, into: str, facts: Facts) -> Event:
        if table.startswith("in."):
            contract = self.project.contracts[table.removeprefix("in.")]
            taken = facts.taken.get(contract.name)
            count = {} if taken is None else {"rowCount": taken.records, "size": taken.bytes, "fileCount": taken.batches}
            more = {"inputFacets": {"inputStatistics": facets.facet("inputStatistics", **count)}} if count else {}
            return self._dataset(table, facets.handed_over(contract), **more)
        if table == "results":
            return self._dataset(table, {"datasetType": facets.facet("datasetType", datasetType="FILE")})
        read = facts.built[into][1] if into in facts.built else facts.snapshot
        return self._dataset(table, facets.in_lake(None if table.startswith("codes.") else read))

    def _output(self, table: str, facts: Facts) -> Event:
        contract = self._by_table.get(table)
        if contract is None:
            kind = "FILE" if table in ("results", "reports") else "TABLE"
            return self._dataset(table, {"datasetType": facets.facet("datasetType", datasetType=kind)})
        said = facets.described(contract, table, facts.snapshot)
        lineage = facets.column_lineage(self.namespace, self.graph, table) if self.graph is not None else None
        if lineage:
            said["columnLineage"] = lineage
        if not table.startswith("raw.") and (measured := facets.metrics(facts.judged.get(contract.name, ()))):
            said["dataQualityMetrics"] = measured
        rows = self._written(contract, table, facts)
        more = {} if rows is None else {"outputFacets": {"outputStatistics": facets.facet("outputStatistics", rowCount=rows)}}
        return self._dataset(table, said, **more)

    @staticmethod
    def _written(contract: Contract, table: str, facts: Facts) -> int | None:
        if table.startswith("raw."):
            return facts.taken[contract.name].rows if contract.name in facts.taken else None
        if contract.layer == "sources":
            return facts.standardised.get(contract.name)
        return facts.built[table][0] if table in facts.built else None

    def _checked(self, table: str, facts: Facts) -> Event:
        from pipelines.rulebook import read_rules

        contract = self._by_table.get(table)
        if contract is None:
            return self._dataset(table, {})
        judged = () if table.startswith("raw.") else facts.judged.get(contract.name, ())
        titles = {r.id: f"{r.title_zh} {r.title_en}".strip() for r in read_rules(self.project, [contract])} if judged else {}
        said = {
            "dataQualityAssertions": facets.assertions(judged, titles),
            "dataQualityMetrics": facets.metrics(judged, "inputQualityMetrics"),
        }
        return self._dataset(
            table, facets.described(contract, table, facts.snapshot), inputFacets={name: one for name, one in said.items() if one}
        )


def _error(words: str) -> dict[str, Any]:
    """The error's words, where long numbers are hidden: an event may go to another machine."""
    from assets.masking import mask

    shown = _NUMBER.sub(lambda found: mask(found[0], 3) or "", words)
    return {"errorMessage": facets.facet("errorMessage", message=shown or "no reason was given", programmingLanguage="PYTHON")}
