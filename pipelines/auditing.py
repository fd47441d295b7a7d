"""Finding what was done to a journal: changed, removed, reordered, inserted, cut off, replaced, and on which line.

Belongs here: reading the file in whatever state it is, and comparing. Not here: the journal's own reading and writing
(`pipelines.journal`), where anchors are kept (`pipelines.anchors`).

How: a line that is no entry, or whose seal does not fit its content, is told and only takes a place. Of the others each names the
one before it by its seal; what hangs together so is a run, wherever its lines stand. Of runs that contradict each other the
anchored, then the longer one counts; what stands in the others was put in. Between two runs that count, numbers that are missing
were taken out; where none is missing, an entry was changed and sealed anew. Lines of a run that do not rise were moved. A chain
that was sealed anew as a whole hangs together: only an anchor tells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from pipelines.errors import JournalError
from pipelines.journal import Entry, Finding, read_entry
from pipelines.sealing import ZEROS

FORMS = {
    b"\xef\xbb\xbf": ("UTF-8 字节序标记（BOM）", "a byte order mark"),
    b"\xff\xfe": ("UTF-16", "UTF-16"),
    b"\xfe\xff": ("UTF-16", "UTF-16"),
}
LEAST = 16
"""Digits of a seal that an anchor has at least: as many as a report prints."""
MERGED = ("form", "bytes", "unreadable", "blank")
"""What befalls whole files: neighbouring lines are told as one."""

Placed = tuple[int, Entry]  # line, entry


def deviations(path: Path, anchors: Iterable[tuple[int, str]] = ()) -> list[Finding]:
    """Every deviation of the journal at `path`, in order of lines. Raises `JournalError` for an anchor that is none."""
    known = sorted({_checked(seq, seal) for seq, seal in anchors})
    findings: list[Finding] = []
    placed, opaque = _read(path, findings)
    if not placed and not opaque:
        return findings or _nothing(path, known)
    runs = _choose(_runs(_without_repeats(placed, findings), known), findings)
    _between(runs, opaque, dict(known), findings)
    chain = [line for run in runs for line in run.lines]
    _order(chain, findings)
    _clock(chain, findings)
    _anchored(runs, chain, opaque, known, findings)
    return _merged(sorted(findings, key=lambda f: (f.line, f.remark, f.to)))


def _checked(seq: int, seal: str) -> tuple[int, str]:
    digits = seal.strip().lower()
    if seq < 0 or not LEAST <= len(digits) <= 64 or set(digits) - set("0123456789abcdef") or (seq == 0 and set(digits) != {"0"}):
        raise JournalError(
            f"锚点 {seq}:{seal[:80]}：应为“序号:封印”，封印是 {LEAST} 至 64 位十六进制数。 "
            f"An anchor is SEQ:SEAL, the seal {LEAST} to 64 hexadecimal digits, as a report prints it."
        )
    return seq, digits


def _nothing(path: Path, anchors: list[tuple[int, str]]) -> list[Finding]:
    seq, seal = anchors[-1] if anchors else (0, "")
    if not seq:
        return []
    kind, zh, en = ("emptied", "文件是空的", "the file is empty") if path.exists() else ("gone", "文件不在了", "the file is gone")
    return [Finding(1, 1, kind, f"{zh}，缺{_span(1, seq)}条", f"{en}: entries 1 to {seq} are missing", "0 bytes", f"{seq}:{seal}")]


def _span(first: int, last: int) -> str:
    return f"第 {first} " if first == last else f"第 {first} 至 {last} "


# ---- what stands on each line


def _read(path: Path, findings: list[Finding]) -> tuple[list[Placed], list[int]]:
    """The entries with their lines, and the lines that are none; what is wrong with a line by itself goes to `findings`."""
    placed: list[Placed] = []
    opaque: list[int] = []
    if not path.exists():
        return placed, opaque
    with path.open("rb") as file:
        beginning = file.read(3)
        form = next((f for f in FORMS if beginning.startswith(f)), b"")
        if form:
            zh, en = FORMS[form]
            findings.append(Finding(1, 1, "encoding", f"文件开头是{zh}", f"the file begins with {en}", form.hex(" "), "UTF-8"))
        if len(form) == 2:
            return placed, opaque
        file.seek(len(form))
        for number, raw in enumerate(file, 1):
            entry, finding = _line(path, number, raw)
            if finding:
                findings.append(finding)
            if entry:
                placed.append((number, entry))
            else:
                opaque.append(number)
    return placed, opaque


def _line(path: Path, number: int, raw: bytes) -> tuple[Entry | None, Finding | None]:
    def told(kind: str, zh: str, en: str, found: str, expected: str) -> Finding:
        return Finding(number, number, kind, zh, en, found, expected)

    shown = repr(raw[:40])[2:-1] + ("…" if len(raw) > 40 else "")
    if not raw.endswith(b"\n"):
        return None, told("half", "末行只有一半", "the last line was cut", f"{len(raw)} bytes: {shown}", "an entry and its line end")
    if not raw.strip():
        return None, told("blank", "空行", "a blank line", shown, "an entry")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1}: {raw[error.start : error.start + 4].hex(' ')}"
        return None, told("bytes", "字节不是 UTF-8", "bytes that are no UTF-8", found, "UTF-8")
    try:
        entry = read_entry(path, number, raw)
        computed, line = entry.computed(), entry.line()
    except (JournalError, ValueError):
        return None, told("unreadable", "不是日志条目", "no entry of a journal", shown, "an entry")
    if computed != entry.seal:
        zh, en = "内容与封印不符，被改动", "changed: the content does not fit the seal"
        return None, told("changed", zh, en, f"seal {entry.seal}", f"seal {computed}")
    if line != raw:
        zh, en = "写法被改（空格、换行、转义或次序）", "written in another form (blanks, line end, escapes or order)"
        return entry, told("form", zh, en, shown, repr(line[:40])[2:-1] + "…")
    return entry, None


def _without_repeats(placed: list[Placed], findings: list[Finding]) -> list[Placed]:
    """The entries; the second of two equal ones is told, and does not count."""
    seen: dict[str, int] = {}
    kept = []
    for number, entry in placed:
        if entry.seal in seen:
            zh, en = f"重复第 {seen[entry.seal]} 行", f"repeats line {seen[entry.seal]}"
            findings.append(Finding(number, number, "repeated", zh, en, f"seq {entry.seq}", f"seq {entry.seq + 1}"))
            continue
        seen[entry.seal] = number
        kept.append((number, entry))
    return kept


# ---- what hangs together


@dataclass
class _Run:
    lines: list[Placed]
    anchors: int

    @property
    def first(self) -> int:
        return self.lines[0][1].seq

    @property
    def last(self) -> int:
        return self.lines[-1][1].seq

    @property
    def top(self) -> int:
        return min(number for number, _ in self.lines)

    @property
    def bottom(self) -> int:
        return max(number for number, _ in self.lines)


def _runs(placed: list[Placed], anchors: list[tuple[int, str]]) -> list[_Run]:
    """Entries that name each other; where two name the same one, the anchored or longer way goes on, the other is a run of its own."""
    by_seal = {entry.seal: (number, entry) for number, entry in placed}
    following: dict[str, list[str]] = {}
    begins = []
    for _, entry in placed:
        before = by_seal.get(entry.prev)
        if before and before[1].seq + 1 == entry.seq:
            following.setdefault(entry.prev, []).append(entry.seal)
        else:
            begins.append(entry.seal)
    starts: dict[int, list[str]] = {}
    for seq, start in anchors:
        starts.setdefault(seq, []).append(start)
    held = {entry.seal for _, entry in placed if any(map(entry.seal.startswith, starts.get(entry.seq, ())))}
    weight: dict[str, tuple[int, int, int]] = {}
    for number, entry in sorted(placed, key=lambda line: -line[1].seq):  # who follows has the higher number
        best = max((weight[s] for s in following.get(entry.seal, ())), default=(0, 0, 0))
        weight[entry.seal] = (best[0] + (entry.seal in held), best[1] + 1, -number)
    runs = []
    while begins:
        seal = begins.pop()
        run = _Run([], weight[seal][0])
        ways = [seal]
        while ways:
            run.lines.append(by_seal[ways[0]])
            ways = sorted(following.get(ways[0], ()), key=weight.__getitem__, reverse=True)
            begins += ways[1:]
        runs.append(run)
    return runs


def _choose(runs: list[_Run], findings: list[Finding]) -> list[_Run]:
    """The runs that count, by number; each entry of the others was put in."""
    chosen: list[_Run] = []
    holder: dict[int, tuple[int, _Run]] = {}  # by number: the line and the run
    for run in sorted(runs, key=lambda r: (-r.anchors, -len(r.lines), r.top)):
        at = bisect_left(chosen, run.first, key=lambda r: r.first)
        after = at == 0 or (chosen[at - 1].last < run.first and chosen[at - 1].bottom < run.top)
        before = at == len(chosen) or (run.last < chosen[at].first and run.bottom < chosen[at].top)
        if after and before:
            chosen.insert(at, run)
            holder.update({entry.seq: (number, run) for number, entry in run.lines})
            continue
        for number, entry in run.lines:
            line, to, expected = number, number, "no such entry"
            if entry.seq in holder:
                rival, other = holder[entry.seq]
                expected = f"entry {entry.seq} is on line {rival}"
                twin = next(e for n, e in other.lines if n == rival)
                if entry.prev == twin.prev and run.last == other.last and not other.anchors:  # it may as well be that one
                    line, to = sorted((number, rival))
            zh, en = "插入的条目：链条越过它", "put in: the chain passes it by"
            findings.append(Finding(line, to, "inserted", zh, en, f"seq {entry.seq}, prev {entry.prev}", expected))
    return chosen


def _between(runs: list[_Run], opaque: list[int], anchors: dict[int, str], findings: list[Finding]) -> None:
    """What lies between the runs that count: entries that were taken out, or one that was changed and sealed anew."""
    since, last = 0, 0
    for run in runs:
        number, entry = run.lines[0]
        missing = entry.seq - last - 1 - sum(1 for line in opaque if since < line < number)
        if missing > 0:
            zh = f"此行之前被删：{_span(last + 1, entry.seq - 1)}条中缺 {missing} 条"
            en = f"removed before this line: {missing} of entries {last + 1} to {entry.seq - 1}"
            findings.append(Finding(number, number, "removed", zh, en, f"seq {entry.seq}", f"seq {last + 1}"))
        since, last = run.bottom, run.last
    if runs and runs[0].first == 1 and runs[0].lines[0][1].prev != ZEROS:
        number, entry = runs[0].lines[0]
        zh, en = "首条不是链的开头", "the first entry is not the beginning of a chain"
        findings.append(Finding(number, number, "resealed", zh, en, f"prev {entry.prev}", f"prev {ZEROS}"))
    blamed = 0
    for position, (one, other) in enumerate(pairwise(runs)):
        (left, a), (right, b) = one.lines[-1], other.lines[0]
        if b.seq != a.seq + 1 or left == blamed:
            continue
        follower = runs[position + 2].first if position + 2 < len(runs) else None
        alone = len(other.lines) == 1 and follower in (None, b.seq + 1)  # fits neither side
        line, to = left, left
        if a.seal.startswith(anchors.get(a.seq, "-")) or (alone and follower):
            line = to = right
        elif alone and not b.seal.startswith(anchors.get(b.seq, "-")):
            to = right
        blamed = to
        zh, en = f"被改动并重新封印：第 {right} 行所记的上一条封印不是第 {left} 行的", "changed and sealed anew: "
        en += f"line {right} names another seal than that of line {left}"
        findings.append(Finding(line, to, "resealed", zh, en, f"seal {a.seal}", f"seal {b.prev}"))


def _order(chain: list[Placed], findings: list[Finding]) -> None:
    """Lines that do not rise with the numbers: as few as can be were moved."""
    homes = sorted(number for number, _ in chain)
    if homes == [number for number, _ in chain]:
        return
    tops: list[int] = []  # patience: the smallest last line of a rising row of each length
    length = []
    for number, _ in chain:
        at = bisect_left(tops, number)
        tops[at : at + 1] = [number]
        length.append(at)
    wanted = len(tops) - 1
    limit = max(homes) + 1
    for position in range(len(chain) - 1, -1, -1):
        number, entry = chain[position]
        if length[position] == wanted and number < limit:
            wanted, limit = wanted - 1, number
            continue
        home = homes[position]
        zh, en = f"次序被改：第 {entry.seq} 条应在第 {home} 行", f"moved: entry {entry.seq} belongs on line {home}"
        findings.append(Finding(min(number, home), max(number, home), "reordered", zh, en, f"line {number}", f"line {home}"))


def _clock(chain: list[Placed], findings: list[Finding]) -> None:
    before: datetime | None = None
    for number, entry in chain:
        try:
            at = datetime.fromisoformat(entry.at).astimezone()
        except ValueError:
            findings.append(Finding(number, number, "clock", "时间无法读取", "no time", entry.at, "ISO 8601", remark=True))
            continue
        if before and at < before:
            zh, en = "时钟回拨，次序以序号为准", "the clock went back; the order is that of the numbers"
            findings.append(Finding(number, number, "clock", zh, en, entry.at, f"≥ {before.isoformat(timespec='seconds')}", remark=True))
        before = at


# ---- what was kept elsewhere


def _anchored(runs: list[_Run], chain: list[Placed], opaque: list[int], anchors: list[tuple[int, str]], findings: list[Finding]) -> None:
    """Anchors beyond the end, and anchors that do not fit."""
    by_seq = {entry.seq: (number, entry) for number, entry in chain}
    bottom, last = (chain[-1][0], chain[-1][1].seq) if chain else (0, 0)
    fits = [seq for seq, start in anchors if seq in by_seq and by_seq[seq][1].seal.startswith(start)]
    told = {(f.line, f.to) for f in findings if f.kind == "resealed"}
    replaced = False
    for seq, start in anchors:
        if seq not in by_seq or seq in fits:
            continue
        number, entry = by_seq[seq]
        run = next(r for r in runs if r.first <= seq <= r.last)
        if any(seq < fit <= run.last for fit in fits):
            zh, en = "锚点不对：链上更晚的锚点都符合", "this anchor is wrong: later ones of the same chain fit"
            findings.append(Finding(number, number, "anchor", zh, en, f"{seq}:{start}", f"{seq}:{entry.seal}"))
        elif not replaced:
            replaced = True
            since = max((fit for fit in fits if fit < seq), default=0)
            first = min((by_seq[s][0] for s in range(since + 1, seq + 1) if s in by_seq), default=number)
            if not any(line == to == number for line, to in told):
                zh, en = (
                    "链尾被整体替换：与锚点不符",
                    "replaced: from here, at the latest from the last of these lines on, the chain is another",
                )
                findings.append(Finding(min(first, number), number, "replaced", zh, en, f"{seq}:{entry.seal}", f"{seq}:{start}"))
    end = last + sum(1 for line in opaque if line > bottom)
    beyond = [(seq, start) for seq, start in anchors if seq > end]
    if beyond:
        seq, start = beyond[-1]
        line = max([bottom, *opaque]) + 1
        zh, en = f"末尾被截：缺{_span(end + 1, seq)}条", f"cut off: entries {end + 1} to {seq} are missing"
        findings.append(Finding(line, line, "truncated", zh, en, f"last seq {end}", f"{seq}:{start}"))


def _merged(findings: list[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    for finding in findings:
        before = merged[-1] if merged else None
        if before and before.kind == finding.kind and finding.kind in MERGED and finding.line == before.to + 1:
            merged[-1] = replace(before, to=finding.to)
        else:
            merged.append(finding)
    return merged
