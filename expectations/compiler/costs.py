"""What a rule kind costs, told from what its example compiles to: which scan it rides in, or that it has one of its own.

Belongs here: telling costs in scans. Not here: seconds, which `make bench-rules` measures.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import yaml

from expectations.codes import CodeTables
from expectations.compiler.forms import CannotTest, ColumnsTest, GxTest, RowTest, Scanned, Test
from expectations.compiler.kinds import Kind
from expectations.compiler.plan import Field, compile_suite
from expectations.documents import Document, DocumentError
from expectations.standard import load_standard
from expectations.suite import make_suite

_TYPES = {"string": "VARCHAR", "number": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP", "integer": "BIGINT", "boolean": "BOOLEAN"}


def cost(kind: Kind, codes: CodeTables) -> tuple[str, str]:
    """The cost of a kind, in Chinese and English."""
    found = example(kind, codes)
    match found:
        case RowTest():
            return "随所有行规则共用的一次扫描，占掩码一位", "a bit of the one scan that all row rules share"
        case GxTest():
            return "在 Great Expectations 中用 pandas 判", "judged in Great Expectations on pandas"
        case ColumnsTest():
            return "不扫描", "no scan"
        case Scanned():
            return "自有扫描，问法相同的规则共用", "a scan of its own, shared by rules that ask the same"
        case _:
            return (
                "随同一次扫描的合计，或与其他不可合并的数共一次扫描",
                "an aggregate of the one scan, or of a second where figures cannot be merged",
            )


def example(kind: Kind, codes: CodeTables) -> Test:
    """What the example of a kind compiles to, over columns of the first types that it can be meant on. Raises `ValueError`."""
    kwargs = yaml.safe_load(kind.example)
    given = [kwargs[n] for n in kind.columns if n in kwargs]
    asked = list(dict.fromkeys(n for g in given for n in (g if isinstance(g, list) else [g])))
    names = [*asked, *(n for n in re.findall(r"\w+", kind.example) if n not in kind.arguments)]  # also those of conditions
    document = Document(Path(kind.type), {}, {})
    suite = make_suite(
        "example",
        document.path,
        [(document, (), {"type": kind.type, "kwargs": kwargs, "meta": {"id": "example", "indicator": "0301"}})],
        codes,
        load_standard(),
    )
    for types in product(_TYPES, repeat=min(len(asked), 3)):
        spread = dict.fromkeys(names, types[-1] if types else "string") | dict(zip(asked[:3], types, strict=True))
        fields = [Field(n, t, _TYPES[t], None if t == "string" else f"{n}__text") for n, t in spread.items()]
        try:
            test = compile_suite(suite, fields, codes=codes).compiled[0].test
        except DocumentError:
            continue
        if not isinstance(test, CannotTest):
            return test
    raise ValueError(f"the example of {kind.type} can be meant on no columns")
