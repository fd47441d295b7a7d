"""Two months of two departments, played with a real Dagster instance and real files: found, dispatched, mended at the source, handed
over again, verified, closed; one comes back, one is waived and the waiver ends, one is disputed. Scores and league as by hand.

Both departments hand over twelve records under the same rules, of which only `born` can be broken here, so their places follow from
the share of records without a birth date alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tiny_support import RULES, SOURCE, hand_over, make_tiny

from assets.following import follow
from assets.lake import open_lake
from assets.project import Project
from pipelines.issues import acting
from pipelines.issues.acting import ActingError, Answer
from pipelines.issues.states import Scope
from pipelines.journal import verify
from pipelines.results import connect_results, publish
from pipelines.run import run

pytestmark = pytest.mark.usefixtures("quick")

BORN = Scope("pet", "born_present")
PETS = [f"P{n:02}" for n in range(1, 13)]


def make(root: Path) -> Project:
    make_tiny(root)
    for path, text in {
        "assets/sources/county/cat.odcs.yaml": SOURCE.replace("pet", "cat").replace("犬只登记", "猫只登记").replace("城管局", "农业局"),
        "expectations/suites/sources/county/cat.yaml": RULES.replace("name: pet", "name: cat"),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Project(root, root / "data")


def records(without_birth_date: Iterable[str]) -> str:
    """What the department's own system holds, as it hands it over."""
    missing = set(without_birth_date)
    return "tag,born\n" + "".join(f"{tag},{'' if tag in missing else '2020-01-01'}\n" for tag in PETS)


def hand_over_both(project: Project, period: str, pets: Iterable[str], cats: Iterable[str]) -> None:
    hand_over(project, period, records(pets))
    path = project.landing / "cat" / f"cat_{period}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    hand_over(project, period, records(cats)).rename(path)
    hand_over(project, period, records(pets))


