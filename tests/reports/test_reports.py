"""Pages and workbooks: escaped, masked, whole in themselves, and with the rows to mend."""

from __future__ import annotations

import html
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from assets.project import Project
from pipelines.links import report_url
from pipelines.querying import connect
from pipelines.reports import build_reports
from pipelines.reports.pages import percent, period, score
from pipelines.reports.phrases import in_chinese
from pipelines.results import connect_results, publish, query
from pipelines.workbooks.writing import write_workbooks

from reports_support import batch, contract, fill, raw, result, suite  # isort: skip

ID, NAME = "21990119900307123X", "王小明"
SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.org","x")'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    columns = [("id", "GMSFHM", "身份号码", "string", 3), ("name", "XM", "姓名", "string", 3), ("note", "BZ", "备注", "string", 1)]
    yearly = {"type": "text", "description": "每年与民政核对"}
    contract(root, "people", columns, title="人口", quality=[yearly])
    contract(root, "roads", [("code", "DM", "代码", "string", 1)], group="transport", department=f"交通厅{SCRIPT}", title="道路")
    rules = [
        {"id": "id_valid", "column": "id", "indicator": "0301", "weight": 3, "blocking": True, "title": "号码有效", "remedy": "核对证件"},
        {"id": "note_plain", "column": "note", "indicator": "0302", "title": f"备注{SCRIPT}", "remedy": SCRIPT},
        {"id": "name_there", "column": "name", "indicator": "0201", "title": "姓名必填"},
        {"id": "old_table", "column": "note", "indicator": "0105", "title": "代码表过期"},
    ]
    suite(root, "people", rules)
    made = Project(root, root / "data")
    rows = [("a", 2, ID, NAME, SCRIPT), ("a", 5, "2199", "李四", FORMULA), ("a", 6, ID, NAME, "fine"), ("b", 9, "0219", "赵六", "+1")]
    raw(made, "people", ["id", "name", "note"], rows)
    fill(
        made,
        batches=[
            batch("people", "a", unit="210100", rows=3, rows_quarantine=1, rows_rejected=1, source=f"{SCRIPT}.csv"),
            batch("people", "b", unit="21SF00", rows=1),
            batch("people", "c", unit="210200", status="refused", reason="found no column GMSFHM", records=None, rows_raw=None),
        ],
        results=[
            result("people", "a", "id_valid", 3, 1, examples=["2***"], note="1 row"),
            result("people", "b", "id_valid", 1, 1, examples=["0***"]),
            result("people", "a", "note_plain", 3, 2, examples=[SCRIPT, {"note": SCRIPT}, ["x", None]]),
            result("people", "a", "name_there", 3, 0),
            result("people", "a", "old_table", 3, 0, outcome="not_assessable", note="code table out of date"),
        ],
        rejects=[{"batch": "a", "dataset": "people", "row": 7, "lines": 1, "text": f"{ID},{NAME}", "reason": f"found 2 fields {SCRIPT}"}],
        repairs=[{"batch": "a", "dataset": "people", "column": "id", "kind": "trimmed", "rows": 12}],
        issues=[
            {"batch": batch_, "dataset": "people", "row": row, "rule": rule}
            for batch_, row, rule in (("a", 5, "id_valid"), ("a", 5, "note_plain"), ("a", 2, "note_plain"), ("b", 9, "id_valid"))
        ],
    )
    publish(made)
    build_reports(made, base_url="http://reports.example")
    return made


SCRIPTED = {"lineage.html", "catalogue/index.html", "catalogue/open/index.html"}  # pages with scripts, each allowed by its digest alone


def pages(project: Project) -> dict[str, str]:
    return {str(p.relative_to(project.reports)): p.read_text(encoding="utf-8") for p in project.reports.rglob("*.html")}


