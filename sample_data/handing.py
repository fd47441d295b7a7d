"""Handing over: the rows of each period of a declared view go into files, day by day, unit by unit, and into the truth.

Belongs here: one pass over the rows in order, cut into hand-overs; what is wrong with hand-overs as a whole. Not here: rows and
faults (`views`, `planting`), how a form is written (`forms`).
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sample_data import planting, slices, views
from sample_data.forms import Scene, Writer, form_of
from sample_data.views import quoted

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

    from sample_data.declaration import Declaration, Drift, Fault, Moment
    from sample_data.truth import Truth

BATCH = 50_000
"""Rows that stand in memory at once."""


def hand_over(
    con: duckdb.DuckDBPyConnection,
    declaration: Declaration,
    folder: Path,
    truth: Truth,
    say: Callable[[str, int, int], None],
    cross: dict[str, Any],
) -> None:
    """Write every hand-over of a declared view into `folder`, and its faults into the truth. `cross`: every declared disagreement."""
    views.lags(con, declaration)
    slices.within(con)
    for moment in declaration.moments:
        _period(con, declaration, moment, folder, truth, say, cross)
    con.execute(f"DROP TABLE IF EXISTS {planting.kept_in(declaration)}")


@dataclass
class _Open:
    """A hand-over that is being written: one file, or a wrong one and the right one behind it (the last of `scenes`).

    `rows` that went into it so far, and how many of them bear which fault.
    """

    place: tuple[str, str]
    scenes: list[Scene]
    writers: list[Writer]
    rows: int = 0
    spoilt: Counter[str] = field(default_factory=Counter)

    def count(self, piece: pa.Table) -> None:
        self.rows += piece.num_rows
        faults = self.scenes[0].faults
        for found in piece.column("_fault").value_counts().to_pylist():
            if found["values"] is not None:
                self.spoilt[faults[found["values"]].kind] += found["counts"]

    def bears(self, drift: Drift) -> bool:
        """Whether it is wrong as a whole in that way: always, but for what is a matter of how many rows."""
        if drift.of is None:
            return True
        found = self.spoilt[drift.of]
        return found >= drift.least and found > drift.share * self.rows


def _period(
    con: duckdb.DuckDBPyConnection,
    declaration: Declaration,
    moment: Moment,
    folder: Path,
    truth: Truth,
    say: Callable[[str, int, int], None],
    cross: dict[str, Any],
) -> None:
    import duckdb

    view = views.view(con, declaration, moment)
    try:
        rows = planting.plant(con, view)
        reader = con.execute(views.filled(_select(declaration, rows), moment)).to_arrow_reader(BATCH)
    except duckdb.Error as error:
        raise declaration.error(("rows",), views.said(error), "Correct the SQL of the view or of its faults.") from None
    open_: _Open | None = None
    kinds = _Kinds(declaration, rows, cross)
    for batch in reader:
        import pyarrow as pa

        table = pa.Table.from_batches([batch])
        for piece in _pieces(table):
            place = piece.column("_period")[0].as_py(), piece.column("_unit")[0].as_py()
            if open_ is None or open_.place != place:
                _finish(open_, truth)
                open_ = _begin(declaration, _named(declaration, moment, place[0]), place[1], folder, piece, rows.faults)
            open_.count(piece)
            numbers = _write(open_, piece, declaration)
            kinds.tell(piece, numbers, open_.scenes[-1], truth)
        say(declaration.name, table.num_rows, 0)
    _finish(open_, truth)
    slices.give_back(con)
    say(declaration.name, 0, 1)


def _select(declaration: Declaration, rows: planting.Rows) -> str:
    """Everything that the form, the truth and the cutting want, in order."""
    form = declaration.form
    cells = dict(form_of(declaration).cells(declaration))
    part = form.sheets or form.members
    keeps = {f"_keep_{n}": drift.keep for n, drift in enumerate(declaration.drift) if drift.keep}
    orders = [re.sub(r"(?i)\s+(desc|asc)$", "", column) for column in planting.ordered(declaration)]
    formed = [f"{sql} AS {quoted(name)}" for name, sql in cells.items()]
    formed += [f"{quoted(part)}::VARCHAR AS __part" if part else "NULL::VARCHAR AS __part"]
    formed += [f"coalesce({condition}, false) AS {name}" for name, condition in keeps.items()]
    formed += [f"{column} AS _order_{n}" for n, column in enumerate(orders)]
    sql = f"SELECT *, {', '.join(formed)} FROM ({rows.sql})"
    broken = [f"WHEN {n} THEN ({fault.line})" for n, fault in enumerate(rows.faults) if fault.line]
    names = [quoted(name) for name in cells]
    if "line" in cells:
        if broken:
            sql = f"SELECT * REPLACE (CASE _fault {' '.join(broken)} ELSE line END AS line) FROM ({sql})"
        names += ["1 + length(line) - length(replace(line, chr(10), '')) AS taken"]
        marked = ", ".join(str(n) for n, fault in enumerate(rows.faults) if fault.line)
        names += [f"coalesce(_fault IN ({marked}), false) AS broken" if marked else "false AS broken"]
    names += ["_period", "_unit", "__part", "_fault", "_copy", "_clean", "_new", *keeps]
    names += [quoted(n) for n in (*rows.view.marks, *rows.told, *_words(declaration, rows))]
    by = [f"_order_{n}{' DESC' if column.upper().endswith(' DESC') else ''}" for n, column in enumerate(planting.ordered(declaration))]
    order = ["_period", "_unit", *(["__part"] if part else []), *by, "_key", "_copy"]
    return f"SELECT {', '.join(names)} FROM ({sql}) ORDER BY {', '.join(order)}"


def _words(declaration: Declaration, rows: planting.Rows) -> list[str]:
    """Helper columns that texts of the form name."""
    form = declaration.form
    texts = [
        form.name,
        form.title,
        form.note,
        form.sheet,
        *(c for part in (form.above, form.below, form.foot) for row in part for c in row),
    ]
    texts += [d.name for d in declaration.drift]
    named = {name for t in texts if t for name in re.findall(r"\{(_\w+)", t)}
    return sorted(named & set(rows.view.helpers))


def _pieces(table: pa.Table) -> list[pa.Table]:
    """The rows of each hand-over, in order."""
    import numpy as np
    import pyarrow.compute as pc

    if not table.num_rows:
        return []
    changes = np.zeros(table.num_rows, dtype=bool)
    for name in ("_period", "_unit"):
        values = table.column(name).combine_chunks()
        changes[1:] |= _mask(pc.not_equal(values[1:], values[:-1]))
    cuts = [0, *np.flatnonzero(changes).tolist(), table.num_rows]
    return [table.slice(a, b - a) for a, b in pairwise(cuts)]


def _named(declaration: Declaration, moment: Moment, period: str) -> Moment:
    """The moment itself, or that of one of the short periods that it stands for."""
    if declaration.periods is None:
        return moment
    from assets.contracts import PERIODS

    ends = datetime.strptime(period, PERIODS[declaration.contract.delivery.period])
    return moment.model_copy(update={"ends": ends, "name": period})


def _begin(declaration: Declaration, moment: Moment, unit: str, folder: Path, piece: pa.Table, faults: tuple[Fault, ...]) -> _Open:
    words = {name: piece.column(name)[0].as_py() for name in piece.column_names if name.startswith("_") and not name.startswith("_keep_")}
    words = {n: v for n, v in words.items() if n not in ("_unit", "_period", "_fault", "_copy", "_clean", "_new", "__part")}
    drift = tuple(d for d in declaration.drift if d.holds(moment.name, unit))
    first = Scene(declaration, moment, unit, folder, drift, 1, None, words, faults)
    scenes = [first]
    wrong = [d for d in drift if d.again]
    if wrong:
        scenes.append(replace(first, drift=tuple(d for d in drift if not d.again), serial=2, name=wrong[0].name))
    form = form_of(declaration)
    return _Open((moment.name, unit), scenes, [form.writer(scene) for scene in scenes])


def _write(open_: _Open, piece: pa.Table, declaration: Declaration) -> np.ndarray:
    """Write rows into all files of a hand-over; their `_row` in the last one (0 where it leaves them out)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = np.zeros(piece.num_rows, dtype=np.int64)
    for scene, writer in zip(open_.scenes, open_.writers, strict=True):
        keeps = [f"_keep_{n}" for n, d in enumerate(declaration.drift) if d.keep and d in scene.drift]
        mask = np.ones(piece.num_rows, dtype=bool)
        for name in keeps:
            mask &= pc.fill_null(piece.column(name), False).to_numpy()
        rows = piece if mask.all() else piece.filter(pa.array(mask))
        numbers[:] = 0
        if rows.num_rows:
            parts = rows.column("__part").combine_chunks()
            numbers[mask] = writer.add(rows, parts if parts.null_count < len(parts) else None)
    return numbers