def asked(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with connect_results(project) as con:
        return con.execute(sql).fetchall()


def states(project: Project) -> dict[str, tuple[str, str | None, int, int]]:
    """By tag, state and way of closing of the issues on the birth date, how often it failed and how often it came back."""
    from assets.lake import open_lake

    with open_lake(project, read_only=True) as con:
        con.execute(f"ATTACH '{project.results}' AS published (READ_ONLY)")
        return {
            tag: tuple(rest)  # type: ignore[misc]
            for tag, *rest in con.execute(
                "SELECT r.tag, t.state, t.how, t.times, t.reopened FROM published.tickets t JOIN raw.pet r"
                " ON r._batch = t.last_batch AND r._row = t.last_row WHERE t.rule = 'born_present' AND t.dataset = 'pet' ORDER BY r.tag"
            ).fetchall()
        }


def ticket_of(project: Project, tag: str) -> str:
    from assets.lake import open_lake

    with open_lake(project, read_only=True) as con:
        (found,) = con.execute(
            "SELECT t.ticket FROM evidence.tickets t JOIN raw.pet r ON r._batch = t.last_batch AND r._row = t.last_row"
            " WHERE r.tag = ? AND t.dataset = 'pet'",
            [tag],
        ).fetchone() or (None,)
    assert found is not None
    return str(found)


def league(project: Project) -> list[tuple[int, str]]:
    return asked(project, 'SELECT "rank", department FROM league ORDER BY 1, 2')


def share(project: Project, dataset: str) -> tuple[int, int, float]:
    """A and B of the rule on birth dates, and its score."""
    ((a, b, score),) = asked(
        project,
        f"SELECT a, b, score FROM scores WHERE scope = 'dataset' AND level = 'rule' AND dataset = '{dataset}' AND rule = 'born_present'",
    )
    return a, b, score


def listed(project: Project) -> tuple[object, object]:
    """Groups as they were published, and as they are worked out now."""
    from pipelines.issues.listing import groups, published_groups, standing

    with standing(project) as con:
        return published_groups(project), groups(con)


def test_two_months(tmp_path: Path) -> None:
    project = make(tmp_path)

    # January: four dogs and three cats have no birth date.
    hand_over_both(project, "202601", pets=["P01", "P02", "P03", "P04"], cats=["P01", "P02", "P03"])
    summary = run(project)
    assert summary.exit_code == 0, summary.undone
    assert states(project) == dict.fromkeys(("P01", "P02", "P03", "P04"), ("found", None, 1, 0))
    assert share(project, "pet") == (8, 12, pytest.approx(100 * 8 / 12))
    assert share(project, "cat") == (9, 12, pytest.approx(75))
    assert league(project) == [(1, "county"), (2, "city")]
    published, now = listed(project)
    assert published == now

    # The officer dispatches the group; a second officer at the same moment is told that it is done.
    acting.dispatch(project, "李质管", BORN)
    assert listed(project)[0] is None  # it is no longer what was published
    with pytest.raises(ActingError, match=r"4 已派发 dispatched.*李质管: dispatch"):
        acting.dispatch(project, "王质管", BORN)
    acting.acknowledge(project, "张城管", BORN)
    # The department mends three at the source, or says so; of the fourth it says that there is no such date.
    one, two, three, four = (ticket_of(project, tag) for tag in ("P01", "P02", "P03", "P04"))
    acting.claim(project, "张城管", [one, two, three], "已补录")
    acting.dispute(project, "张城管", [four], "流浪犬无从得知出生日期")
    publish(project)
    assert {tag: s[0] for tag, s in states(project).items()} == {"P01": "mended", "P02": "mended", "P03": "mended", "P04": "disputed"}

    # February: P01 and P02 are mended indeed, P03 is not; the cats lose one more.
    hand_over_both(project, "202602", pets=["P03", "P04"], cats=["P01", "P02", "P03"])
    run(project)
    assert states(project) == {
        "P01": ("closed", "verified", 1, 0),
        "P02": ("closed", "verified", 1, 0),
        "P03": ("acknowledged", None, 2, 0),  # the claim is void: the next hand-over shows it broken
        "P04": ("disputed", None, 2, 0),
    }
    assert asked(project, "SELECT claims_failed FROM tickets WHERE times = 2 AND state = 'acknowledged' AND dataset = 'pet'") == [(1,)]
    assert share(project, "pet") == (10, 12, pytest.approx(100 * 10 / 12))
    assert league(project) == [(1, "city"), (2, "county")]
    published, now = listed(project)
    assert published == now

    # A list of January that comes back only now cannot say more than February's hand-over has shown.
    # Of several answers at once each is judged by itself: P01 is closed, and one issue is nobody's.
    said = [Answer(Scope("pet", "born_present", tickets=(ticket,)), "一月清单") for ticket in (three, one)]
    assert [type(told).__name__ for told in acting.answer(project, "张城管", said, known_at="2000-01-01T00:00:00")] == [
        "Entry",
        "ActingError",
    ]
    said.append(Answer(Scope("pet", "born_present", tickets=("f" * 16,)), "我有异议", "rule"))
    stranger = list(acting.answer(project, "张城管", said[1:], known_at="2000-01-01T00:00:00"))
    assert [str(told)[:6] for told in stranger] == ["没有可称已整", "没有这些问题"]
    publish(project)
    assert states(project)["P03"][0] == "acknowledged"

    # The officer holds with the department on P04; the cats' rule is waived for a week.
    acting.resolve(project, "李质管", Scope("pet", "born_present", tickets=(four,)), "upheld", "流浪犬登记不设出生日期")
    today = date.today()
    waiver = acting.waive(
        project, "李质管", Scope("cat", "born_present"), "系统改造", until=today + timedelta(days=7), legal_basis="《办法》第十条"
    )
    publish(project)
    assert states(project)["P04"] == ("closed", "upheld", 2, 0)
    assert asked(project, "SELECT DISTINCT state, waiver FROM tickets WHERE dataset = 'cat'") == [("waived", waiver.content["id"])]
    # Three waived failures are in neither A nor B, and counted apart.
    counted = "SELECT a, b, waived FROM scores WHERE scope = 'dataset' AND level = 'rule' AND dataset = 'cat' AND rule = 'born_present'"
    assert asked(project, counted) == [(0, 0, 3)]

    # Of the dogs, the one row of P03 alone is waived: it is in neither A nor B, and the rule goes on counting.
    alone = Scope("pet", "born_present", tickets=(three,))
    acting.waive(project, "李质管", alone, "档案待查", until=today, legal_basis="《办法》第十条")
    publish(project)
    counted = counted.replace("'cat'", "'pet'")
    assert asked(project, counted) == [(10, 11, 1)]
    assert states(project)["P03"][0] == "waived"
    acting.revoke(project, "李质管", "W0002", "档案已查")
    publish(project)
    assert asked(project, counted) == [(10, 12, 0)]

    # A correction of February: P01 is broken again.
    hand_over(project, "202602", records(["P01", "P03", "P04"]))
    run(project)
    assert states(project)["P01"] == ("reopened", None, 2, 1)
    assert states(project)["P02"] == ("closed", "verified", 1, 0)
    assert share(project, "pet")[:2] == (9, 12)

    # Eight days later the waiver has ended by itself, and P03, dispatched in January, is late.
    later = today + timedelta(days=8)
    from pipelines.issues.listing import standing

    with standing(project, today=later) as con:
        assert con.execute("SELECT DISTINCT state FROM states WHERE dataset = 'cat'").fetchall() == [("found",)]
    with standing(project, today=today + timedelta(days=40)) as con:
        assert con.execute("SELECT overdue, level FROM states WHERE ticket = ?", [three]).fetchall() == [(True, 3)]

    # What hand-overs have shown since is not in what was published.
    assert None not in listed(project)
    with open_lake(project) as con:
        follow(con, project, "issues", anew=True)
    assert listed(project)[0] is None

    # The journal holds what was done, in order, and nobody has touched it.
    done = asked(project, "SELECT what, who FROM ticket_events ORDER BY seq")
    assert done == [
        ("dispatch", "李质管"),
        ("acknowledge", "张城管"),
        ("claim", "张城管"),
        ("dispute", "张城管"),
        ("claim", "张城管"),
        ("resolve", "李质管"),
        ("waive", "李质管"),
        ("waive", "李质管"),
        ("revoke", "李质管"),
    ]
    assert verify(project) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until": None}, "needs an end"),
        ({"until": date(2020, 1, 1)}, "lies in the past"),
        ({"legal_basis": " "}, "legal basis"),
        ({"why": ""}, "needs a reason"),
        ({"scope": Scope("pet", "born_presen")}, "born_present"),
        ({"scope": Scope("pat", "born_present")}, "pet"),
        ({"scope": Scope("pet", "tag_present")}, "name the second"),
        ({"scope": Scope("pet", "tag_present"), "second": " 李 质管"}, "somebody else"),
        ({"until": date.today() + timedelta(days=700)}, "at most"),
    ],
)
def test_a_waiver_without_what_it_needs_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    project = make(tmp_path)
    hand_over(project, "202601", records(["P01"]))
    from assets.collect import collect
    from assets.lake import open_lake

    with open_lake(project) as con:
        collect(con, project, project.contracts["pet"], "run")
    wanted: dict[str, Any] = {"scope": BORN, "why": "系统改造", "until": date.today(), "legal_basis": "第十条", "second": ""} | change
    with pytest.raises(ActingError, match=message):
        acting.waive(project, "李质管", wanted.pop("scope"), wanted.pop("why"), **wanted)
    assert not (project.data / "journal" / "journal.jsonl").exists()
