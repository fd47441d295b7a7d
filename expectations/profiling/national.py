"""Forms that the compiler knows by itself (resident id, credit code, division, telephone, ...): which columns have them.

Every kind of ours that looks at one column, or at two, is tried on a bounded sample by the compiler, and on two controls: texts
drawn anew of the same shapes, and the same values dealt out to other rows. A kind that takes the controls as readily proves nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.compiler.forms import RowTest
from expectations.compiler.kinds import Kind
from expectations.compiler.rules import kinds
from expectations.documents import DocumentError
from expectations.profiling.proposals import SUPPORT, Finder, Proposal, percent, short
from expectations.profiling.shapes import redrawn

if TYPE_CHECKING:
    import duckdb

    from expectations.profiling.draft import Judging

TRIED = 2_000
LUCK = 0.5


@dataclass(frozen=True)
class Trial:
    """A kind with its arguments, and how often data, redrawn and redealt values keep it (shares of 0 to 1)."""

    type: str
    kwargs: Mapping[str, Any]
    fits: float
    redrawn: float
    redealt: float
    tried: int


def forms(finder: Finder, con: duckdb.DuckDBPyConnection, judging: Judging) -> tuple[list[Proposal], dict[str, str]]:
    """The proposals, and by column the kind of its form."""
    con.execute("DROP TABLE IF EXISTS temp.tried")
    _fill(finder, con)
    try:
        whole = [t for t in _try(finder, con, judging, _single(finder)) if t.fits >= finder.nearly]
        alone = list(_best(finder, [*whole, *_try(finder, con, judging, _narrowed(whole))]))
        form = {t.kwargs["column"]: t.type for t in alone}
        pairs = [t for t in _try(finder, con, judging, _double(finder, form)) if t.fits >= finder.nearly and t.redealt <= _chance(t.fits)]
    finally:
        con.execute("DROP TABLE IF EXISTS temp.tried")
    return [_proposal(finder, t) for t in (*alone, *pairs)], form


def _chance(fits: float) -> float:
    """How often values of other rows may keep what these keep: clearly less."""
    return 0.9 - 3 * (1 - fits)


def _fill(finder: Finder, con: duckdb.DuckDBPyConnection) -> None:
    """The table `tried`: the sample as the batch `data`, and the controls as `redrawn` and `redealt`."""
    fields = finder.profile.table.fields
    data = {f.name: list(finder.profile.sample[f.name][:TRIED]) for f in fields}
    drawn, dealt = dict(data), dict(data)
    for f in fields:
        if f.logical_type == "string":
            texts = iter(redrawn((v for v in data[f.name] if v is not None), f.name))
            drawn[f.name] = [None if v is None else next(texts) for v in data[f.name]]
        dealt[f.name] = data[f.name][:]
        random.Random(f.name).shuffle(dealt[f.name])  # noqa: S311 - no secret
    types = ", ".join(f"{_q(f.name)} {f.sql_type}" for f in fields)
    con.execute(f'CREATE TEMP TABLE tried ("_batch" VARCHAR, "_row" BIGINT, {types})')
    for batch, columns in (("data", data), ("redrawn", drawn), ("redealt", dealt)):
        arrays = ", ".join(f"unnest(${i + 2}::{f.sql_type}[])" for i, f in enumerate(fields))
        n = len(next(iter(columns.values()), ()))
        con.execute(f"INSERT INTO tried SELECT $1, unnest(range({n})), {arrays}", [batch, *(columns[f.name] for f in fields)])


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _single(finder: Finder) -> Iterator[tuple[str, dict[str, Any]]]:
    columns = [c.name for c in finder.profile.columns if c.kind == "string" and c.present >= SUPPORT]
    for kind in _ours(("column",)):
        yield from ((kind.type, {"column": name}) for name in columns)


def _narrowed(fitting: Iterable[Trial]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A kind that fits, narrowed to one or two neighbouring words of an argument that takes all its words by default."""
    for trial in fitting:
        for name, argument in kinds()[trial.type].arguments.items():
            if argument.shape != "choices" or tuple(argument.default or ()) != tuple(argument.words):
                continue
            for size in range(1, min(3, len(argument.words))):
                for start in range(len(argument.words) - size + 1):
                    yield trial.type, {**trial.kwargs, name: list(argument.words[start : start + size])}


