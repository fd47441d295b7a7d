"""The tiny project of the models' tests, and what these tests add to it."""

from __future__ import annotations

from tests.models.conftest import add_models, project, world

__all__ = ["add_models", "project", "world"]
