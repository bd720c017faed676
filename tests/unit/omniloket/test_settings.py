"""Settings: read once, and a wrong one stops the start with its name, its value and what is allowed."""

import base64
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from omniloket.settings import SettingsError, described, read

README = Path(__file__).resolve().parents[3] / "README.md"
KEY = base64.b64encode(bytes(64)).decode()
URL = "sqlite+aiosqlite:///x.db"
SOURCES = {name: {"url": URL} for name in ("persons", "servicemodule", "incidents", "journeys")}
GIVEN: dict[str, Any] = {"sources": SOURCES, "sealing": {"current": 1, "keys": {"1": KEY}}}


def test_the_readme_lists_every_setting_with_its_default() -> None:
    lines = [f"| `{name}` | {default} | {sentence} |" for name, default, sentence in described()]
    missing = [line for line in lines if line not in README.read_text().splitlines()]
    assert missing == []


def test_every_setting_has_a_sentence() -> None:
    assert all(sentence.endswith(".") for _, _, sentence in described())


def test_defaults() -> None:
    settings = read(None, **GIVEN)
    assert (settings.host, settings.port, settings.page_size, settings.max_page_size) == ("127.0.0.1", 8000, 25, 100)


def test_the_environment_wins_over_the_file_and_arguments_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "omniloket.toml"
    sources = "\n".join(f'[sources.{name}]\nurl = "{URL}"' for name in SOURCES)
    file.write_text(f'port = 1\nworkers = 1\nhost = "::1"\n[sealing]\ncurrent = 1\nkeys = {{ 1 = "{KEY}" }}\n{sources}')
    monkeypatch.setenv("OMNILOKET_PORT", "2")
    monkeypatch.setenv("OMNILOKET_WORKERS", "2")
    monkeypatch.setenv("OMNILOKET_SOURCES__PERSONS__TIMEOUT_SECONDS", "0.5")
    settings = read(file, port=3)
    assert (settings.host, settings.port, settings.workers) == ("::1", 3, 2)
    assert settings.sources.persons.timeout_seconds == 0.5
    assert settings.sources.persons.url == URL


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 70_000}, ["port", "65535", "70000"]),
        ({"workers": "many"}, ["workers", "integer", "many"]),
        ({"log_level": "loud"}, ["log_level", "'debug', 'info', 'warning' or 'error'", "loud"]),
        ({"nonsense": 1}, ["nonsense", "not permitted"]),
        ({"page_size": 200}, ["page_size", "at most max_page_size (100)", "200"]),
        ({"sources": {**SOURCES, "persons": {"url": "mysql://x"}}}, ["sources.persons.url", "pattern", "mysql://'"]),
        ({"sources": {**SOURCES, "persons": {}}}, ["sources.persons.url", "not set"]),
        ({"sealing": {"current": 2, "keys": {"1": KEY}}}, ["sealing.current", "[1]", "2"]),
        ({"sealing": {"current": 1, "keys": {"1": "short"}}}, ["sealing.keys.1", "base64 of 32, 48 or 64"]),
        ({"sealing": {"current": 1, "keys": {"300": KEY}}}, ["sealing.keys.300", "255"]),
        ({"sealing": {"current": 1, "keys": {}}}, ["sealing.keys", "at least 1"]),
        ({"host": "0.0.0.0", "development_key_file": "x"}, ["host", "loopback", "0.0.0.0"]),
        ({"cookie": "a b"}, ["cookie", "pattern", "a b"]),
        ({"cookie": ""}, ["cookie", "pattern"]),
        ({"live": {"poll_seconds": 0}}, ["live.poll_seconds", "0.05"]),
        ({"live": {"origins": ["https://Example.nl"]}}, ["live.origins.0", "pattern", "Example.nl"]),
        ({"live": {"origins": ["https://example.nl/"]}}, ["live.origins.0", "pattern"]),
    ],
)
def test_a_wrong_one_is_named_with_its_value_and_what_is_allowed(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, **{**GIVEN, **given})
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_a_wrong_key_is_never_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, **{**GIVEN, "sealing": {"current": 1, "keys": {"1": "c2VjcmV0"}}})
    assert "c2VjcmV0" not in str(caught.value)


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no settings file"):
        read(tmp_path / "none.toml")
    file = tmp_path / "bad.toml"
    file.write_text("port = = 1")
    with pytest.raises(SettingsError, match="not TOML"):
        read(file)


