"""A hand-over to try: twelve people who cannot exist (their ids begin with 2199), and three planted faults."""

from __future__ import annotations

from datetime import date

from expectations.identity import resident_check

HEADER = ("证号", "身份证号", "姓名", "证类", "办证日期", "押金")
FAMILIES = "赵钱孙李周吴郑王冯陈褚卫"


def hand_over(last: date) -> str:
    """The file's text, for the period that ends with `last`. Row 4 lacks its key, row 7 has no known kind, row 10 no date that exists."""
    lines = [HEADER]
    for number, family in enumerate(FAMILIES, 1):
        digits = f"2199{number:02d}{1960 + 4 * number}{1 + number % 12:02d}{10 + number}{number:03d}"
        card = "" if number == 4 else f"JY{number:06d}"
        kind = "9" if number == 7 else ("1", "普通", "2", "3")[number % 4]
        issued = f"{last:%Y-%m}-32" if number == 10 else f"{last:%Y-%m}-{number:02d}"
        lines.append((card, digits + resident_check(digits), f"{family}某{'甲乙丙丁'[number % 4]}", kind, issued, str(50 * (number % 3))))
    return "".join(",".join(line) + "\n" for line in lines)
