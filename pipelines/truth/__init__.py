"""Proof: what the rules catch of the sample's planted faults (`planted`), and that every rule can fail (`mutation`).

Belongs here: holding rules to what is known to be wrong. Not here: planting the sample's faults (`sample_data`), rules.
"""

from __future__ import annotations

from pipelines.truth.mutation import MutationReport, mutate
from pipelines.truth.planted import TruthReport, compare, compare_in, truth_file
from pipelines.truth.showing import render, render_mutation

__all__ = ["MutationReport", "TruthReport", "compare", "compare_in", "mutate", "render", "render_mutation", "truth_file"]
