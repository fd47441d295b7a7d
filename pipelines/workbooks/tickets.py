"""Which tickets the rows of a workbook answer where the published results alone do not say it.

A ticket names one row of a hand-over. Two rows of one record share a ticket (the second row of a key that stands twice), and a
contradiction may be about a record that the department lacks, which is no row at all. Their tickets are found by the name that issues
bear (`assets.following`, `assets.contradicted`). Belongs here: temporary tables of these. Not here: sheets (`rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.lake import is_there, quote

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract
    from assets.project import Project

SHARED, CONTRADICTED = "shared_tickets", "contradicted"
"""The temporary tables that are made."""


def find_shared(lake: duckdb.DuckDBPyConnection, project: Project, contract: Contract) -> None:
    """Make the table `SHARED` (ticket, rule, batch, row) of the dataset's standing rows that break a rule and that no ticket names.

    Raises `MaskingError` where the key of the data folder cannot be used.
    """
    from assets.following import name_rows

    lake.execute(
        """
        CREATE OR REPLACE TEMP TABLE nameless AS
        SELECT DISTINCT i.rule, i.batch, i."row" FROM results.issues i
            JOIN results.standing s ON s.batch = i.batch AND s.dataset = i.dataset
            ANTI JOIN results.tickets t ON t.dataset = i.dataset AND t.rule = i.rule AND t.last_batch = i.batch AND t.last_row = i."row"
        WHERE i.dataset = ?""",
        [contract.name],
    )
    (rows,) = lake.execute("SELECT count(*) FROM nameless").fetchone() or (0,)
    if rows and is_there(lake, f"std_batches.{contract.name}"):
        name_rows(lake, project, contract)
        lake.execute(f"CREATE OR REPLACE TEMP TABLE {SHARED} AS SELECT ticket, rule, batch, row FROM named")
    else:
        lake.execute(f"CREATE OR REPLACE TEMP TABLE {SHARED} (ticket VARCHAR, rule VARCHAR, batch VARCHAR, row BIGINT)")


def find_contradicted(lake: duckdb.DuckDBPyConnection, project: Project, department: str) -> bool:
    """Make the table `CONTRADICTED`: what others contradict the department in, as `base.disagreement` has it, and its `ticket`.

    Gives whether there is anything to make it of.
    """
    from assets.contradicted import named_sql
    from assets.crosschecks.declared import TABLE
    from assets.masking import keyed, masking_key

    if not is_there(lake, TABLE):
        return False
    mine = [c.name for c in project.sources() if c.group == department]
    with keyed(lake, masking_key(project)):
        lake.execute(f"CREATE OR REPLACE TEMP TABLE {quote(CONTRADICTED)} AS {named_sql(lake, project, mine)}")
    return True
