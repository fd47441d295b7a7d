"""Texts that are known by their form: telephone numbers, postcodes, e-mail, plates, licence numbers, names.

A family is a set of patterns by name, of which a rule accepts some. Patterns are written so that Python and RE2 read them
alike, and always of the whole text. Belongs here: forms. Not here: numbers with a check character (`identity`, `numbers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from expectations.codes import CodeTables
from expectations.identity import CREDIT_FORM


@dataclass(frozen=True)
class Forms:
    """A family: its pattern of each form by word, the words accepted by default, and what is refused whatever its form.

    `never` is a pattern of the whole text; with `placeholders`, the words of the table `placeholder` are refused too.
    """

    words: Mapping[str, str]
    default: tuple[str, ...]
    never: str | None = None
    placeholders: bool = False

    def pattern(self, accept: Sequence[str]) -> str:
        """The accepted forms as one pattern."""
        return "|".join(f"(?:{self.words[word]})" for word in accept)

    def refused(self, also: Sequence[str] | None) -> tuple[str, ...]:
        """The texts that are refused whatever their form."""
        return (*(placeholders() if self.placeholders else ()), *(also or ()))


@cache
def placeholders() -> tuple[str, ...]:
    """Words typed where there is no value, and test data: the table `placeholder`."""
    return tuple(CodeTables().get("placeholder").codes)


def has_form(text: str, forms: Forms, accept: Sequence[str], also: Sequence[str] | None = None) -> bool:
    """Whether the whole text has one of the accepted forms of a family, and is nothing that it refuses."""
    if text in forms.refused(also) or (forms.never and re.fullmatch(forms.never, text)):
        return False
    return re.fullmatch(forms.pattern(accept), text) is not None


#: Numbering plan of the telephone network, M: no number segments, so that a new one raises nothing. `sample` numbers (100 and
#: eight digits) belong to nobody: made-up data uses them.
PHONE = Forms(
    {
        "mobile": r"(?:\+?86[ -]?)?1[3-9][0-9]{9}",
        "landline": r"(?:\+?86[ -]?)?[(（]?0[1-9][0-9]{1,2}[)）]?[ -]?[2-9][0-9]{6,7}(?:[-转*][0-9]{1,6})?",
        "local": r"[2-9][0-9]{6,7}(?:[-转*][0-9]{1,6})?",
        "hotline": r"(?:400|800)[ -]?[0-9]{3}[ -]?[0-9]{4}|1[0-9]{2}|1[02][0-9]{3}|9[56][0-9]{3,4}",
        "sample": r"100[0-9]{8}",
    },
    ("mobile", "landline", "local", "hotline"),
    never=r"(?:\+?86[ -]?)?(?:1[3-9][0-9](?:0{8}|12345678)|13800138000)",
)

#: An address of RFC 5321 as people write it, M: no quoted names, no literal addresses.
EMAIL = Forms(
    {
        "plain": r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(?:\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*"
        r"@(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z]{2,24}"
    },
    ("plain",),
    never=r"(?:test|123|123456|abc|xxx|aaa)@(?:test|123|abc|xxx|aaa)\.(?:com|cn)",
)

_PROVINCE = "[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新]"
_LETTER, _SIGN = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]"

#: GA 36, M: letters without I and O; which letters a province has is not checked.
PLATE = Forms(
    {
        "ordinary": f"{_PROVINCE}{_LETTER}{_SIGN}{{5}}",
        "new_energy": f"{_PROVINCE}{_LETTER}(?:{_LETTER}{_SIGN}[0-9]{{4}}|[0-9]{{5}}{_LETTER})",
        "special": f"{_PROVINCE}{_LETTER}{_SIGN}{{4}}[学警港澳挂领试超]",
        "dotted": f"{_PROVINCE}{_LETTER}[·• -](?:{_SIGN}{{5}}|{_LETTER}{_SIGN}[0-9]{{4}}|[0-9]{{5}}{_LETTER})",
    },
    ("ordinary", "new_energy", "special"),
)

#: Han characters by the blocks of Unicode that hold names: 一 to 鿿, extensions A to H, compatibility characters, 〇.
HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_YEAR = "(?:19|20)[0-9]{2}"

#: Numbers of licences and decisions. `document` is the number of an official document (brackets 〔〕, M); `food`: JY, kind, six
#: digits of division, six of order, one check digit (form H, check digit not verified); `discharge`: credit code, three digits, one
#: letter (HJ 608-2017, H); `safety` and `property` M; `certificate` is the OID of GB/T 36904 (structure L: only its root is asked for).
LICENCE = Forms(
    {
        "document": rf"[{HAN}0-9A-Za-z（）]{{1,40}}〔{_YEAR}〕(?:第)?[0-9]{{1,8}}号",
        "document_other_brackets": rf"[{HAN}0-9A-Za-z（）()]{{1,40}}[\[［【(（]{_YEAR}[\]］】)）](?:第)?[0-9]{{1,8}}号",
        "food": "JY[0-9]{14}",
        "discharge": f"{CREDIT_FORM}[0-9]{{3}}[A-Z]",
        "safety": rf"[（(]{_PROVINCE}[）)][{HAN}A-Z]{{1,8}}安许证字[〔\[［（(]{_YEAR}[〕\]］）)][0-9]{{3,8}}号?",
        "property": rf"{_PROVINCE}[（(]{_YEAR}[）)][{HAN}]{{2,14}}不动产权第[0-9]{{7}}号",
        "certificate": r"1\.2\.156\.3005\.2(?:\.[0-9A-Z]{1,40}){2,8}",
        "credit_code": CREDIT_FORM,
    },
    ("document",),
    placeholders=True,
)

#: Names of persons, M: two Han characters or more, or parts joined by a middle dot; `latin` for foreigners. A blank, a digit, a
#: star or a lost character (?, □, U+FFFD, private use) makes it no name.
PERSON = Forms(
    {
        "han": f"[{HAN}]{{2,20}}|[{HAN}]{{1,20}}(?:[·•‧・][{HAN}]{{1,20}}){{1,5}}",
        "latin": r"[A-Za-z][A-Za-z.'’-]{0,30}(?:[ ,·][A-Za-z][A-Za-z.'’-]{0,30}){0,6}",
        "one_character": f"[{HAN}]",
    },
    ("han", "latin"),
    never=f"[{HAN}]?[某×]{{1,3}}|测试[{HAN}]*|[Tt][Ee][Ss][Tt]",
    placeholders=True,
)

_MARKS = r"0-9A-Za-z（）〔〕《》“”‘’·•・&＆＋+.．,，、－—/-"

#: Names of enterprises and organisations, M: two Han characters or more, no blanks, full-width brackets.
ENTERPRISE = Forms(
    {
        "chinese": rf"[{_MARKS}]*[{HAN}][{_MARKS}]*[{HAN}][{HAN}{_MARKS}]*",
        "half_brackets": rf"[(){_MARKS}]*[{HAN}][(){_MARKS}]*[{HAN}][(){HAN}{_MARKS}]*",
        "foreign": r"[A-Za-z][0-9A-Za-z .,&()'/-]+",
    },
    ("chinese",),
    never="(?:测试|示例)?测试(?:企业|公司|单位|商店|数据|用户)?[0-9]*|[Tt][Ee][Ss][Tt][0-9]*|[某×]{1,4}(?:公司|企业|单位)?",
    placeholders=True,
)

#: One digit six times is no postcode.
NO_POSTCODE = "|".join(f"{d}{{6}}" for d in "0123456789")


def postcode_pattern(prefixes: Sequence[str] | None) -> str:
    """Six digits (M); what the first of them mean is left to the rule: they are one of `prefixes`, if given."""
    return "|".join(f"{p}[0-9]{{{6 - len(p)}}}" for p in prefixes) if prefixes else "[0-9]{6}"


def is_postcode(text: str, prefixes: Sequence[str] | None = None) -> bool:
    return re.fullmatch(postcode_pattern(prefixes), text) is not None and re.fullmatch(NO_POSTCODE, text) is None
