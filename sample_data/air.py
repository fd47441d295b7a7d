"""Hourly air quality as the ecology department hands it over: one UTF-8 file with a BOM an hour, 84 stations in each.

Belongs here: the readings, the faults, the files.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words
from sample_data.faults import Fault, View, plant
from sample_data.truth import Truth
from sample_data.world import pick
from sample_data.writing import delimited, put

DATASET = "air_quality_hourly"
HEADERS = {
    "timepoint": "timepoint", "area": "area", "station": "stationcode", "position": "positionname",
    "aqi": "aqi", "primary_pollutant": "primarypollutant",
    "pm2_5": "pm2_5", "pm2_5_24h": "pm2_5_24h", "pm10": "pm10", "pm10_24h": "pm10_24h",
    "so2": "so2", "so2_24h": "so2_24h", "no2": "no2", "no2_24h": "no2_24h",
    "co": "co", "co_24h": "co_24h", "o3_hourly": "o3_24h", "o3_day_max": "o3", "o3_8h": "o3_8h", "o3_8h_day_max": "o3_8h_24h",
}  # fmt: skip
FIRST, HOURS, STATIONS = datetime(2026, 10, 24, 1), 72, 84
WARM = 24
IAQI = np.array([0, 50, 100, 150, 200, 300, 400, 500])
LIMITS = {
    "pm2_5": [0, 35, 75, 115, 150, 250, 350, 500], "pm10": [0, 50, 150, 250, 350, 420, 500, 600], "so2": [0, 150, 500, 650, 800],
    "no2": [0, 100, 200, 700, 1200, 2340, 3090, 3840], "co": [0, 5, 10, 35, 60, 90, 120, 150],
    "o3_hourly": [0, 160, 200, 300, 400, 800, 1000, 1200],
}  # fmt: skip
"""HJ 633-2012 table 1 for hourly reports: particles by their 24-hour limits, gases by their hourly ones."""
WORDS = {
    "pm2_5": "细颗粒物(PM2.5)",
    "pm10": "颗粒物(PM10)",
    "so2": "二氧化硫",
    "no2": "二氧化氮",
    "co": "一氧化碳",
    "o3_hourly": "臭氧1小时",
}


def readings(seed: int) -> dict[str, np.ndarray]:
    """Readings of the six pollutants, each of shape (hours, stations), after 24 hours for the means to begin with."""
    rng = np.random.default_rng([seed, 12])
    hours, hour = WARM + HOURS, (np.arange(WARM + HOURS) % 24)[:, None]
    place = rng.lognormal(0, 0.25, STATIONS)
    drift = np.exp(np.cumsum(rng.normal(0, 0.05, (hours, 1)), axis=0)) * np.exp(rng.normal(0, 0.12, (hours, STATIONS)))
    rush = 1 + 0.25 * np.exp(-((hour - 8) ** 2) / 8) + 0.3 * np.exp(-((hour - 19) ** 2) / 10)
    sun = np.clip(np.sin((hour - 7) / 12 * np.pi), 0, None)
    fine = np.clip(42 * place * drift * rush, 3, 400)
    return {
        "pm2_5": np.round(fine),
        "pm10": np.minimum(np.round(fine * rng.uniform(1.25, 1.9, fine.shape)) + 2, 560),
        "so2": np.clip(np.round(14 * place * drift), 2, 140),
        "no2": np.clip(np.round(30 * place * drift * rush), 3, 180),
        "co": np.clip(np.round(0.7 * place * drift, 1), 0.1, 9),
        "o3_hourly": np.clip(np.round(22 + 75 * sun * drift), 2, 300),
    }


def iaqi(pollutant: str, values: np.ndarray) -> np.ndarray:
    """Sub-indices of HJ 633, rounded up."""
    limits = LIMITS[pollutant]
    return np.ceil(np.round(np.interp(values, limits, IAQI[: len(limits)]), 6))


def _mean(values: np.ndarray, width: int) -> np.ndarray:
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    return (sums[width:] - sums[:-width])[-HOURS:] / width


def view(seed: int) -> View:
    """The clean feed: rows by hour, then by station."""
    series = readings(seed)
    now = {name: values[-HOURS:] for name, values in series.items()}
    parts = {name: iaqi(name, values) for name, values in now.items()}
    stacked = np.stack(list(parts.values()))
    aqi, which = stacked.max(axis=0), stacked.argmax(axis=0)
    n = HOURS * STATIONS
    times = [f"{FIRST + timedelta(hours=h):%Y-%m-%d %H:%M:%S}" for h in range(HOURS)]
    hours, stations = np.repeat(np.arange(HOURS), STATIONS), np.tile(np.arange(STATIONS), HOURS)
    cities = [name for code, (name, _) in words.CITIES.items() if code != "21SF00"]
    day = np.array([(FIRST + timedelta(hours=h - 1)).day for h in range(-WARM, HOURS)])

    def so_far(values: np.ndarray) -> np.ndarray:
        """The greatest value since the day began."""
        out = values.copy()
        for h in range(1, len(out)):
            if day[h] == day[h - 1]:
                out[h] = np.maximum(out[h], out[h - 1])
        return out[-HOURS:]

    sums = np.cumsum(np.vstack([np.zeros((1, STATIONS)), series["o3_hourly"]]), axis=0)
    eight = np.vstack([np.zeros((7, STATIONS)), (sums[8:] - sums[:-8]) / 8])

    def whole(values: np.ndarray) -> pa.Array:
        return pc.cast(pa.array(values.reshape(n).round().astype(np.int64)), pa.string())

    def tenths(values: np.ndarray) -> pa.Array:
        texts = [f"{v / 10:.1f}".removesuffix(".0") for v in range(1000)]  # the feed writes 1, not 1.0
        return pick(texts, (values.reshape(n) * 10).round().astype(np.int64))

    first, none = pick(list(WORDS.values()), which.reshape(n)), pa.scalar(None, pa.string())
    columns = {
        "timepoint": pick(times, hours),
        "area": pick(cities, stations // 6),
        "station": pick([f"{9001 + s}A" for s in range(STATIONS)], stations),
        "position": pick([f"示例{cities[s // 6][:-1]}{s % 6 + 1}号站" for s in range(STATIONS)], stations),
        "aqi": whole(aqi),
        "primary_pollutant": pc.if_else(pa.array((aqi > 50).reshape(n)), first, none),
        "pm2_5": whole(now["pm2_5"]), "pm2_5_24h": whole(_mean(series["pm2_5"], 24)),
        "pm10": whole(now["pm10"]), "pm10_24h": whole(_mean(series["pm10"], 24)),
        "so2": whole(now["so2"]), "so2_24h": whole(_mean(series["so2"], 24)),
        "no2": whole(now["no2"]), "no2_24h": whole(_mean(series["no2"], 24)),
        "co": tenths(now["co"]), "co_24h": tenths(_mean(series["co"], 24)),
        "o3_hourly": whole(now["o3_hourly"]), "o3_day_max": whole(so_far(series["o3_hourly"])),
        "o3_8h": whole(eight[-HOURS:]), "o3_8h_day_max": whole(so_far(eight)),
    }  # fmt: skip
    facts = {
        "good": (aqi <= 50).reshape(n),
        "midnight": np.array([(FIRST + timedelta(hours=h)).hour == 0 for h in range(HOURS)])[hours],
        "dusty": (now["pm2_5"] >= 24).reshape(n),  # half of it is far below it, not a little
        "gap": (hours == 40) & (stations % 2 == 1),
    }
    return View(columns, np.arange(n), hours, facts)


def _missing(pollutant: str, column: str) -> tuple[Fault, ...]:
    words_for_nothing = {"na": "NA", "dash": "—", "9999": "-9999"}
    return tuple(Fault(f"{pollutant}_{name}", column, "0201", "flag", 1e-3, word) for name, word in words_for_nothing.items())


def _yesterday(midnight: str) -> str:
    day = datetime.fromisoformat(midnight) - timedelta(days=1)
    return f"{day:%Y-%m-%d} 24:00:00"


_NO_SIGNS = str.maketrans("", "", "- :")
GASES = (("pm25", "pm2_5"), ("pm10", "pm10"), ("so2", "so2"), ("no2", "no2"), ("co", "co"), ("o3", "o3_hourly"))

FAULTS = (
    Fault("hour_24", "timepoint", "0503", "repair", 1e-3, lambda c: _yesterday(c.text), lambda v: v.facts["midnight"]),
    Fault("time_compact", "timepoint", "0302", "repair", 2e-3, lambda c: c.text.translate(_NO_SIGNS)),
    Fault("time_missing", "timepoint", "0201", "quarantine", 5e-4, None),
    Fault("time_impossible", "timepoint", "0302", "quarantine", 5e-4, lambda c: c.text[:11] + "25:00:00"),
    Fault("station_missing", "station", "0201", "quarantine", 5e-4, None),
    Fault("station_bad", "station", "0302", "quarantine", 5e-4, lambda c: c.text[:3]),
    Fault("reading_twice", None, "0303", "quarantine", 1e-3, {}, double=True),
    Fault("area_unknown", "area", "0105", "flag", 1e-3, lambda c: c.text.removesuffix("市")),
    *(fault for pollutant, column in GASES for fault in _missing(pollutant, column)),
    Fault("pm25_extreme", "pm2_5", "0301", "flag", 1e-3, lambda c: str(c.rng.integers(1528, 6000))),
    Fault("pm_inverted", "pm10", "0401", "flag", 2e-3, lambda c: str(max(1, int(c["pm2_5"]) // 2)), lambda v: v.facts["dusty"]),
    Fault("so2_negative", "so2", "0301", "flag", 5e-4, "-3"),
    Fault("o3_negative", "o3_hourly", "0301", "flag", 5e-4, "-5"),
    Fault("co_unit", "co", "0101", "flag", 1e-3, lambda c: str(int(float(c.text) * 1000))),
    Fault("aqi_over", "aqi", "0301", "flag", 5e-4, lambda c: str(c.rng.integers(501, 999))),
    Fault("primary_when_good", "primary_pollutant", "0104", "flag", 2e-3, WORDS["pm10"], lambda v: v.facts["good"]),
    Fault("so2_jump", "so2", "0301", "flag", 5e-4, "202"),
    Fault("aqi_wrong", "aqi", "0401", "flag", 1e-3, lambda c: str(int(c.text) + 60), lambda v: ~v.facts["good"]),
)  # fmt: skip


def write(seed: int, folder: Path, truth: Truth, say: Callable[[int], None]) -> None:
    """One file an hour; in one hour every second station is missing, one station's readings are frozen for a day."""
    seen = _frozen(view(seed))
    spoilt = plant(seen, FAULTS, np.random.default_rng([seed, 14]), here=~seen.facts["gap"])
    names, lines = {}, np.zeros(spoilt.view.rows, dtype=np.int64)
    for group, place in spoilt.places.items():
        time = FIRST + timedelta(hours=group)
        period = f"{time:%Y%m%d%H}"
        name = names[group] = f"HB_KQZL_{period}.csv"
        columns = {n: c.slice(place.start, place.stop - place.start) for n, c in spoilt.view.columns.items()}
        body, lines[place] = delimited(columns, list(HEADERS.values()), {}, end="\r\n")
        put(folder / name, b"\xef\xbb\xbf" + body.encode("utf-8"), time + timedelta(minutes=35))
        if group == 40:
            truth.add(DATASET, name, period, "", "stations_missing", "0202", "flag")
        say(place.stop - place.start)

    def position(row: int) -> tuple[str, str, str, int]:
        group = int(spoilt.view.group[row])
        return names[group], f"{FIRST + timedelta(hours=group):%Y%m%d%H}", "", int(lines[row])

    truth.add_marks(DATASET, spoilt.marks, position)
    for row in _held(spoilt.view):
        source, period, unit, line = position(row)
        truth.add(
            DATASET,
            source,
            period,
            unit,
            "readings_frozen",
            "0301",
            "flag",
            row=line,
            column="so2",
            spoilt=spoilt.view.columns["so2"][row].as_py(),
        )


