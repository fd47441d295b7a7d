"""Errors that explain themselves: which they are, their codes, and how they are told to people and to Dagster.

Belongs here: the table of codes (docs/errors.md has a section for each), and classes of errors that no other module is the home of.
Not here: the messages. A code never changes its meaning; a class that is gone leaves its code unused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

CODES = {
    "builtins.ModuleNotFoundError": "YQ111",
    "builtins.LookupError": "YQ112",
    "builtins.FileNotFoundError": "YQ113",
    "builtins.PermissionError": "YQ114",
    "builtins.OSError": "YQ115",
    "assets.project.ProjectError": "YQ101",
    "assets.settings.SettingsError": "YQ102",
    "assets.secrets.SecretError": "YQ103",
    "pipelines.errors.StartError": "YQ104",
    "expectations.documents.DocumentError": "YQ201",
    "expectations.compiler.patterns.PatternError": "YQ202",
    "assets.masking.MaskingError": "YQ203",
    "assets.matching.scoring.MatchingError": "YQ204",
    "pipelines.run.SelectionError": "YQ205",
    "assets.readers.RefusedError": "YQ301",
    "assets.readers.LaterError": "YQ302",
    "assets.lake.LakeBusyError": "YQ401",
    "assets.std.StoredTypeError": "YQ402",
    "assets.renames.RenameError": "YQ403",
    "pipelines.querying.QueryError": "YQ501",
    "pipelines.lineage.past.ImpactError": "YQ502",
    "pipelines.errors.JournalError": "YQ601",
    "pipelines.errors.PublishingError": "YQ603",
    "pipelines.issues.acting.ActingError": "YQ602",
    "pipelines.errors.ReleaseError": "YQ604",
    "pipelines.errors.DeliveryError": "YQ605",
    "pipelines.errors.MailSecurityError": "YQ606",
    "pipelines.workbooks.errors.WorkbookError": "YQ610",
}
"""By the full name of its class, each error's code: 1 the installation, 2 declarations, 3 hand-overs, 4 the lake, 5 questions, 6 what
people do. What is no class of ours stands here for what of it reaches the screen."""
USAGE, INTERRUPTED = "YQ100", "YQ199"
"""A command that was given what it cannot take; one that somebody ended."""


class StartError(Exception):
    """A project cannot be begun, or a dataset drafted: what stands in the way, and what to do."""


class PublishingError(Exception):
    """A league cannot be published: who or what is missing, what stands already, what to do."""


class ReleaseError(Exception):
    """Rows cannot be let out of quarantine: which, why, what to do."""


class DeliveryError(Exception):
    """Reports cannot be delivered: to whom, what is not set or not there, what to do."""


class MailSecurityError(Exception):
    """A mail server that does not encrypt, or that cannot prove who it is: which, what it lacks, what to do. Nothing was sent to it."""


class JournalError(Exception):
    """The journal cannot be read or written: which line, what is wrong with it, what to do."""


def clear_error_types() -> tuple[type[Exception], ...]:
    """Classes of ours whose message says what was found, where, and what to do; imported only when asked for."""
    from importlib import import_module

    places = (name.rpartition(".") for name in CODES if not name.startswith("builtins."))
    return tuple(getattr(import_module(module), name) for module, _, name in places)


def code_of(error: BaseException) -> str | None:
    """The code of an error, by the nearest of its classes that has one; None for one that explains nothing."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((CODES[name] for name in names if name in CODES), None)


def words(error: BaseException) -> str:
    """The message, never empty."""
    return str(error).strip() or type(error).__name__


def told(error: BaseException) -> str:
    """The message behind the error's code."""
    code = code_of(error)
    return f"{code} {words(error)}" if code else words(error)


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
