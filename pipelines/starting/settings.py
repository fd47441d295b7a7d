"""`yuanqing.toml` as it is begun: every setting there is, each a comment with its default, so that nothing is set and all is seen."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

HEAD = """\
# 源清的配置。每项都写着默认值；去掉行首的 # 即生效。环境变量优先：YUANQING_ISSUES__CRITICAL_DAYS=3。
# 密钥不写在这里，只写在何处：env:变量名 或 file:/路径。现行配置及其出处：yuanqing settings。
# Settings of Yuanqing. Each stands here with its default; it counts once its # is taken away. The environment wins:
# YUANQING_ISSUES__CRITICAL_DAYS=3. No secret stands here, only where it is: env:NAME or file:/path. What is in effect, and
# from where: `yuanqing settings`. What each means: docs/settings.md of Yuanqing.
"""


def commented() -> str:
    """The file's text."""
    from assets.settings import Settings

    return HEAD + "\n".join(_lines(Settings)) + "\n"


def _lines(model: type[BaseModel], path: str = "") -> Iterator[str]:
    from assets.settings import section_of

    alone = {n: f for n, f in model.model_fields.items() if section_of(f.annotation) is None}
    if path:
        yield from ("", *(f"# {line}".rstrip() for line in (inspect.getdoc(model) or "").splitlines()), f"# [{path}]")
    elif alone:
        yield ""
    for name, field in alone.items():
        yield f"# {name} = {_written(field)}" + (f"  # {field.description}" if field.description else "")
    for name, field in model.model_fields.items():
        if (section := section_of(field.annotation)) is not None:
            named = ".NAME" if get_origin(field.annotation) is dict else ""
            yield from _lines(section, f"{path}.{name}{named}".strip("."))


def _written(field: FieldInfo) -> str:
    """The default as TOML, with a remark where there is none."""
    value: Any = field.get_default(call_default_factory=True)
    return '"..."  # 默认不设 not set by default' if value is None else json.dumps(value, ensure_ascii=False, default=str)
