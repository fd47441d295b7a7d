"""Our own expectations as Great Expectations classes, so that any of its users can take them, and it can judge us.

`register()` makes them known to it; imported only where Great Expectations is.
"""


def register() -> None:
    """Import the classes, which Great Expectations registers as it sees them."""
