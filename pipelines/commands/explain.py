"""`yuanqing explain`: what a dataset's rules come to: scans, and the SQL of each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.completing import datasets
from pipelines.commands.screen import clearly, console, print_json, table

if TYPE_CHECKING:
    from assets.project import Project
    from expectations.compiler.explaining import Explained


@clearly
def explain(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="数据集名。 The dataset's name.", autocompletion=datasets)],
    rule: Annotated[str | None, typer.Option("--rule", "-r", help="只看这一条规则。 Only the rule with this id.")] = None,
    scans: Annotated[bool, typer.Option("--scans", help="也列出每次扫描的整句 SQL。 The whole SQL of each scan too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON，SQL 不省略。 Print JSON; no SQL is cut.")] = False,
) -> None:
    """规则如何执行：几次扫描，各带哪些规则，每条规则的 SQL。 How rules are run: the scans, what rides in which, each rule's SQL.

    只读规则集与契约，不需要数据。 Reads suites and contracts alone; no data is needed.

    例 examples:

      yuanqing explain population_register

      yuanqing explain population_register --rule id_valid

      yuanqing explain population --json
    """
    from assets.project import Project

    found, over = explained(Project.at(), dataset)
    chosen = [r for r in found.rules if rule in (None, r.id)]
    if not chosen:
        from expectations.documents import near

        raise LookupError(f"{dataset} has no rule {rule!r}. {near(str(rule), (r.id for r in found.rules))}")
    if as_json:
        print_json(_plain(dataset, over, found, [r.id for r in chosen]))
        return
    _show(dataset, over, found, [r.id for r in chosen], scans)


def explained(project: Project, dataset: str) -> tuple[Explained, str]:
    """The plan of a dataset told, and the relation that it is told over. Raises `LookupError`, `DocumentError`."""
    from expectations.compiler.explaining import explain as tell
    from expectations.documents import near
    from pipelines.truth.copies import plan_for

    name = dataset.rpartition(".")[2]
    contract = project.contracts.get(name)
    if contract is None:
        raise LookupError(f"no dataset is named {dataset!r}. {near(name, project.contracts)}")
    plan = plan_for(project, contract)
    if plan is None:
        raise LookupError(f"{name}: no suite at expectations/suites/{contract.suite_path}. Write one, then explain it.")
    over = '"staged"' if contract.layer == "sources" else f'"{contract.layer}"."{contract.name}"'
    return tell(plan, over), over


def _plain(dataset: str, over: str, found: Explained, rules: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "dataset": dataset,
        "relation": over,
        "scans": [{"number": n, **asdict(s)} for n, s in enumerate(found.scans, 1)],
        "rules": [asdict(r) for r in found.rules if r.id in rules],
    }


def _show(dataset: str, over: str, found: Explained, rules: list[str], whole: bool) -> None:
    from rich.syntax import Syntax
    from rich.text import Text

    from expectations.compiler.explaining import shortened

    out = console()

    def show_sql(sql: str) -> None:
        out.print(Syntax(shortened(sql), "sql", theme="ansi_light", background_color="default", word_wrap=True))

    for r in (r for r in found.rules if r.id in rules):
        marks = [r.severity, *(["阻断 blocking"] if r.blocking else []), r.indicator]
        marks += ["契约 from the contract"] if r.origin == "contract" else []
        out.print(Text.assemble((r.id, "bold"), f"  {r.title_zh} {r.title_en}", ("  " + " · ".join(marks), "dim")), soft_wrap=True)
        out.print(Text(f"  {r.type}: {r.meaning_zh} {r.meaning_en}", style="dim"), soft_wrap=True)
        where = f"扫描 scan {', '.join(map(str, r.scans))} · " if r.scans else ""
        out.print(Text(f"  {where}{r.zh} {r.en}", style="yellow" if r.outside else "cyan"), soft_wrap=True)
        if r.sql:
            show_sql(r.sql)
        out.print()
    rows = [(n, f"{s.zh} {s.en}", len(s.rules), ", ".join(s.rules)) for n, s in enumerate(found.scans, 1)]
    out.print(table(f"扫描 scans of {over}", ("", "扫描 scan", "规则 rules", "哪些 which"), rows))
    if whole:
        for n, s in enumerate(found.scans, 1):
            out.print(Text(f"\n扫描 scan {n}", style="bold"))
            show_sql(s.sql)
    outside = sum(r.outside for r in found.rules)
    told = f"{dataset}: {len(found.rules)} 条规则 rules, {len(found.scans)} 次扫描 scan{'s' if len(found.scans) > 1 else ''}"
    out.print(told + (f", {outside} 条由 GX 在 pandas 上判定 judged by GX on pandas" if outside else ""), style="bold", markup=False)