def _double(finder: Finder, form: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs whose first or second column has a form of its own."""
    names = {c.name: c.kind for c in finder.profile.columns if c.present >= SUPPORT and c.kind in ("string", "date", "timestamp")}
    for kind in _ours(("column_A", "column_B")):
        for a in names:
            for b in names:
                if a != b and names[a] == "string" and (a in form or b in form):
                    yield kind.type, {"column_A": a, "column_B": b, "ignore_row_if": "either_value_is_missing"}


def _ours(needed: tuple[str, ...]) -> list[Kind]:
    """Our own kinds over rows that need these arguments and no others."""
    found = []
    for kind in kinds().values():
        required = tuple(n for n, a in kind.arguments.items() if a.required)
        if kind.ours and required == needed and "mostly" in kind.arguments and kind.type != "expect_column_values_to_parse":
            found.append(kind)
    return found


def _try(finder: Finder, con: duckdb.DuckDBPyConnection, judging: Judging, wanted: Iterable[tuple[str, dict[str, Any]]]) -> list[Trial]:
    """Judge each rule on the table `tried`: those of one kind over columns of the same types in one scan."""
    groups: dict[tuple[str, ...], list[Proposal]] = {}
    for number, (kind, kwargs) in enumerate(wanted):
        proposal = Proposal(f"t{number}", kind, kwargs, "0301", ("", ""), ("", ""))
        types = (finder.profile.by_name[c].kind for c in proposal.columns)
        groups.setdefault((kind, *types), []).append(proposal)
    return [trial for meant in groups.values() for trial in _judged(con, judging, meant)]


def _judged(con: duckdb.DuckDBPyConnection, judging: Judging, meant: Sequence[Proposal]) -> list[Trial]:
    """The trials of some rules of one kind; none where the kind is for columns of other types, or no test of rows."""
    import duckdb

    try:
        plan = judging.plan(meant)
        if not all(isinstance(c.test, RowTest) for c in plan.compiled):
            return []
        results = plan.run(con, "temp.tried").results
    except (DocumentError, duckdb.BinderException):
        return []
    found: dict[str, dict[str, tuple[float, int]]] = {}
    for result in results:
        considered = (result.elements or 0) - (result.missing or 0)
        if considered and result.unexpected is not None:
            found.setdefault(result.rule.id, {})[result.batch] = 1 - result.unexpected / considered, considered
    trials = []
    for p in meant:
        here = found.get(p.id, {})
        if here.get("data", (0.0, 0))[1] >= SUPPORT:
            drawn, dealt = (here.get(b, (1.0, 0))[0] for b in ("redrawn", "redealt"))
            trials.append(Trial(p.type, p.kwargs, here["data"][0], drawn, dealt, here["data"][1]))
    return trials


def _best(finder: Finder, trials: Sequence[Trial]) -> Iterator[Trial]:
    """Of each column the form that chance would hit least, among those that the data keeps; the narrowest where chance tells nothing."""
    by_column: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.fits >= finder.nearly and trial.redrawn <= LUCK:
            by_column.setdefault(trial.kwargs["column"], []).append(trial)
    for fitting in by_column.values():
        yield min(fitting, key=lambda t: (t.fits < 1 - finder.tolerance, round(t.redrawn, 2), _breadth(t), -round(t.fits, 3), t.type))


def _breadth(trial: Trial) -> int:
    """How many words the arguments of a kind take together."""
    arguments = kinds()[trial.type].arguments
    return sum(len(trial.kwargs.get(n, a.default) or ()) for n, a in arguments.items() if a.shape == "choices")


def _proposal(finder: Finder, trial: Trial) -> Proposal:
    kind = kinds()[trial.type]
    columns = [trial.kwargs[n] for n in ("column", "column_A", "column_B") if n in trial.kwargs]
    word = trial.type.removeprefix("expect_column_values_to_be_").removeprefix("expect_column_pair_").removesuffix("_to_agree")
    zh, en = (re.split("[：；。:;.]", re.sub("（[^）]*）|\\([^)]*\\)", "", meaning))[0].strip() for meaning in kind.meaning)
    pair = len(columns) == 2
    luck = trial.redealt if pair else trial.redrawn
    control = ("换行后", "values of other rows") if pair else ("同形的随机文本", "chance texts of the same shape")
    return Proposal(
        short(columns[1], "agrees", columns[0]) if pair else short(columns[0], word),
        trial.type,
        trial.kwargs,
        "0402" if pair else "0105" if "division" in trial.type else "0301",
        (f"{'、'.join(map(finder.zh, columns))}：{zh}", f"{', '.join(map(finder.en, columns))}: {en[:1].lower() + en[1:]}"),
        (
            f"抽样 {trial.tried:,} 个值中 {percent(trial.fits)} 符合，{control[0]}只有 {percent(luck)}",
            f"kept by {percent(trial.fits)} of {trial.tried:,} sampled values, by {control[1]} {percent(luck)}",
        ),
    )
