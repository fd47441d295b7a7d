"""What is unusual in a hand-over: rows, lateness and failure rates against what the dataset's own history lets expect.

Belongs here: the series, the range, the sentence. Not here: what a contract promises (`pipelines.freshness`), rules (`expectations`).

Of each series (dataset, unit, kind, rule) the newest value is held against earlier ones, never against itself: those of the same
season where there are at least two (calendar month; weekday; hour), else the last twelve. The range is median ± 5 × MAD, and no
narrower than `_FLOORS` lets it be: of counts, chance alone moves the square root. Fewer than six earlier values say nothing.
How it is used: docs/anomalies.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from assets.deliveries import PERIODS
from assets.lake import insert, is_there, objects
from assets.promises import due_days, promised_days
from pipelines.views import newest

if TYPE_CHECKING:
    import duckdb

    from assets.contracts import Contract

WIDTH, LEAST, SEASONAL, MOST = 5, 6, 2, 12
"""Times the median absolute deviation; earlier values without which nothing is said; of the same season; most that are looked at."""
ROWS, LAG, FAILURES = "rows", "lag", "failures"
HIGH, LOW, USUAL, SHORT = "high", "low", "usual", "too_short"

_LENGTHS = {"monthly": "1 month", "daily": "1 day", "hourly": "1 hour"}
_FLOORS = f"""CASE kind
    WHEN '{ROWS}' THEN greatest(0.2 * m, 3 * sqrt(m))
    WHEN '{LAG}' THEN CASE form WHEN 'hourly' THEN 0.125 WHEN 'daily' THEN 1.0 ELSE 2.0 END
    ELSE greatest(0.01, 3 * sqrt((m * (1 - m) + 1 / "of") / "of")) END"""

COLUMNS: list[tuple[str, str, str]] = [
    ("dataset", "VARCHAR", "the dataset"),
    ("unit", "VARCHAR", "the unit; empty where there is one"),
    ("period", "VARCHAR", "the period of the newest hand-over, which is judged"),
    ("kind", "VARCHAR", "rows; lag: days from the period's end to the arrival; failures: share of rows that break a rule"),
    ("rule", "VARCHAR", "of failures, the rule; else empty"),
    ("value", "DOUBLE", "what came: rows, days, share (0 to 1)"),
    ("low", "DOUBLE", "the least that is usual; NULL: too little history"),
    ("high", "DOUBLE", "the most that is usual; NULL: too little history"),
    ("history", "INTEGER", "earlier hand-overs that the range is drawn from"),
    ("season", "BOOLEAN", "whether these are of the same season (calendar month, weekday, hour), else they are the last ones"),
    ("verdict", "VARCHAR", "high, low, usual, too_short (the history); failures are listed only where high"),
    ("zh", "VARCHAR", "said in Chinese"),
    ("en", "VARCHAR", "said in English"),
]


@dataclass(frozen=True)
class Judged:
    """The newest value of a series, and the range that its history lets expect (None: too little of it)."""

    dataset: str
    unit: str
    period: str
    kind: str
    rule: str
    value: float
    low: float | None
    high: float | None
    history: int
    season: bool
    verdict: str

    @property
    def unusual(self) -> bool:
        return self.verdict in (HIGH, LOW)

    @property
    def zh(self) -> str:
        """One sentence with the expected range."""
        what = {ROWS: "行数", LAG: "期末至送达", FAILURES: f"{self.rule} 不合格率"}[self.kind]
        begun = f"{self._place}{what} {self._told(self.value, 'zh')}"
        if self.low is None or self.high is None:
            return f"{begun}：历史太短（{self.history} 次，至少 {LEAST} 次），不作判断"
        word = {HIGH: "偏高" if self.kind != LAG else "偏晚", LOW: "偏低", USUAL: "正常"}[self.verdict]
        of = f"{'往期同季' if self.season else '最近'} {self.history} 次"
        return f"{begun}，{word}：预期 {self._told(self.low, 'zh')} 至 {self._told(self.high, 'zh')}（据{of}）"

    @property
    def en(self) -> str:
        """One sentence with the expected range."""
        what = {ROWS: "rows", LAG: "from the period's end to arrival", FAILURES: f"of rows break {self.rule}"}[self.kind]
        begun = f"{self._place}{self._told(self.value, 'en')} {what}"
        if self.low is None or self.high is None:
            return f"{begun}: too little history ({self.history} earlier, {LEAST} are needed)"
        word = {HIGH: "more than expected" if self.kind != LAG else "later than expected", LOW: "fewer than expected", USUAL: "as expected"}
        of = f"{self.history} {'of the same season' if self.season else 'before'}"
        return f"{begun}, {word[self.verdict]}: {self._told(self.low, 'en')} to {self._told(self.high, 'en')} (by {of})"

    @property
    def _place(self) -> str:
        return " ".join(filter(None, (self.period, self.unit))) + " · "

    def _told(self, value: float, language: str) -> str:
        if self.kind == ROWS:
            return f"{value:,.0f}"
        if self.kind == FAILURES:
            return f"{100 * value:.3g}%"
        days, hours = (" 天", " 小时") if language == "zh" else (" days", " hours")
        return f"{value:.1f}{days}" if abs(value) >= 2 else f"{24 * value:.1f}{hours}"

    def row(self) -> tuple[Any, ...]:
        """As a row of `COLUMNS`."""
        return (*vars(self).values(), self.zh, self.en)


def judged(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], today: date, *, failures: bool = True) -> list[Judged]:
    """The newest hand-over of each unit of these datasets, from the evidence on `con`: rows and lag always, failure rates (with
    `failures`) only where they are too high. What is unusual comes first.
    """
    make_series(con, contracts, today, failures=failures)
    return judge(con)


def judge(con: duckdb.DuckDBPyConnection) -> list[Judged]:
    """The newest value of each series of the temporary table `series`; what is unusual first, then by dataset and unit."""
    return [Judged(**row) for row in objects(con, _JUDGED)]


def anomaly_rows(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], today: date) -> list[tuple[Any, ...]]:
    """Rows of `COLUMNS` for the results."""
    return [one.row() for one in judged(con, contracts, today)]


def make_series(con: duckdb.DuckDBPyConnection, contracts: Iterable[Contract], today: date, *, failures: bool = True) -> None:
    """Make the temporary table `series`: dataset, unit, kind, rule, period, value, of (rows behind a share), form, season.

    Of a full delivery the newest hand-over of a period counts, of a delta all of them together. A unit that handed nothing over
    for a period that others have, and that was due before `today`, has 0 rows there from its first period on.
    """
    con.execute('CREATE OR REPLACE TEMP TABLE asked (dataset VARCHAR, "full" BOOLEAN, form VARCHAR, part VARCHAR, latency DOUBLE)')
    rows = [
        (c.name, c.delivery.mode == "full", c.delivery.period, _season(c), due_days(c) or 0.0) for c in contracts if c.delivery is not None
    ]
    insert(con, "asked", rows)
    con.execute(f"CREATE OR REPLACE TEMP TABLE series AS {_HANDED}", {"today": today})
    if failures and is_there(con, "evidence.results"):
        con.execute(f"INSERT INTO series BY NAME {_FAILED}")


def _season(contract: Contract) -> str:
    """What of a period's begin is its season, by how often something is handed over; empty where nothing is."""
    assert contract.delivery is not None
    days = promised_days(contract, "frequency") or {"monthly": 31, "daily": 1, "hourly": 1 / 24}[contract.delivery.period]
    return "month" if days >= 28 else "hour" if days < 1 else "weekday" if days < 2 else ""