def _finish(open_: _Open | None, truth: Truth) -> None:
    """Close a hand-over, and tell what is wrong with it as a whole."""
    if open_ is None:
        return
    for scene, writer in zip(open_.scenes, open_.writers, strict=True):
        (path, *_) = writer.close()
        declaration, moment = scene.declaration, scene.moment
        for drift in scene.drift:
            if drift.kind is None or drift.copies or not open_.bears(drift):
                continue
            clean = declaration.contract.column(drift.column).header if drift.column else None
            truth.add(
                declaration.name, _source(scene), moment.name, scene.unit, drift.kind, drift.indicator, drift.effect,
                column=drift.column, spoilt=drift.text, clean=clean,
            )  # fmt: skip
        for number, drift in enumerate([d for d in scene.drift if d.copies], 1):
            again = replace(scene, serial=scene.serial + number, name=drift.name)
            if again.path == path:
                raise declaration.error(
                    ("drift",), f"the copy of {path.name} bears its name.", "Give it a `name`, or put {serial} into form.name."
                )
            shutil.copyfile(path, again.path)
            again.keep_time(again.path)
            truth.add(
                declaration.name, again.file, moment.name, scene.unit, drift.kind or "same_file", drift.indicator, drift.effect,
                spoilt=again.file, clean=path.name,
            )  # fmt: skip


