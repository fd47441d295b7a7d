"""`yuanqing review`: pairs of a record without a good key and a person or entity, listed and decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.screen import clearly, console, fail, print_json, table

if TYPE_CHECKING:
    from assets.matching import Matching, Pair
    from assets.project import Project

WORDS = {"certain": "确定", "review": "待核", "different": "不同", "none": "无候选"}
LIKENESS = {
    "same": "相同",
    "one_wrong": "差一字符",
    "variant": "异体或繁体",
    "unknown_character": "生僻字缺失",
    "close": "相近",
    "like": "相似",
    "beginning": "前段相同",
    "same_body": "主体标识相同",
    "swapped": "日月颠倒",
    "same_year": "同年",
    "prefecture": "同市",
    "other": "不同",
    "unlike": "不同",
}


@clearly
def review(
    pair: Annotated[str | None, typer.Argument(metavar="[PAIR]", help="待核对的编号。 The pair to decide, as the list names it.")] = None,
    decision: Annotated[str | None, typer.Argument(metavar="[same|different]", help="同一人或不是。 Your decision.")] = None,
    reviewer: Annotated[str, typer.Option("--reviewer", help="核对人。 Who decides.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="依据，勿写个人信息。 Why; no personal data.")] = "",
    base: Annotated[str | None, typer.Option("--base", help="基础库，默认全部。 The base table; all by default.")] = None,
    state: Annotated[str, typer.Option("--state", help="review, certain, different")] = "review",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出。 At most so many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="不脱敏（仅数据所有者）。 Unmasked, for the owner of the data.")] = False,
) -> None:
    """核对无有效号码的记录：列出疑似同一人（主体）的对，或裁定一对。 Review records without a good key: list pairs, or decide one.

    裁定永久保存，以后各次运行都遵守。 Decisions are kept for ever and respected by later runs.

    例 examples:

      yuanqing review

      yuanqing review 3f0a1b2c4d same --reviewer 张三 --reason 档案一致
    """
    from assets.project import Project

    if state not in WORDS or state == "none":
        fail(f"--state {state!r}. Say review, certain or different.")
    project = Project.at()
    chosen = _chosen(project, base)
    if pair is None:
        _list(project, chosen, state, limit, as_json=as_json, unmasked=unmasked)
    elif decision is None:
        fail(f"{pair}: `same` or `different`? 请在编号后写 same 或 different。")
    else:
        _decide(project, chosen, pair, decision, reviewer, reason, as_json=as_json)


def _chosen(project: Project, name: str | None) -> list[Matching]:
    from assets.matching import matched
    from expectations.documents import near

    known = {m.contract.name: m for m in matched(project)}
    if not known:
        fail("no base table declares `matching`. 没有基础库声明 matching，见 docs/contracts.md。")
    if name is None:
        return list(known.values())
    wanted = name.removeprefix("base.")
    if wanted not in known:
        fail(f"--base {name!r}. {near(wanted, known)}")
    return [known[wanted]]


def _list(project: Project, chosen: Sequence[Matching], state: str, limit: int, *, as_json: bool, unmasked: bool) -> None:
    from assets.lake import open_lake
    from assets.matching import counts, pairs

    with open_lake(project, read_only=True) as con:
        listed = [(m, pairs(con, m, classes=(state,), limit=limit, unmasked=unmasked), counts(con, m)) for m in chosen]
    if as_json:
        told = [{"base": m.contract.table, "records": totals, "pairs": [asdict(p) for p in found]} for m, found, totals in listed]
        print_json(told if len(told) > 1 else told[0])
        return
    for matching, found, totals in listed:
        _show(matching, found, totals, state)


def _show(matching: Matching, found: Sequence[Pair], totals: dict[str, int], state: str) -> None:
    columns: tuple[str, ...] = ("编号 pair", "得分 bits", "概率 p", "依据 evidence", "来源 from", "记录 record", "基础库 base")
    if state != "review":
        columns += ("裁定 decided",)
    console().print(table(f"{matching.contract.title}：{WORDS[state]} {state}", columns, [_row(p, state) for p in found]))
    told = "，".join(f"{WORDS[c]} {c} {n:,}" for c, n in totals.items() if c in WORDS)
    console(stderr=True).print(f"记录 records：{told or '无 none'}；已裁定 decided {totals.get('decided', 0):,}", style="dim")


def _row(pair: Pair, state: str) -> tuple[object, ...]:
    shown = (
        pair.pair,
        pair.score,
        f"{pair.probability:.4f}",
        "\n".join(_told(e) for e in pair.evidence),
        f"{pair.dataset}\n{pair.source}\n第 {pair.line} 行 row" + (f"，共 {pair.rows} 行 rows" if pair.rows > 1 else ""),
        "\n".join(f"{v or '—'}" for v in pair.record.values()),
        "\n".join(f"{v or '—'}" for v in pair.base.values()),
    )
    return shown if state == "review" else (*shown, f"{pair.reviewer}：{pair.reason}" if pair.reviewer else "按规则 by rule")


def _told(evidence: str) -> str:
    """`id_number one_wrong, birth_date same` with the likeness in Chinese beside."""
    words = evidence.rsplit(" ", 1)[-1]
    return f"{evidence} {LIKENESS.get(words, '')}".strip()


def _decide(project: Project, chosen: Sequence[Matching], pair: str, decision: str, reviewer: str, reason: str, *, as_json: bool) -> None:
    from uuid import uuid4

    from assets.lake import open_lake
    from assets.matching import decide
    from assets.matching.decisions import holds

    with open_lake(project) as con:
        matching = next((m for m in chosen if holds(con, m, pair)), chosen[0])
        done = decide(con, project, matching, pair, decision, reviewer, reason, str(uuid4()))
    if as_json:
        print_json({"pair": pair, "decision": decision, **asdict(done)})
        return
    told = "，".join(f"{WORDS[c]} {c} {n:,}" for c, n in done.classes.items())
    console().print(f"✓ {pair} {decision}。记录 records：{told}")
