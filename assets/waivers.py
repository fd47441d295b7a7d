"""Waivers: rules that an officer has set aside for a scope, with a reason and an end, in `expectations/waivers.yaml`.

A waiver changes no verdict and hides no row: what breaks the rule is counted apart while the waiver holds, and again as a failure
from the day after its end. Belongs here: reading and checking them. Not here: what scores make of them (`pipelines.scores`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from expectations.documents import DocumentError, Named, near, read_document

if TYPE_CHECKING:
    from assets.project import Project

FILE = "waivers.yaml"
_KEYS = ("dataset", "rule", "unit", "reason", "officer", "valid_from", "until")
_NEEDED = ("dataset", "rule", "reason", "officer", "valid_from", "until")


@dataclass(frozen=True)
class Waiver:
    """A rule of a dataset set aside, in one `unit` or (empty) in all, from `valid_from` up to and with `until`.

    One from the journal has an `id`, its `legal_basis`, who agreed as the `second`, and perhaps the only `tickets` (issues) it is for.
    """

    dataset: str
    rule: str
    unit: str
    reason: str
    officer: str
    valid_from: date
    until: date
    line: int | None = None
    id: str = ""
    legal_basis: str = ""
    second: str = ""
    tickets: tuple[str, ...] = ()

    def holds(self, on: date) -> bool:
        return self.valid_from <= on <= self.until


def load_waivers(project: Project, rules: Iterable[tuple[str, str]] | None = None) -> tuple[Waiver, ...]:
    """Every waiver of a project, expired ones too; `rules` are the known (dataset, rule) pairs, or None where that is not to be
    looked at. Empty where there is no file.

    Raises `DocumentError` with the line for a dataset or rule that is not known, a missing reason, officer or date, an end before
    the beginning, and two waivers of one scope whose times meet.
    """
    path = project.expectations / FILE
    if not path.exists():
        return ()
    document = read_document(path)
    known = None if rules is None else set(rules)
    if set(document.data) != {"waivers"} or not isinstance(document.data["waivers"], list):
        raise document.error((), "expected one list `waivers`.", "Begin the file with `waivers:` and each entry with a dash.")
    found: list[Waiver] = []
    for position, node in enumerate(document.data["waivers"]):
        at: tuple[str | int, ...] = ("waivers", position)

        def wrong(key: str, what: str, remedy: str, at: tuple[str | int, ...] = at) -> DocumentError:
            return document.error((*at, key), what, remedy)

        if not isinstance(node, dict):
            raise document.error(at, "a waiver is a mapping.", f"Give it {', '.join(_NEEDED)}.")
        for key in node:
            if key not in _KEYS:
                raise wrong(key, f"unknown key {key!r}.", near(str(key), _KEYS))
        for key in _NEEDED:
            if not node.get(key):
                raise document.error(at, f"the waiver has no {key}.", "Add it: a rule is set aside by somebody, for a reason, for a time.")
        _dates(node, wrong)
        dataset, rule = str(node["dataset"]), str(node["rule"])
        if known is not None and dataset not in (datasets := Named(((d, None) for d, _ in known), project.contracts.former)):
            raise wrong("dataset", f"no dataset {dataset!r}.", near(dataset, datasets))
        if known is not None and (dataset, rule) not in known:
            raise wrong("rule", f"{dataset} has no rule {rule!r}.", near(rule, (r for d, r in known if d == dataset)))
        made = Waiver(
            dataset,
            rule,
            str(node.get("unit") or ""),
            str(node["reason"]),
            str(node["officer"]),
            node["valid_from"],
            node["until"],
            document.line(*at),
            f"{FILE}:{document.line(*at)}",
        )
        for other in found:
            same = (other.dataset, other.rule, other.unit) == (made.dataset, made.rule, made.unit)
            if same and other.valid_from <= made.until and made.valid_from <= other.until:
                raise document.error(at, f"the same scope is waived at line {other.line} for a time that meets this.", "Keep one of them.")
        found.append(made)
    return tuple(found)


def _dates(node: dict[str, Any], wrong: Any) -> None:
    for key in ("valid_from", "until"):
        if type(node[key]) is not date:
            raise wrong(key, f"{key} {node[key]!r} is no date.", "Write it as 2026-12-31.")
    if node["until"] < node["valid_from"]:
        raise wrong("until", f"until {node['until']} is before valid_from {node['valid_from']}.", "Change them over.")
