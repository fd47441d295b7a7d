"""Pages of pictures: what the declaration asks is drawn, escaped, and refused by line where it is wrong."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assets.lake import open_lake
from assets.models.sql import Query, columns_known
from assets.project import CODE, Project
from expectations.documents import DocumentError, read_document
from pipelines.reports.pictures import theme_pages, write_themes

PAGE = """
title: {zh: 马, en: Horses}
figures:
  - {title: {zh: 合计, en: all}, sql: SELECT sum(n) FROM thematic.horse, form: number}
  - {title: {zh: 份额, en: share}, sql: SELECT 0.25, form: percent}
pictures:
  - kind: trend
    title: {zh: 各月, en: by month}
    sql: SELECT "month" AS "x", sum(n) AS "y" FROM thematic.horse GROUP BY 1 ORDER BY 1
  - kind: ranking
    title: {zh: 名称, en: names}
    sql: SELECT name AS "x", sum(n) AS "y" FROM thematic.horse GROUP BY 1 ORDER BY 2 DESC
  - kind: map
    title: {zh: 各市, en: cities}
    sql: |
      SELECT h.city AS "x", d.name AS "name", sum(h.n) AS "y" FROM thematic.horse AS h
      LEFT JOIN codes.division AS d ON d.code = h.city GROUP BY 1, 2
"""
PUBLISHED = {"anchor": None, "published_at": datetime(2026, 11, 1), "standard": "1", "snapshot": 3}


def page(tmp_path: Path, text: str = PAGE, rows: str = "('202609', '<b>甲</b>', '210100', 30), ('202610', '乙', '210200', 10)") -> str:
    path = tmp_path / "assets" / "thematic" / "horse" / "horse.page.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    project = Project(tmp_path, tmp_path / "data")
    with open_lake(project) as con:
        con.execute('CREATE TABLE thematic.horse ("month" VARCHAR, name VARCHAR, city VARCHAR, n BIGINT)')
        con.execute(f"INSERT INTO thematic.horse VALUES {rows}")
        written: list[tuple[Path, Any]] = write_themes(project, con, PUBLISHED, tmp_path / "themes")
    assert [title for _, title in written] == [{"zh": "马", "en": "Horses"}]
    return written[0][0].read_text(encoding="utf-8")


def test_what_is_asked_is_drawn(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert "<dd>40</dd>" in html
    assert "<dd>25.0%</dd>" in html
    assert 'points="0.0,0.0 640.0,146.7"' in html  # 10 of 30: two thirds down from the top
    assert "width:100.0%" in html
    assert "width:33.3%" in html
    assert "<span>沈阳市</span><b>30</b>" in html
    assert "<span>铁岭市</span><b>—</b>" in html  # a city of which nothing is known is shown so
    assert "<b>甲</b>" not in html
    assert "&lt;b&gt;甲&lt;/b&gt;" in html
    assert "<script" not in html


def test_a_month_without_rows_takes_its_place_and_the_newest_month_is_named(tmp_path: Path) -> None:
    html = page(tmp_path, rows="('202512', 'a', '210100', 4), ('202601', 'a', '210100', 2), ('202603', 'a', '210100', 4)")
    assert 'points="0.0,0.0 213.3,110.0 640.0,0.0"' in html
    assert 'style="left:66.7%">2026-02<' in html
    assert 'style="left:100.0%">2026-03<' in html


def test_lines_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    """A SELECT that orders by x alone gives the rows of one x in any order: the page is the same, and can be made again."""
    asked = 'SELECT "month" AS "x", sum(n) AS "y" FROM thematic.horse GROUP BY 1 ORDER BY 1'
    given = ("('202609', '乙', 1), ('202609', '甲', 2)", "('202609', '甲', 2), ('202609', '乙', 1)")
    pages = []
    for n, first in enumerate(given):
        told = (
            f"SELECT m AS \"x\", s AS \"series\", y AS \"y\" FROM (VALUES {first}, ('202610', '甲', 3), ('202610', '乙', 4)) AS v(m, s, y)"
        )
        pages.append(page(tmp_path / str(n), PAGE.replace(asked, told)))
    assert "乙" in pages[0]
    assert pages[0] == pages[1]


def test_a_theme_without_its_tables_has_no_page(tmp_path: Path) -> None:
    path = tmp_path / "assets" / "thematic" / "horse" / "horse.page.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(PAGE, encoding="utf-8")
    project = Project(tmp_path, tmp_path / "data")
    with open_lake(project) as con:
        assert write_themes(project, con, PUBLISHED, tmp_path / "themes") == []


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        (PAGE.replace("kind: trend", "kind: trent"), 7, "Did you mean 'trend'?"),
        (PAGE.replace("form: percent", "form: per cent"), 5, "Did you mean 'percent'?"),
        (PAGE.replace("en: share", "en: share, of all"), 5, "quote what holds a comma"),
        (PAGE.replace("SELECT 0.25", "DROP TABLE x"), 5, "expected one SELECT"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, wrong: str, line: int, said: str) -> None:
    with pytest.raises(DocumentError) as error:
        page(tmp_path, wrong)
    assert f"horse.page.yaml:{line}: " in str(error.value)
    assert said in str(error.value)


def test_every_page_of_the_project_fits_its_contracts(tmp_path: Path) -> None:
    project = Project.at(CODE, tmp_path)
    known = columns_known(project)
    pages = theme_pages(project)
    assert {p.parent.name for p in pages} == {"hotline", "government_service", "social_assistance", "market_regulation"}
    for path in pages:
        data = read_document(path).data
        for asked in (*data["figures"], *data["pictures"]):
            Query(path, asked["sql"]).check(known)