FROZEN = (12, 36)
HELD = 18
"""From this many equal readings on a station is known to be stuck."""
_STUCK = 17


def _held(view: View) -> list[int]:
    """The rows of the stuck station at which a value stands for the `HELD`th hour or longer, with no more than one hour missing between."""
    found, run, last, value = [], 0, -9, None
    for row in np.flatnonzero(view.is_in("station", f"{9001 + _STUCK}A")).tolist():
        hour, text = int(view.group[row]), view.columns["so2"][row].as_py()
        told = view.columns["timepoint"][row].as_py()
        if hour == last or told is None or "25:00" in told or text is None or not text.lstrip("-").isdigit() or text == "-9999":
            continue
        run = run + 1 if text == value and hour - last <= 2 else 1
        last, value = hour, text
        if run >= HELD:
            found.append(row)
    return found


def _frozen(seen: View) -> View:
    """Station 9018A gives the same SO2 for a day."""
    rows = np.arange(seen.rows)
    stuck = (rows % STATIONS == _STUCK) & (seen.group >= FROZEN[0]) & (seen.group < FROZEN[1])
    held = np.where(stuck, FROZEN[0] * STATIONS + _STUCK, rows)
    return View({**seen.columns, "so2": seen.columns["so2"].take(pa.array(held))}, seen.key, seen.group, seen.facts)
