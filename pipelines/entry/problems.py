"""What is said to one whose request cannot be answered: a problem as RFC 9457 has it, in both languages.

Belongs here: the kinds of problems and their JSON. Not here: when they arise. No value, key or token of a request stands in one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

KINDS: Mapping[str, tuple[int, str, str]] = {
    "bad-json": (400, "不是 JSON", "No JSON"),
    "bad-query": (400, "参数不认识", "An unknown parameter"),
    "no-token": (401, "没有可用的令牌", "No valid token"),
    "not-yours": (403, "不是本部门的数据集", "Another department's dataset"),
    "not-found": (404, "没有这个地址", "Nothing at this address"),
    "unknown-dataset": (404, "没有这个数据集", "No such dataset"),
    "method": (405, "这个地址不用此方法", "Another method is needed here"),
    "too-large": (413, "请求过大", "Too large"),
    "bad-type": (415, "只接受 JSON", "Only JSON is taken"),
    "bad-records": (422, "记录的形式不对", "The records have another form"),
    "too-many": (429, "请求过于频繁", "Too many requests"),
    "failed": (500, "未能检查", "It could not be checked"),
}
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Complaint:
    """What is wrong at one place of the body, by JSON pointer (RFC 6901)."""

    pointer: str
    zh: str
    en: str


@dataclass
class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request that is not answered: one of `KINDS`, in the words of both languages."""

    kind: str
    zh: str
    en: str
    complaints: Sequence[Complaint] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return KINDS[self.kind][0]

    def as_json(self) -> dict[str, Any]:
        status, zh, en = KINDS[self.kind]
        told: dict[str, Any] = {
            "type": f"urn:yuanqing:problem:{self.kind}",
            "title": f"{zh} {en}",
            "status": status,
            "detail": f"{self.zh} {self.en}",
            "zh": self.zh,
            "en": self.en,
        }
        if self.complaints:
            told["errors"] = [{"pointer": c.pointer, "zh": c.zh, "en": c.en} for c in self.complaints]
        return told
