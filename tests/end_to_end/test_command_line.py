"""The command line, as processes: what it prints, what it refuses with which words, and its exit codes."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa

from omniloket.identity import make_key
from omniloket.settings_table import described, table
from schema.building import PRINTED
from sources.demo.loading import PostgresDatabases
from sources.demo.people import bsns
from sources.sql.persons import PERSOON
from support.back_ends import Urls, rows_of, run, write
from support.running_providers import RunningProvider, issuers_of
from support.servers import OMNILOKET, running, serving, settings_file, stop

BSN = next(bsns(1))
VIEWER = {"query": "{ viewer { role } }"}
DOCUMENTED_ACCESS = Path(__file__).resolve().parents[2] / "docs" / "access.md"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def omniloket(tmp_path: Path) -> Run:
    """Runs a command in a directory of the test's own, to its end."""

    def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(OMNILOKET), *arguments]
        environ = {**os.environ, "COLUMNS": "200", **environment}
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)

    return run_command


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """A command that stopped with a sentence, and without a traceback."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert [word for word in words if word not in done.stderr + done.stdout] == [], done.stderr


def persons_in(directory: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(directory / "persons.db") as connection:
        rows = connection.execute("SELECT * FROM persoon ORDER BY bsn").fetchall()
    connection.close()
    return rows


def test_help_names_every_command(omniloket: Run) -> None:
    done = omniloket("--help")
    assert done.returncode == 0
    for command in ["serve", "demo", "token", "schema", "check", "sources"]:
        assert re.search(rf"\b{command}\b", done.stdout)


def test_version_is_told_alone(omniloket: Run) -> None:
    done = omniloket("--version")
    assert (done.returncode, done.stdout) == (0, f"omniloket {version('omniloket')}\n")


def test_schema_prints_the_schema(omniloket: Run) -> None:
    assert omniloket("schema").stdout.strip() == PRINTED.read_text().strip()


@pytest.mark.parametrize(
    ("arguments", "claims"),
    [
        (["--role", "citizen", "--bsn", BSN], {"role": "CITIZEN", "bsn": BSN}),
        (
            ["--role", "agent", "--unit", "PL1700", "--clearance"],
            {"role": "AGENT", "unit": "PL1700", "clearance": True},
        ),
        (["--role", "citizen", "--bsn", BSN, "--actor", "app"], {"role": "CITIZEN", "bsn": BSN, "act": {"sub": "app"}}),
        (["--role", "supervisor"], {"role": "SUPERVISOR"}),
        (["--role", "channel"], {"role": "CHANNEL"}),
        (["--role", "developer"], {"role": "DEVELOPER"}),
    ],
)
def test_the_last_line_of_token_is_the_token_alone(
    omniloket: Run, tmp_path: Path, arguments: list[str], claims: dict[str, Any]
) -> None:
    key = tmp_path / ".omniloket" / "development.key"
    make_key(key)
    done = omniloket("token", *arguments)
    assert done.returncode == 0, done.stderr
    token = done.stdout.splitlines()[-1]
    found = jwt.decode(token, bytes.fromhex(key.read_text()), algorithms=["HS256"])
    assert claims.items() <= found.items()
    assert ("bsn" in found) == (claims["role"] == "CITIZEN")
    assert ("act" in found) == ("--actor" in arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--role", "king"], ["citizen, agent, supervisor, channel, developer", "king"]),
        (["--role", "citizen"], ["--bsn", "needs one"]),
        (["--role", "agent", "--bsn", BSN], ["--bsn goes with --role citizen"]),
        (["--role", "channel", "--actor", "app"], ["--actor goes with --role citizen"]),
        (["--role", "citizen", "--bsn", BSN, "--actor", ""], ["--actor", "takes a name"]),
        (["--role", "citizen", "--bsn", "900000013"], ["nine digits that pass the eleven-test"]),
        (["--role", "citizen", "--bsn", "9000"], ["nine digits that pass the eleven-test"]),
        (["--role", "agent", "--directory", "/dev/null/x"], ["no development key in /dev/null/x", "omniloket demo"]),
        ([], ["--role"]),
    ],
)
def test_a_token_that_cannot_be_is_refused(omniloket: Run, arguments: list[str], words: list[str]) -> None:
    refused(omniloket("token", *arguments), *words)


def test_a_broken_key_file_is_named(omniloket: Run, tmp_path: Path) -> None:
    file = tmp_path / "development.key"
    file.touch(mode=0o600)
    file.write_text("zz")
    refused(omniloket("token", "--role", "agent", "--directory", "."), "development.key", "hexadecimal")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_development_key_that_others_may_read_is_refused(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path, mode: int
) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    (tmp_path / "development.key").chmod(mode)
    for command in ("serve", "check"):
        refused(omniloket(command, "--config", str(config)), "development.key", "others", "chmod 600")
    refused(omniloket("token", "--role", "agent", "--directory", "."), "development.key", "others", "chmod 600")


def test_only_the_demo_makes_a_development_key(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    (tmp_path / "development.key").unlink()
    words = ["no development key in", "development.key", "omniloket demo"]
    for command in ("serve", "check"):
        refused(omniloket(command, "--config", str(config)), *words)
    refused(omniloket("token", "--role", "agent", "--directory", "nowhere"), *words)
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "development.key").exists()
    assert omniloket("demo", "--citizens", "5", "--load-only").returncode == 0
    assert omniloket("token", "--role", "agent").returncode == 0
    assert (tmp_path / ".omniloket" / "development.key").stat().st_mode & 0o077 == 0


def test_a_settings_file_that_others_may_read_is_warned_of(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    assert omniloket("check", "--config", str(config)).stderr == ""
    config.chmod(0o640)
    done = omniloket("check", "--config", str(config))
    assert done.returncode == 0
    assert "warning" in done.stderr
    assert "chmod 600" in done.stderr
    command = [str(OMNILOKET), "serve", "--config", str(config), "--port", "0"]
    with running(command, tmp_path / "server.log"):
        lines = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines() if "chmod" in line]
    assert [line["level"] for line in lines] == ["warning"]


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize("directory", ["/dev/null", "/dev/null/x", "/proc/x/y"])
def test_a_usage_directory_that_cannot_be_written_stops_the_start(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path, command: str, directory: str
) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    done = omniloket(command, "--config", str(config), OMNILOKET_USAGE_DIRECTORY=directory)
    refused(done, f"usage_directory: {directory} cannot be")


def test_check_leaves_it_to_the_server_to_make_the_usage_directory(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path
) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    assert omniloket("check", "--config", str(config), OMNILOKET_USAGE_DIRECTORY="a/b").returncode == 0
    assert not (tmp_path / "a").exists()


def test_demo_loads_once_and_refuses_another_population(omniloket: Run, tmp_path: Path) -> None:
    directory = tmp_path / ".omniloket"
    assert omniloket("demo", "--citizens", "30", "--load-only").returncode == 0
    before = {file.name: file.stat().st_mtime_ns for file in directory.glob("*.db")}
    people = persons_in(directory)
    assert len(people) == 30
    again = omniloket("demo", "--citizens", "30", "--load-only")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {file.name: file.stat().st_mtime_ns for file in directory.glob("*.db")} == before
    for other in (["--citizens", "31"], ["--citizens", "30", "--seed", "2"]):
        refused(omniloket("demo", *other, "--load-only"), "30 citizens, seed 1", "--directory")
    assert persons_in(directory) == people
    assert (directory / "omniloket.toml").stat().st_mode & 0o077 == 0


def test_a_load_that_was_broken_off_begins_anew(omniloket: Run, tmp_path: Path) -> None:
    directory = tmp_path / ".omniloket"
    process = subprocess.Popen([str(OMNILOKET), "demo", "--citizens", "50000", "--load-only"], cwd=tmp_path)
    _wait(lambda: any(file.stat().st_size > 100_000 for file in directory.glob("persons.db.part")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(directory.glob("*.db"))
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    assert len(persons_in(directory)) == 20


def test_a_load_that_ended_between_two_files_begins_anew(omniloket: Run, tmp_path: Path) -> None:
    directory = tmp_path / ".omniloket"
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    (directory / "journeys.db").unlink()
    assert omniloket("demo", "--citizens", "25", "--load-only").returncode == 0
    assert len(persons_in(directory)) == 25


def test_a_file_that_is_not_the_demo_s_is_never_touched(omniloket: Run, tmp_path: Path) -> None:
    (tmp_path / "persons.db").write_text("mine")
    refused(omniloket("demo", "--citizens", "20", "--load-only", "--directory", "."), "persons.db", "move it")
    assert (tmp_path / "persons.db").read_text() == "mine"


def test_the_demo_s_files_are_for_their_owner_alone(omniloket: Run, tmp_path: Path) -> None:
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    directory = tmp_path / ".omniloket"
    assert directory.stat().st_mode & 0o777 == 0o700
    there = [*directory.glob("*.db*"), *directory.glob("*.key"), directory / "omniloket.toml"]
    assert len(there) >= 7
    assert [file.name for file in there if file.stat().st_mode & 0o077] == []


def test_the_demo_leaves_its_settings_file_to_its_owner(omniloket: Run, postgres: str, tmp_path: Path) -> None:
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    config = tmp_path / ".omniloket" / "omniloket.toml"
    mine = "page_size = 7\n" + config.read_text()
    config.write_text(mine)
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    assert config.read_text() == mine
    (tmp_path / ".omniloket").rename(tmp_path / "moved")
    assert omniloket("demo", "--citizens", "20", "--load-only", "--directory", "moved").returncode == 0
    assert omniloket("check", "--config", "moved/omniloket.toml").returncode == 0
    other = omniloket("demo", "--citizens", "20", "--load-only", "--directory", "moved", "--postgres", postgres)
    refused(other, "moved/omniloket.toml", "another database for persons", "--directory")
    url = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    variable = {"OMNILOKET_SOURCES__INCIDENTS__URL": url}
    refused(
        omniloket("demo", "--citizens", "20", "--load-only", "--directory", "moved", **variable),
        "another database for incidents",
    )
    assert config.parent.name == ".omniloket"
    assert (tmp_path / "moved" / "omniloket.toml").read_text() == mine


def test_a_port_that_is_taken_is_told_in_one_sentence(omniloket: Run) -> None:
    assert omniloket("demo", "--citizens", "20", "--load-only").returncode == 0
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = omniloket("demo", "--citizens", "20", "--port", str(port))
    refused(done, f"127.0.0.1:{port}: Address already in use.")
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("localhost", "localhost")])
def test_the_links_of_the_demo_are_where_it_runs(tmp_path: Path, host: str, told: str) -> None:
    command = [str(OMNILOKET), "demo", "--citizens", "20", "--host", host, "--port", "0"]
    log = tmp_path / "demo.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=tmp_path) as process:
        try:
            _wait(lambda: "running on" in log.read_text())
            addresses = {*re.findall(r"(?:http|ws)://([^/\s\"]+)", log.read_text())}
            assert len(addresses) == 1
            (address,) = addresses
            assert address.startswith(f"{told}:")
            assert not address.endswith(":0")
            assert httpx.get(f"http://{address}/readyz", timeout=30).status_code == 200
        finally:
            stop(process)


def test_the_demo_serves_with_several_processes(tmp_path: Path) -> None:
    command = [str(OMNILOKET), "demo", "--citizens", "20", "--port", str(_free_port())]
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        environ = {**os.environ, "OMNILOKET_WORKERS": "2"}
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=tmp_path, env=environ)
    try:
        _wait(lambda: log.read_text().count("Application startup complete") == 2)
        address = re.findall(r"http://([^/\s]+)/graphql", log.read_text())[0]
        assert httpx.get(f"http://{address}/readyz", timeout=30).status_code == 200
    finally:
        stop(process)


def test_addresses_with_passwords_come_from_variables_too(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    secret = "postgresql://u:sekret@127.0.0.1:1/x"
    done = omniloket("demo", "--load-only", OMNILOKET_DEMO_POSTGRES=secret)
    refused(done, "does not let us in")
    assert "sekret" not in done.stdout + done.stderr
    config = settings_file(sqlite_urls, tmp_path)
    owner = {"OMNILOKET_OWNERS_URL": secret.replace("postgresql", "postgresql+asyncpg")}
    done = omniloket("sources", "install", "incidents", "--config", str(config), **owner)
    refused(done, "incidents: ", "ConnectionRefusedError")
    assert "sekret" not in done.stdout + done.stderr


def test_demo_on_postgresql(omniloket: Run, postgres: str, tmp_path: Path) -> None:
    there = ["--postgres", postgres, "--load-only"]
    process = subprocess.Popen([str(OMNILOKET), "demo", "--citizens", "50000", *there], cwd=tmp_path)
    urls = PostgresDatabases(postgres).urls
    _wait(lambda: len(_persons_at(urls)) > 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = omniloket("demo", "--citizens", "30", *there)
    assert first.returncode == 0, first.stderr
    people = run(rows_of(urls["persons"], PERSOON))
    assert len(people) == 30
    again = omniloket("demo", "--citizens", "30", *there)
    assert (again.returncode, again.stderr) == (0, "")
    refused(omniloket("demo", "--citizens", "31", *there), "30 citizens, seed 1")
    done = omniloket("check", "--config", ".omniloket/omniloket.toml")
    assert done.returncode == 0, done.stdout
    command = [str(OMNILOKET), "demo", "--citizens", "30", "--postgres", postgres, "--port", "0"]
    with running(command, tmp_path / "demo.log") as (_, port):
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).json()["ready"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--citizens", "0"], ["--citizens", "from 1 to 1000000", "0"]),
        (["--citizens", "1000001"], ["--citizens", "from 1 to 1000000", "1000001"]),
        (["--citizens", "many"], ["--citizens", "integer"]),
        (["--persons", "nowhere.json"], ["nowhere.json", "No such file"]),
        (["--postgres", "mysql://127.0.0.1/x"], ["--postgres", "postgresql://"]),
        (["--postgres", "postgresql://127.0.0.1:1/x"], ["does not let us in"]),
        (["--directory", "/dev/null/x"], ["/dev/null", "Not a directory"]),
        (["--host", "0.0.0.0", "--citizens", "5"], ["host", "loopback", "0.0.0.0"]),
        (["--port", "70000", "--citizens", "5"], ["port", "65535", "70000"]),
    ],
)
def test_a_demo_that_cannot_be_is_refused(omniloket: Run, arguments: list[str], words: list[str]) -> None:
    refused(omniloket("demo", *arguments), *words)


def test_a_sealing_key_that_is_broken_is_named(omniloket: Run, tmp_path: Path) -> None:
    (tmp_path / "sealing.key").write_text("")
    refused(omniloket("demo", "--citizens", "5", "--load-only", "--directory", "."), "sealing.key", "remove")


@pytest.mark.parametrize(
    ("command", "content", "words"),
    [
        ("serve", None, ["no settings file", "omniloket.toml"]),
        ("check", b"port = = 1", ["omniloket.toml", "not TOML"]),
        ("sources", b"\xff\xfe", ["omniloket.toml", "not TOML"]),
        ("serve", b"port = 70000", ["port", "65535", "70000"]),
        ("sources", b"", ["sources", "sealing", "it is not set"]),
    ],
)
def test_wrong_settings_stop_the_start(
    omniloket: Run, tmp_path: Path, command: str, content: bytes | None, words: list[str]
) -> None:
    file = tmp_path / "omniloket.toml"
    if content is not None:
        file.write_bytes(content)
    refused(omniloket(command, "--config", str(file)), *words)


_REQUESTS = ("requests.hosts", "requests.origins")
_IN_JSON = ("access.", "live.origins", "operators", "trusted.except_roles", "trusted_proxies", *_REQUESTS)


def test_every_wrong_setting_is_named_at_once_with_what_it_was(omniloket: Run) -> None:
    # An entry of a list (issuers) has no variable of its own: it stands in the file.
    told = [name for name, _, _ in described() if "seal" not in name and "[]" not in name]
    # Tables and lists are JSON in a variable, which is another test's matter.
    any_text = ("host", "development_key_file", "revocations_file", "usage_directory", "cookie")
    names = [name for name in told if name not in any_text and not name.startswith(_IN_JSON)]
    wrong = {"OMNILOKET_" + name.upper().replace(".", "__"): "nonsense" for name in names}
    done = omniloket("check", **wrong)
    refused(done, "sealing", *names)
    addresses = [name for name in names if name.startswith("sources.") and name.endswith(".url")]  # may hold passwords
    assert done.stderr.count("but got: (secret)") == len(addresses)
    assert done.stderr.count("but got: 'nonsense'") == len(names) - len(addresses)


def test_a_part_of_the_settings_that_is_no_json_is_named(omniloket: Run) -> None:
    for variable in ("OMNILOKET_SEALING__KEYS", "OMNILOKET_ACCESS__PURPOSES", "OMNILOKET_LIVE__ORIGINS"):
        done = omniloket("check", **{variable: "c2VjcmV0"})
        refused(done, f"{variable}: must be JSON")
        assert "c2VjcmV0" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["serve", "check", "sources", "link"])
def test_a_misspelt_variable_stops_the_start(omniloket: Run, sqlite_urls: Urls, tmp_path: Path, command: str) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    refused(omniloket(command, "--config", str(config), OMNILOKET_PROT="9"), "OMNILOKET_PROT", "OMNILOKET_PORT meant?")
    refused(omniloket(command, "--config", str(config), OMNILOKET_TRUSTED_ONLY="true"), "OMNILOKET_TRUSTED_ONLY")


def test_an_empty_host_is_not_all_addresses(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    config = settings_file(sqlite_urls, tmp_path)
    refused(omniloket("serve", "--config", str(config), "--host", ""), "host", "must be an address")
    refused(omniloket("serve", "--config", str(config), OMNILOKET_HOST=""), "host (OMNILOKET_HOST)", "an address")
    refused(omniloket("demo", "--citizens", "5", "--host", ""), "host", "must be an address")


@pytest.mark.parametrize("command", ["serve", "check", "sources", "link"])
@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:///",
        "postgresql+asyncpg://u:sekret@host:notaport/x",
        "postgresql+asyncpg://u:sekret@host/x?nosuch=1",
    ],
)
def test_an_address_that_cannot_be_stops_the_start_in_a_sentence(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path, command: str, url: str
) -> None:
    done = omniloket(command, "--config", str(settings_file({**sqlite_urls, "persons": url}, tmp_path)))
    refused(done, "sources.persons.url: ")
    assert "sekret" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_paths_in_a_settings_file_are_relative_to_it(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = settings_file(sqlite_urls, elsewhere)
    for name, url in sqlite_urls.items():
        relative = os.path.relpath(url.removeprefix("sqlite+aiosqlite:///"), elsewhere)
        config.write_text(config.read_text().replace(url, f"sqlite+aiosqlite:///{relative}"))
        assert relative in config.read_text(), name
    config.write_text(config.read_text().replace(f"{elsewhere}/development.key", "development.key"))
    done = omniloket("check", "--config", "elsewhere/omniloket.toml")
    assert done.stdout.splitlines() == ["settings: good", *(f"{name}: good" for name in sqlite_urls)]
    command = [str(OMNILOKET), "serve", "--config", "elsewhere/omniloket.toml", "--port", str(_free_port())]
    with running([*command, "--workers", "2"], tmp_path / "server.log") as (_, port):
        _wait(lambda: (tmp_path / "server.log").read_text().count("Application startup complete") == 2)
        sources = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).json()["sources"]
        assert set(sources.values()) == {"good"}


def test_serve_check_and_sources_over_real_back_ends(omniloket: Run, sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        good = omniloket("check", "--config", "omniloket.toml")
        assert good.returncode == 0
        lines = ["settings: good", *(f"{name}: good" for name in sqlite_urls)]
        assert good.stdout.splitlines() == lines
        listed = omniloket("sources", "--config", "omniloket.toml").stdout
        for name, serves in {"persons": "Citizen", "incidents": "Report, StatusChange"}.items():
            assert re.search(rf"{name}\W+{serves}\W+yes\W+\d+\.\d ms", listed)
        taken = omniloket("serve", "--config", "omniloket.toml", "--port", str(server.port))
        refused(taken, "address already in use")
        assert stop(server.process) in (0, -signal.SIGTERM)
    (tmp_path / "development.key").write_text("")
    refused(omniloket("serve", "--config", "omniloket.toml", "--port", "0"), "development.key")


def test_serve_runs_as_many_processes_as_wanted(sqlite_urls: Urls, tmp_path: Path) -> None:
    port = _free_port()
    with serving(sqlite_urls, tmp_path, "--workers", "2", "--port", str(port)) as server:
        assert server.port == port
        _wait(lambda: server.log.read_text().count("Application startup complete") == 2)
        assert httpx.post(server.url, json={"query": "{ __typename }"}, timeout=30).status_code == 200


def test_check_tells_the_reason_of_each_source_that_is_broken(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    urls = {
        **sqlite_urls,
        "persons": f"sqlite+aiosqlite:///{tmp_path}/nowhere.db",
        "incidents": f"sqlite+aiosqlite:///{tmp_path}/broken.db",
        "servicemodule": "postgresql+asyncpg://somebody:sekret@127.0.0.1:1/x",
        "journeys": sqlite_urls["persons"],
    }
    settings_file(urls, tmp_path)
    done = omniloket("check", "--config", "omniloket.toml")
    assert done.returncode == 1
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert told.pop("settings") == "good"
    assert set(told) == set(urls)
    assert told.pop("journeys").startswith("It has no tables yet")
    assert all("does not answer" in reason for reason in told.values()), told
    assert f"There is no file {tmp_path}/nowhere.db." in told["persons"]
    assert "sekret" not in done.stdout + done.stderr
    assert not (tmp_path / "nowhere.db").exists()
    listed = omniloket("sources", "--config", "omniloket.toml").stdout
    assert re.search(r"persons\W+Citizen\W+no\b", listed)


def test_check_names_the_tables_and_columns_that_a_source_lacks(omniloket: Run, own_urls: Urls, tmp_path: Path) -> None:
    config = settings_file(own_urls, tmp_path)
    assert omniloket("check", "--config", str(config)).returncode == 0
    run(
        write(
            own_urls["persons"],
            "ALTER TABLE persoon RENAME COLUMN geboortedatum TO weg",
            "ALTER TABLE persoon RENAME COLUMN voornamen TO ook_weg",
        )
    )
    run(write(own_urls["incidents"], "ALTER TABLE betrokkene RENAME TO weg"))
    run(write(own_urls["servicemodule"], "ALTER TABLE klantcontact RENAME TO weg"))
    done = omniloket("check", "--config", str(config))
    assert done.returncode == 1
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert sorted(told["persons"].split(" It ")) == ["It has no persoon.voornamen.", "has no persoon.geboortedatum."]
    assert told["incidents"] == "It has no betrokkene."
    assert told["servicemodule"] == "The source 'servicemodule' does not answer. It has no klantcontact."
    assert told["journeys"] == "good"


def test_check_tells_of_a_table_that_may_not_be_read(omniloket: Run, postgres_urls: Urls, tmp_path: Path) -> None:
    url = postgres_urls["incidents"]
    rights = "GRANT SELECT ON incident, incident_status, statuscode TO reader"
    run(write(url, "CREATE ROLE reader LOGIN PASSWORD 'sekret'", "GRANT USAGE ON SCHEMA public TO reader", rights))
    try:
        reader = sa.make_url(url).set(username="reader", password="sekret").render_as_string(hide_password=False)
        config = settings_file({**postgres_urls, "incidents": reader}, tmp_path)
        done = omniloket("check", "--config", str(config))
        assert "incidents: Its betrokkene cannot be read (InsufficientPrivilegeError)." in done.stdout.splitlines()
        assert "sekret" not in done.stdout + done.stderr
    finally:
        run(write(url, "DROP OWNED BY reader", "DROP ROLE reader"))


def test_the_log_names_what_is_missing_and_no_value(own_urls: Urls, tmp_path: Path) -> None:
    with serving(own_urls, tmp_path) as server:
        query = f'{{ citizen(by: {{bsn: "{BSN}"}}) {{ fullName birthDate }} }}'
        headers = {"authorization": f"Bearer {server.agent}", "omniloket-purpose": "intake"}
        for statement in ("COLUMN geboortedatum TO weg", "TO elders"):
            run(write(own_urls["persons"], f"ALTER TABLE persoon RENAME {statement}"))
            answer = httpx.post(server.url, json={"query": query}, headers=headers, timeout=30).json()
            assert answer["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
        told = server.log.read_text()
    is_sqlite = own_urls["persons"].startswith("sqlite")
    column, table = ("SQLITE_ERROR", "SQLITE_ERROR") if is_sqlite else ("42703", "42P01")
    assert re.search(rf"\({column}: no (persoon\.)?geboortedatum\)", told)
    assert f"({table}: no persoon)" in told
    assert BSN not in told


def test_check_asks_each_issuer_and_its_introspection_endpoint(
    omniloket: Run, provider: RunningProvider, sqlite_urls: Urls, tmp_path: Path
) -> None:
    def checked(issuers: str) -> tuple[int, list[str]]:
        done = omniloket("check", "--config", "omniloket.toml", OMNILOKET_ISSUERS=issuers)
        assert "geheim" not in done.stdout + done.stderr
        return done.returncode, [line for line in done.stdout.splitlines() if line.startswith(("issuer", "intro"))]

    settings_file(sqlite_urls, tmp_path)
    introspection = provider.introspection
    good = issuers_of(provider, introspection=introspection)
    names = [f"issuer {provider.url}", f"introspection {provider.url}/introspect"]
    assert checked(good) == (0, [f"{name}: good" for name in names])
    stranger = issuers_of(provider, introspection={**introspection, "client_id": "stranger"})
    refused = f"{provider.url}/introspect answered 401"
    assert checked(stranger) == (1, [f"{names[0]}: good", f"{names[1]}: {refused}"])
    stop(provider.process)
    assert checked(good) == (1, [f"{name}: it does not answer (ConnectError)" for name in names])


@pytest.mark.parametrize("command", ["serve", "check"])
def test_a_list_of_revocations_that_is_not_right_stops_the_start(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path, command: str
) -> None:
    settings_file(sqlite_urls, tmp_path)
    given = [command, "--config", "omniloket.toml"]
    refused(omniloket(*given, OMNILOKET_REVOCATIONS_FILE="none.jsonl"), "none.jsonl", "No such file")
    (tmp_path / "revoked.jsonl").write_text('{"sub": "x"}\n')
    refused(
        omniloket(*given, OMNILOKET_REVOCATIONS_FILE="revoked.jsonl"), "revocations_file", "revoked.jsonl", "line 1"
    )


@pytest.mark.parametrize("command", ["serve", "check", "access"])
def test_hiding_what_must_be_there_stops_the_start(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path, command: str
) -> None:
    settings_file(sqlite_urls, tmp_path)
    hidden = json.dumps({"AGENT": ["Contact.direction", "Contact.nothing"]})
    done = omniloket(command, "--config", "omniloket.toml", OMNILOKET_ACCESS__HIDDEN=hidden)
    refused(done, "access.hidden", "Contact.direction: must be nullable", "Contact.nothing: there is no such")


def test_access_tells_who_may_see_what_and_what_the_settings_hide(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path
) -> None:
    settings_file(sqlite_urls, tmp_path)
    assert omniloket("access").stdout in DOCUMENTED_ACCESS.read_text()
    hidden = json.dumps({"AGENT": ["Contact.body"]})
    told = omniloket("access", "--config", "omniloket.toml", OMNILOKET_ACCESS__HIDDEN=hidden).stdout
    assert "| `Contact.body` | - | own | - | yes | - | - | role, purpose, bsn |" in told.splitlines()


def test_settings_tells_what_can_be_set_and_needs_none(omniloket: Run) -> None:
    done = omniloket("settings")
    assert (done.returncode, done.stdout) == (0, table())
    assert "| `live.poll_seconds` | 1.0 | Seconds between two readings of a log. |" in done.stdout.splitlines()


def test_a_server_with_a_development_key_says_so_and_stays_on_this_machine(
    omniloket: Run, sqlite_urls: Urls, tmp_path: Path
) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        warnings = [line for line in server.log.read_text().splitlines() if "DEVELOPMENT KEY" in line]
    assert [json.loads(line)["level"] for line in warnings] == ["warning"]
    assert str(tmp_path / "development.key") in warnings[0]
    beyond = ["serve", "--config", "omniloket.toml", "--port", "0", "--host"]
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.nl"):
        refused(omniloket(*beyond, host), "host", "loopback", host)


def test_without_a_development_key_its_tokens_do_not_hold(sqlite_urls: Urls, tmp_path: Path) -> None:
    with serving(sqlite_urls, tmp_path) as server:
        token = server.agent
        assert httpx.post(server.url, json=VIEWER, headers={"authorization": f"Bearer {token}"}).status_code == 200
    config = tmp_path / "production.toml"
    lines = (tmp_path / "omniloket.toml").read_text().splitlines()
    config.write_text("\n".join(line for line in lines if "development_key_file" not in line))
    command = [str(OMNILOKET), "serve", "--config", str(config), "--port", "0"]
    with running(command, tmp_path / "production.log") as (_, port):
        url = f"http://127.0.0.1:{port}/graphql"
        assert httpx.post(url, json=VIEWER, headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert "DEVELOPMENT KEY" not in (tmp_path / "production.log").read_text()


def _persons_at(urls: Urls) -> list[Any]:
    try:
        return run(rows_of(urls["persons"], PERSOON))
    except Exception:  # the database or its table is not there yet
        return []


def _wait(until: Callable[[], bool]) -> None:
    for _ in range(600):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("it never came so far")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
