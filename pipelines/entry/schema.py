"""OpenAPI of the interface, made from the contracts: one path a dataset that the caller may check, with its own fields.

Belongs here: schemas and their words. Not here: serving them (`app`). What stands in an example belongs to nobody: ids begin with
2199, which no place has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.entry.problems import KINDS, MEDIA_TYPE

if TYPE_CHECKING:
    from assets.contracts import Column
    from expectations.codes import CodeTables
    from pipelines.entry.checker import Checker

_FORMATS = {"date": "date", "timestamp": "date-time", "integer": "int64", "number": "double", "boolean": "boolean"}
_EXAMPLES = {"date": "1990-01-01", "timestamp": "2026-01-02 08:00:00", "integer": "1", "number": "1.5", "boolean": "true"}
_BOTH = {"type": "object", "required": ["zh", "en"], "properties": {"zh": {"type": "string"}, "en": {"type": "string"}}}
_ID, _CREDIT = "expect_column_values_to_be_resident_id", "expect_column_values_to_be_credit_code"


def openapi(checkers: Iterable[Checker], codes: CodeTables, version: str) -> dict[str, Any]:
    """The document for one caller: the datasets of these checkers."""
    checkers = list(checkers)
    paths: dict[str, Any] = {f"/check/{c.contract.name}": {"post": _check(c, codes)} for c in checkers}
    paths["/codes/{table}"] = {"get": _codes()}
    paths["/health"] = {
        "get": {"operationId": "health", "summary": "是否在运行 Is it running", "security": [], "responses": _ok({"type": "object"})}
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "源清：入口检查 Yuanqing: checking at the point of entry",
            "version": version,
            "description": "保存记录之前，用交付文件所用的同一规则检查；不保存任何内容。"
            " Before a record is saved, it is held to the rules that hand-overs are held to; nothing is kept.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                **{f"{c.contract.name}_record": _record(c, codes) for c in checkers},
                "both": _BOTH,
                "answer": _answer(),
                "problem": _problem(),
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _check(checker: Checker, codes: CodeTables) -> dict[str, Any]:
    contract = checker.contract
    record = {"$ref": f"#/components/schemas/{contract.name}_record"}
    return {
        "operationId": f"check_{contract.name}",
        "summary": f"{contract.title} {contract.title_en}",
        "description": contract.description,
        "tags": [f"{contract.department} {contract.department_en}"],
        "parameters": [
            _flag("partial", "没有任何记录给出的字段不评 fields that no record names are not judged"),
            _flag("ask_base", "唯一与引用规则问库（须有许可） keys and references are asked of the base, where the token may"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [record, {"type": "array", "items": record, "minItems": 1}]},
                    "examples": {"one": {"summary": "一条 one record", "value": example(checker, codes)}},
                }
            },
        },
        "responses": _ok({"$ref": "#/components/schemas/answer"}) | _problems(),
    }


def _flag(name: str, said: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": said, "schema": {"type": "boolean", "default": False}}


def _codes() -> dict[str, Any]:
    table = {"name": "table", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "codes",
        "summary": "代码表 a code table",
        "parameters": [table],
        "responses": _ok({"type": "object", "properties": {"codes": {"type": "object", "additionalProperties": {"type": "string"}}}})
        | _problems(),
    }


def _ok(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "已答复 answered", "content": {"application/json": {"schema": schema}}}}


def _problems() -> dict[str, Any]:
    said: dict[int, str] = {}
    for status, zh, en in KINDS.values():
        said[status] = f"{said[status]}; {zh} {en}" if status in said else f"{zh} {en}"
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}}
    return {str(status): {"description": words, "content": content} for status, words in sorted(said.items())}


def _record(checker: Checker, codes: CodeTables) -> dict[str, Any]:
    contract = checker.contract
    return {
        "type": "object",
        "title": f"{contract.title} {contract.title_en}",
        "description": "字段可用文件表头、中文名或列名。 A field may bear the file's header, its Chinese title or the column's name.",
        "properties": {c.header: _property(c, codes) for c in contract.columns},
        "additionalProperties": True,
        "examples": [example(checker, codes)],
    }


def _property(column: Column, codes: CodeTables) -> dict[str, Any]:
    """One field. Values are text, as in a file; numbers and truth values are taken as their text."""
    kinds = ["string", *({"integer": ["integer"], "number": ["number"], "boolean": ["boolean"]}.get(column.logical_type, [])), "null"]
    other = [h for h in column.headers if h != column.header]
    told: dict[str, Any] = {
        "type": kinds,
        "title": f"{column.title} {column.title_en}",
        "x-title": {"zh": column.title, "en": column.title_en},
        "x-column": column.name,
        "x-required": column.required or column.key_position is not None,
    }
    if column.description:
        told["description"] = column.description
    if other:
        told["x-also-called"] = other
    if column.logical_type in _FORMATS:
        told["x-format"] = _FORMATS[column.logical_type]
    if column.codes:
        table = codes.get(column.codes)
        told["x-codes"] = {"table": column.codes, "href": f"/codes/{column.codes}", "count": len(table.codes)}
    return told


def example(checker: Checker, codes: CodeTables) -> dict[str, str]:
    """A record of somebody who cannot exist: what must have a value, and what is a code, an id or a time besides."""
    by_column: dict[str, str] = {}
    for rule in checker.rules.values():
        if rule.expectation in (_ID, _CREDIT) and len(rule.columns) == 1:
            by_column.setdefault(rule.columns[0], _numbers()[rule.expectation])
    needed = (c for c in checker.contract.columns if c.required or c.key_position is not None or c.name in by_column)
    return {c.header: by_column.get(c.name) or _value(c, codes) for c in needed}


def _value(column: Column, codes: CodeTables) -> str:
    if column.codes:
        return next(iter(codes.get(column.codes).codes))
    return _EXAMPLES.get(column.logical_type, "示例")


@cache
def _numbers() -> Mapping[str, str]:
    """A resident id and a credit code of a place that there is not, their check characters right."""
    from expectations.identity import credit_check, organisation_check, resident_check

    person, entity = "21990119900101001", "9121990100000001"
    entity += organisation_check(entity[8:])
    return {_ID: person + resident_check(person), _CREDIT: entity + credit_check(entity)}


def _answer() -> dict[str, Any]:
    both, text, flag = {"$ref": "#/components/schemas/both"}, {"type": "string"}, {"type": "boolean"}
    wrong = {
        "type": "object",
        "properties": {
            "rule": text,
            "severity": text,
            "blocking": flag,
            "wants": both,
            "mend": both,
            "tolerated_share": {"type": "number"},
        },
    }
    place = {"field": text, "column": text, "pointer": text}
    field = {"type": "object", "properties": {**place, "title": both, "wrong": {"type": "array", "items": wrong}}}
    stored = {"type": "object", "properties": {**place, "value": {"type": ["string", "null"]}, "zh": text, "en": text}}
    record = {
        "type": "object",
        "properties": {
            "record": {"type": "integer"},
            "ok": flag,
            "blocked": flag,
            "fields": {"type": "array", "items": field},
            "stored": {"type": "array", "items": stored},
        },
    }
    missing = {"type": "object", "properties": {"rule": text, "columns": {"type": "array", "items": text}, "wants": both, "why": both}}
    asked = {
        "type": "object",
        "properties": {
            "rule": text,
            "columns": {"type": "array", "items": text},
            "asks": both,
            "there": {"type": "array", "items": {"type": ["boolean", "null"]}},
        },
    }
    return {
        "type": "object",
        "required": ["dataset", "ok", "blocked", "records", "not_assessable"],
        "properties": {
            "dataset": text,
            "title": both,
            "ok": flag,
            "blocked": flag,
            "records": {"type": "array", "items": record},
            "unknown_fields": {"type": "array", "items": {"type": "object", "properties": {"field": text, "zh": text, "en": text}}},
            "not_assessable": {"type": "array", "items": missing},
            "base": {"type": "array", "items": asked},
        },
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    place = {"type": "object", "properties": {"pointer": text, "zh": text, "en": text}}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "zh": text,
            "en": text,
            "errors": {"type": "array", "items": place},
        },
    }
