"""Numbers that carry a check of their own, besides those of `expectations.identity`; numbers in another unit than they should be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from expectations.identity import organisation_check

#: GB 11714-1997: eight characters, a hyphen that electronic forms leave out, the check character.
ORGANISATION_FORM = "[0-9A-Z]{8}-?[0-9X]"

#: ISO/IEC 7812: what a digit adds when it is doubled, by place: 0 5 1 6 2 7 3 8 4 9 add 0 1 2 3 4 5 6 7 8 9.
DOUBLED = "0516273849"
#: Lengths of card numbers (ISO/IEC 7812; the cards of China UnionPay have 16 to 19 digits, M).
CARD_SHORTEST, CARD_LONGEST = 13, 19


def is_organisation_code(text: str) -> bool:
    """Whether the text is an organisation code of GB 11714 with the right check character; letters are capitals."""
    return bool(re.fullmatch(ORGANISATION_FORM, text)) and organisation_check(text[:8]) == text[-1]


def is_bank_card(text: str, min_length: int = 16, max_length: int = CARD_LONGEST) -> bool:
    """Whether the text is a card number of so many digits whose check digit (Luhn) is right; one digit repeated is none."""
    if not re.fullmatch(f"[0-9]{{{min_length},{max_length}}}", text) or len(set(text)) == 1:
        return False
    digits = [int(d) for d in reversed(text)]
    return (sum(digits[0::2]) + sum(DOUBLED.index(str(d)) for d in digits[1::2])) % 10 == 0


#: Units that are mixed up: cents and yuan, milli and micro, 10,000, millions.
POWERS = (2, 3, 4, 6)
MOST_POWER = 6
"""The greatest power of ten that a rule may ask for."""


def most(power: int) -> int:
    """The greatest number (thousandths) that is multiplied by ten to a power: 150 times the product still fits 64 bits."""
    return 4 * 10 ** (16 - abs(power))


def scaled(low: int, high: int, power: int) -> tuple[int, int]:
    """A range times a power of ten; divided, the ends are rounded inwards."""
    if power > 0:
        return low * 10**power, high * 10**power
    return -(-low // 10**-power), high // 10**-power


def is_off_by_power_of_ten(value: float | Decimal, min_value: float, max_value: float, powers: Sequence[int]) -> bool:
    """Whether a number lies outside a range, and inside once divided by ten to one of the powers: another unit, it seems.

    Judged in whole thousandths; beyond 10^12 a number is not judged.
    """
    number, low, high = thousandths(value), setting(min_value), setting(max_value)
    if number is None or low <= number <= high:
        return False
    return any(a <= number <= b for a, b in (scaled(low, high, power) for power in powers))


def are_off_by_power_of_ten(a: float | Decimal, b: float | Decimal, powers: Sequence[int], tolerance: int) -> bool:
    """Whether a is b times ten to one of the powers, give or take some per cent; numbers of 0 and less are not judged."""
    one, other = thousandths(a), thousandths(b)
    if one is None or other is None:
        return False
    for power in powers:
        big, small = (one, other) if power > 0 else (other, one)
        times = small * 10 ** abs(power)
        if 0 < small <= most(power) and (100 - tolerance) * times <= 100 * big <= (100 + tolerance) * times:
            return True
    return False


def thousandths(value: float | Decimal) -> int | None:
    """A number as whole thousandths, floor(1000 x + 1/2) of the double, as the operator of the intermediate form; None beyond 10^12."""
    return math.floor(float(value) * 1000 + 0.5) if -(10**12) <= value <= 10**12 else None


def setting(value: float) -> int:
    """A number that a rule sets, as whole thousandths: what it says in decimal digits, cut after the third."""
    return int(Decimal(str(value)) * 1000)
