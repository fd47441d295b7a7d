"""Hourly air quality: the one physical series of the sample, drawn as numbers, which SQL says badly. Table `world.air_hour`.

Belongs here: the readings and what follows from them. Not here: how the department hands them over (its declaration).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sample_data import vocabulary as words

if TYPE_CHECKING:
    import duckdb

FIRST, HOURS, STATIONS = datetime(2026, 10, 24, 1), 72, 84
FROZEN, STUCK = (12, 36), 17
HELD = 18
"""From this many equal readings on a station is known to be stuck."""
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


def pick(options: list[str], which: np.ndarray) -> pa.Array:
    """The option at each position."""
    return pa.array(options, pa.string()).take(pa.array(which))


def feed(seed: int) -> pa.Table:
    """The feed, clean, all texts: rows by hour, then by station; one station is stuck for a day.

    Besides: `hour` (YYYYMMDDHH, the file), `n` (its number), `station_n`, `held` (a value that stands for the `HELD`th hour or longer).
    """
    series = readings(seed)
    series["so2"][WARM + FROZEN[0] : WARM + FROZEN[1], STUCK] = series["so2"][WARM + FROZEN[0], STUCK]
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
    same = now["so2"][1:] == now["so2"][:-1]
    run = np.ones((HOURS, STATIONS), dtype=np.int64)
    for hour in range(1, HOURS):
        run[hour] = np.where(same[hour - 1], run[hour - 1] + 1, 1)
    more = {
        "hour": pick([f"{FIRST + timedelta(hours=h):%Y%m%d%H}" for h in range(HOURS)], hours),
        "n": pa.array(np.arange(n)),
        "station_n": pa.array(stations),
        "held": pa.array((run >= HELD).reshape(n)),
    }
    return pa.table({**columns, **more})


def write(con: duckdb.DuckDBPyConnection) -> None:
    """The table `world.air_hour`, from the seed of the world."""
    (seed,) = con.execute("SELECT seed()").fetchone() or (0,)
    con.register("air_feed", feed(int(seed)))
    con.execute("CREATE OR REPLACE TABLE world.air_hour AS SELECT * FROM air_feed ORDER BY n")
    con.unregister("air_feed")
