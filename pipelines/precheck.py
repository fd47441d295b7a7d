"""A department's own look at a file before it is handed over: the same reader, the same rules, nothing stored.

Belongs here: the way without the lake. Not here: reading, rules, the screen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.documents import near

if TYPE_CHECKING:
    from assets.project import Project


@dataclass
class Precheck:
    """What was found. `refused` says why the whole file would be; values in `failing` are masked."""

    file: str
    dataset: str
    records: int = 0
    refused: str = ""
    rejects: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failing: list[dict[str, Any]] = field(default_factory=list)
    passed: int = 0

    @property
    def ok(self) -> bool:
        return not (self.refused or self.rejects or self.failing)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}


def precheck(project: Project, dataset: str, path: Path) -> Precheck:
    """Read `path` as `dataset` and hold it to the suite. Raises `LookupError` for an unknown dataset, `OSError`."""
    from assets.collect import extract_file
    from assets.headers import map_header
    from assets.judging import Judge
    from assets.lake import connect
    from assets.raw import raw_select
    from assets.readers import RefusedError
    from assets.standardise import check_relation
    from pipelines.rulebook import read_rules
    from pipelines.standing import examples_of

    contract = project.contracts.get(dataset)
    if contract is None or contract.layer != "sources":
        raise LookupError(f"no source dataset is named {dataset!r}. {near(dataset, (c.name for c in project.sources()))}")
    found = Precheck(path.name, dataset)
    con = connect()
    try:
        extract = extract_file(con, project, contract, path)
    except RefusedError as error:
        found.refused = str(error)
        con.close()
        return found
    try:
        found.records = extract.records
        found.rejects = [{"row": r.row, "lines": r.lines, "reason": r.reason} for r in extract.rejects]
        found.notes = list(extract.notes)
        mapping = map_header(contract, extract.header, path.name)
        found.notes += mapping.notes
        if extract.rows == 0:
            found.refused = f"{path.name}: a header and no rows. Hand over the data."
            return found
        batch = "check"
        # A table of its own: the relation may be read more than once, and blank types must come out as text.
        con.execute(f"CREATE TEMP TABLE handed_over AS {raw_select(contract, extract, mapping, batch)}")
        judge = Judge(project, contract)
        checked = check_relation(con, judge, "handed_over", absent={batch: mapping.absent})
        later = {c.rule.id for c in judge.plan.compiled if c.test.others}
        if later:
            found.notes.append(
                f"{len(later)} 条规则要看以前的批次或其他数据集，交付后再评。"
                f" {len(later)} rules look at earlier batches or other datasets: they are judged once it is handed over."
            )
        rules = {r.id: r for r in read_rules(project, [contract])}
        for row in checked.results:
            if row["outcome"] == "passed":
                found.passed += 1
                continue
            if row["rule"] in later:
                continue
            rule = rules[row["rule"]]
            found.failing.append(
                {
                    "rule": row["rule"],
                    "outcome": row["outcome"],
                    "unexpected": row["unexpected"] or 0,
                    "elements": row["elements"] or 0,
                    "title": f"{rule.title_zh} {rule.title_en}",
                    "remedy": f"{rule.remedy_zh} {rule.remedy_en}".strip(),
                    "note": row.get("note") or "",
                    "examples": list(examples_of(row.get("result"))),
                    "blocking": rule.blocking,
                }
            )
        found.failing.sort(key=lambda f: (not f["blocking"], -f["unexpected"]))
    except RefusedError as error:
        found.refused = str(error)
    finally:
        extract.discard()
        con.close()
    return found