@pytest.mark.parametrize(
    ("name", "least", "most", "beyond"),
    [
        ("port", 0, 65_535, (-1, 65_536)),
        ("workers", 1, 64, (0, 65)),
        ("max_body_bytes", 1024, 67_108_864, (1023, 67_108_865)),
        ("documents", 1, 100_000, (0, 100_001)),
        ("max_page_size", 25, 1000, (24, 1001)),
        ("live.poll_seconds", 0.05, 60, (0.04, 61, "nan", "inf")),
        ("live.queue_size", 1, 100_000, (0, 100_001)),
        ("live.init_timeout_seconds", 0.001, 120, (0, 121)),
        ("live.heartbeat_seconds", 0.001, 300, (0, 301)),
        ("live.drain_seconds", 0, 300, (-1, 301)),
        ("live.operations_per_socket", 1, 10_000, (0, 10_001)),
        ("live.max_message_bytes", 1024, 16_777_216, (1023, 16_777_217)),
        ("live.messages_per_second", 10, 100_000, (9, 100_001, "nan")),
        ("sources.persons.timeout_seconds", 0.001, 60, (0, 61)),
        ("sources.persons.pool_size", 1, 100, (0, 101)),
    ],
)
def test_limits_hold_at_their_edges(
    monkeypatch: pytest.MonkeyPatch, name: str, least: float, most: float, beyond: tuple[object, ...]
) -> None:
    variable = "OMNILOKET_" + name.upper().replace(".", "__")
    for value in (least, most):
        monkeypatch.setenv(variable, str(value))
        settings: Any = read(None, **GIVEN)
        for part in name.split("."):
            settings = getattr(settings, part)
        assert settings == value
    for value in beyond:
        monkeypatch.setenv(variable, str(value))
        with pytest.raises(SettingsError, match=name.rpartition(".")[2]) as caught:
            read(None, **GIVEN)
        assert str(value) in str(caught.value)


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ({"issuer": "http://login.example"}, ["issuers.0.issuer", "https://", "http://login.example"]),
        ({"issuer": "https://login.example?x"}, ["issuers.0.issuer", "query"]),
        ({"algorithms": ["HS256"]}, ["issuers.0.algorithms", "'EdDSA'", "HS256"]),
        ({"role": "ANONYMOUS"}, ["issuers.0.role", "ANONYMOUS"]),
        ({"role": None}, ["issuers.0", "either role or roles"]),
        ({"roles": {"x": "AGENT"}}, ["issuers.0", "either role or roles"]),
    ],
)
def test_an_issuer_that_cannot_be_is_refused(issuer: dict[str, Any], words: list[str]) -> None:
    given = {"issuer": "https://login.example", "audience": "x", "role": "AGENT", **issuer}
    with pytest.raises(SettingsError) as caught:
        read(None, **GIVEN, issuers=[given])
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


SECRET = "c2VjcmV0"
INTROSPECTION = {"url": "https://login.example/introspect", "client_id": "loket", "client_secret": SECRET}


@pytest.mark.parametrize(
    ("persons", "told"),
    [
        ({"url": f"postgresql://omniloket:{SECRET}@db/persons"}, "an address that begins with 'postgresql://'"),
        ({"url": SECRET}, "(secret)"),
        ({"url": URL, "adres": f"postgresql+asyncpg://omniloket:{SECRET}@db"}, "'postgresql+asyncpg://'"),
        ({"url": URL, "password": SECRET}, "(secret)"),
    ],
)
def test_the_password_in_an_address_is_never_shown(persons: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, **{**GIVEN, "sources": {**SOURCES, "persons": persons}})
    assert SECRET not in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "http://login.example"}, ["issuers.0.introspection.url", "https://"]),
        ({"client_id": ""}, ["issuers.0.introspection.client_id", "at least 1"]),
        ({"client_secret": ""}, ["issuers.0.introspection.client_secret", "at least 1"]),
        ({"client_secret": [SECRET]}, ["issuers.0.introspection.client_secret", "string"]),
        ({"secret": SECRET}, ["issuers.0.introspection.secret", "not permitted"]),
        ({"remember_seconds": 61}, ["issuers.0.introspection.remember_seconds", "60"]),
        ({"timeout_seconds": 0}, ["issuers.0.introspection.timeout_seconds", "greater than 0"]),
    ],
)
def test_an_introspection_that_cannot_be_is_refused_and_its_secret_never_shown(
    given: dict[str, Any], words: list[str]
) -> None:
    issuer = {"issuer": "https://login.example", "audience": "x", "role": "AGENT"}
    with pytest.raises(SettingsError) as caught:
        read(None, **GIVEN, issuers=[{**issuer, "introspection": {**INTROSPECTION, **given}}])
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "issuers",
    [
        [{"issuer": "https://login.example", "audience": "x", "introspection": INTROSPECTION}],
        [{"issuer": "https://login.example", "audience": "x", "role": "AGENT", "introspection": SECRET}],
        {"introspection": INTROSPECTION},
        [[INTROSPECTION]],
    ],
)
def test_a_secret_is_not_shown_with_what_stands_around_it(issuers: Any) -> None:
    with pytest.raises(SettingsError, match="issuers") as caught:
        read(None, **GIVEN, issuers=issuers)
    assert SECRET not in str(caught.value)


def test_an_issuer_stands_there_once() -> None:
    given = {"issuer": "https://login.example", "audience": "x", "role": "AGENT"}
    with pytest.raises(SettingsError, match="once"):
        read(None, **GIVEN, issuers=[given, given])


def test_the_page_about_identity_shows_issuers_that_can_be() -> None:
    example, introspection = re.findall(
        r"```toml\n(.+?)```", (README.parent / "docs" / "identity.md").read_text(), re.DOTALL
    )
    settings = read(None, **GIVEN, **tomllib.loads(example + introspection))
    assert [each.issuer for each in settings.issuers] == [
        "https://digid.example.nl",
        "https://login.example.nl/realms/politie",
    ]
    assert settings.issuers[1].introspection is not None
