"""`yuanqing audit`: whether the journal is as it was written, what stands in it, and mending a line that was cut."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.screen import clearly, console, print_json, table

if TYPE_CHECKING:
    from pipelines.journal import Finding

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="审计日志：何人、何时、做了何事、为何；是否被改。 The journal: who did what, when and why, and whether it was changed.",
)
SHOWN = 200
PLACES = 3


@app.command("verify")
@clearly
def verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option("--anchor", metavar="SEQ:SEAL", help="另存的锚点，见任一报告页末。 An anchor kept elsewhere, as reports print it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False,
) -> None:
    """日志与当初写入的是否一致：改动、删除、换序、插入、截断、替换，逐行指出。 Whether the journal is as it was written.

    锚点取自湖、结果、报告与已发布的排行；另给的也用。退出码：0 一致，1 不一致。
    Anchors come from the lake, the results, reports and published leagues, and from --anchor. Exit code: 0 as written, 1 not.

    例 example: yuanqing audit verify --anchor 41:66c7f0f462eeedd9
    """
    from assets.project import Project
    from pipelines import anchors, journal
    from pipelines.errors import JournalError
    from pipelines.league.checking import check

    project = Project.at()
    altered = check(project)
    kept = anchors.kept(project)
    for text in anchor or ():
        kept.setdefault(anchors.read(text), []).append("--anchor")
    found = journal.verify(project, kept)
    bad = [f for f in found if not f.remark]
    try:
        seq, seal = journal.head(project)
    except JournalError:
        seq, seal = 0, ""
    if as_json:
        told = [{**asdict(f), "anchors": kept_at(f, kept)} for f in found]
        print_json(
            {"journal": str(journal.journal_path(project)), "seq": seq, "seal": seal, "anchors": len(kept), "findings": told}
            | {"publications": [asdict(a) for a in altered]}
        )
    else:
        if found:
            rows = [(f.place, f.kind, f"{f.zh}\n{f.en}", plain(f.found), plain(_with_places(f, kept))) for f in found[:SHOWN]]
            console().print(table("", ("行 line", "种类 kind", "情况 what", "现有 found", "应有 expected"), rows))
            if len(found) > SHOWN:
                console().print(f"… 另有 {len(found) - SHOWN} 项 more: --json", markup=False)
        if altered:
            told_of = [(a.seq, a.file, f"{a.zh}\n{a.en}", a.found, a.expected) for a in altered]
            console().print(table("已发布 published", ("号 seq", "文件 file", "情况 what", "现有 found", "应有 expected"), told_of))
        if bad:
            console().print(
                f"✗ {journal.journal_path(project)}：与当初写入的不一致，{len(bad)} 处。保留此文件，从备份取回，并报告质量管理人员。\n"
                f"  It is not as it was written, in {len(bad)} places. Keep this file, bring the right one back from a backup,"
                " and tell the quality officer.",
                style="red",
                markup=False,
                soft_wrap=True,
            )
        elif not altered:
            console().print(
                f"✓ 日志完整：{seq} 条，与 {len(kept)} 个锚点相符。 The journal is whole: {seq} entries, {len(kept)} anchors fit.\n"
                f"  锚点 anchor {seq}:{seal}",
                markup=False,
                soft_wrap=True,
            )
    raise typer.Exit(1 if bad or altered else 0)


def plain(text: str) -> str:
    """What somebody wrote, without what would steer the screen."""
    return "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else "�" for c in text)


def kept_at(finding: Finding, kept: dict[tuple[int, str], list[str]]) -> list[str]:
    """The places that have the anchor of which a finding speaks."""
    texts = (finding.found, finding.expected)
    return [place for (seq, seal), places in kept.items() if f"{seq}:{seal}" in texts for place in places]


def _with_places(finding: Finding, kept: dict[tuple[int, str], list[str]]) -> str:
    places = kept_at(finding, kept)
    more = f" +{len(places) - PLACES}" if len(places) > PLACES else ""
    return finding.expected + (f"\n← {', '.join(places[:PLACES])}{more}" if places else "")


@app.command("rehearse")
@clearly
def rehearse(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")] = False) -> None:
    """演练：在副本上用各种手法篡改，看是否都被发现、位置是否正确。 Tamper with a copy in every known way, to see each one found.

    原日志不动。退出码：0 全部发现，1 有遗漏。 The journal itself is only read. Exit code: 0 all found, 1 not all.
    """
    from assets.project import Project
    from pipelines.rehearsal import rehearse as rehearsed

    done = rehearsed(Project.at())
    found = sum(r.found for r in done)
    if as_json:
        print_json([asdict(r) for r in done])
    else:
        rows = [(f"{r.zh} {r.en}", r.done_at, ", ".join(r.kinds), ", ".join(r.places) or "—", "✓" if r.found else "✗") for r in done]
        columns = ("手法 way", "改在 done at", "种类 kind", "发现于 found at", "")
        console().print(table(f"演练 rehearsal：{found}/{len(done)}", columns, rows))
    raise typer.Exit(0 if found == len(done) else 1)


@app.command("list")
@clearly
def listed(
    what: Annotated[list[str] | None, typer.Option("--what", help="事项，可多次给出。 Kinds: dispatch, waive, publish ...")] = None,
    who: Annotated[list[str] | None, typer.Option("--who", help="何人，可多次给出。 Persons.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="最近的多少条。 At most so many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON（全部）。 Print all as JSON.")] = False,
) -> None:
    """日志中的条目：何时、何人、何事、为何、关于什么。 What stands in the journal.

    例 example: yuanqing audit list --what publish --what waive
    """
    from assets.project import Project
    from pipelines.journal import entries
    from pipelines.sealing import canonical

    found = [e for e in entries(Project.at(), *(what or ())) if not who or e.who in who]
    if as_json:
        print_json([asdict(e) for e in found])
        return
    rows = [
        (e.seq, *map(plain, (e.at.replace("T", " "), e.who, e.what, e.why, canonical(e.content).decode())), e.seal[:16])
        for e in found[-limit:]
    ]
    columns = ("序号 seq", "时间 at", "何人 who", "何事 what", "为何 why", "内容 content", "封印 seal")
    console().print(table(f"日志 journal：{len(found)} 条 entries", columns, rows))
    if len(found) > limit:
        console(stderr=True).print(f"仅列最近 {limit} 条；--limit 或 --json。 Only the newest {limit}; --limit or --json.", markup=False)


@app.command("repair")
@clearly
def repair(who: Annotated[str, typer.Option("--who", help="何人处理。 Who mends it.")] = "") -> None:
    """末行只写了一半（断电、磁盘满）时：把半行移到旁边的文件，并记入日志。 Set a half last line aside, and write that down.

    例 example: yuanqing audit repair --who 王芳
    """
    from assets.project import Project
    from pipelines import journal

    project = Project.at()
    entry = journal.repair(project, who)
    if entry is None:
        console().print("末行完整，无须处理。 The last line is whole; nothing was done.", markup=False)
    elif kept := entry.content["kept"]:
        place = journal.journal_path(project).with_name(str(kept))
        console().print(f"✓ 第 {entry.content['line']} 行的一半已移到 Half a line was set aside: {place}", markup=False, soft_wrap=True)
    else:
        console().print(f"✓ 第 {entry.content['line']} 行已补行尾 The line was ended; nothing of it was lost.", markup=False)
