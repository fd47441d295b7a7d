"""Base and thematic tables: a contract and one SELECT each.

`sql` reads a SELECT, `fusion` makes one record of several departments' (一数一源), `increment` finds what a batch touches, `building`
writes and `checking` runs the suites. What the rest uses stands here.
"""

from assets.models.building import Built, build, create_views, order
from assets.models.checking import check_built, check_model, check_results, model_plan
from assets.models.sql import Query, columns_known, dependencies, read_model

__all__ = [
    "Built",
    "Query",
    "build",
    "check_built",
    "check_model",
    "check_results",
    "columns_known",
    "create_views",
    "dependencies",
    "model_plan",
    "order",
    "read_model",
]
