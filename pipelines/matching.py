"""Matching as a Dagster asset: the records without a good key beside the base table that they are held against.

Belongs here: the asset, and what it shows. Not here: matching itself (`assets.matching`), deciding (`pipelines.commands.review`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.contracts import Contract
from assets.lake import columns_of
from assets.project import Project
from pipelines.errors import clear_errors
from pipelines.links import lineage_url
from pipelines.resource import Lake

if TYPE_CHECKING:
    import duckdb

    from assets.matching import Pair
    from pipelines.lineage.shown import Shown

SHOWN = 20


def matches_table(contract: Contract) -> str | None:
    """The table of matches beside a base table that declares `matching`, else None."""
    return f"{contract.table}__matches" if "matching" in contract.custom else None


def keys_of(contracts: Iterable[Contract]) -> list[list[str]]:
    """The asset keys of models, each followed by that of its matches where it has any."""
    tables = (t for c in contracts for t in (c.table, matches_table(c)) if t)
    return [t.split(".") for t in tables]


def match_asset(project: Project, contract: Contract, lineage: "Shown") -> dg.AssetsDefinition:
    """Hold records without a good key against a base table; what they depend on stands in its contract."""
    from pipelines.describing import common
    from pipelines.factories import follow

    table = matches_table(contract)
    assert table is not None
    told = common(contract, lineage)
    sources = [dg.AssetKey(["std", name]) for name in contract.custom["matching"]["records"]]

    @dg.asset(
        key=table.split("."),
        deps=[dg.AssetKey([contract.schema, contract.name]), *sources],
        description=f"{contract.title}：无有效号码的记录（缺号、15 位、差一字符、姓名变体）与库中人、机构比对：确定、待核、不同。"
        "从不改动基础库的值；裁定用 `yuanqing review`。 Records without a good key held against the base: certain, for review, "
        "different. No value of the base changes by it; pairs are decided by `yuanqing review`.",
        kinds={"duckdb"},
        automation_condition=follow(),
        required_resource_keys={"lake"},
        group_name=told["group_name"],
        owners=told["owners"],
        tags=told["tags"],
        metadata={"dagster/table_name": table, "血缘页 lineage": dg.MetadataValue.url(lineage_url(project, contract))},
    )
    def held_against(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from assets.matching import match, pairs, read_matching

        lake: Lake = context.resources.lake
        with clear_errors():
            done = match(lake.con, project, contract, context.run.run_id)
            matching = read_matching(project, contract)
            assert done is not None
            assert matching is not None
            waiting = pairs(lake.con, matching, limit=SHOWN)
        lake.done.append(done.table)
        return dg.MaterializeResult(
            metadata={
                "1 待核 review": done.classes["review"],
                "2 确定 certain": done.classes["certain"],
                "3 不同 different": done.classes["different"],
                "4 无候选 none": done.classes["none"],
                "5 本次比对 compared": done.compared,
                "6 待核清单 to review": _shown(waiting),
                "dagster/row_count": done.records,
                "dagster/column_schema": _columns(lake.con, table),
            }
        )

    return held_against


def _columns(con: "duckdb.DuckDBPyConnection", table: str) -> dg.TableSchema:
    """As the lake has them: no contract declares this table."""
    return dg.TableSchema([dg.TableColumn(name, kind) for name, kind in (columns_of(con, table) or {}).items()])


def _shown(waiting: "list[Pair]") -> Any:
    rows = [
        dg.TableRecord(
            {
                "编号 pair": p.pair,
                "概率 p": p.probability,
                "依据 evidence": "; ".join(p.evidence),
                "来源 from": f"{p.dataset} {p.batch} {p.row}",
                "记录 record": " ".join(v or "—" for v in p.record.values()),
                "基础库 base": " ".join(v or "—" for v in p.base.values()),
            }
        )
        for p in waiting
    ]
    return dg.MetadataValue.table(rows) if rows else dg.MetadataValue.text("无 none")