_BEGUN = " ".join(f"WHEN '{form}' THEN try_strptime(b.period, '{pattern}')" for form, pattern in PERIODS.items())
_LENGTH = " ".join(f"WHEN '{form}' THEN INTERVAL '{length}'" for form, length in _LENGTHS.items())

# One hand-over a unit and period, with the batches that make it up.
_TAKEN = f"""
    SELECT b.dataset, coalesce(b.unit, '') AS unit, b.period, b.batch, b.rows_raw, b.received_at, a.form, a.latency,
        CASE a.form {_BEGUN} END AS begun, begun + CASE a.form {_LENGTH} END AS ends,
        CASE a.part WHEN 'month' THEN month(begun) WHEN 'weekday' THEN dayofweek(begun) WHEN 'hour' THEN hour(begun) END AS season
    FROM evidence.batches b JOIN asked a USING (dataset)
    WHERE b.status IN ('collected', 'standardised') AND begun IS NOT NULL
    QUALIFY NOT a."full" OR row_number() OVER (
        PARTITION BY b.dataset, b.unit, b.period ORDER BY b.received_at DESC, b.batch DESC) = 1"""

_HANDED = f"""
    WITH taken AS ({_TAKEN}),
    whole AS (
        SELECT dataset, unit, period, sum(rows_raw)::DOUBLE AS n, min(epoch(received_at) - epoch(ends)) / 86400 AS days,
            any_value(form) AS form, any_value(season) AS season
        FROM taken GROUP BY ALL),
    due AS (
        SELECT dataset, period, any_value(form) AS form, any_value(season) AS season FROM taken
        GROUP BY dataset, period HAVING any_value(ends + to_microseconds((latency * 86400000000)::BIGINT)) < $today::DATE),
    units AS (SELECT dataset, unit, min(period) AS since FROM taken GROUP BY ALL)
    SELECT dataset, unit, '{ROWS}' AS kind, '' AS rule, period, n AS "value", n AS "of", form, season FROM whole WHERE n IS NOT NULL
    UNION ALL
    SELECT dataset, unit, '{ROWS}', '', period, 0, 0, form, season FROM due JOIN units USING (dataset)
    WHERE period > since AND NOT EXISTS (FROM whole w WHERE (w.dataset, w.unit, w.period) = (due.dataset, units.unit, due.period))
    UNION ALL
    SELECT dataset, unit, '{LAG}', '', period, days, n, form, season FROM whole WHERE days IS NOT NULL"""

