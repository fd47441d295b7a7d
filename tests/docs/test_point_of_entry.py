"""The snippets of the page, run as they stand against a server of ours (only the address is another)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.project import CODE, Project
from pipelines.entry.serving import server_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "point-of-entry.md").read_text(encoding="utf-8")
ADDRESS, TOKEN = "http://127.0.0.1:8600", "docs-token-" + "z" * 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENTRY_TOKEN", TOKEN)
        patch.setenv(
            "YUANQING_SERVE__DEPARTMENTS", '{"public_security": {"token_from": "env:ENTRY_TOKEN", "datasets": ["population_register"]}}'
        )
        server = server_of(Project(CODE, tmp_path_factory.mktemp("docs")), "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join(30)


def snippet(language: str, address: str) -> str:
    (found,) = [s for s in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if "/check/" in s]
    assert ADDRESS in found
    return found.replace(ADDRESS, address)


def said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
def test_curl(address: str, tmp_path: Path) -> None:
    assert '"rule": "id_valid"' in said(["bash", "-ec", snippet("bash", address)], tmp_path)


def test_python(address: str, tmp_path: Path) -> None:
    printed = said([sys.executable, "-c", snippet("python", address)], tmp_path)
    assert "GMSFHM 公民身份号码有效" in printed
    assert "核对证件" in printed


@pytest.mark.skipif(not shutil.which("java"), reason="no Java on this machine")
def test_java(address: str, tmp_path: Path) -> None:
    (tmp_path / "Check.java").write_text(snippet("java", address), encoding="utf-8")
    flags = ["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-XX:TieredStopAtLevel=1"]
    assert '"rule": "id_valid"' in said(["java", *flags, "Check.java"], tmp_path)


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    from assets.settings import load_settings

    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = "\n".join(line.removeprefix("# ") for line in text.splitlines())
    (tmp_path / "yuanqing.toml").write_text(text, encoding="utf-8")
    caller = load_settings(tmp_path).serve.departments["public_security"]
    assert (caller.max_records, caller.per_minute, caller.datasets) == (1000, 600, ("population_register",))
