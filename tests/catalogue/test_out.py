"""What is written: a page, a workbook, DCAT, contracts, and the open part; values stay text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pyshacl import validate
from python_calamine import CalamineWorkbook
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, RDF
from typer.testing import CliRunner

from assets.project import Project
from pipelines.catalogue import read_catalogue, write_catalogue
from pipelines.catalogue.dcat import PREFIXES, nodes
from pipelines.catalogue.form import write_form
from pipelines.catalogue.measures import Measured, Measures
from pipelines.catalogue.rdf import Node, Ref, Text, to_jsonld, to_turtle
from pipelines.catalogue.site import write_site
from pipelines.cli import app

from catalogue_support import write_contract  # isort: skip

# rdflib 7.6 reads JSON-LD through a class of its own that it calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning:rdflib")
HOSTILE = "<script>alert(1)</script>"
FORMULAS = ("=HYPERLINK('http://example.org')", "+1+1", "-2", "@SUM(A1)")
SHAPES = Path(__file__).with_name("shapes.ttl")
DQV = "http://www.w3.org/ns/dqv#"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(path: Path) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(path.read_text("utf-8"))
    return parser.found


@pytest.fixture
def out(project: Project, tmp_path: Path) -> Path:
    write_catalogue(project, tmp_path / "out", base_url="http://reports.example/")
    return tmp_path / "out"


def graph(path: Path) -> Graph:
    return read(path.read_text("utf-8"), "json-ld" if path.suffix == ".jsonld" else "turtle")


def read(text: str, form: str) -> Graph:
    return Graph().parse(data=text, format=form)


def sheet(path: Path, name: str = "政务信息资源目录") -> list[list[str]]:
    return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name).to_python()]


def test_all_files_are_there_and_the_page_asks_for_nothing_elsewhere(out: Path) -> None:
    told = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    four = {"index.html", "catalogue.xlsx", "catalogue.jsonld", "catalogue.ttl"}
    assert told == four | {f"open/{name}" for name in four} | {f"contracts/{n}.odcs.yaml" for n in ("shop", "stall", "secret")}
    for page in (out / "index.html", out / "open" / "index.html"):
        links = [(tag, a.get("href") or a.get("src")) for tag, a in tags(page) if a.get("href") or a.get("src")]
        for tag, link in links:
            assert not re.match(r"[a-z]+:", link or "") or (tag, link) == ("link", "data:,"), link
            if tag == "a" and "index.html" not in (link or ""):
                assert (page.parent / str(link)).exists()


def test_the_open_part_may_stand_alone(out: Path) -> None:
    links = [a["href"] for tag, a in tags(out / "open" / "index.html") if tag == "a"]
    assert links == ["catalogue.xlsx", "catalogue.jsonld", "catalogue.ttl"]


def test_contracts_are_given_as_they_are_and_go_with_their_datasets(project: Project, out: Path) -> None:
    for contract in project.contracts.values():
        assert (out / "contracts" / contract.path.name).read_bytes() == contract.path.read_bytes()
    project.contracts["stall"].path.unlink()
    write_catalogue(Project(project.root, project.data), out)
    assert sorted(p.name for p in (out / "contracts").iterdir()) == ["secret.odcs.yaml", "shop.odcs.yaml"]


def test_the_open_part_holds_nothing_else(out: Path) -> None:
    for name in ("index.html", "catalogue.jsonld", "catalogue.ttl"):
        text = (out / "open" / name).read_text("utf-8")
        assert "开业日期" in text
        for closed in ("摊位", "名单", "负责人", "owner", "收入", "income", "税务局", "数据局", "301001/2", "301001/3"):
            assert closed not in text, (name, closed)
    whole = str(
        [sheet(out / "open" / "catalogue.xlsx", s) for s in CalamineWorkbook.from_path(str(out / "open" / "catalogue.xlsx")).sheet_names]
    )
    assert "开业日期" in whole
    for closed in ("摊位", "名单", "负责人", "owner", "income", "税务局", "数据局", "301001/2", "301001/3"):
        assert closed not in whole


@pytest.mark.parametrize("text", [HOSTILE, *FORMULAS])
def test_names_stay_text(tmp_path: Path, text: str) -> None:
    write_contract(
        tmp_path, "shop", "{resourceCode: 301001/1, sharing: 1, open: true}", title=text, department=text, purpose=text, column=text
    )
    out = tmp_path / "out"
    write_catalogue(Project(tmp_path, tmp_path / "data"), out)
    for page in (out / "index.html", out / "open" / "index.html"):
        assert [tag for tag, _ in tags(page)].count("script") == 1
        assert "<script>alert" not in page.read_text("utf-8")
    for book in (out / "catalogue.xlsx", out / "open" / "catalogue.xlsx"):
        rows = sheet(book)
        assert (rows[4][4], rows[4][6], rows[4][8], rows[5][10]) == (text, text, text, text)
        import zipfile

        with zipfile.ZipFile(book) as parts:
            for part in parts.namelist():
                if part.startswith("xl/worksheets/"):
                    assert b"<f>" not in parts.read(part)
                    assert b"<hyperlink" not in parts.read(part)
    titles = {str(t) for t in graph(out / "catalogue.ttl").objects(URIRef("urn:yuanqing:dataset:shop"), DCTERMS.title)}
    assert titles == {text, "shop"}


def test_the_guides_form(out: Path) -> None:
    rows = sheet(out / "catalogue.xlsx")
    assert [c for c in rows[2] if c][:7] == [
        "信息资源分类",
        "信息资源名称",
        "信息资源代码",
        "信息资源提供方",
        "信息资源提供方代码",
        "信息资源摘要",
        "信息资源格式",
    ]
    shop = rows[4]
    assert shop[:10] == [
        "3 部门信息资源类",
        "01 商务厅",
        "001 流通",
        "",
        "店铺",
        "301001/1",
        "商务厅",
        "112199019900000179",
        "店铺登记。 Shops.",
        "电子表格",
    ]
    assert shop[10:13] == ["代码", "字符型C", "18"]
    assert shop[13:21] == ["1 无条件共享", "", "共享平台（文件）", "是", "", "每月", "2026-03-01", "301001/2；301001/3"]
    assert [row[10] for row in rows[4:8]] == ["代码", "开业日期", "负责人", "收入"]
    assert [row[4] for row in rows[4:16]] == ["店铺", "", "", "", "摊位", "", "", "", "名单", "", "", ""]
    duties = sheet(out / "catalogue.xlsx", "责任清单")
    assert duties[5][:6] == ["301001/1", "店铺", "商务厅", "存储 storage", "数据局", "契约 contract"]
    assert ["全部" for row in duties[1:] if row[9] == "未评估 not assessed"] == ["全部"] * 3
    assert sheet(out / "catalogue.xlsx", "登记记录")[1:] == [["301001/1", "店铺", "变更登记 changed", "2024-02-29", "2027-02-28", "R1", ""]]


def measured() -> Measured:
    shop = Measures(98.5, 0.75, 73.875, "B", {"02": 97.0}, "202610", 0.25)
    return Measured(datetime(2026, 11, 1, 8), {"02": ("完整性", "Completeness")}, {"shop": shop})


def test_dcat_says_the_same_in_both_syntaxes_and_meets_the_shapes(project: Project, out: Path, tmp_path: Path) -> None:
    for folder in (out, out / "open"):
        turtle, json_ld = graph(folder / "catalogue.ttl"), graph(folder / "catalogue.jsonld")
        assert isomorphic(turtle, json_ld)
    found = list(nodes(read_catalogue(project), measured(), "http://reports.example/catalogue/index.html", ("目录", "Catalogue")))
    whole = Graph().parse(data=to_turtle(PREFIXES, found))
    assert isomorphic(whole, read(to_jsonld(PREFIXES, found), "json-ld"))
    for each in (whole, graph(out / "catalogue.ttl"), graph(out / "open" / "catalogue.ttl")):
        conforms, _, text = validate(each, shacl_graph=Graph().parse(SHAPES))
        assert conforms, text


@pytest.mark.parametrize(
    "lost",
    [
        lambda g: g.remove((None, DCTERMS.title, None)),
        lambda g: g.remove((None, DCTERMS.description, None)),
        lambda g: g.remove((None, DCAT.accessURL, None)),
        lambda g: g.remove((None, DCTERMS.publisher, None)),
        lambda g: g.remove((None, RDF.type, DCTERMS.Frequency)),
        lambda g: g.remove((None, URIRef(DQV + "isMeasurementOf"), None)),
        lambda g: g.remove((None, URIRef(DQV + "value"), None)),
    ],
)
def test_the_shapes_can_fail(project: Project, lost: Callable[[Graph], Graph]) -> None:
    found = nodes(read_catalogue(project), measured(), "http://reports.example/catalogue/index.html", ("目录", "Catalogue"))
    broken = lost(Graph().parse(data=to_turtle(PREFIXES, found)))
    assert not validate(broken, shacl_graph=Graph().parse(SHAPES))[0]


def test_quality_is_measured_where_there_are_results(project: Project) -> None:
    found = nodes(read_catalogue(project), measured(), "http://reports.example/catalogue/index.html", ("目录", "Catalogue"))
    rows = (
        Graph()
        .parse(data=to_turtle(PREFIXES, found))
        .query("SELECT ?d ?m ?v WHERE { ?d dqv:hasQualityMeasurement ?q . ?q dqv:computedOn ?d ; dqv:isMeasurementOf ?m ; dqv:value ?v }")
    )
    told = {(str(row[0]).rpartition(":")[2], str(row[1]).rpartition(":")[2], row[2].toPython()) for row in rows}  # type: ignore[index]
    assert told == {("shop", "score", 98.5), ("shop", "coverage", 0.75), ("shop", "ranked", 73.875), ("shop", "dimension-02", 97.0)}


def test_what_came_late(project: Project, tmp_path: Path) -> None:
    entries, found = read_catalogue(project), measured()
    found.datasets["stall"] = Measures(newest="202610", late=0.0)
    write_form(entries, tmp_path / "form.xlsx", found)
    kept = {row[1]: row[6:] for row in sheet(tmp_path / "form.xlsx", "责任清单") if row[3].startswith("采集")}
    due = ["每月 monthly", "10 天 days"]
    assert kept == {
        "店铺": [*due, "202610", "逾期 missed 25.0%"],
        "摊位": [*due, "202610", "按时 kept"],
        "名单": [*due, "", "未评估 not assessed"],
    }
    write_site(entries, tmp_path / "index.html", found, ("目录", "Catalogue"), whole=True)
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "最近一期 newest 2026-10，逾期 missed（25.0% 的记录 of its records）" in text
    assert "最近一期 newest 2026-10，按时 kept</dd>" in text


def test_any_text_and_name_survives_both_syntaxes() -> None:
    text = 'a "b" \\ c\n\r\t\u2028 @zh ^^ 字 \x08 {{}} \\u0041'
    node = Node(
        "yq:a <b> {c}|^`\\", ("dcat:Dataset",), {"dct:title": [Text(text, "zh"), Text("")], "dct:relation": [(Ref("yq:x"), Ref("yq:y z"))]}
    )
    turtle = Graph().parse(data=to_turtle(PREFIXES, [node]))
    assert isomorphic(turtle, read(to_jsonld(PREFIXES, [node]), "json-ld"))
    assert text in {str(t) for t in turtle.objects(None, DCTERMS.title)}


def test_the_command(project: Project, tmp_path: Path) -> None:
    run = CliRunner().invoke(
        app, ["--root", str(project.root), "--data", str(project.data), "catalogue", "--out", str(tmp_path / "o"), "--json"]
    )
    assert run.exit_code == 0, run.output
    told = json.loads(run.output)
    assert told == {"page": str(tmp_path / "o" / "index.html"), "datasets": 3, "open": 1, "lacking": 2}
    assert (tmp_path / "o" / "open" / "catalogue.ttl").exists()
