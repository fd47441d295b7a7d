"""The kinds of things that a contract calls for: in which indicator each counts, its words, and what rules meet it.

Belongs here: what is the same for every call of a kind. Not here: which declarations call (`assets.called`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

NOT_NULL = "expect_column_values_to_not_be_null"
DUPLICATES = ("0303", "0304")


class RuleFacts(Protocol):
    """What must be known of a rule to tell which calls it meets."""

    @property
    def id(self) -> str: ...
    @property
    def expectation(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def indicator(self) -> str: ...
    @property
    def conditional(self) -> bool: ...


@dataclass(frozen=True)
class Kind:
    """A kind of call: the indicator it counts in, what to ask of its columns in both languages, how to mend, what rules meet it.

    `fits` is asked of a rule on the call's columns and the expectation wanted; None: of the wanted type.
    """

    indicator: str
    zh: str
    en: str
    remedy: tuple[str, str]
    fits: Callable[[RuleFacts], bool] | None = None


KINDS = {
    "presence": Kind(
        "0201",
        "必填",
        "is present",
        ("按原始凭证补录", "Enter it from the original record"),
        lambda r: r.indicator.startswith("02") and r.expectation == NOT_NULL,
    ),
    "reference": Kind(
        "0105", "在代码表内", "is in its code table", ("改用代码表中的代码", "Use a code of the table"), lambda r: r.indicator == "0105"
    ),
    "operation": Kind(
        "0105", "是约定的操作标志", "is a flag of the delivery", ("按约定填写操作标志", "Use the flags that the delivery declares")
    ),
    "form": Kind(
        "0302",
        "能读成声明的类型",
        "reads as its type",
        ("更正读不出的日期、时间或数", "Correct the date, time or number that cannot be read"),
        lambda r: r.indicator[:2] == "03",
    ),
    "pattern": Kind("0302", "符合声明的格式", "has the declared form", ("按声明的格式更正", "Correct it to the declared form")),
    "length": Kind("0302", "长度符合声明", "has the declared length", ("核对是否截断或多填", "See whether it was cut or overfilled")),
    "range": Kind("0301", "在声明的范围内", "lies in the declared range", ("核实并更正", "Check and correct it")),
    "multiple": Kind("0301", "是声明数的倍数", "is a multiple as declared", ("核实并更正", "Check and correct it")),
    "identity": Kind(
        "0304",
        "主键不重复",
        "occurs once (the key)",
        ("查明重复，只留一条", "Find out which record is right and keep one"),
        lambda r: r.indicator in DUPLICATES,
    ),
    "unique": Kind(
        "0304",
        "不重复",
        "occurs once",
        ("查明重复，更正其一", "Find out which is right and correct the other"),
        lambda r: r.indicator in DUPLICATES,
    ),
    "security": Kind(
        "0106",
        "中没有公民身份号码",
        "show nobody's resident id",
        ("移出身份号码，或提高该列的数据分级", "Take the id out, or raise the column's class"),
    ),
    "timeliness": Kind(
        "0502",
        "在承诺的时限内",
        "is within the time promised",
        ("按承诺的频率与时限交付", "Hand over as often and as soon as promised"),
        lambda r: r.indicator[:2] == "05",
    ),
    "announced": Kind(
        "0202",
        "记录数与清单所报一致",
        "has as many records as its manifest says",
        ("查明文件与清单哪个对，重新打包交付", "Find out whether the files or the manifest are right, and pack both anew"),
    ),
    "quality": Kind(
        "", "契约的质量要求", "meets the contract's quality clause", ("按契约的质量要求更正", "Correct it as the contract asks")
    ),
}
