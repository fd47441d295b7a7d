"""What a contract says becomes an entry in the guide's terms; what it does not say is listed, never invented."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest

from assets.catalogue import opens
from assets.project import Past, Project
from pipelines.catalogue.entries import entry_of, opened, read_catalogue

from catalogue_support import write_contract  # isort: skip


def test_an_entry(project: Project) -> None:
    shop, stall, secret = read_catalogue(project)
    assert [e.code for e in (shop, stall, secret)] == ["301001/1", "301001/2", "301001/3"]
    assert shop.classification == ("3 部门信息资源类", "01 商务厅", "001 流通", "")
    assert (shop.provider, shop.provider_code, shop.format, shop.ways) == (
        "商务厅",
        "112199019900000179",
        "电子表格",
        ("共享平台（文件）",),
    )
    assert [(i.title, i.kind, i.length, i.level, i.key) for i in shop.items] == [
        ("代码", "字符型C", "18", 1, True),
        ("开业日期", "日期型D", "", 1, False),
        ("负责人", "字符型C", "", 3, False),
        ("收入", "数值型N", "12,2", 2, False),
    ]
    assert (shop.sharing_words, shop.open, shop.cycle, shop.published) == (
        ("无条件共享", "unconditional"),
        True,
        ("每月", "monthly"),
        date(2026, 3, 1),
    )
    assert shop.level == 3
    assert (shop.ends, stall.ends) == (None, date(2026, 3, 31))
    assert shop.delivery is not None
    assert (shop.delivery.cycle, shop.delivery.mode, shop.delivery.within) == ("每月 monthly", "全量 full", "10 天 days")
    assert shop.lacking == ()
    assert stall.lacking == (("提供方代码", "provider's code"), ("发布日期", "publication date"), ("登记记录", "registration record"))


def write_model(root: Path, name: str, sql: str) -> None:
    """A base dataset whose contract promises nothing itself."""
    path = root / "assets" / "base" / "trade" / f"{name}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = write_contract(root, name, "{}").rename(path).read_text("utf-8")
    path.write_text(re.sub(r".*(unit: mo|delivery|mode: full).*\n", "", text), encoding="utf-8")
    path.with_name(f"{name}.sql").write_text(sql, encoding="utf-8")


def write_daily(root: Path, catalogue: str, ends: str = "") -> None:
    daily = write_contract(root, "daily", catalogue, ends=ends)
    daily.write_text(daily.read_text("utf-8").replace("value: 1, unit: mo", "value: 1, unit: d"), encoding="utf-8")


def test_a_model_is_updated_as_often_as_its_most_frequent_source(tmp_path: Path) -> None:
    write_daily(tmp_path, "{resourceCode: 301001/2}")
    write_contract(tmp_path, "monthly", "{resourceCode: 301001/1}")
    write_model(tmp_path, "over", "SELECT d.code FROM std.daily AS d, std.monthly AS m")
    write_model(tmp_path, "upon", "SELECT code FROM base.over")
    write_model(tmp_path, "odd", "?")
    found = {e.name: (e.cycle and e.cycle[1], e.related) for e in read_catalogue(Project(tmp_path, tmp_path / "data"))}
    assert found == {
        "daily": ("daily", ()),
        "monthly": ("monthly", ()),
        "over": ("daily", ("301001/1", "301001/2")),
        "upon": ("daily", ()),  # of what has no code itself nothing can be said
        "odd": (None, ()),
    }


@pytest.mark.parametrize(("today", "pace"), [(1, "daily"), (2, "monthly")])
def test_a_source_that_is_given_up_sets_no_pace(tmp_path: Path, today: int, pace: str) -> None:
    write_daily(tmp_path, "{}", ends="2026-03-31")  # due within a day
    write_contract(tmp_path, "monthly", "{}")
    write_model(tmp_path, "over", "SELECT d.code FROM std.daily AS d, std.monthly AS m")
    past = Past(tmp_path / "data", 1, datetime(2026, 4, today))
    found = {e.name: e.cycle and e.cycle[1] for e in read_catalogue(Project(tmp_path, tmp_path / "data", past=past))}
    assert found == {"daily": "daily", "monthly": "monthly", "over": pace}


def test_responsibilities_say_whether_a_contract_names_them(project: Project) -> None:
    duties = read_catalogue(project)[0].duties
    assert list(duties) == ["collection", "sharing", "opening", "security", "storage", "archiving"]
    assert (duties["storage"].who, duties["storage"].declared) == ("数据局", True)
    assert (duties["archiving"].who, duties["archiving"].declared) == ("商务厅", False)


def test_a_registration_holds_three_years(tmp_path: Path) -> None:
    write_contract(tmp_path, "a", "{registration: {state: changed, date: 2024-02-29}}")
    write_contract(tmp_path, "b", "{registration: {state: first, date: '2025-03-01', until: 2026-01-01}}")
    write_contract(tmp_path, "c", "{registration: {state: cancelled, date: 2025-03-01}, sharing: 1, open: true}")
    write_contract(tmp_path, "d", "{registration: {state: corrected}}")
    a, b, c, d = (entry_of(contract) for contract in Project(tmp_path, tmp_path / "data").contracts.values())
    found = [(r.zh, r.until) for r in (a.registration, b.registration, c.registration, d.registration) if r]
    assert found == [("变更登记", date(2027, 2, 28)), ("首次登记", date(2026, 1, 1)), ("注销登记", None), ("更正登记", None)]
    assert not c.opened


def test_who_may_use_what(project: Project) -> None:
    shop, stall, secret = read_catalogue(project)
    assert [(u.who, u.purpose, u.condition) for u in shop.users] == [("税务局", "核对税源", "仅用于核对")]
    assert [(u.who, u.condition) for u in stall.users] == [("符合条件的政务部门 departments that meet the condition", "履行职责使用")]
    assert secret.users == ()


def test_only_what_may_be_opened_is_in_the_open_subset(tmp_path: Path) -> None:
    write_contract(tmp_path, "shop", "{resourceCode: 301001/1, sharing: 1, open: true, related: [301001/2, 301001/4]}")
    write_contract(tmp_path, "closed", "{resourceCode: 301001/2, sharing: 1, open: false}")
    write_contract(tmp_path, "conditional", "{resourceCode: 301001/3, sharing: 2, open: true}")
    write_contract(tmp_path, "other", "{resourceCode: 301001/4, sharing: 1, open: true}")
    write_contract(tmp_path, "unsaid", "{resourceCode: 301001/5, open: true}")
    write_contract(
        tmp_path, "ended", "{resourceCode: 301001/7, sharing: 1, open: true, registration: {state: cancelled, date: 2026-01-01}}"
    )
    everything = write_contract(tmp_path, "sensitive", "{resourceCode: 301001/6, sharing: 1, open: true}")
    everything.write_text(everything.read_text("utf-8").replace('classification: "1"', 'classification: "2"'), encoding="utf-8")
    project = Project(tmp_path, tmp_path / "data")
    found = opened(read_catalogue(project))
    assert [c.name for c in project.contracts.values() if opens(c)] == ["other", "shop"]  # what open data writes, by the same rule
    assert [e.name for e in found] == ["shop", "other"]
    assert [[i.name for i in e.items] for e in found] == [["code", "opened"]] * 2
    assert found[0].related == ("301001/4",)
    assert [(e.users, e.delivery, list(e.duties)) for e in found] == [((), None, ["opening"])] * 2


def test_a_hidden_item_is_told_as_what_open_data_has(tmp_path: Path) -> None:
    path = write_contract(tmp_path, "shop", "{resourceCode: 301001/1, sharing: 1, open: true}")
    text = path.read_text("utf-8").replace(
        'classification: "2"}', 'classification: "2", customProperties: [{property: opened, value: generalise}]}'
    )
    path.write_text(text, encoding="utf-8")
    (whole,) = read_catalogue(Project(tmp_path, tmp_path / "data"))
    (part,) = opened([whole])
    income, shown = whole.items[-1], part.items[-1]
    assert (income.title, income.kind, income.length, income.level, part.level) == ("收入", "数值型N", "12,2", 2, 1)
    assert (shown.name, shown.title, shown.kind, shown.logical_type, shown.length) == ("income", "收入（归并）", "字符型C", "string", "")
    assert "none where fewer than 5 share it" in shown.description


def test_the_real_catalogue_opens_above_level_1_only_what_is_hidden() -> None:
    project = Project.at()
    entries = read_catalogue(project)
    assert len(entries) == len(project.contracts)
    found = opened(entries)
    hidden = {"market_entity": {"employees"}, "dishonesty_list": {"person_id"}}
    assert hidden.keys() <= {e.name for e in found}
    for entry in found:
        contract = project.contracts[entry.name]
        assert contract.catalogue["open"] is True
        assert contract.catalogue["sharing"] == 1
        assert {i.name for i in entry.items if contract.column(i.name).classification > 1} == hidden.get(entry.name, set())
