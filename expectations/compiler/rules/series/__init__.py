"""Rules over several rows: series of readings, totals, groups of records, other datasets, and a dataset's own history.

Each has a scan of its own, written as SQL over names of ours and filled in by `scan.py`.
"""

from __future__ import annotations

from expectations.compiler.rules.series import arrivals, groups, history, readings, references, totals, workdays

KINDS = (
    *readings.KINDS,
    *totals.KINDS,
    *workdays.KINDS,
    *groups.KINDS,
    *references.KINDS,
    *arrivals.KINDS,
    *history.KINDS,
)
