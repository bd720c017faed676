"""docs/operating.md on production: the wheel by itself, the unit for systemd, and the settings to begin with."""

import base64
import re
import shutil
import subprocess
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from omniloket.cli import app
from omniloket.configured import verify
from omniloket.graphiql import BUNDLE
from omniloket.reading_settings import read
from omniloket.serving import GRACE_SECONDS
from omniloket.settings import LiveSettings
from support.back_ends import Urls
from support.servers import OMNILOKET, running, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text()
UNIT = ROOT / "deploy" / "systemd" / "omniloket.service"
SETTINGS = ROOT / "deploy" / "omniloket.toml"
ANALYZE = shutil.which("systemd-analyze")
KEY = base64.b64encode(bytes(range(64))).decode()


def unit() -> Any:
    parsed = ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(UNIT)
    return parsed


def check_command(words: list[str]) -> None:
    """That the command line has this command, with these options."""
    command: Any = typer.main.get_command(app)
    options = {word for word in words if word.startswith("--")}
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    assert command.name == words[0] or words[0] in ("sources", "documents"), words
    assert options <= {option for parameter in command.params for option in parameter.opts}, words


def test_each_command_of_the_page_exists_with_its_options() -> None:
    lines = re.findall(r"^(?:\S*/)?omniloket ([^#\n]+)", PAGE, re.MULTILINE)
    assert len(lines) > 5
    for line in [*lines, *re.findall(r"`omniloket ([^`]+)`", PAGE)]:
        check_command(line.split())


def test_the_unit_for_systemd_starts_a_command_that_exists_and_lets_it_stop() -> None:
    service = unit()["Service"]
    program, *words = service["ExecStart"].split()
    assert program == "/opt/omniloket/bin/omniloket"
    check_command(words)
    assert float(service["TimeoutStopSec"]) > LiveSettings().drain_seconds + GRACE_SECONDS
    assert unit()["Install"]["WantedBy"] == "multi-user.target"
    for told in (program.removesuffix("/bin/omniloket"), words[-1], service["User"]):
        assert told in PAGE


@pytest.mark.skipif(ANALYZE is None, reason="there is no systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With the command of this installation, and a user that exists."""
    text = UNIT.read_text().replace("/opt/omniloket/bin/omniloket", str(OMNILOKET))
    (tmp_path / UNIT.name).write_text(re.sub(r"^(User|Group)=omniloket$", r"\1=root", text, flags=re.MULTILINE))
    done = subprocess.run([str(ANALYZE), "verify", tmp_path / UNIT.name], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_settings_to_begin_with_hold_once_they_are_filled_in(tmp_path: Path) -> None:
    text = SETTINGS.read_text()
    filled = tmp_path / "omniloket.toml"
    filled.write_text(text.replace("SEALING-KEY", KEY).replace("/var/lib/omniloket", str(tmp_path)))
    settings = read(filled)
    verify(settings)
    assert settings.development_key_file is None
    assert unit()["Service"]["StateDirectory"] == "omniloket"
    assert text.count("/var/lib/omniloket") == 1


def test_the_wheel_serves_by_itself(sqlite_urls: Urls, tmp_path: Path) -> None:
    """In a virtualenv that has its dependencies, and nothing of this folder."""
    assert (BUNDLE / "index.html").is_file(), "GraphiQL is not built: make graphiql"
    (shown,) = re.findall(r"^\.venv/bin/python (-m pip wheel .*) --wheel-dir dist \.$", PAGE, re.MULTILINE)
    pip = [sys.executable, *shown.split()]
    subprocess.run([*pip, "--quiet", "--wheel-dir", tmp_path, ROOT], check=True, cwd=tmp_path, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name in PAGE
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    python = venv / "bin" / "python"
    # A file with a path leads to what is installed there, and not to what the `.pth` files there lead to.
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, timeout=120)
    asked = [python, "-c", "import schema, sources; print(schema.__file__, sources.__file__)"]
    found = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=tmp_path, timeout=60).stdout
    assert found.count(str(site)) == 2

    with serving(sqlite_urls, tmp_path):  # for its settings file
        pass
    command = [str(venv / "bin" / "omniloket"), "serve", "--config", str(tmp_path / "omniloket.toml"), "--port", "0"]
    with running(command, tmp_path / "wheel.log") as (_, port):
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["ready"] is True
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ channels { code } }"})
        assert len(answer.json()["data"]["channels"]) == 13
