"""Every error that explains itself has a code, and every code a section of the page."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.readers import LaterError
from expectations.documents import DocumentError
from pipelines.cli import app
from pipelines.commands import completing
from pipelines.error_pages import pages
from pipelines.errors import CODES, INTERRUPTED, USAGE, clear_error_types, code_of, told
from pipelines.lineage.differences import StateError

ALL = [*CODES.values(), USAGE, INTERRUPTED]


def test_each_code_has_a_section_in_both_languages_and_each_section_a_code() -> None:
    found = pages()
    assert set(found) == set(ALL)
    for page in found.values():
        zh, en = page.title.split(" · ")
        assert re.search("[一-鿿]", zh)
        assert re.fullmatch(r"[\x20-\x7e]+", en)
        first, second = page.text.split("\n\n")[:2]
        assert re.search("[一-鿿]", first)
        assert not re.search("[一-鿿]", second)


def test_each_class_has_a_code_of_its_own() -> None:
    assert [code for code, n in Counter(ALL).items() if n > 1] == []
    assert all(re.fullmatch(r"YQ[1-9][0-9]{2}", code) for code in ALL)
    for kind in clear_error_types():  # each is where the table says, and what is told begins with its code
        assert CODES[f"{kind.__module__}.{kind.__qualname__}"]


def test_a_class_below_another_has_its_code() -> None:
    assert told(DocumentError(Path("a.yaml"), 3, "a typing error.")) == "YQ201 a.yaml:3: a typing error."
    assert told(LaterError("")) == "YQ302 LaterError"
    assert code_of(StateError("x")) == CODES["builtins.LookupError"]
    assert code_of(FileNotFoundError("x")) == "YQ113"
    assert code_of(IsADirectoryError("x")) == "YQ115"
    assert code_of(ValueError("x")) is None
    assert told(ValueError("x")) == "x"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--root", "{tmp}", "run"], "YQ101"), (["explain-error", "YQ000"], "YQ112"), (["suggest"], "YQ100")],
)
def test_the_screen_shows_the_code_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str) -> None:
    monkeypatch.setenv("YUANQING_ROOT", "")
    result = CliRunner().invoke(app, [a.format(tmp=tmp_path) for a in arguments])
    assert (result.exit_code, result.output[: len(code) + 2]) == (2, f"✗ {code}")


def test_a_code_is_explained(tmp_path: Path) -> None:
    for written in ("YQ301", "yq301", "301"):
        assert "yuanqing check" in CliRunner().invoke(app, ["explain-error", written]).output
    assert all(code in CliRunner().invoke(app, ["explain-error"]).output for code in ALL)


def test_names_are_completed_and_nothing_is_said_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completing.error_codes("YQ30") == ["YQ301", "YQ302"]
    monkeypatch.setenv("YUANQING_ROOT", str(tmp_path / "nothing"))
    assert completing.datasets("") == completing.batches("") == completing.runs("") == []
    (tmp_path / "p/assets/sources/city").mkdir(parents=True)
    (tmp_path / "p/assets/base/city").mkdir(parents=True)
    for name in ("sources/city/pet", "sources/city/post", "base/city/person"):
        (tmp_path / f"p/assets/{name}.odcs.yaml").write_text("never read")
    monkeypatch.setenv("YUANQING_ROOT", str(tmp_path / "p"))
    assert completing.datasets("pe") == ["person", "pet"]
    assert completing.sources("") == ["pet", "post"]
