"""The catalogue as DCAT 3 (W3C Recommendation of 2024-08-22) in the manner of DCAT-AP 3, with measurements by DQV (W3C Note).

Columns stand as a CSVW schema that the distribution conforms to. Belongs here: which nodes say what. Not here: syntaxes (`rdf`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines.catalogue.rdf import Node, Ref, Text, Typed, Value

if TYPE_CHECKING:
    from pipelines.catalogue.entries import Entry, Item
    from pipelines.catalogue.measures import Measured, Measures

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "csvw": "http://www.w3.org/ns/csvw#",
    "prov": "http://www.w3.org/ns/prov#",
    "adms": "http://www.w3.org/ns/adms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "right": "http://publications.europa.eu/resource/authority/access-right/",
    "frequency": "http://publications.europa.eu/resource/authority/frequency/",
    "yq": "urn:yuanqing:",
}
RIGHTS = {1: "right:PUBLIC", 2: "right:RESTRICTED", 3: "right:NON_PUBLIC"}
"""What society may see is public; else by the sharing type: what departments share among themselves is restricted."""
FREQUENCIES = {
    "hourly": "frequency:HOURLY",
    "daily": "frequency:DAILY",
    "weekly": "frequency:WEEKLY",
    "monthly": "frequency:MONTHLY",
    "quarterly": "frequency:QUARTERLY",
    "yearly": "frequency:ANNUAL",
}
XSD = {"string": "string", "date": "date", "timestamp": "dateTime", "integer": "integer", "number": "double", "boolean": "boolean"}
WHOLE = {
    "score": ("得分（0—100）", "score (0 to 100)"),
    "coverage": ("覆盖率（0—1）", "coverage (0 to 1)"),
    "ranked": ("得分×覆盖率（0—100）", "score x coverage (0 to 100)"),
}


def nodes(entries: Sequence[Entry], measured: Measured, page: str, title: tuple[str, str]) -> Iterator[Node]:
    """All nodes of a catalogue. `page` is the address of the HTML page, by which a dataset is asked for."""
    issued: list[Value] = [Typed(measured.at.isoformat(timespec="seconds"), "xsd:dateTime")] if measured.at else []
    yield Node(
        "yq:catalogue",
        ("dcat:Catalog",),
        {
            "dct:title": _both(title),
            "dct:description": [
                Text("由数据契约生成的公共数据目录", "zh"),
                Text("A catalogue of public data, made from data contracts", "en"),
            ],
            "dct:publisher": [Ref("yq:publisher")],
            "dct:modified": issued,
            "dcat:dataset": [Ref(_dataset(e)) for e in entries],
        },
    )
    yield Node("yq:publisher", ("foaf:Agent",), {"foaf:name": [Text("源清", "zh"), Text("Yuanqing", "en")]})
    yield from _vocabulary(entries)
    yield from _metrics(measured, {e.name for e in entries})
    for entry in entries:
        yield from _described(entry, measured.datasets.get(entry.name), page, issued)


def _vocabulary(entries: Sequence[Entry]) -> Iterator[Node]:
    """What datasets point at: rights, frequencies, providers."""
    for iri in sorted({_right(e) for e in entries} - {""}):
        yield Node(iri, ("dct:RightsStatement",), {"rdfs:label": [Text(iri.partition(":")[2], "en")]})
    for words in sorted({e.cycle for e in entries if e.cycle}):
        yield Node(_frequency(words), ("dct:Frequency",), {"rdfs:label": _both(words)})
    seen: set[str] = set()
    for e in entries:
        if (iri := _agent(e)) not in seen:
            seen.add(iri)
            names: dict[str, list[Value]] = {"foaf:name": _both((e.provider, e.provider_en)), "dct:identifier": _text(e.provider_code)}
            yield Node(iri, ("foaf:Agent",), names)


def _metrics(measured: Measured, names: set[str]) -> Iterator[Node]:
    found = [m for name, m in measured.datasets.items() if name in names]
    if not found:
        return
    for code, words in measured.dimensions.items():
        yield Node(f"yq:dimension:{code}", ("dqv:Dimension",), {"skos:prefLabel": _both(words), "skos:notation": [Text(code)]})
        yield _metric(f"dimension-{code}", words, [Ref(f"yq:dimension:{code}")])
    for name, words in WHOLE.items():
        yield _metric(name, words, [])


def _metric(name: str, words: tuple[str, str], dimension: list[Value]) -> Node:
    told: list[Value] = [*_both(words), Text("GB/T 36344-2018")]
    of: dict[str, list[Value]] = {"skos:definition": told, "dqv:expectedDataType": [Ref("xsd:double")], "dqv:inDimension": dimension}
    return Node(f"yq:metric:{name}", ("dqv:Metric",), of)


def _described(entry: Entry, measures: Measures | None, page: str, issued: list[Value]) -> Iterator[Node]:
    iri = _dataset(entry)
    values = [] if measures is None else [(k, v) for k in WHOLE if (v := getattr(measures, k)) is not None]
    values += [] if measures is None else [(f"dimension-{code}", v) for code, v in measures.dimensions.items()]
    frequency = _frequency(entry.cycle) if entry.cycle else ""
    yield Node(
        iri,
        ("dcat:Dataset",),
        {
            "dct:identifier": _text(entry.code or entry.name),
            "dct:title": _both((entry.title, entry.title_en)),
            "dct:description": _text(entry.summary or entry.title),
            "dct:publisher": [Ref(_agent(entry))],
            "dct:issued": [Typed(entry.published.isoformat(), "xsd:date")] if entry.published else [],
            "dct:temporal": [Ref(f"{iri}:temporal")] if entry.ends else [],
            "dct:accrualPeriodicity": [Ref(frequency)] if frequency else [],
            "dct:accessRights": [Ref(_right(entry))] if _right(entry) else [],
            "dct:rights": [Ref(f"{iri}:terms")] if entry.condition else [],
            "dct:relation": [Ref(f"yq:resource:{code}") for code in entry.related],
            "dcat:keyword": _text(next((c for c in reversed(entry.classification) if c), "")),
            "dcat:landingPage": [Ref(f"{page}#{entry.name}")],
            "dcat:distribution": [Ref(f"{iri}:distribution")],
            "dqv:hasQualityMeasurement": [Ref(f"{iri}:{name}") for name, _ in values],
        },
    )
    yield Node(f"{page}#{entry.name}", ("foaf:Document", "rdfs:Resource"), {"dct:title": _both((entry.title, entry.title_en))})
    if entry.condition:
        yield Node(f"{iri}:terms", ("dct:RightsStatement",), {"rdfs:label": [Text(entry.condition, "zh")]})
    if entry.ends:
        yield Node(f"{iri}:temporal", ("dct:PeriodOfTime",), {"dcat:endDate": [Typed(entry.ends.isoformat(), "xsd:date")]})
    yield Node(
        f"{iri}:distribution",
        ("dcat:Distribution",),
        {
            "dct:title": _both((entry.title, entry.title_en)),
            "dct:description": [Text(f"{entry.format}；{'；'.join(entry.ways)}", "zh")],
            "dcat:accessURL": [Ref(f"{page}#{entry.name}")],
            "dct:conformsTo": [Ref(f"{iri}:schema")],
        },
    )
    columns = tuple(Ref(f"{iri}:column:{i.name}") for i in entry.items)
    yield Node(f"{iri}:schema", ("csvw:Schema", "dct:Standard"), {"dct:title": [Text(entry.title, "zh")], "csvw:column": [columns]})
    yield from (_column(iri, item) for item in entry.items)
    for name, value in values:
        measurement: dict[str, list[Value]] = {
            "dqv:computedOn": [Ref(iri)],
            "dqv:isMeasurementOf": [Ref(f"yq:metric:{name}")],
            "dqv:value": [Typed(repr(float(value)), "xsd:double")],
            "prov:generatedAtTime": issued,
        }
        yield Node(f"{iri}:{name}", ("dqv:QualityMeasurement",), measurement)


def _column(iri: str, item: Item) -> Node:
    said: dict[str, Iterable[Value]] = {
        "csvw:name": [Text(item.name)],
        "csvw:title": [Text(item.title, "zh")],
        "csvw:datatype": [Text(XSD[item.logical_type])],
        "csvw:required": [Typed("true" if item.required else "false", "xsd:boolean")],
        "dct:description": _text(item.description),
    }
    return Node(f"{iri}:column:{item.name}", ("csvw:Column",), {k: list(v) for k, v in said.items()})


def _dataset(entry: Entry) -> str:
    return f"yq:dataset:{entry.name}"


def _agent(entry: Entry) -> str:
    return f"yq:agent:{entry.provider}"


def _right(entry: Entry) -> str:
    return RIGHTS[1] if entry.opened else RIGHTS[max(entry.sharing, 2)] if entry.sharing else ""


def _frequency(words: tuple[str, str]) -> str:
    return FREQUENCIES.get(words[1], "frequency:OTHER")


def _both(words: tuple[str, str]) -> list[Value]:
    return [Text(text, language) for text, language in zip(words, ("zh", "en"), strict=True) if text]


def _text(text: str) -> list[Value]:
    return [Text(text)] if text else []
