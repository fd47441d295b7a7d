"""`yuanqing doctor`: whether everything that a run needs is there, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.screen import clearly, console, print_json, sample_servers, table

if TYPE_CHECKING:
    from assets.project import Project

Finding = tuple[str, bool, str, str]
"""What was looked at, whether it is well, what was found, what to do."""
NEEDED = ("dagster", "dagster-webserver", "duckdb", "great-expectations", "sqlglot", "xlsxwriter", "python-calamine", "filelock")


@clearly
def doctor(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False) -> None:
    """检查环境、契约、规则集、连接、磁盘与湖。 Look at python, packages, contracts, suites, models, connections, disk and lake.

    例 example: yuanqing doctor
    """
    from assets.project import Project, ProjectError

    with ExitStack() as stack:
        with suppress(ProjectError, OSError):  # what is wrong is found below
            stack.enter_context(sample_servers(Project.at()))
        found = list(findings())
    bad = [f for f in found if not f[1]]
    if as_json:
        print_json([{"what": w, "ok": ok, "found": text, "remedy": remedy} for w, ok, text, remedy in found])
    else:
        console().print(
            table(
                "",
                ("", "查看 what", "情况 found", "办法 remedy"),
                (("✓" if ok else "✗", what, text, "" if ok else remedy) for what, ok, text, remedy in found),
            )
        )
        console().print("一切就绪 all well" if not bad else f"{len(bad)} 项需要处理 to mend", style="bold")
    raise typer.Exit(2 if bad else 0)


def findings(project: Project | None = None) -> Iterator[Finding]:
    """Everything looked at, in order; one thing that is broken does not end the look."""
    yield from _looked("python", _python, "Install Python 3.11, 3.12 or 3.13.")
    yield from _looked("packages", _packages, "Run `make run` (or `pip install -r requirements/run.txt`) again.")
    yield from _looked("duckdb", _extensions, "Run `make run` again: the extension packages belong to one version of duckdb.")
    if project is None:
        from assets.project import Project as Found

        try:
            project = Found.at()
        except Exception as error:
            yield ("project", False, str(error), "Run in the project's folder, or name it with --root.")
            return
    here = project
    yield ("project", True, f"{here.root} → {here.data}", "")
    yield from _looked("settings", partial(_settings, here), "Mend yuanqing.toml or the variable, or put the secret where it says.")
    yield from _looked(
        "standard", partial(_standard, here), "Mend the line that is named; what was used is kept, and a change is a new edition."
    )
    yield from _looked("contracts", partial(_contracts, here), "Mend the line that is named.")
    yield from _looked(
        "departments",
        partial(_departments, here),
        "Say `formerly` or `merged` in the department.yaml of the one that it is now, or mend yuanqing.toml (docs/issues.md).",
    )
    yield from _looked("waivers", partial(_waivers, here), "Mend the line that is named.")
    yield from _looked("workbooks", partial(_workbooks, here), "Mend [departments.NAME] in yuanqing.toml, or put the secret where it says.")
    yield from _looked("delivery", partial(_delivery, here), "Mend what is named in yuanqing.toml, then `yuanqing deliver --now`.")
    for contract in _read(here):
        if contract.layer == "sources":
            yield from _looked(
                f"suite {contract.name}",
                partial(_suite, here, contract),
                "Mend the line that is named.",
            )
            if contract.server.type != "local":
                yield from _looked(
                    f"source {contract.name}",
                    partial(_source, here, contract),
                    f"Write [{contract.server.name}] in {here.connections}, or start the server.",
                )
        else:
            yield from _looked(f"model {contract.table}", partial(_model, here, contract), "Mend the line that is named.")
    yield from _looked("order of models", partial(_order, here), "Take one of the readings away.")
    yield from _looked("disk", partial(_disk, here), "Make room: a run needs about three times what is handed over.")
    yield from _looked(
        "contents", partial(_contents, here), "Classify the column higher; or say in its contract why it may be lower (`declassified`)."
    )
    yield from _looked(
        "names",
        partial(_names, here),
        "Where one was renamed, write `formerly: [old_name]` in the contract of the new name; where it is given up, keep its contract.",
    )
    yield from _looked("lake", partial(_lake, here), "Run `yuanqing run`; where the lake is broken, restore the data folder from its copy.")


def _looked(what: str, look: Callable[[], str], remedy: str) -> Iterator[Finding]:
    try:
        yield (what, True, look(), "")
    except Exception as error:
        yield (what, False, str(error).strip() or type(error).__name__, remedy)


def _python() -> str:
    import platform
    import sys

    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise RuntimeError(f"Python {platform.python_version()}; expected 3.11 to 3.13")
    return platform.python_version()


def _packages() -> str:
    from importlib.metadata import PackageNotFoundError, version

    missing = []
    for name in NEEDED:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        raise RuntimeError(f"not installed: {', '.join(missing)}")
    return f"dagster {version('dagster')}, great-expectations {version('great-expectations')}"


def _extensions() -> str:
    import duckdb

    from assets.lake import connect

    connect(extensions=("sqlite_scanner", "ducklake", "postgres_scanner")).close()
    return f"duckdb {duckdb.__version__}: ducklake, sqlite_scanner, postgres_scanner"


def _read(project: Project) -> list[Any]:
    try:
        return list(project.contracts.values())
    except Exception:
        return []


def _contracts(project: Project) -> str:
    from assets.catalogue import check_catalogue

    check_catalogue(project.contracts.values())
    layers = [c.layer for c in project.contracts.values()]
    if not layers:
        raise RuntimeError(f"no contract under {project.assets}")
    return ", ".join(f"{layers.count(layer)} {layer}" for layer in dict.fromkeys(layers))


def _suite(project: Project, contract: Any) -> str:
    from assets.judging import plan_of

    plan = plan_of(project, contract)
    if plan is None:
        raise RuntimeError(f"expectations/suites/{contract.suite_path}: not there, and the contract calls for nothing")
    yielded = sum(r.origin == "contract" for r in plan.suite.rules)
    return f"{len(plan.suite.rules)} rules, {yielded} of them from the contract"


def _settings(project: Project) -> str:
    """How many were said; raises for a wrong one, and for a secret that cannot be had."""
    from assets.secrets import is_reference, secret
    from assets.settings import told, unused_variables

    found = told(project.root, project.settings)
    references = [t.value for t in found if isinstance(t.value, str) and is_reference(t.value)]
    for reference in references:
        secret(reference)
    unused = unused_variables(project.settings)
    left = f"; no settings: {', '.join(unused)}" if unused else ""
    return f"{sum(t.source != 'default' for t in found)} of {len(found)} said, {len(references)} secrets at hand{left}"


def _standard(project: Project) -> str:
    """The edition that holds today; raises where the lake has another content under its version."""
    from assets.judging import standard_of
    from assets.lake import columns_of, open_lake

    standard = standard_of(project)
    if (project.lake / "catalogue.sqlite").exists():
        with open_lake(project, read_only=True) as con:
            there = columns_of(con, "evidence.standards")
            sql = "SELECT fingerprint FROM evidence.standards WHERE version = ? AND fingerprint <> ?"
            other = con.execute(sql, [standard.version, standard.fingerprint]).fetchone() if there else None
        if other:
            raise RuntimeError(f"edition {standard.version} was used with another content ({other[0]}, now {standard.fingerprint})")
    return f"{standard.basis}, edition {standard.version} since {standard.valid_from} ({standard.fingerprint})"


def _waivers(project: Project) -> str:
    from datetime import date

    from assets.waivers import load_waivers
    from pipelines.rulebook import read_rules

    waivers = load_waivers(project, {(r.dataset, r.id) for r in read_rules(project)})
    return f"{len(waivers)}, of which {sum(w.holds(date.today()) for w in waivers)} hold today"


def _source(project: Project, contract: Any) -> str:
    from assets.collect import pending
    from assets.lake import open_lake

    with open_lake(project, read_only=(project.lake / "catalogue.sqlite").exists()) as con:
        return f"{contract.server.type}: {len(pending(con, project, contract))} pending"


def _model(project: Project, contract: Any) -> str:
    from assets.models import columns_known, dependencies, model_plan
    from pipelines.lineage.stored import check_classified, graph_of

    read = ", ".join(dependencies(contract, columns_known(project)))
    plan = model_plan(project, contract)
    check_classified(project, [contract])
    unknown = graph_of(project).unknown.get(contract.table, ())
    rest = f"; lineage not resolved: {'; '.join(sql for _, sql in unknown)}" if unknown else ""
    return f"← {read}; {len(plan.suite.rules) if plan else 0} rules{rest}"


def _order(project: Project) -> str:
    from assets.models import order

    return " < ".join(c.name for c in order(project)) or "no model"


def _contents(project: Project) -> str:
    """Whether columns look no more sensitive than they are declared; raises with those that do."""
    from pipelines.profiling.sensitive import look

    if not (project.lake / "catalogue.sqlite").exists():
        return "nothing collected yet"
    seen = look(project)
    left = f"; no time for {', '.join(seen.left)}" if seen.left else ""
    if seen.suspects:
        raise RuntimeError("; ".join(map(str, seen.suspects)) + left)
    return f"{seen.columns} open columns look as open as they are declared{left}"


def _disk(project: Project) -> str:
    import shutil

    at = next(p for p in (project.data, *project.data.parents) if p.exists())
    free = shutil.disk_usage(at).free / 1e9
    if free < 2:
        raise RuntimeError(f"{free:.1f} GB free at {at}")
    return f"{free:.0f} GB free"


def _lake(project: Project) -> str:
    from assets.lake import open_lake

    if not (project.lake / "catalogue.sqlite").exists():
        return "nothing collected yet"
    with open_lake(project, read_only=True) as con:
        row = con.execute("SELECT count(*), coalesce(sum(rows_raw), 0)::BIGINT FROM evidence.batches").fetchone()
    return f"{row[0]:,} batches, {row[1]:,} rows" if row else "empty"


def _names(project: Project) -> str:
    from assets.lake import open_lake
    from assets.renames import orphans

    if not (project.lake / "catalogue.sqlite").exists():
        return "nothing collected yet"
    with open_lake(project, read_only=True) as con:
        if stray := orphans(con, project):
            raise RuntimeError(" ".join(stray))
    return "every dataset of the lake has a contract"


def _departments(project: Project) -> str:
    """How many there are; raises with names in the lake, the journal and the settings that are and were nobody's."""
    from assets.evidence import delivering
    from assets.lake import is_there, open_lake
    from pipelines.journal import entries

    of_today, named = project.departments, {}
    named["yuanqing.toml"] = {*project.settings.departments, *project.settings.serve.departments}
    named["日志 the journal"] = {str(e.content["department"]) for e in entries(project, "deliver") if e.content.get("department")}
    if (project.lake / "catalogue.sqlite").exists():
        with open_lake(project, read_only=True) as con:
            if is_there(con, "evidence.batches"):
                named["湖 the lake"] = delivering(con)
    strange = [f"{where}: {name}. {of_today.told(name)}" for where, names in named.items() for name in of_today.unknown(names)]
    unwritten = of_today.unwritten(project.settings.departments)
    left = [f"{' and '.join(names)} have become {now}: write [departments.{now}]" for now, names in unwritten.items()]
    if strange or left:
        raise RuntimeError("没有这些部门 no such departments: " * bool(strange) + "; ".join([*strange, *left]))
    before = f", {len(of_today.former)} 个旧名 former names" if of_today.former else ""
    return f"{len(of_today.bodies)}{before}"


def _delivery(project: Project) -> str:
    """Where reports go; raises with what is not fully set up, and with what could not be delivered."""
    from pipelines.delivery import channels, problem, undelivered

    set_ = [(name, channel) for name in project.departments.bodies for channel in channels(project, name)]
    wrong = [trouble for name, channel in set_ if (trouble := problem(project, name, channel))]
    failed = [f"{s.department}, {s.channel}: 失败 {s.tries} 次 failures: {s.reason}" for s in undelivered(project)]
    if wrong or failed:
        raise RuntimeError("; ".join([*wrong, *failed]))
    return f"{len(set_)} 个渠道 channels, 无失败 none has failed" if set_ else "未设置 not set up"


def _workbooks(project: Project) -> str:
    """Whose workbook is locked; raises where a password is named that cannot be had, or is of no department."""
    from pipelines.workbooks.locking import password_of

    departments = sorted(project.departments.bodies)
    for name in project.departments.unknown(project.settings.departments):
        raise RuntimeError(f"departments.{name}: 没有这个部门 no such department. {project.departments.told(name)}")
    plain = [name for name in departments if password_of(project, name) is None]
    return f"没有密码的工作簿 without a password: {', '.join(plain)}" if plain else f"{len(departments)} 个都有密码 all locked"
