"""What of lineage an asset shows in Dagster's UI: what its columns are made of, the hand-overs that are in it now, its page.

The first and the last are part of the definition and cost the event log nothing; hand-overs are told with each materialisation.
Columns of code tables and of hand-overs are no assets: they stand in a column's description alone.

Belongs here: lineage as Dagster's metadata. Not here: what else an asset tells of itself (`pipelines.describing`), the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.lineage.graph import Node
from pipelines.links import lineage_url

if TYPE_CHECKING:
    from assets.contracts import Contract
    from assets.project import Project

NEWEST = 12
"""So many hand-overs are listed with a materialisation; all are counted."""
NAMED = 4
"""So many columns are named in the description of one that is made of them."""
_ASSETS = ("raw", "std", "base", "thematic")


@dataclass(frozen=True)
class Shown:
    """`made_of`: for each column the columns whose values go into its value. Empty where no graph can be made."""

    project: Project
    made_of: Mapping[Node, tuple[Node, ...]]

    def metadata(self, contract: Contract, table: str) -> dict[str, Any]:
        """Column lineage and the address of the page, for the definition of the asset of a table of the contract."""
        found = {c.name: self.made_of.get((table, c.name), ()) for c in contract.columns}
        deps = {
            name: [dg.TableColumnDep(dg.AssetKey(of.split(".", 1)), column) for of, column in nodes if of.split(".", 1)[0] in _ASSETS]
            for name, nodes in found.items()
        }
        lineage = {"dagster/column_lineage": dg.TableColumnLineage(deps)} if any(deps.values()) else {}
        return {**lineage, "血缘页 lineage": dg.MetadataValue.url(lineage_url(self.project, contract))}

    def words(self, table: str, column: str) -> str:
        """What a model's column is made of, in a line; empty where its value is made of none, and of what is as its own raw text."""
        nodes = [n for n in self.made_of.get((table, column), ()) if not n[0].startswith(("in.", "raw."))]
        more = " …" if len(nodes) > NAMED else ""
        return f"← {', '.join('.'.join(n) for n in nodes[:NAMED])}{more}" if nodes else ""


def shown(project: Project) -> Shown:
    """What the kept graph of a project tells. A declaration that does not fit leaves it untold: `yuanqing doctor` says where."""
    from expectations.documents import DocumentError
    from pipelines.lineage.stored import graph_of

    found: dict[Node, dict[Node, None]] = {}
    try:
        for edge in graph_of(project).edges:
            if edge.direct:
                found.setdefault(edge.target, {})[edge.source] = None
    except DocumentError:  # what is wrong with one model is told by that model's own step; the others are built all the same
        found = {}
    return Shown(project, {target: tuple(sources) for target, sources in found.items()})


def newest_of(batches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of rows of `evidence.batches` of one dataset, those whose rows are in raw, as `asking.batches_in` tells them."""
    kept = [b for b in batches if b["status"] in ("collected", "standardised")]
    kept.sort(key=lambda b: (str(b["received_at"] or ""), b["batch"]), reverse=True)
    return [{**b, "unit": b["unit"] or "", "rows": b["rows_raw"], "total": len(kept)} for b in kept[:NEWEST]]


def tell_hand_overs(context: dg.AssetExecutionContext, contract: Contract, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell with an asset's materialisation which hand-overs are in its table now (`asking.batches_in`), newest first.

    Of a run over many partitions with the last one's alone, or the same list would go into the event log once a partition.
    """
    if not rows:
        return
    records = [
        dg.TableRecord(
            {
                **({} if contract.layer == "sources" else {"数据集 dataset": r["dataset"]}),
                "期 period": r["period"],
                "单位 unit": r["unit"],
                "行 rows": r["rows"],
                "收到 received": r["received_at"].isoformat(sep=" ", timespec="minutes") if r["received_at"] else "",
                "来源 source": r["source"],
                "批次 batch": r["batch"],
            }
        )
        for r in rows
    ]
    listed = f"，列出最新 {len(rows)} 批 the newest {len(rows)} are listed" if rows[0]["total"] > len(rows) else ""
    told = {
        "8 现有批次数 hand-overs now": f"{rows[0]['total']:,}{listed}",
        "9 现有批次 hand-overs now in it": dg.MetadataValue.table(records),
    }
    partitioned = context.has_partition_key or context.has_partition_key_range
    context.add_asset_metadata(told, partition_key=context.partition_keys[-1] if partitioned else None)
