"""The shape of a text: which classes of characters stand in it, and how many of each in a run; and patterns made from shapes.

`辽市许〔2026〕17号` has the shape 汉3 〔 9-4 〕 9-2 汉1. Belongs here: shapes, patterns, texts drawn anew of the same shape. Not here:
which column deserves a pattern (`texts.py`).
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Run = tuple[str, int]
Shape = tuple[Run, ...]

BLANK = "\t \u00a0\u2000-\u200b\u3000"
HAN = "\u00b7\u2022\u2027\u30fb\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]", "汉": f"[{HAN}]", "␣": f"[{BLANK}]"}
WORDS = {
    "9": ("数字", "digits"),
    "A": ("大写字母", "capital letters"),
    "a": ("小写字母", "small letters"),
    "汉": ("汉字或间隔号", "Han characters or middle dots"),
    "␣": ("空格", "blanks"),
}
_HAN, _BLANK = re.compile(CLASSES["汉"]), re.compile(CLASSES["␣"])


@lru_cache(maxsize=20_000)
def class_of(character: str) -> str:
    """One of `CLASSES`; any other character stands for itself."""
    if character.isascii():
        if character.isdigit():
            return "9"
        if character.isalpha():
            return "A" if character.isupper() else "a"
    if _BLANK.match(character):
        return "␣"
    return "汉" if _HAN.match(character) else character


def shape(text: str) -> Shape:
    """The runs of classes in a text, with their lengths."""
    runs: list[list[str | int]] = []
    for character in text:
        kind = class_of(character)
        if runs and runs[-1][0] == kind:
            runs[-1][1] += 1  # type: ignore[operator]
        else:
            runs.append([kind, 1])
    return tuple((str(k), int(n)) for k, n in runs)


def shown(found: Shape) -> str:
    """A shape as people read it: `9{18}`, `A9{5}`."""
    return "".join(kind if n == 1 else f"{kind}{{{n}}}" for kind, n in found)


@dataclass(frozen=True)
class Pattern:
    """A regular expression, how many of the texts it covers (a share of 0 to 1), and the shapes in words."""

    regex: str
    covers: float
    words: str


def pattern_of(texts: Sequence[str], tolerance: float, *, most: int = 3, runs: int = 8) -> Pattern | None:
    """The pattern that at most `most` sequences of classes make together, where it covers all but the tolerated share.

    A run is of fixed length where nearly all texts agree on it, else as long as any text of the sequence has it. A text of more
    than `runs` runs is prose or an address, and has no form to keep to.
    """
    sequences: dict[tuple[str, ...], Counter[Shape]] = defaultdict(Counter)
    for text in texts:
        found = shape(text)
        if 0 < len(found) <= runs:
            sequences[tuple(k for k, _ in found)][found] += 1
    ranked = sorted(sequences.items(), key=lambda item: (-item[1].total(), item[0]))
    kept: list[tuple[tuple[str, ...], Counter[Shape]]] = []
    while ranked and sum(c.total() for _, c in kept) < (1 - tolerance) * len(texts):
        kept.append(ranked.pop(0))
    if not kept or len(kept) > most:
        return None
    parts = [_runs(*item, tolerance) for item in kept]
    each = ["".join(CLASSES.get(k, re.escape(k) if k.isascii() else k) + times for k, times in made) for made in parts]
    regex = f"^{each[0]}$" if len(each) == 1 else f"^(?:{'|'.join(each)})$"
    whole = re.compile(regex)
    covers = sum(1 for text in texts if whole.fullmatch(text)) / len(texts)
    words = "，".join("".join(k + times for k, times in made) for made in parts)
    return Pattern(regex, covers, words)


def _runs(sequence: tuple[str, ...], shapes: Counter[Shape], tolerance: float) -> list[tuple[str, str]]:
    """Each run of a sequence of classes with how often its class stands: nothing, `{3}` or `{2,4}`."""
    total = shapes.total()
    parts = []
    for position, kind in enumerate(sequence):
        lengths: Counter[int] = Counter()
        for found, n in shapes.items():
            lengths[found[position][1]] += n
        common, count = max(lengths.items(), key=lambda item: (item[1], -item[0]))
        low, high = (common, common) if count >= (1 - tolerance) * total else (min(lengths), max(lengths))
        parts.append((kind, "" if low == high == 1 else f"{{{low}}}" if low == high else f"{{{low},{high}}}"))
    return parts


def redrawn(texts: Iterable[str], seed: str) -> list[str]:
    """Texts of the same shapes whose letters, digits and Han characters are drawn anew: what chance alone would give."""
    chance = random.Random(seed)  # noqa: S311 - no secret: the same data must give the same draft
    pools = {"9": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a": "abcdefghijklmnopqrstuvwxyz"}

    def drawn(character: str) -> str:
        kind = class_of(character)
        if kind == "汉":
            return chr(chance.randrange(0x4E00, 0x9FA6))
        return chance.choice(pools[kind]) if kind in pools else character

    return ["".join(map(drawn, text)) for text in texts]
