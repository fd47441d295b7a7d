"""The truth on the screen: planted faults and findings, and the rules that were spoilt for.

Belongs here: tables and verdicts for a terminal. Not here: the comparison (`planted`), the mutation (`mutation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.truth.mutation import MutationReport
    from pipelines.truth.planted import TruthReport


def render(report: TruthReport, console: Console) -> None:
    """Print a line for each planted kind, the false alarms, and a verdict."""
    from rich.table import Table

    table = Table(title="埋设的错误与发现 · planted faults and findings", header_style="bold")
    for name in ("dataset", "kind", "indicator", "expected"):
        table.add_column(name)
    for name in ("planted", "caught", "missed"):
        table.add_column(name, justify="right")
    before = None
    for k in report.kinds:
        if before not in (None, k.dataset):
            table.add_section()
        style = "red" if k.missed and k.claimed else "dim" if not k.claimed else None
        table.add_row(
            k.dataset if before != k.dataset else "",
            k.kind,
            k.indicator,
            k.effect if k.claimed else "not claimed",
            *map(str, (k.planted, k.caught, k.missed)),
            style=style,
        )
        before = k.dataset
    table.add_section()
    table.add_row("all", "", "", "", *(str(report.total(n)) for n in ("planted", "caught", "missed")), style="bold")
    console.print(table)
    _render_rates(report, console)
    _render_matches(report, console)
    for (dataset, rule), rows in sorted(report.false_alarms.items()):
        console.print(f"[red]false alarm[/red] {dataset}: {rule} at {rows} rows without a fault that it claims")
    for what, examples in (("missed", report.misses), ("false alarm", report.alarms)):
        for e in examples[:5]:
            console.print(f"  {what}: {e.dataset} {e.what} in {e.batch}" + (f", row {e.row}" if e.row is not None else ""), style="dim")
    if report.pending:
        console.print(f"{report.pending} faults are in hand-overs that are not collected yet, or wait for one to be judged by.")
    claimed = sum(k.missed for k in report.kinds if k.claimed)
    alarms = sum(report.false_alarms.values())
    verdict = "[green]agrees[/green]" if report.ok else "[red]does not agree[/red]"
    counts = f"{report.total('caught')} of {report.total('planted')} caught, {claimed} missed that are claimed, {alarms} false alarms."
    console.print(f"{verdict}: {counts}")


def _render_rates(report: TruthReport, console: Console) -> None:
    from rich.table import Table

    table = Table(title="按规则种类 · by rule kind", header_style="bold")
    table.add_column("rule kind")
    for name in ("rules", "planted", "caught", "by others", "missed", "false alarms"):
        table.add_column(name, justify="right")
    for _, rate in sorted(report.rules.items()):
        counts = (rate.rules, rate.planted, rate.caught, rate.by_others, rate.missed, rate.false_alarms)
        style = "red" if rate.missed or rate.false_alarms else "dim" if not rate.planted else None
        table.add_row(rate.type, *map(str, counts), style=style)
    console.print(table)


def _render_matches(report: TruthReport, console: Console) -> None:
    from rich.table import Table

    if not report.matches:
        return
    table = Table(title="无有效号码的记录 · records without a good key", header_style="bold")
    for name in ("base", "dataset", "kind"):
        table.add_column(name)
    for name in ("records", "in the base", "right", "wrong", "review", "missed"):
        table.add_column(name, justify="right")
    before = None
    for line in report.matches:
        if before not in (None, line.base):
            table.add_section()
        counts = (line.records, line.there, line.right, line.wrong, line.review, line.missed)
        table.add_row(
            line.base if before != line.base else "", line.dataset, line.kind, *map(str, counts), style="red" if line.wrong else None
        )
        before = line.base
    console.print(table)
    for total in report.matchings:
        shares = (total.precision, total.recall, total.with_review)
        precision, recall, reviewed = ("none" if share is None else f"{share:.4f}" for share in shares)
        console.print(
            f"matching {total.base}: {total.there:,} pairs to be found among {total.records:,} records, certain {total.right:,} right /"
            f" {total.wrong:,} wrong, for review {total.review:,}, missed {total.missed:,}; precision {precision}, recall {recall}"
            f" ({reviewed} with review)",
            style=None if total.ok else "red",
            soft_wrap=True,
        )


def render_mutation(report: MutationReport, console: Console) -> None:
    """Print a line for each dataset, each rule that did not fire alone with its reason, and a verdict."""
    from rich.table import Table
    from rich.text import Text

    from pipelines.truth.mutation import by_dataset

    table = Table(title="每条规则都能触发 · every rule can fail", header_style="bold")
    table.add_column("dataset")
    for name in ("rules", "alone", "with others", "never"):
        table.add_column(name, justify="right")
    for dataset, findings in by_dataset(report.findings).items():
        counts = [sum(f.outcome == o for f in findings) for o in ("alone", "with_others", "never")]
        table.add_row(dataset, str(len(findings)), *map(str, counts), style="red" if counts[2] else None)
    console.print(table)
    for outcome, title, style in (
        ("with_others", "与其他规则同时触发，已知原因 fired with others, accepted:", "yellow"),
        ("never", "未能触发 did not fire:", "red"),
    ):
        listed = [f for f in report.findings if f.outcome == outcome]
        if listed:
            console.print(Text(title, style=style))
        for f in listed:
            console.print(Text(f"  {f.dataset}: {f.rule} ({f.type}): {f.reason_zh} {f.reason_en}"), soft_wrap=True)
    for dataset, why in report.untried.items():
        console.print(Text(f"{dataset}: 没有干净的行，未试 not tried: {why}", style="red"), soft_wrap=True)
    alone, others, never = (len(report.of(o)) for o in ("alone", "with_others", "never"))
    verdict = "[green]every rule can fail[/green]" if report.ok else "[red]not every rule was made to fail[/red]"
    console.print(
        f"{verdict}: {len(report.findings)} rules, {alone} fired alone, {others} with others (each listed), {never} never,"
        f" {report.tried:,} spoils tried."
    )
