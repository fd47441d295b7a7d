"""Likely rules on the form of a text: a known form, a pattern made from its shapes, characters that do not belong, its length."""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from expectations import identity
from expectations.profiling.proposals import SUPPORT, Finder, Proposal, percent, short
from expectations.profiling.shapes import BLANK, class_of, pattern_of, redrawn

FORMS = (
    ("month", r"^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])$", ("年月 YYYYMM", "a month, YYYYMM")),
    ("day", f"^{identity.DATE}$", ("日期 YYYYMMDD", "a day, YYYYMMDD")),
    ("year", r"^(?:19|20)[0-9]{2}$", ("年份 YYYY", "a year, YYYY")),
)
"""Forms of which chance texts of the same shape fall short: tried before a pattern is made."""

LOST = "□\ufffd\ue000-\uf8ff"
STRAY = (
    ("digits", "0-9", ("数字", "digits")),
    ("latin", "A-Za-z", ("拉丁字母", "Latin letters")),
    ("blanks", BLANK, ("空格", "blanks")),
    ("signs", r"!-/:-@\[-`{-~", ("半角符号", "ASCII signs")),
    ("stars", "？＊", ("全角问号、星号", "full-width ? and *")),
    ("lost", LOST, ("丢失的字符", "lost characters")),
)
"""Classes of characters that a text in Han characters may be meant not to hold (those of the middle dots are left alone)."""
PROSE = 0.2
TEST = r"测试|[Tt]est|TEST"


def forms(finder: Finder, done: frozenset[str]) -> Iterator[Proposal]:
    """Rules on the form of each column that is not `done`: a known form, else a pattern, else what should not stand in it."""
    for c in finder.profile.columns:
        texts = [str(v) for v in finder.profile.values(c.name)]
        if c.kind != "string" or c.name in done or len(texts) < SUPPORT:
            continue
        whole = _known(finder, c.name, texts) or _pattern(finder, c.name, texts)
        if whole:
            yield whole
        else:
            yield from _stray(finder, c.name, texts)
            yield from _length(finder, c.name, texts)
        yield from _test_words(finder, c.name, texts)


def _known(finder: Finder, column: str, texts: Sequence[str]) -> Proposal | None:
    for name, regex, (zh, en) in FORMS:
        fits, luck = (sum(1 for t in found if re.match(regex, t)) / len(found) for found in (texts, redrawn(texts[:2000], column)))
        if fits >= finder.nearly and luck <= 0.5:
            return Proposal(
                short(column, name),
                "expect_column_values_to_match_regex",
                {"column": column, "regex": regex},
                "0302",
                (f"{finder.zh(column)}是{zh}", f"{finder.en(column)} is {en}"),
                (
                    f"{percent(fits)} 的值合此形式，同形的随机文本只有 {percent(luck)}",
                    f"{percent(fits)} of values have this form, of chance texts of the same shape {percent(luck)}",
                ),
            )
    return None


def _pattern(finder: Finder, column: str, texts: Sequence[str]) -> Proposal | None:
    found = pattern_of(texts, finder.tolerance)
    if found is None or found.covers < 1 - finder.tolerance:
        return None
    return Proposal(
        short(column, "form"),
        "expect_column_values_to_match_regex",
        {"column": column, "regex": found.regex},
        "0302",
        (f"{finder.zh(column)}形如 {found.words}", f"{finder.en(column)} has the shape {found.words}"),
        (
            f"抽样 {len(texts):,} 个值中 {percent(found.covers)} 合此形状（9 数字、A a 字母、汉 汉字）",
            f"{percent(found.covers)} of {len(texts):,} sampled values have this shape (9 digit, A a letter, 汉 Han)",
        ),
    )


def _stray(finder: Finder, column: str, texts: Sequence[str]) -> Iterator[Proposal]:
    """Classes of characters that (nearly) no text holds, together one rule. Prose is free: what is not far rarer than the tolerance stays."""
    if sum(1 for t in texts if any(class_of(ch) == "汉" for ch in t)) < 0.9 * len(texts):
        return
    numbered = sum(1 for t in texts if re.search("[0-9]", t)) >= 0.5 * len(texts)  # an address: commas and blanks are its own
    classes = [c for c in STRAY if not numbered or c[0] in ("stars", "lost")]
    rare: list[tuple[str, int, tuple[str, str]]] = []
    left = PROSE * finder.tolerance * len(texts)
    counts = [(sum(1 for t in texts if re.search(f"[{members}]", t)), members, words) for _, members, words in classes]
    for count, members, words in sorted(counts, key=lambda found: found[0]):
        if count > left:
            break
        left -= count
        rare.append((members, count, words))
    if not rare:
        return
    rare.sort(key=lambda found: [m for _, m, _ in STRAY].index(found[0]))
    none = "".join(members for members, _, _ in rare)
    said = [tuple(f"{word} {count:,}" for word in words) for _, count, words in rare]
    yield Proposal(
        short(column, "no_stray_signs"),
        "expect_column_values_to_not_match_regex",
        {"column": column, "regex": f"[{none}]"},
        "0305",
        (
            f"{finder.zh(column)}中没有{'、'.join(w[0] for _, _, w in rare)}",
            f"{finder.en(column)} holds no {', '.join(w[1] for _, _, w in rare)}",
        ),
        (
            f"抽样 {len(texts):,} 个值中含：{'，'.join(zh for zh, _ in said)}",
            f"of {len(texts):,} sampled values hold: {', '.join(en for _, en in said)}",
        ),
    )


def _length(finder: Finder, column: str, texts: Sequence[str]) -> Iterator[Proposal]:
    """The lengths between which all but few texts lie, where a gap parts those few from the rest."""
    lengths = Counter(len(t) for t in texts)
    ordered = sorted(lengths)
    low = high = None
    below = above = 0
    for shorter, longer in pairwise(ordered):
        below += lengths[shorter]
        if below > finder.tolerance * len(texts):
            break
        if longer >= 2 * shorter and longer - shorter >= 2:
            low = longer
    for longer, shorter in pairwise(ordered[::-1]):
        above += lengths[longer]
        if above > finder.tolerance * len(texts):
            break
        if longer >= 2 * shorter and longer - shorter >= 8:
            high = shorter
    if low is None and high is None:
        return
    bounds = {"min_value": low} if low is not None else {}
    bounds |= {"max_value": high} if high is not None else {}
    yield Proposal(
        short(column, "length"),
        "expect_column_value_lengths_to_be_between",
        {"column": column, **bounds},
        "0302",
        (f"{finder.zh(column)}长短合常", f"{finder.en(column)} is of usual length"),
        ("极少数过短或过长，与其余之间有空档", "few texts are shorter or longer, with a gap between them and the rest"),
    )


def _test_words(finder: Finder, column: str, texts: Sequence[str]) -> Iterator[Proposal]:
    found = sum(1 for t in texts if re.search(TEST, t))
    if 0 < found <= finder.tolerance * len(texts):
        yield Proposal(
            short(column, "no_test"),
            "expect_column_values_to_not_match_regex",
            {"column": column, "regex": TEST},
            "0305",
            (f"{finder.zh(column)}中没有测试数据", f"{finder.en(column)} holds no test record"),
            (f"抽样中 {found:,} 个值含测试字样", f"{found:,} sampled values hold words of tests"),
        )
