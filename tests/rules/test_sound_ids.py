"""What one look settles of a resident id is what the whole look would say."""

from __future__ import annotations

import datetime

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.compiler.ir import Column
from expectations.compiler.rules.identity import _Good, resident_word
from expectations.compiler.writing import Layers
from expectations.identity import Divisions, classify_resident_id

DAY = datetime.date(2026, 11, 25)
DIVISIONS = Divisions(present="(?:219901|110101)", historical="(?:219002)", wide="(?:219900)", known="(?:219901)")
WEIGHTS = [2 ** (18 - i) for i in range(1, 18)]


def answers(values, *expressions):
    """The value of each expression for each text."""
    con = duckdb.connect()
    con.execute("CREATE TABLE texts AS SELECT unnest(?::VARCHAR[]) AS v", [values])
    layers = Layers(DAY, "(FROM texts)", expressions)
    return con.execute(f"SELECT {', '.join(map(layers.sql, expressions))} FROM {layers.source}").fetchall()


@st.composite
def ids(draw):
    """Resident ids of no place, their check character right in half of the cases."""
    day = draw(st.dates(datetime.date(1800, 1, 1), datetime.date(2026, 12, 31)))
    body = f"{draw(st.sampled_from(['219901', '219002', '219900', '219999']))}{day:%Y%m%d}{draw(st.integers(0, 999)):03}"
    check = "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True)) % 11]
    return body + draw(st.sampled_from([check, check, check, "0", "X", "x"]))


@settings(max_examples=30, deadline=None)
@given(st.lists(ids() | st.text("0123456789X", min_size=14, max_size=19), min_size=1, max_size=50))
def test_what_is_sound_at_one_look_is_what_is_valid(values):
    column = Column("v")
    good = _Good(column, DIVISIONS.present)
    for value, (word, valid, odd, born) in zip(
        values, answers(values, resident_word(column, DIVISIONS), good.sound, good.male, good.born), strict=True
    ):
        assert word == classify_resident_id(value, as_of=DAY, divisions=DIVISIONS)
        assert bool(valid) == (word == "valid")
        if valid:
            assert (odd, born) == (int(value[16]) % 2 == 1, int(value[6:14]))
