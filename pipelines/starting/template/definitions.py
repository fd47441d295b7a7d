"""What Dagster loads: what Yuanqing makes of the declarations, and what is your own in `defs/` (`dg scaffold defs ...`)."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    from pipelines.definitions import defs as declared

    return dg.Definitions.merge(declared(), dg.load_from_defs_folder(path_within_project=Path(__file__).parent))
