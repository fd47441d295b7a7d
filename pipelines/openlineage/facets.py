"""Facets: what an event says of a dataset, a job, a run, each as the specification has it.

Belongs here: contracts, the graph of columns and results put into OpenLineage's words. Not here: which events there are (`events`).
No facet holds a value out of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from assets.contracts import Contract, Server
    from pipelines.lineage.graph import Edge, Graph
    from pipelines.openlineage.facts import Judged

Facet = dict[str, Any]

SPECIFICATION = "https://openlineage.io/spec"
RUN_EVENT = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = "urn:yuanqing"
_PRESENT = "expect_column_values_to_not_be_null"
SCHEMAS = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityAssertions": "1-1-0/DataQualityAssertionsDatasetFacet",
    "dataQualityMetrics": "1-0-0/DataQualityMetricsDatasetFacet",
    "inputQualityMetrics": "1-0-3/DataQualityMetricsInputDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "jobDocumentation": "1-1-0/DocumentationJobFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
    "parent": "1-2-0/ParentRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "sql": "1-1-0/SQLJobFacet",
    "tags": "1-0-0/TagsDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
}


def facet(name: str, /, **said: Any) -> Facet:
    """A facet by its key in SCHEMAS, with where its schema stands."""
    release, kind = SCHEMAS[name].split("/")
    return {"_producer": PRODUCER, "_schemaURL": f"{SPECIFICATION}/facets/{release}/{kind}.json#/$defs/{kind}", **said}


def engine() -> Facet:
    """What does the work: DuckDB, and us as the adapter."""
    return facet("processing_engine", name="DuckDB", version=_version("duckdb"), openlineageAdapterVersion=_version("yuanqing"))


_version = cache(version)


def parent(namespace: str, job: str, run_id: str) -> Facet:
    """The run of Dagster that a step belongs to."""
    above = {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": job}}
    return facet("parent", **above, root=above)


def job_type(kind: str) -> Facet:
    """`DAG` for a run of Dagster, `TASK`, `QUERY` or `CHECK` for a step of it."""
    return facet("jobType", processingType="BATCH", integration="DAGSTER", jobType=kind)


def described(contract: Contract, table: str, snapshot: int | None) -> dict[str, Facet]:
    """What the contract says of a table in the lake (`raw.` and `std.` of a source, or a model's) at a snapshot."""
    raw = table.startswith("raw.")
    fields = [_field(c.name, "VARCHAR" if raw else c.sql_type, c.title, n) for n, c in enumerate(contract.columns, 1)]
    return {
        **_common(contract),
        "schema": facet("schema", fields=fields),
        "tags": _levels(contract, [c.name for c in contract.columns]),
        **in_lake(snapshot),
    }


def in_lake(snapshot: int | None) -> dict[str, Facet]:
    """What any table of the lake is, at a snapshot: enough for an input, whose columns were told as it was made."""
    return {
        "dataSource": facet("dataSource", name="lake", uri="ducklake:lake"),
        "datasetType": facet("datasetType", datasetType="TABLE"),
        **({"version": facet("version", datasetVersion=str(snapshot))} if snapshot is not None else {}),
    }


def handed_over(contract: Contract) -> dict[str, Facet]:
    """What the contract says of what a department hands over, by its headers."""
    server = contract.server
    headers = [c.header for c in contract.columns]
    return {
        **_common(contract),
        "schema": facet("schema", fields=[_field(c.header, None, c.title, n) for n, c in enumerate(contract.columns, 1)]),
        "dataSource": facet("dataSource", name=server.name or server.type, uri=_address(server)),
        "tags": _levels(contract, headers),
        "datasetType": facet("datasetType", datasetType="FILE" if server.type == "local" else "TABLE"),
    }


def _common(contract: Contract) -> dict[str, Facet]:
    words = f"{contract.title} {contract.title_en}\n\n{contract.description}".strip()
    return {
        "documentation": facet("documentation", description=words, contentType="text/markdown"),
        "ownership": facet("ownership", owners=[{"name": f"team:{contract.group}", "type": "MAINTAINER"}]),
    }


def _field(name: str, kind: str | None, title: str, position: int) -> dict[str, Any]:
    return {"name": name, **({"type": kind} if kind else {}), "description": title, "ordinal_position": position}


def _levels(contract: Contract, names: list[str]) -> Facet:
    told = [
        {"key": "classification", "value": str(c.classification), "source": "CONTRACT", "field": name}
        for c, name in zip(contract.columns, names, strict=True)
    ]
    return facet("tags", tags=told)


def _address(server: Server) -> str:
    """Where hand-overs come from, as far as the contract says so; users, passwords and queries are never part of it."""
    said = server.properties
    if server.type == "local":
        return f"file:landing/{quote(str(said.get('path', '')))}"
    if server.type == "api":
        place = urlsplit(str(said.get("location", "")))
        return f"{place.scheme or 'http'}://{place.netloc.rpartition('@')[2]}{quote(place.path, safe='/%')}"
    named = "/".join(quote(str(said[key])) for key in ("database", "schema", "table") if said.get(key))
    return f"{server.type}://{quote(str(said.get('host', '')), safe='.')}/{named}"


def column_lineage(namespace: str, graph: Graph, table: str) -> Facet | None:
    """What each column of a table is made of, and what decides its rows; None where nothing is known.

    The graph's kinds of dependence are the specification's own. A dependence on the rows of a table as such, of no column of it,
    is told by the inputs of the event.
    """
    into = [e for e in graph.edges if e.target[0] == table and e.source[1]]
    fields = {
        column: {"inputFields": told}
        for column in graph.columns.get(table, ())
        if (told := _inputs(namespace, (e for e in into if e.target[1] == column)))
    }
    rows = _inputs(namespace, (e for e in into if not e.target[1]))
    if not fields and not rows:
        return None
    return facet("columnLineage", fields=fields, **({"dataset": rows} if rows else {}))


def _inputs(namespace: str, edges: Iterable[Edge]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for edge in edges:
        told: dict[str, Any] = {"type": "DIRECT" if edge.direct else "INDIRECT", "subtype": edge.subtype, "masking": edge.masking}
        if edge.by:
            told["description"] = edge.by
        found.setdefault(edge.source, []).append(told)
    return [{"namespace": namespace, "name": t, "field": c, "transformations": told} for (t, c), told in found.items()]


def assertions(judged: Iterable[Judged], titles: Mapping[str, str]) -> Facet | None:
    """The rules of a table as this run judged them. What could not be assessed is neither a success nor a failure: left out."""
    told = [
        {
            "assertion": j.expectation,
            "success": j.outcome == "passed",
            **({"column": j.columns[0]} if len(j.columns) == 1 else {}),
            "severity": "error" if j.blocking else "warn",
            "name": j.rule,
            **({"description": titles[j.rule]} if j.rule in titles else {}),
            "actual": f"{j.unexpected} of {j.elements}",
            "params": {"indicator": j.indicator, "severity": j.severity, "elements": j.elements, "unexpected": j.unexpected},
        }
        for j in judged
        if j.outcome != "not_assessable"
    ]
    return facet("dataQualityAssertions", assertions=told) if told else None


def metrics(judged: Iterable[Judged], name: str = "dataQualityMetrics") -> Facet | None:
    """Rows looked at, and for each column that a rule looks at alone, how many were empty; `name` is a key of SCHEMAS."""
    columns: dict[str, tuple[int, int]] = {}
    rows = 0
    for j in judged:
        rows = max(rows, j.elements)
        if len(j.columns) == 1:
            empty = j.unexpected if j.expectation == _PRESENT else j.missing
            # A rule with a condition looks at fewer rows; some kinds count nothing as empty.
            columns[j.columns[0]] = max(columns.get(j.columns[0], (0, 0)), (j.elements, empty))
    if not rows:
        return None
    told = {c: {"nullCount": empty, "count": elements - empty} for c, (elements, empty) in columns.items()}
    return facet(name, rowCount=rows, columnMetrics=told)
