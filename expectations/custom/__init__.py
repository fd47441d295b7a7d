"""Our own expectations as Great Expectations classes, so that any of its users can take them, and it can judge us.

`register()` makes them known to it; imported only where Great Expectations is. They run on pandas and judge each value
with `expectations.identity` and the code tables, so their verdicts hold the compiled SQL to account.
"""


def register() -> None:
    """Import the classes; Great Expectations registers each as it sees it."""
    from expectations.custom import columns, declared, numbers  # noqa: F401
