"""Base and thematic tables: a contract and one SELECT each.

`sql` reads a SELECT, `fusion` makes one record of several departments' (一数一源), `increment` finds what a batch touches, `building`
writes and `checking` runs the suites. What the rest uses stands here.
"""

from assets.models.building import Built, build, create_views, order
from assets.models.checking import check_model
from assets.models.sql import Query, columns_known, dependencies, read_model

__all__ = ["Built", "Query", "build", "check_model", "columns_known", "create_views", "dependencies", "order", "read_model"]
