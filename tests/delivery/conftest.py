"""Lets the tests of this folder import `delivery_support`, whose fixtures are theirs, and the small project of the reports' tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "reports"))
sys.path.insert(0, str(Path(__file__).parent))

from delivery_support import hook, later, post, site, whole

__all__ = ["hook", "later", "post", "site", "whole"]