def _source(scene: Scene) -> str:
    """How the reader will call a hand-over: the file's name, the day of an interface, the dataset of a table."""
    match scene.declaration.contract.server.type:
        case "local":
            return scene.file
        case "api":
            return f"{scene.moment.ends:%Y-%m-%d}"
        case _:
            return scene.declaration.name


class _Kinds:
    """What each mark and fault of a period means, for the truth."""

    def __init__(self, declaration: Declaration, rows: planting.Rows, cross: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow as pa

        self._name = declaration.name
        own = {f.kind: f for f in declaration.faults}
        silent = {kind for part in declaration.told for kind in part.marks} | {d.of for d in declaration.drift}
        self._loud = np.array([f.kind not in silent for f in rows.faults], dtype=bool)
        self._words = {
            key: pa.array([getattr(f, key) for f in rows.faults], pa.string()) for key in ("kind", "column", "indicator", "effect")
        }
        self._marks: list[tuple[str, str, str, str, str | None]] = []  # column of the batch, kind, indicator, effect, column
        for mark in rows.view.marks:
            _, what, kind = mark.split("_", 2)
            if what == "shows":
                shown = declaration.shows.get(kind)
                if shown is None:
                    raise declaration.error(
                        ("rows",), f"{mark} marks a fault that `shows` does not declare.", f"Add shows: {{{kind}: {{indicator: ...}}}}."
                    )
                self._marks.append((mark, kind, shown.indicator, shown.effect, shown.column))
                continue
            found = cross.get(kind)
            if found is None:
                from expectations.documents import near

                raise declaration.error(("rows",), f"{mark} marks a disagreement that no declaration plants.", near(kind, cross))
            column = found.column if found.column in declaration.columns else None
            self._marks.append((mark, kind, found.indicator, "cross" if what == "plants" else "graced", column))
        for part in declaration.told:
            for kind in part.marks:
                fault = own.get(kind)
                if fault is None:
                    raise declaration.error(("told",), f"no fault {kind!r} is declared.", f"Declare it: {', '.join(sorted(own))[:200]}.")
                self._marks.append((f"_told_{kind}", kind, fault.indicator, fault.effect, part.column or fault.column))

    def tell(self, piece: pa.Table, numbers: np.ndarray, scene: Scene, truth: Truth) -> None:
        """Put the faults of these rows into the truth."""
        import pyarrow as pa
        import pyarrow.compute as pc

        written = pa.array(numbers > 0)
        faulty = _mask(pc.and_(written, pc.is_valid(piece.column("_fault"))))
        if faulty.any():
            faulty[faulty] = self._loud[piece.filter(pa.array(faulty)).column("_fault").to_numpy()]
            some = piece.filter(pa.array(faulty))
            which = pa.array(some.column("_fault").to_numpy())
            names = {key: values.take(which) for key, values in self._words.items()}
            self._add(numbers[faulty], some.column("_new"), some.column("_clean"), names, scene, truth)
        for mark, kind, indicator, effect, column in self._marks:
            places = numbers[_mask(pc.and_(written, pc.fill_null(piece.column(mark), False)))]
            none = pa.nulls(len(places), pa.string())
            words = {"kind": kind, "column": column, "indicator": indicator, "effect": effect}
            self._add(places, none, none, {k: pa.array([v] * len(places), pa.string()) for k, v in words.items()}, scene, truth)

    def _add(self, places: np.ndarray, new: Any, clean: Any, names: dict[str, pa.Array], scene: Scene, truth: Truth) -> None:
        import pyarrow as pa

        if not len(places):
            return
        same = {"dataset": self._name, "source": _source(scene), "period": scene.moment.name, "unit": scene.unit}
        columns = {k: pa.array([v] * len(places), pa.string()) for k, v in same.items()}
        truth.add_rows(pa.table({**columns, "row": pa.array(places), **names, "spoilt": new, "clean": clean}))


def _mask(flags: Any) -> np.ndarray:
    """A column of true and false as a mask that can be changed."""
    found: np.ndarray = flags.to_numpy(zero_copy_only=False) if hasattr(flags, "buffers") else flags.to_numpy()
    return found.astype(bool)
