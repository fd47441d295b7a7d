"""`yuanqing check` and `vectors`: a look before anything is handed over; nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.commands.completing import sources
from pipelines.commands.screen import clearly, console, fail, print_json, progress_bar, table


@clearly
def check(
    file: Annotated[Path, typer.Argument(help="要交付的文件。 The file to be handed over.", exists=True, dir_okay=False)],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="数据集名。 The dataset's name.", autocompletion=sources)],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """交付前自查：同样的规则，不保存任何内容。 A department's own look before handing over: the same rules, nothing stored.

    退出码 exit code: 0 通过 passes; 1 不通过 does not; 2 未能检查 could not be checked.

    例 example: yuanqing check 人口202610.csv --dataset population_register
    """
    from assets.project import Project
    from pipelines.precheck import precheck

    project = Project.at()
    with progress_bar(quiet=as_json) as say:
        say(f"检查 checking {file.name}", 0, 0)
        found = precheck(project, dataset, file)
    if as_json:
        print_json(found.as_json())
    else:
        out = console()
        if not found.refused:
            out.print(
                f"{file.name}: {found.records:,} 条记录 records, {len(found.rejects):,} 条无法读取 could not be read",
                markup=False,
                soft_wrap=True,
            )
        for note in found.notes:
            out.print(f"· {note}", markup=False, soft_wrap=True)
        if found.refused:
            out.print(f"拒收 refused: {found.refused}", style="red", markup=False, soft_wrap=True)
        for reject in found.rejects[:5]:
            out.print(f"行 line {reject['row']}: {reject['reason']}", style="yellow", markup=False, soft_wrap=True)
        if found.failing:
            rows = [(f["rule"], f["outcome"], f["unexpected"], f["title"], "; ".join(f["examples"]), f["remedy"]) for f in found.failing]
            out.print(
                table("未通过 not passing", ("规则 rule", "结果 outcome", "行 rows", "要求 wants", "示例 examples", "整改 remedy"), rows)
            )
        out.print("通过 passed" if found.ok else "不通过 does not pass", style="bold green" if found.ok else "bold red")
    raise typer.Exit(0 if found.ok else 1)


@clearly
def vectors(
    file: Annotated[Path, typer.Argument(help="CSV：value, expect[, note]。", exists=True, dir_okay=False)],
    kind: Annotated[
        str | None,
        typer.Option(
            help="rid（公民身份号码 resident id）或 uscc（统一社会信用代码 credit code）；默认看文件名 else told by the file's name."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """用测试向量核对校验算法。 Hold the check-digit code to a file of test vectors; exit 1 where one disagrees.

    例 example: yuanqing vectors vectors_rid.csv
    """
    found = compare_vectors(file, kind)
    wrong = [v for v in found if v["found"] != v["expect"]]
    if as_json:
        print_json({"vectors": len(found), "wrong": wrong})
    else:
        if wrong:
            console().print(
                table(
                    "不一致 disagreeing",
                    ("value", "expect", "found", "note"),
                    ([v["value"], v["expect"], v["found"], v["note"]] for v in wrong),
                )
            )
        console().print(f"{file.name}: {len(found) - len(wrong)} / {len(found)} 一致 agree", markup=False)
    raise typer.Exit(1 if wrong else 0)


def compare_vectors(file: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """Each vector with what the code finds. `kind` is `rid` or `uscc`, else told by the file's name."""
    import csv

    from expectations.identity import classify_credit_code, classify_resident_id

    name = (kind or file.stem).lower()
    if "uscc" in name or "credit" in name:
        classify: Any = classify_credit_code
    elif "rid" in name or "resident" in name:
        classify = classify_resident_id
    else:
        fail(f"{file.name}: resident ids or credit codes? Say --kind rid or --kind uscc.")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"value", "expect"} <= set(reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "none"
            fail(f"{file}:1: found columns {found}; expected value, expect. Name them in the first line.")
        return [{"value": r["value"], "expect": r["expect"], "found": classify(r["value"]), "note": r.get("note") or ""} for r in reader]