class Links(HTMLParser):
    """What a browser would fetch or follow, and the elements that could run."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [v or "" for k, v in attrs if k in ("href", "src", "srcset", "action", "data", "poster")]


def test_files(project: Project) -> None:
    found = sorted(str(p.relative_to(project.reports)) for p in project.reports.rglob("*") if p.is_file())
    of = ["police/index.html", "police/police.xlsx", "transport/index.html", "transport/transport.xlsx"]
    four = ["catalogue.jsonld", "catalogue.ttl", "catalogue.xlsx", "index.html"]
    catalogue = [*four[:3], "contracts/people.odcs.yaml", "contracts/roads.odcs.yaml", "index.html", *(f"open/{name}" for name in four)]
    assert found == [*(f"catalogue/{name}" for name in catalogue), "index.html", "lineage.html", "overview.html", *of]
    assert (project.reports / "police" / "police.xlsx").stat().st_mode & 0o077 == 0


def test_pages_are_whole_in_themselves(project: Project) -> None:
    for name, text in pages(project).items():
        links = Links()
        links.feed(text)
        outside = [
            t
            for t in links.targets
            if not t.startswith("#") and t != "data:," and not re.fullmatch(r"(\.\./)?[a-z_./]+\.(html|xlsx|jsonld|ttl|yaml)(#[\w-]+)?", t)
        ]
        assert outside == [], name
        assert not links.tags & {"iframe", "object", "embed", "form", "base"}, name
        allowed = re.findall(r"'sha256-[^']+'", re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[0])
        assert ("script" in links.tags) == bool(allowed) == (name in SCRIPTED), name
        assert not re.search(r"https?:|url\(|@import", text), name
        for target in (t for t in (t.partition("#")[0] for t in links.targets) if t.endswith(("html", "xlsx"))):
            assert (project.reports / name).parent.joinpath(target).resolve().exists(), (name, target)


def test_every_anchor_leads_somewhere(project: Project) -> None:
    for text in pages(project).values():
        wanted = re.findall(r'href="#([^"]+)"', text)
        assert set(wanted) <= set(re.findall(r'id="([^"]+)"', text))


def test_values_are_escaped(project: Project) -> None:
    found = pages(project)
    assert all(SCRIPT not in text for text in found.values())
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert found["police/index.html"].count(escaped) >= 5  # title, remedy, examples, file name, reason
    assert escaped in found["index.html"]


def test_no_page_shows_a_full_value(project: Project) -> None:
    for text in pages(project).values():
        assert ID not in text
        assert NAME not in text


def test_what_the_page_says(project: Project) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", pages(project)["police/index.html"]))
    assert "号码有效" in text
    assert "核对证件" in text
    assert "沈阳市 1" in text
    assert "沈抚改革创新示范区 1" in text
    assert "found no column GMSFHM" in text
    assert "已退回 refused" in text
    assert "代码表过期" in text
    assert "code table out of date" in text
    assert "去首尾空白" in text
    assert "12" in text
    assert "2 行 rows 占 50.0%" in text  # 2 of the 4 numbers evaluated
    other = pages(project)["transport/index.html"]
    assert "还没有被接收的交付" in other


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def test_what_is_called_for_and_lacking_is_listed(project: Project) -> None:
    """The key has the rule that the contract yields, the clause in prose has none; nobody asks for consistency."""
    text = plain(pages(project)["police/index.html"])
    lacking = text[text.index("尚缺规则 Rules still lacking") :]
    lacking = lacking[: lacking.index("未能评估的规则")]
    assert "契约的质量要求 meets the contract's quality clause 0104 每年与民政核对" in lacking
    assert "主键不重复" not in lacking
    assert "一致性 Consistency 未要求 not called for" in text


def test_base_and_thematic_tables_stand_apart_from_the_league(tmp_path: Path) -> None:
    contract(tmp_path, "people", [("id", "GMSFHM", "身份号码", "string", 3)], title="人口")
    rules = [{"id": "id_alone", "column": "id", "indicator": "0304", "type": "expect_column_values_to_be_unique", "title": "一人一条"}]
    suite(tmp_path, "people", rules)
    for kind, end in (("assets", "odcs.yaml"), ("expectations/suites", "yaml")):
        for layer, name in (("base", "population"), ("thematic", "households")):
            source = (tmp_path / kind / "sources" / "police" / f"people.{end}").read_text(encoding="utf-8")
            target = tmp_path / kind / layer / "persons" / f"{name}.{end}"
            target.parent.mkdir(parents=True)
            own = source.replace("people", name).replace("101001/", "102001/" if layer == "base" else "201001/")
            target.write_text(own, encoding="utf-8")
            if kind == "assets":
                (target.parent / f"{name}.sql").write_text('SELECT p.id AS "id" FROM std.people AS p', encoding="utf-8")
    made = Project(tmp_path, tmp_path / "data")
    said = json.dumps({"result": {"unexpected_count": 4, "extra_copies": 2}})
    fill(
        made,
        batches=[batch("people", "b")],
        results=[
            result("people", "b", "id_alone", 10, 4, result=said),
            result("population", "base.population", "id_alone", 10, 4, result=said),
        ],
    )
    publish(made)
    build_reports(made)
    index = pages(made)["index.html"]
    league, models = plain(index).split("基础库与主题库", 1)
    assert "population" not in league
    assert 'id="base.population"' in index
    assert 'id="thematic.households"' in index
    assert "base.population 80.0" in models
    assert "一人一条 id_alone holds 0304 · 4 行 rows，占 40.0%" in models
    assert "thematic.households 尚未检查 not checked yet" in models
    assert "计分按多出的 2 行" in plain(pages(made)["police/index.html"])
    contracts = made.contracts
    assert report_url(made, contracts["population"]).endswith("/index.html#base.population")
    assert report_url(made, contracts["people"]).endswith("/police/index.html")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (None, ""),
        ("something no one foresaw", ""),
        ("found 6 fields, expected 17. Look for a missing separator.", "该记录有 6 个字段，应为 17 个"),
        ("a.csv, header: the needed column XM (姓名) missing; expected XM. Rename it.", "缺少必需的列 XM (姓名)：把列名改为契约所列。"),
        ("a.csv: bytes that are UTF-8, throughout; expected text in GB18030. Save it.", "编码是 UTF-8，应为 GB18030"),
        ("its content is that of batch p-1 (a.csv); it was not collected again", "内容与批次 p-1（a.csv）相同，未重复接收。"),
        ("33 cells took the value of the merged cell that covers them", "33 个格取了所在合并单元格的值。"),
        (
            "hidden sheets were left out: 旧表; 2 empty cells took the value above them",
            "2 个空格取了上方的值；隐藏的工作表没有读取：旧表。",
        ),
        ("a.csv: 12 rows, where batch p-1 had 90: the dataset would collapse; expected more.", "只有 12 行，上一批有 90 行"),
    ],
)
def test_reasons_of_a_known_form_are_said_in_chinese(reason: str | None, said: str) -> None:
    assert in_chinese(reason).startswith(said)
    assert bool(in_chinese(reason)) == bool(said)


def test_the_queries_on_the_page_can_be_asked(project: Project) -> None:
    text = html.unescape(pages(project)["police/index.html"])
    asked = re.findall(r'yuanqing sql "([^"]+)"', text)
    assert len(asked) == 3
    answers = [query(project, sql)[1] for sql in asked]
    assert all(answers)
    assert sorted(answers[2]) == [(f"{SCRIPT}.csv", 2), (f"{SCRIPT}.csv", 5)]  # of the rule that mending gains most by


def sheets(path: Path) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}


def test_the_workbook_gives_the_rows_to_mend_in_full(project: Project) -> None:
    found = sheets(project.reports / "police" / "police.xlsx")
    assert list(found) == ["概览", "问题汇总", "人口", "无法读取的记录"]
    told, header, *rows = found["人口"]
    assert told[0] == "共 3 行需更正 rows to mend"
    own = ["文件\nsource", "行号\nline", "处置\nhandling", "问题\nproblems", "怎么改\nremedy"]
    assert header == [*own, "身份号码\nGMSFHM", "姓名\nXM", "备注\nBZ"]
    assert rows == [
        [f"{SCRIPT}.csv", 2, "保留并标记", f"备注{SCRIPT}", SCRIPT, ID, NAME, SCRIPT],
        [f"{SCRIPT}.csv", 5, "隔离", f"号码有效；备注{SCRIPT}", f"核对证件；{SCRIPT}", "2199", "李四", FORMULA],
        ["b.csv", 9, "隔离", "号码有效", "核对证件", "0219", "赵六", "+1"],
    ]
    assert found["无法读取的记录"][1][-1] == f"{ID},{NAME}"
    assert any("http://reports.example/police/index.html" in row for row in found["概览"])


def test_no_cell_is_a_formula_or_a_link(project: Project) -> None:
    with zipfile.ZipFile(project.reports / "police" / "police.xlsx") as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/sheet"):
                text = book.read(name).decode()
                assert not re.search("<f>|<hyperlink", text), name


def test_wrong_cells_are_marked_and_explained(project: Project) -> None:
    with zipfile.ZipFile(project.reports / "police" / "police.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet3.xml").decode()
        comments = "".join(book.read(n).decode() for n in book.namelist() if n.startswith("xl/comments"))
        style = {c: re.search(rf'<c r="{c}" s="(\d+)"', sheet) for c in ("F3", "F4", "H3", "H4", "F5", "H5")}
    marked = {c: m[1] for c, m in style.items() if m}
    assert marked["F4"] == marked["H3"] == marked["H4"] == marked["F5"]
    assert marked["F3"] == marked["H5"] != marked["F4"]
    assert "号码有效：核对证件" in comments


def test_many_rows_stand_in_several_workbooks(project: Project, tmp_path: Path) -> None:
    (tmp_path / "police.3.xlsx").write_bytes(b"of an earlier time")
    with connect_results(project) as results, connect(project) as lake:
        first, second = write_workbooks(project, lake, results, "police", tmp_path, cap=2)
        assert sorted(tmp_path.iterdir()) == [second, first]
        told, _, *rows = sheets(first)["人口"]
        assert len(rows) == 2
        assert "共 3 行需更正 rows to mend；本册第 1 至 2 行" in str(told[0])
        assert any("这是第 1 册" in str(cell) for row in sheets(first)["概览"] for cell in row)
        assert list(sheets(second)) == ["人口"]
        told, _, *rows = sheets(second)["人口"]
        assert [row[6] for row in rows] == ["赵六"]
        assert "本册第 3 至 3 行" in str(told[0])
        (only,) = write_workbooks(project, lake, results, "police", tmp_path, cap=2, most=1)
        assert "另有 1 行未列出" in str(sheets(only)["人口"][0][0])
        assert not second.exists()


def test_building_again_changes_nothing_but_the_time(project: Project) -> None:
    before = pages(project)
    build_reports(project)
    assert pages(project) == before


@pytest.mark.parametrize(("value", "shown"), [(None, "—"), (100.0, "100.0"), (99.96, "99.9"), (99.94, "99.9"), (0.0, "0.0")])
def test_a_score_is_not_rounded_up_to_perfect(value: float | None, shown: str) -> None:
    assert score(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "—"), (0.0, "0%"), (1.0, "100%"), (0.00001, "<0.01%"), (0.9999, ">99.9%"), (0.0016, "0.16%"), (0.5, "50.0%")],
)
def test_shares(value: float | None, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("202610", "2026-10"), ("20261024", "2026-10-24"), ("2026102408", "2026-10-24 08:00"), ("2026-Q3", "2026-Q3"), (None, "")],
)
def test_periods(value: str | None, shown: str) -> None:
    assert period(value) == shown