_FAILED = f"""
    WITH taken AS ({_TAKEN})
    SELECT t.dataset, t.unit, '{FAILURES}' AS kind, r.rule, t.period, sum(r.unexpected) / sum(r.elements) AS "value",
        sum(r.elements)::DOUBLE AS "of", any_value(t.form) AS form, any_value(t.season) AS season
    FROM taken t JOIN {newest("evidence.results")} r USING (batch, dataset)
    WHERE r.outcome IN ('passed', 'failed') AND r.elements > 0 GROUP BY t.dataset, t.unit, r.rule, t.period"""

_JUDGED = f"""
    WITH latest AS (
        FROM series QUALIFY row_number() OVER (PARTITION BY dataset, unit, kind, rule ORDER BY period DESC) = 1),
    earlier AS (
        SELECT l.dataset, l.unit, l.kind, l.rule, s.value, coalesce(s.season = l.season, FALSE) AS same,
            count(*) OVER series AS every, count(*) FILTER (s.season = l.season) OVER series AS alike,
            row_number() OVER (PARTITION BY l.dataset, l.unit, l.kind, l.rule ORDER BY s.period DESC) AS nth,
            row_number() OVER (PARTITION BY l.dataset, l.unit, l.kind, l.rule, same ORDER BY s.period DESC) AS nth_alike
        FROM latest l JOIN series s ON (s.dataset, s.unit, s.kind, s.rule) = (l.dataset, l.unit, l.kind, l.rule) AND s.period < l.period
        WINDOW series AS (PARTITION BY l.dataset, l.unit, l.kind, l.rule)),
    spread AS (
        SELECT dataset, unit, kind, rule, any_value(every) AS every, count(*) AS history, any_value(alike) >= {SEASONAL} AS seasonal,
            median(value) AS m, mad(value) AS deviation
        FROM earlier WHERE CASE WHEN alike >= {SEASONAL} THEN same AND nth_alike <= {MOST} ELSE nth <= {MOST} END GROUP BY ALL),
    half AS (
        SELECT l.*, coalesce(every, 0) AS every, coalesce(history, 0) AS history, coalesce(seasonal, FALSE) AS seasonal, m,
            coalesce(every, 0) >= {LEAST} AS enough, greatest({WIDTH} * deviation, {_FLOORS}) AS half
        FROM latest l LEFT JOIN spread USING (dataset, unit, kind, rule)),
    ranged AS (
        SELECT *, CASE WHEN enough THEN CASE kind WHEN '{LAG}' THEN m - half ELSE greatest(m - half, 0) END END AS low,
            CASE WHEN enough THEN CASE kind WHEN '{FAILURES}' THEN least(m + half, 1) ELSE m + half END END AS high
        FROM half),
    said AS (
        SELECT dataset, unit, period, kind, rule, value, low, high, CASE WHEN enough THEN history ELSE every END::INTEGER AS history,
            seasonal AND enough AS season, CASE WHEN NOT enough THEN '{SHORT}' WHEN value > high THEN '{HIGH}'
                WHEN value < low AND kind = '{ROWS}' THEN '{LOW}' ELSE '{USUAL}' END AS verdict
        FROM ranged)
    FROM said WHERE kind <> '{FAILURES}' OR verdict = '{HIGH}'
    ORDER BY verdict NOT IN ('{HIGH}', '{LOW}'), dataset, kind <> '{ROWS}', kind, unit, rule"""
