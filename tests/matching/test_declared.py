"""A declaration that cannot be meant is refused with its line, what was found and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.matching import read_matching
from expectations.documents import DocumentError
from tests.matching.conftest import MATCHING, write_project

WRONG = [
    ("of: 1000000", "of: -1", "of -1. Give a whole number"),
    ("certain: 0.999", "certain: 1.5", "certain 1.5. Give a share"),
    ("review: 0.1", "review: 0.9999", "review 0.9999 is above certain"),
    ("maxMerged: 0.5", "maxmerged: 0.5", "unknown key 'maxmerged'. Did you mean 'maxMerged'?"),
    ("name: person_name", "name: persons_name", "no kind 'persons_name'. Did you mean 'person_name'?"),
    ("sex: code", "sexes: code", "people has no column 'sexes'. Did you mean 'sex'?"),
    ("id_number: resident_id, ", "", "the key id_number is not among them"),
    ("listed: {birth_date: born}", "list: {birth_date: born}", "no source dataset 'list'. Did you mean 'listed'?"),
    ("birth_date: born}", "birth_date: burn}", "no column '\"?burn\"?' there. Did you mean 'born'?"),
    ("birth_date: born}", "birth_day: born}", "unknown key 'birth_day'. Did you mean 'birth_date'?"),
    ("birth_date: born}", "from: std}", "records of std without `where`"),
    (
        "birth_date: born}",
        "from: [quarantine, raw], where: born IS NULL}",
        r"from \['quarantine', 'raw'\]. Say `quarantine`, `std`, or both",
    ),
    ("birth_date: born}", "from: [std, std], where: born IS NULL}", r"from \['std', 'std'\]"),
    ("birth_date: born}", "where: '(SELECT 1) = 1'}", "more than an expression over a row"),
    ("birth_date: born}", "where: 'born >'}", "is no SQL expression"),
    ("[id_number.begin]", "[id_number.start]", "id_number has no part 'start'"),
    ("{name: variant,", "{name: varied,", "name has no level 'varied'. Did you mean 'variant'?"),
    ("{sex: same, m: 0.99,", "{sex: same, m: 0.999,", "the m of the levels add up to 1.009"),
    (", {m: 0.01, u: 0.5}]", "]", "expected a list of levels"),
    ("{sex: same, m: 0.99, u: 0.5}, {m: 0.01, u: 0.5}", "{m: 0.01, u: 0.5}, {sex: same, m: 0.99, u: 0.5}", "the last level, and only it"),
    ("{name: variant, m: 0.02, u: 1.0e-5}", "{name: variant, m: 0.02, u: namesakes}", "counted where one attribute is the same"),
]


@pytest.mark.parametrize(("good", "wrong", "said"), WRONG, ids=[w[2][:40] for w in WRONG])
def test_a_wrong_declaration_is_refused_by_line(tmp_path: Path, good: str, wrong: str, said: str) -> None:
    assert MATCHING.count(good) >= 1
    project = write_project(tmp_path, MATCHING.replace(good, wrong, 1))
    with pytest.raises(DocumentError, match=said) as refused:
        read_matching(project, project.contracts["people"])
    lines = project.contracts["people"].path.read_text(encoding="utf-8").splitlines()
    assert refused.value.line is not None
    assert refused.value.line > lines.index("  - property: matching")
