"""Our own expectations as Great Expectations classes, so that any of its users can take them, and it can judge us.

`register()` makes them known to it; imported only where Great Expectations is. They run on pandas and judge each value
with `expectations.identity`, `expectations.national` and the code tables, so their verdicts hold the compiled SQL to account.
A class that a project puts beside them (a module in the folder `expectations/custom` of the project) is known to its suites
at once: it does not compile, so Great Expectations judges it (`compiler/fallback.py`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HERE = Path(__file__).parent


def register(folder: Path | None = None) -> None:
    """Import all modules of this package, and of a project's folder; Great Expectations registers each class as it sees it."""
    for path in sorted(HERE.glob("[!_]*.py")):
        import_module(f"{__name__}.{path.stem}")
    if folder is None or folder.resolve() == HERE.resolve() or not folder.is_dir():
        return
    for path in sorted(folder.glob("[!_]*.py")):
        name = f"{__name__}_of_project.{path.stem}_{path.stat().st_mtime_ns}"
        if name not in sys.modules and (spec := spec_from_file_location(name, path)) is not None and spec.loader is not None:
            module = sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(module)
