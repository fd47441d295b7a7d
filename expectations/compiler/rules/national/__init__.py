"""National rules on a row: the compiled twins of `expectations.national`, one module a family."""

from __future__ import annotations

from expectations.compiler.rules.national import ages, air, forms, numbers, places, standards

KINDS = (*forms.KINDS, *numbers.KINDS, *standards.KINDS, *places.KINDS, *ages.KINDS, *air.KINDS)
