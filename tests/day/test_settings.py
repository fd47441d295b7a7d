"""Settings from one file and the environment, and secrets by reference."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tiny_support import make_tiny
from typer.testing import CliRunner

from assets.project import CODE
from assets.readers import LaterError
from assets.readers.options import connection
from assets.secrets import SecretError, secret
from assets.settings import Reference, Section, Settings, SettingsError, load_settings, told
from pipelines.cli import app
from pipelines.starting.settings import commented


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("YUANQING_")]:
        monkeypatch.delenv(name)


def write(root: Path, text: str) -> Path:
    (root / "yuanqing.toml").write_text(text, encoding="utf-8")
    return root


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'memory = "3GB"\n[issues]\ncritical_days = 3\nwarning_days = 7\n')
    monkeypatch.setenv("YUANQING_ISSUES__WARNING_DAYS", "8")
    monkeypatch.setenv("YUANQING_UI_URL", "http://ui:3000/")
    monkeypatch.setenv("YUANQING_REPORTS_URL", "")  # empty: not said
    settings = load_settings(tmp_path)
    assert {t.name: (t.value, t.source) for t in told(tmp_path, settings)} == {
        "memory": ("3GB", "yuanqing.toml"),
        "reports_url": ("http://127.0.0.1:3001", "default"),
        "ui_url": ("http://ui:3000", "YUANQING_UI_URL"),
        "issues.critical_days": (3, "yuanqing.toml"),
        "issues.warning_days": (8, "YUANQING_ISSUES__WARNING_DAYS"),
    } | {t.name: (t.value, "default") for t in told(tmp_path, Settings()) if t.source == "default" and t.name not in WRITTEN}


WRITTEN = ("memory", "reports_url", "ui_url", "issues.critical_days", "issues.warning_days")


@pytest.mark.parametrize(
    ("file", "variables", "words"),
    [
        ("memry = 1\n", {}, r"yuanqing.toml: memry: .*no such setting. Did you mean 'memory'"),
        ("[issue]\n", {}, "Did you mean 'issues'"),
        ("[issues]\ncritical_dayz = 3\n", {}, r"issues.critical_dayz: .*Did you mean 'critical_days'"),
        ("[issues]\ncritical_days = 0\n", {}, "yuanqing.toml: issues.critical_days = 0: .*greater than or equal to 1"),
        ("memory = plenty\n", {}, "yuanqing.toml: .*cannot be read.*line 1"),
        ("", {"YUANQING_MEMROY": "2GB"}, "YUANQING_MEMROY: .*Did you mean YUANQING_MEMORY"),
        ("", {"YUANQING_ISSUES__CRITICAL_DAYS": "soon"}, "YUANQING_ISSUES__CRITICAL_DAYS = 'soon'"),
        ("", {"YUANQING_ISSUES__CRITICL_DAYS": "3"}, "YUANQING_ISSUES__CRITICL_DAYS: .*Did you mean 'critical_days'"),
        ("", {"YUANQING_ISSUES": "{half"}, "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, variables: Mapping[str, str], words: str
) -> None:
    write(tmp_path, file)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words):
        load_settings(tmp_path)


@pytest.mark.parametrize("file", ['reports_url = "http://me:hush@host"\n', '[issues]\npassword = "hush"\n', 'password = "hush"\n'])
def test_what_may_be_a_secret_is_not_repeated(tmp_path: Path, file: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, file))
    assert "hush" not in str(caught.value)


def test_a_secret_stands_in_no_setting() -> None:
    class Mail(Section):
        password_from: Reference

    assert Mail(password_from="env:MAIL").password_from == "env:MAIL"
    for plain in ("hush", "env:", "env:A B", "file:relative", "file:"):
        with pytest.raises(ValueError, match="env:NAME or file:/path"):
            Mail(password_from=plain)


def test_secrets_are_read_where_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL", " hush\n")
    (tmp_path / "mail").write_text("\ufeffhush hush\n", encoding="utf-8")
    assert secret("env:MAIL") == "hush"
    assert secret(f"file:{tmp_path / 'mail'}") == "hush hush"


def test_a_secret_that_cannot_be_had_is_told_by_its_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLANK", " ")
    (tmp_path / "odd").write_bytes(b"hush\xff")
    (tmp_path / "big").write_bytes(b"hush" * 20_000)
    for reference, words in {
        "env:NOT_SET": "env:NOT_SET: .*No such variable",
        "env:BLANK": "env:BLANK: .*empty",
        f"file:{tmp_path / 'none'}": "none: .*No such file",
        f"file:{tmp_path}": "cannot be read",
        f"file:{tmp_path / 'odd'}": "no UTF-8 text",
        f"file:{tmp_path / 'big'}": "More than 64 KB",
        "hush": "No reference to a secret",
    }.items():
        with pytest.raises(SecretError, match=words) as caught:
            secret(reference)
        assert "hush" not in str(caught.value)


def test_connections_may_refer_to_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_tiny(tmp_path)
    project.data.mkdir()
    project.connections.write_text('[register]\ndsn = "env:REGISTER"\ntoken = "plain"\n', encoding="utf-8")
    with pytest.raises(LaterError, match="env:REGISTER"):
        connection(project, "register")
    monkeypatch.setenv("REGISTER", "host=db password=hush")
    assert connection(project, "register") == {"dsn": "host=db password=hush", "token": "plain"}


def test_what_is_in_effect_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_tiny(tmp_path)
    write(tmp_path, 'memory = "3GB"\n')
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    monkeypatch.setenv("YUANQING_SOMEBODYS", "x")
    found = json.loads(CliRunner().invoke(app, ["settings", "--json"]).output)
    assert {"name": "memory", "value": "3GB", "source": "yuanqing.toml"} in found["settings"]
    assert found["unused"] == ["YUANQING_SOMEBODYS"]
    write(tmp_path, "memry = 1\n")
    wrong = CliRunner().invoke(app, ["settings"])
    assert (wrong.exit_code, wrong.output[:7]) == (2, "✗ YQ102")


def test_every_setting_stands_on_the_page() -> None:
    text = (CODE / "docs" / "settings.md").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^# (?:\[([\w.]+)\]|(\w+) = )", commented(), re.MULTILINE))
    lacking = [name for section, key in wanted if (name := f"`{section}." if section else key) not in text]
    assert lacking == []


def test_the_doctor_looks_at_settings_and_whether_secrets_are_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_tiny(tmp_path)
    monkeypatch.setenv("YUANQING_ROOT", str(project.root))
    write(tmp_path, '[departments.city]\nworkbook_password_from = "env:CITY_WORKBOOK"\n')

    def settings() -> tuple[bool, str]:
        (found,) = [f for f in json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output) if f["what"] == "settings"]
        return found["ok"], found["found"]

    ok, words = settings()
    assert not ok
    assert "env:CITY_WORKBOOK" in words
    monkeypatch.setenv("CITY_WORKBOOK", "hush")
    ok, words = settings()
    assert ok
    assert "1 secrets at hand" in words
    assert "hush" not in words
