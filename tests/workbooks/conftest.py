"""Lets the tests of this folder import `workbook_support` and the small project of the reports' tests."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "reports")]
