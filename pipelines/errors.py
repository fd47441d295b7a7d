"""Errors that explain themselves: which they are, and how they are told to people and to Dagster.

Belongs here: the list of the classes whose message is complete. Not here: the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def clear_error_types() -> tuple[type[Exception], ...]:
    """Classes whose message says what was found, where, and what to do; imported only when asked for."""
    from assets.lake import LakeBusyError
    from assets.project import ProjectError
    from assets.readers import LaterError, RefusedError
    from expectations.documents import DocumentError

    return (DocumentError, ProjectError, LakeBusyError, RefusedError, LaterError, *_optional())


def _optional() -> tuple[type[Exception], ...]:
    from importlib import import_module

    places = (
        ("assets.settings", "SettingsError"),
        ("assets.std", "StoredTypeError"),
        ("assets.models", "ModelError"),
        ("assets.matching.scoring", "MatchingError"),
        ("assets.masking", "MaskingError"),
        ("pipelines.lineage.past", "ImpactError"),
        ("expectations.compiler.patterns", "PatternError"),
        ("pipelines.querying", "QueryError"),
        ("pipelines.run", "SelectionError"),
    )
    found = (getattr(import_module(module), name, None) for module, name in places)
    return tuple(kind for kind in found if kind is not None)


def told(error: BaseException) -> str:
    """The message, never empty."""
    return str(error).strip() or type(error).__name__


def can_be_retried(error: BaseException) -> bool:
    """Only a source that is out of reach may answer on the next try; what is wrong in a file stays wrong."""
    from assets.readers import LaterError

    return isinstance(error, (LaterError, ConnectionError, TimeoutError))


@contextmanager
def clear_errors() -> Iterator[None]:
    """End a Dagster step with the error's own words, to be tried again only where that can help."""
    from dagster import Failure

    try:
        yield
    except Exception as error:
        if not isinstance(error, (*clear_error_types(), OSError)):
            raise
        raise Failure(description=told(error), allow_retries=can_be_retried(error)) from error
