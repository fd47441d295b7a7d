"""What a model's suite says is written down: when it is due, and that earlier words stay."""

from __future__ import annotations

from assets.lake import open_lake
from assets.models import build, check_built, check_results, create_views
from assets.project import CODE, Project

SUITE = """\
name: licence
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {column: organ_uscc}
    meta: {id: organ_is_there, indicator: "0201", title: {zh: 甲, en: a}, remedy: {zh: 乙, en: b}}
"""


def test_a_table_is_checked_once_for_each_state_and_suite(tmp_path):
    root = tmp_path / "project"
    for part in ("assets/sources/credit_centre", "assets/base/licence"):
        (root / part).mkdir(parents=True)
        for file in (CODE / part).iterdir():
            (root / part / file.name).write_bytes(file.read_bytes())
    project = Project(root, tmp_path / "data")
    contract = project.contracts["licence"]
    suite = root / "expectations/suites" / contract.suite_path
    with open_lake(project) as con:

        def stored():
            sql = "SELECT run_id, batch, rule, outcome FROM evidence.results WHERE rule LIKE 'organ_%there' ORDER BY checked_at"
            return con.execute(sql).fetchall()

        create_views(con, project)
        build(con, project, contract, "first")
        assert check_built(con, project, contract, "no suite")  # what the contract yields by itself
        assert not check_built(con, project, contract, "no suite again")
        suite.parent.mkdir(parents=True)
        suite.write_text(SUITE, encoding="utf-8")
        assert check_built(con, project, contract, "one")
        assert not check_built(con, project, contract, "two")
        rules = [r["rule"] for r in check_results(con, project, contract)]
        assert rules[0] == "organ_is_there"
        assert "required_organ_uscc" not in rules  # the suite's rule stands in its place
        first = ("one", "base.licence", "organ_is_there", "not_assessable")  # no row: nothing could break the rule
        assert stored() == [first]

        suite.write_text(SUITE.replace("organ_is_there", "organ_there"), encoding="utf-8")
        assert check_built(con, project, contract, "three")
        con.execute("INSERT INTO evidence.lineage VALUES ('base.licence', 'b1', 'built', now()::TIMESTAMP)")
        assert check_built(con, project, contract, "four")
        assert not check_built(con, project, contract, "five")
        assert [(run, rule) for run, _, rule, _ in stored()] == [
            ("one", "organ_is_there"),
            ("three", "organ_there"),
            ("four", "organ_there"),
        ]
