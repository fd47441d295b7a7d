"""A project: the folder whose `assets/` and `expectations/` declare what there is, and the folder where data is kept.

Belongs here: paths, and reading where they are. Not here: what the files mean, settings (`assets.settings`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assets.contracts import Contract, read_contracts

if TYPE_CHECKING:
    from assets.departments import Departments
    from assets.settings import Settings
    from expectations.documents import Named

CODE = Path(__file__).resolve().parent.parent


class ProjectError(Exception):
    """No project stands where one was looked for."""


@dataclass(frozen=True)
class Past:
    """A moment to look at a project from: the lake in the data folder `home` as it stood at `snapshot`, when it was `at`."""

    home: Path
    snapshot: int
    at: datetime


@dataclass(frozen=True)
class Project:
    """`root` holds the declarations; `data` what runs make (landing, lake, results, reports, Dagster's home)."""

    root: Path
    data: Path
    landing_at: Path | None = None  # another landing folder than the one in `data`
    past: Past | None = None  # the lake is another's and is read as it was; what is made goes into `data`

    @classmethod
    def at(cls, root: Path | str | None = None, data: Path | str | None = None) -> Project:
        """The project at `root`, else at YUANQING_ROOT, else at or above the working folder, else the one beside the code.

        `data` defaults to YUANQING_DATA, else `<root>/data`. Raises `ProjectError`.
        """
        given = root or os.environ.get("YUANQING_ROOT")
        if given:
            here = Path(given).resolve()
            if not (here / "assets").is_dir():
                raise ProjectError(f"{here}: no folder `assets` here. Name the project's folder, or run in it.")
        else:
            above = (p for p in (Path.cwd(), *Path.cwd().parents) if (p / "assets" / "sources").is_dir())
            here = next(above, CODE)
        kept = Path(data or os.environ.get("YUANQING_DATA") or here / "data").resolve()
        return cls(here, kept)

    @property
    def assets(self) -> Path:
        return self.root / "assets"

    @property
    def expectations(self) -> Path:
        return self.root / "expectations"

    @property
    def landing(self) -> Path:
        """Where departments put files: `landing/<dataset>/`; refused ones go to `landing/refused/<dataset>/`."""
        return self.landing_at or self.data / "landing"

    @property
    def collected(self) -> Path:
        """Hand-overs that are in the lake, kept as they came."""
        return self.data / "collected"

    @property
    def returned(self) -> Path:
        """Where departments put workbooks that they filled in: `returned/<department>/`; what lies there stays there."""
        return self.data / "returned"

    @property
    def home(self) -> Path:
        """The data folder with the lake: `data`, unless the project is looked at as it was."""
        return self.past.home if self.past else self.data

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    def now(self) -> datetime:
        """Local time; of a project that is looked at as it was, the time then."""
        return self.past.at if self.past else datetime.now()

    @property
    def results(self) -> Path:
        return self.data / "results.duckdb"

    @property
    def reports(self) -> Path:
        return self.data / "reports"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"

    @property
    def scratch(self) -> Path:
        return self.data / "scratch"

    @property
    def connections(self) -> Path:
        """`connections.toml`: how to reach the servers that contracts name; never in the repository."""
        return self.data / "connections.toml"

    @property
    def memory(self) -> str | None:
        """How much memory each connection to the lake may take (`2GB`); None: DuckDB's own, 80 % of the machine's.

        What takes more spills into `scratch`. Raises `SettingsError`, as do the two below.
        """
        return self.settings.memory

    @property
    def reports_url(self) -> str:
        """The address under which browsers find `reports`, by default the small server of `yuanqing ui`."""
        return self.settings.reports_url

    @property
    def ui_url(self) -> str:
        """The address under which browsers find the Dagster UI, by default that of `yuanqing ui`."""
        return self.settings.ui_url

    @cached_property
    def settings(self) -> Settings:
        """`yuanqing.toml` and the environment over it. Raises `assets.settings.SettingsError`."""
        from assets.settings import load_settings

        return load_settings(self.root)

    @cached_property
    def contracts(self) -> Named[Contract]:
        """Every contract, by dataset name; it knows the names that they had."""
        return read_contracts(self.assets)

    @cached_property
    def departments(self) -> Departments:
        """What departments were called, and of which others they were made."""
        from assets.departments import read_departments

        return read_departments(self.assets, self.sources())

    def sources(self) -> list[Contract]:
        return [c for c in self.contracts.values() if c.layer == "sources"]

    def models(self) -> list[Contract]:
        return [c for c in self.contracts.values() if c.layer != "sources"]
