"""The command `yuanqing`.

Belongs here: the list of commands. Not here: what they do (`pipelines.commands`), which import what is heavy only when run,
so that `--help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands import (
    again,
    audit,
    catalogue,
    check,
    deliver,
    diff,
    doctor,
    entry,
    errors,
    expire,
    explain,
    impact,
    issues,
    league,
    lineage,
    look,
    opening,
    rebuild,
    review,
    run,
    settings,
    standing,
    start,
    suggest,
    ui,
    workbook,
)

app = typer.Typer(
    name="yuanqing",
    help="源清：把部门交付的公共数据收上来、查清楚、建成库、说明来历。\n\n"
    "Collect a province's public data, hold it to the standard, show where every value came from.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("sample")(run.sample)
app.command("publish")(run.publish)
app.command("check")(check.check)
app.command("vectors")(check.vectors)
app.command("explain")(explain.explain)
app.command("truth")(look.truth)
app.command("sql")(look.sql)
app.command("origin")(look.origin)
app.command("lineage")(lineage.lineage)
app.command("diff")(diff.diff)
app.command("rebuild")(rebuild.rebuild)
app.command("expire")(expire.expire)
app.command("impact")(impact.impact)
app.command("open-data")(opening.open_data)
app.command("review")(review.review)
app.command("suggest")(suggest.suggest)
app.command("profile")(suggest.profile)
app.command("doctor")(doctor.doctor)
app.command("ui")(ui.ui)
app.command("serve")(entry.serve)
app.command("selfcheck")(entry.selfcheck)
app.command("status")(standing.status)
app.command("logs")(standing.logs)
app.command("retry")(again.retry)
app.command("replay")(again.replay)
app.command("init")(start.init)
app.command("settings")(settings.settings)
app.command("explain-error")(errors.explain_error)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(issues.app, name="issues")
app.add_typer(start.contract_app, name="contract")
app.add_typer(again.quarantine, name="quarantine")
app.add_typer(deliver.app, name="deliver")
app.add_typer(league.app, name="league")
app.add_typer(audit.app, name="audit")
app.add_typer(workbook.app, name="workbook")


@app.callback()
def options(
    root: Annotated[
        Path | None, typer.Option(help="项目文件夹，含 assets/ 与 expectations/。 The project's folder.", envvar="YUANQING_ROOT")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="数据文件夹，默认 ROOT/data。 Where data is kept.", envvar="YUANQING_DATA")] = None,
) -> None:
    # The environment, so that what is started from here (Dagster's processes) works on the same project.
    if root is not None:
        os.environ["YUANQING_ROOT"] = str(root.resolve())
    if data is not None:
        os.environ["YUANQING_DATA"] = str(data.resolve())


if __name__ == "__main__":
    app()
