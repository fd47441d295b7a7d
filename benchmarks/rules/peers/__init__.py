"""The same rules in other libraries; a module each, with `prepare(file, told)` that imports and declares, and gives what judges.

Belongs here: the rules as each library would have them. Not here: what is timed (`contenders`).
"""

PEERS = {
    "pandera_polars": ("pandera", "polars"),
    "dataframely_polars": ("dataframely", "polars"),
    "pointblank_polars": ("pointblank", "polars"),
    "soda_duckdb": ("soda_core", "soda_duckdb"),
    "duckguard_duckdb": ("duckguard",),
}
"""By module what must be installed: a library that is not there is left out with a word."""

OTHERWISE = {
    "soda_duckdb": {"id_unique": "copies beyond the first", "person_once": "copies beyond the first"},
    "duckguard_duckdb": {"id_unique": "copies beyond the first, and missing ids", "person_once": "keys that several rows share"},
}
"""Where a library means something else: by rule, what it counts."""
