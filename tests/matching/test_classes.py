"""Which pair is certain, for review, or different; what a person would say of each stands beside it."""

from __future__ import annotations

import pytest

from tests.matching.conftest import World

ZHANG, LIU, OUYANG, LI, WANG = (
    "219901198002030174",
    "219902199111300058",
    "219903200107081229",
    "219901196505053010",
    "219901198002030182",
)
PEOPLE = [
    (ZHANG, "张建国", "1980-02-03", "1", "219901"),
    (LIU, "刘晓燕", "1991-11-30", "1", "219902"),
    (OUYANG, "欧阳·娜娜", "2001-07-08", "2", "219903"),
    (LI, "李峰", "1965-05-05", "1", "219901"),
    (WANG, "王芳", "1980-02-03", "2", "219901"),
]
RECORDS = [
    # number, id, name, birth date, sex, place, key, class: why
    ("no id", None, "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("placeholder", "无", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("15 digits", "219901800203017", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("15 digits, traditional name", "219901800203017", "張建國", "1980-02-03", "1", None, ZHANG, "certain"),
    ("15 digits, another name", "219901800203017", "赵六", "1980-02-03", "1", "219901", ZHANG, "review"),
    ("one digit wrong", "219901198002030274", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("one digit wrong in the place", "219911198002030174", "张建国", None, None, None, ZHANG, "certain"),
    ("one digit wrong in the birth date", "219901198002130174", "张建国", "1980-02-13", "1", "219901", ZHANG, "certain"),
    ("neighbours changed over", "219901198002031074", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("a digit left out", "21990119800203014", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("full width and a blank", "２１９９０１１９８００２０３０２７４ ", "张建国", "1980-02-03", "1", "219901", ZHANG, "certain"),
    ("one digit wrong, another name", "219901198002030274", "赵六", "1980-02-03", "1", "219901", ZHANG, "review"),
    ("spread sheet zeros", "219902199111300000", "刘晓燕", "1991-11-30", "1", "219902", LIU, "certain"),
    ("spread sheet zeros, no birth date", "219902199111300000", "刘晓燕", None, "1", None, LIU, "certain"),
    ("spread sheet zeros, another name", "219902199111300000", "赵六", "1991-11-30", "1", "219902", LIU, "review"),
    ("masked id", "219902********0058", "刘晓燕", "1991-11-30", "1", "219902", LIU, "certain"),
    ("masked id, no birth date", "219902********0058", "刘晓燕", None, "1", None, LIU, "certain"),
    ("masked id, another name", "219902********0058", "赵六", None, "1", None, LIU, "different"),
    ("no id, no birth date", None, "刘晓燕", None, "1", "219902", LIU, "review"),
    ("rare character", None, "刘?燕", "1991-11-30", "1", "219902", LIU, "review"),
    ("rare character, box", None, "刘□燕", "1991-11-30", "1", "219902", LIU, "review"),
    ("rare character, private use", None, "刘\ue123燕", "1991-11-30", "1", "219902", LIU, "review"),
    ("rare character, undecodable", None, "刘\ufffd燕", "1991-11-30", "1", "219902", LIU, "review"),
    ("rare character, one digit wrong", "219902199111300158", "刘?燕", "1991-11-30", "1", "219902", LIU, "certain"),
    ("other dot", None, "欧阳•娜娜", "2001-07-08", "2", "219903", OUYANG, "certain"),
    ("no dot", None, "欧阳娜娜", "2001-07-08", "2", "219903", OUYANG, "certain"),
    ("blank inside", None, "李　峰", "1965-05-05", "1", "219901", LI, "certain"),
    ("variant character", None, "李峯", "1965-05-05", "1", "219901", LI, "certain"),
    ("variant character, another place", None, "李峯", "1965-05-05", "1", "210102", LI, "review"),
    ("day and month changed over", None, "王芳", "1980-03-02", "2", "219901", WANG, "certain"),
    ("same birthday and sex, another name", None, "孙七", "1980-02-03", "2", "219901", None, "none"),
    ("same name, another birthday and place", None, "王芳", "1980-12-21", "2", "210102", None, "none"),
    ("same name and place, another birthday", None, "王芳", "1990-12-21", "2", "219901", WANG, "review"),
    ("same surname and birthday", None, "王七八", "1980-02-03", "1", "210102", WANG, "different"),
    ("name alone", None, "王芳", None, None, None, None, "none"),
    ("nobody", None, "周九", "1970-10-10", "2", "219904", None, "none"),
    ("nothing", None, None, None, None, None, None, "none"),
]


def test_each_record_is_classed_as_a_person_would(world: World) -> None:
    world.register(PEOPLE)
    world.listed([r[:6] for r in RECORDS], whole=[(f"w{n}", OUYANG, "欧阳娜娜", None, None, None) for n in range(30)])
    world.match()
    assert world.classes() == {r[0]: r[6:] for r in RECORDS}


def test_a_sound_id_is_a_good_key_whoever_it_is(world: World) -> None:
    world.register(PEOPLE)
    world.listed([("twice", ZHANG, "张建国", "1980-02-03", "1", "219901"), ("folded", ZHANG[:17] + "４", "张建国", None, None, None)])
    assert world.match().records == 0


def test_two_namesakes_of_one_day_are_for_review(world: World) -> None:
    """Neither is likelier than the other, so nobody is linked."""
    world.register([(ZHANG, "王伟", "1980-02-03", "1", "219901"), (WANG, "王伟", "1980-02-03", "1", "219901")])
    world.listed([("1", None, "王伟", "1980-02-03", "1", "219901")])
    world.match()
    assert world.rows("SELECT id_number, probability, class FROM base.people__matches ORDER BY 1") == [
        (ZHANG, pytest.approx(0.5, abs=0.001), "review"),
        (WANG, pytest.approx(0.5, abs=0.001), "review"),
    ]


def test_a_common_name_says_less_than_a_rare_one(world: World) -> None:
    """300 people called 王伟 in the base: one who shares the birthday may be another; nobody else is called 欧阳娜娜."""
    crowd = [(f"crowd{n}", "王伟", "1950-01-01", "1", "210100") for n in range(300)]
    world.register([*crowd, (ZHANG, "王伟", "1980-02-03", "1", "219901"), (OUYANG, "欧阳娜娜", "2001-07-08", "2", "219903")])
    world.listed([("1", None, "王伟", "1980-02-03", None, None), ("2", None, "欧阳娜娜", "2001-07-08", None, None)])
    world.match()
    assert world.classes() == {"1": (ZHANG, "review"), "2": (OUYANG, "certain")}


def test_what_agreed_is_told(world: World) -> None:
    world.register(PEOPLE)
    world.listed([("1", "219902199111300158", "刘?燕", "1991-11-30", "2", None)])
    world.match()
    assert world.rows("SELECT evidence FROM base.people__matches") == [(["id_number one_wrong", "name unknown_character", "sex unlike"],)]


def test_nothing_is_merged_silently(world: World) -> None:
    """The base is the same with links as without, and each link is a row that says what it rests on."""
    world.register(PEOPLE)
    world.match()
    before = world.rows("SELECT * FROM base.people ORDER BY ALL")
    world.listed([("1", "219901198002030274", "張建國", "1980-02-03", "1", "219901")])
    world.match()
    assert world.rows("SELECT * FROM base.people ORDER BY ALL") == before
    links = world.rows('SELECT dataset, batch, "row", id_number, len(evidence) FROM base.people__links')
    assert links == [("listed", "l1", 900, ZHANG, 4)]
