"""`python -m expectations.conformance [FOLDER]`: every case through our compiler and through Great Expectations; see the package."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from expectations.conformance.cases import DEFAULT, Case, CasesError, read_cases
from expectations.conformance.known import Known, read_known

STATES = ("same", "in GX", "listed", "different")


@dataclass(frozen=True)
class Finding:
    """What came out of a case. `record` and `gx` say in what we differ from each; `in_gx` that Great Expectations ran it for us."""

    case: Case
    in_gx: bool
    record: Sequence[str]
    gx: Sequence[str]
    judged_by: str | None

    def state(self, known: Mapping[str, Known]) -> str:
        """One of `STATES`."""
        differs = {name for name, found in (("record", self.record), ("gx", self.gx)) if found}
        if differs:
            entry = known.get(self.case.id)
            return "listed" if entry is not None and differs == entry.differs_from else "different"
        return "in GX" if self.in_gx else "same"


def examine(cases: Iterable[Case]) -> list[Finding]:
    """Judge every case. Imports Great Expectations, once."""
    import duckdb

    from expectations.conformance.compare import against_gx, against_record
    from expectations.conformance.judges import Judge, Ours

    judge = Judge()
    findings = []
    with duckdb.connect() as con:
        us = Ours(con)
        for case in cases:
            if case.for_nobody:
                findings.append(Finding(case, False, (), (), None))
                continue
            ours = us.judge(case, {table.name: judge.frame(table) for table in case.tables})
            theirs = judge.judge(case)
            in_gx = ours is None or bool(ours.get("meta", {}).get("in_gx"))
            if ours is None:
                ours = theirs[1] if theirs else {"error": "no SQL type fits its data, and Great Expectations is not to judge it here"}
            gx = against_gx(ours, theirs[1], case.tolerance) if theirs else []
            findings.append(Finding(case, in_gx, against_record(ours, case), gx, theirs[0] if theirs else None))
    return findings


def report(findings: Sequence[Finding], known: Mapping[str, Known]) -> bool:
    """Print the table and the line of totals; whether nothing differs that is not listed, and nothing is listed in vain."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=max(Console().width, 110))  # types are long
    by_type: dict[str, Counter[str]] = {}
    for finding in findings:
        by_type.setdefault(finding.case.type, Counter())[finding.state(known)] += 1
    table = Table("expectation", *STATES, box=None)
    for name in STATES:
        table.columns[1 + STATES.index(name)].justify = "right"
    for type_, counts in sorted(by_type.items()):
        table.add_row(type_, *(str(counts[s] or "") for s in STATES))
    console.print(table)
    good = True
    for finding in findings:
        if finding.state(known) == "different":
            good = False
            print(f"\n{finding.case.id} ({finding.case.title})")
            print(*(f"  record  {text}" for text in finding.record), *(f"  {finding.judged_by:7} {t}" for t in finding.gx), sep="\n")
    there = {f.case.id: f for f in findings}
    for case in known:
        if case in there and not (there[case].record or there[case].gx):
            good = False
            print(f"\n{case} is listed as a known difference and no longer differs: take it out of known.yaml.")
    total = Counter(f.state(known) for f in findings)
    judged = Counter(f.judged_by for f in findings)
    print(
        f"\n{len(findings)} cases: {total['same']} same, {total['in GX']} run in GX, {total['listed']} listed differences, "
        f"{total['different']} unlisted (GX judged {judged['pandas']} on pandas, {judged['sqlite']} on SQLite, "
        f"{judged[None]} by the record alone)"
    )
    return good


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 nothing unlisted, 1 something differs, 2 no cases."""
    folder = Path(arguments[0]) if arguments and arguments[0] else DEFAULT
    try:
        cases = read_cases(folder)
    except CasesError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if report(examine(cases), read_known()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
