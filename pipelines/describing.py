"""What an asset tells of itself in the UI, from its contract: words, columns, kinds, freshness.

Not here: what the asset does (`pipelines.factories`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.promises import due_days, given_up, promised_days

if TYPE_CHECKING:
    from assets.contracts import Column, Contract
    from pipelines.lineage.shown import Shown

KINDS = {"local": ("csv",), "api": ("api",), "postgresql": ("postgres",), "postgres": ("postgres",), "mysql": ("mysql",)}


def column_schema(contract: Contract, lineage: Shown, *, raw: bool = False) -> dg.TableSchema:
    """Columns as the UI shows them: titles in both languages, what they mean and are made of, level, key."""
    table = f"raw.{contract.name}" if raw else contract.table
    whole = contract.key if len(contract.key) > 1 else ()
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                "VARCHAR" if raw else c.sql_type,
                description=" · ".join(
                    filter(None, (f"{c.title} {c.title_en}", c.header if raw else "", c.description, lineage.words(table, c.name)))
                ),
                constraints=dg.TableColumnConstraints(
                    nullable=not c.required,
                    unique=contract.key == (c.name,),
                    other=[f"主键 key {whole.index(c.name) + 1}/{len(whole)}"] if c.name in whole else [],
                ),
                tags=_tags(c),
            )
            for c in contract.columns
        ]
    )


def _tags(column: Column) -> dict[str, str]:
    """Its level of classification, and how it hides what went into it."""
    return {"classification": str(column.classification), **({"masking": column.masking} if column.masking else {})}


def described(contract: Contract) -> str:
    return f"{contract.title} · {contract.title_en}\n\n{contract.description}".strip()


def kinds_of(contract: Contract) -> set[str]:
    server = contract.server
    form = str(server.properties.get("format", "")).lower()
    first = ("excel",) if server.type == "local" and form in ("xlsx", "xls", "excel") else KINDS.get(server.type, (server.type,))
    return {*first, "duckdb"}


def freshness(contract: Contract) -> dg.FreshnessPolicy | None:
    """The contract's own frequency and latency as one window; no policy where it names no frequency, or is given up."""
    days = promised_days(contract, "frequency"), due_days(contract)
    if days[0] is None or given_up(contract, date.today()):
        return None
    fail = timedelta(days=days[0] + (days[1] or 0))
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=timedelta(days=days[0]) if days[1] else None)


def common(contract: Contract, lineage: Shown, *, raw: bool = False) -> dict[str, Any]:
    """What every asset of a contract tells of itself."""
    catalogue = contract.catalogue
    table = f"raw.{contract.name}" if raw else contract.table
    return {
        "group_name": f"{contract.layer}/{contract.group}",
        "owners": [f"team:{contract.group}"],
        "metadata": {
            "dagster/column_schema": column_schema(contract, lineage, raw=raw),
            "dagster/table_name": table,
            "主管部门 department": f"{contract.department} {contract.department_en}",
            "契约 contract": contract.path.name,
            **lineage.metadata(contract, table),
            **({"资源代码 resource code": str(catalogue["resourceCode"])} if catalogue.get("resourceCode") else {}),
        },
        "tags": {
            "classification": str(max((c.classification for c in contract.columns), default=1)),
            **({"delivery": contract.delivery.mode, "period": contract.delivery.period} if contract.delivery else {}),
        },
    }
