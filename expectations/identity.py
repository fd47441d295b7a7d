"""Numbers that carry their own check: the resident id (GB 11643-1999) and the unified social credit code (GB 32100-2015).

`classify_*` say in one word what a text is; the compiled rules (`compiler/rules/identity.py`) say the same words in SQL and
are tested against these. Belongs here: form, check characters, dates and divisions inside a number. Not here: SQL, rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from expectations.codes import CodeTable, CodeTables

#: What folding does before a number is read: full-width signs and small letters become their plain capitals, blanks and marks vanish.
BLANKS = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff'"
FOLD_FROM = "".join(map(chr, range(0xFF01, 0xFF5F))) + "abcdefghijklmnopqrstuvwxyz" + BLANKS
FOLD_TO = "".join(map(chr, range(0x21, 0x7F))).upper() + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD = str.maketrans(dict(zip(FOLD_FROM, FOLD_TO, strict=False)) | dict.fromkeys(BLANKS, ""))

#: GB/T 2260: the provinces, with Hong Kong, Macao and Taiwan (81 to 83: residence permits, same check).
PROVINCES = [
    "11",
    "12",
    "13",
    "14",
    "15",
    "21",
    "22",
    "23",
    "31",
    "32",
    "33",
    "34",
    "35",
    "36",
    "37",
    "41",
    "42",
    "43",
    "44",
    "45",
    "46",
    "50",
    "51",
    "52",
    "53",
    "54",
    "61",
    "62",
    "63",
    "64",
    "65",
    "71",
    "81",
    "82",
    "83",
]
HOME = "21"
_OTHERS = "|".join(p for p in PROVINCES if p != HOME)

#: GB 11643 4.4, ISO 7064 MOD 11-2: weight 2^(18-i) of the digit at i (from 1), and the check characters by remainder.
RESIDENT_CHECK = "10X98765432"
#: GB 32100 4.2.6: 31 characters (no I O S V Z), weight 3^(i-1) mod 31.
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
#: GB 11714: letters count on from 10 without gaps.
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

RESIDENT_FORM = "[0-9]{17}[0-9X]"
CREDIT_FORM = f"[{CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{CREDIT_ALPHABET}]{{10}}"
_DAYS = "(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8])"
_LEAP = "0[48]|[2468][048]|[13579][26]"
#: A possible date YYYYMMDD from 1800 on: 1800, 1900 and 2100 are no leap years.
DATE = f"(?:(?:1[89]|2[0-9])[0-9]{{2}}(?:{_DAYS})|(?:(?:1[89]|2[0-9])(?:{_LEAP})|(?:20|24|28)00)0229)"
#: The YYMMDD of the 15-digit form: the year is 19YY.
SHORT_DATE = f"(?:[0-9]{{2}}(?:{_DAYS})|(?:{_LEAP})0229)"


@dataclass(frozen=True)
class Divisions:
    """What is known of GB/T 2260, as alternatives for the first six digits: the home province by code, others by form."""

    present: str
    historical: str
    wide: str
    known: str

    @classmethod
    def of(cls, table: CodeTable) -> Divisions:
        """From the table `division` (columns code, level, status)."""
        digits = [r for r in table.rows if r["code"].isdigit()]
        present = [r["code"] for r in digits if r["status"] in ("current", "sample") and r["level"] == "county"]
        historical = [r["code"] for r in digits if r["status"] == "historical" and not r["code"].endswith("00")]
        wide = [r["code"] for r in digits if r["code"].endswith("00")]
        return cls(
            present=f"(?:(?:{_OTHERS})[0-9]{{2}}(?:0[1-9]|[1-9][0-9])|{'|'.join(present)})",
            historical=f"(?:{'|'.join(historical) or '[^0-9]'})",
            wide=f"(?:(?:{_OTHERS})[0-9]{{2}}00|{'|'.join(wide)})",
            known=f"(?:(?:{_OTHERS})[0-9]{{4}}|100000|{'|'.join(r['code'] for r in digits)})",
        )


@cache
def _divisions() -> Divisions:
    return Divisions.of(CodeTables().get("division"))


@cache
def _categories() -> frozenset[str]:
    return frozenset(CodeTables().get("credit_code_category").codes)


@cache
def _pilots() -> frozenset[str]:
    return frozenset(CodeTables().get("credit_code_pilot").codes)


def fold(text: str) -> str:
    """The text as its number should have been written."""
    return text.translate(_FOLD)


def resident_check(digits: str) -> str:
    """The check character of the first 17 digits of a resident id."""
    return RESIDENT_CHECK[sum(int(d) * 2 ** (17 - i) for i, d in enumerate(digits[:17])) % 11]


def credit_check(code: str) -> str:
    """The check character (18th) of the first 17 characters of a credit code."""
    total = sum(CREDIT_ALPHABET.index(c) * w for c, w in zip(code[:17], CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[-total % 31]


def organisation_check(body: str) -> str:
    """The check character of the 8 characters of an organisation code."""
    total = sum(ORGANISATION_ALPHABET.index(c) * w for c, w in zip(body[:8], ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def classify_resident_id(text: str, *, as_of: date | None = None, divisions: Divisions | None = None) -> str:
    """What a text is as a resident id: valid, valid_historical_division, prefecture_prefix (suspicious), legacy15 (void since
    2013), valid_after_normalise, bad_length, bad_format, bad_date, future_date (after `as_of`, today), bad_division, bad_check."""
    folded = fold(text)
    word = _resident_word(folded, (as_of or date.today()).strftime("%Y%m%d"), divisions or _divisions())
    return word if folded == text or not word.startswith("valid") else "valid_after_normalise"


def _resident_word(text: str, today: str, divisions: Divisions) -> str:
    if len(text) not in (15, 18):
        return "bad_length"
    if len(text) == 15:
        if not re.fullmatch("[0-9]{15}", text):
            return "bad_format"
        if not re.fullmatch(SHORT_DATE, text[6:12]):
            return "bad_date"
        return "legacy15" if re.fullmatch(f"{divisions.known}", text[:6]) else "bad_division"
    if not re.fullmatch(RESIDENT_FORM, text):
        return "bad_format"
    if not re.fullmatch(DATE, text[6:14]):
        return "bad_date"
    if text[6:14] > today:
        return "future_date"
    place = text[:6]
    present, historical, wide = (bool(re.fullmatch(p, place)) for p in (divisions.present, divisions.historical, divisions.wide))
    if not (present or historical or wide):
        return "bad_division"
    if text[17] != resident_check(text):
        return "bad_check"
    return "valid" if present else "valid_historical_division" if historical else "prefecture_prefix"


def classify_credit_code(text: str, *, divisions: Divisions | None = None) -> str:
    """What a text is as a credit code: valid, real_but_bad_check (a pilot code on the white list), valid_after_normalise,
    bad_length, bad_format, bad_category (department and category), bad_division, bad_check (18th), bad_org_digit (17th)."""
    folded = fold(text)
    word = _credit_word(folded, divisions or _divisions())
    return "valid_after_normalise" if word == "valid" and folded != text else word


def _credit_word(text: str, divisions: Divisions) -> str:
    if len(text) != 18:
        return "bad_length"
    if not re.fullmatch(CREDIT_FORM, text):
        return "bad_format"
    if text in _pilots():
        return "real_but_bad_check"
    if text[:2] not in _categories():
        return "bad_category"
    if not re.fullmatch(divisions.known, text[2:8]):
        return "bad_division"
    if text[17] != credit_check(text):
        return "bad_check"
    return "valid" if text[16] == organisation_check(text[8:16]) else "bad_org_digit"
