"""Settings: read once, and a wrong one stops the start with its name, its value and what is allowed."""

import base64
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from omniloket.reading_settings import read
from omniloket.settings import SettingsError
from omniloket.settings_table import described, table

README = Path(__file__).resolve().parents[3] / "README.md"
KEY = base64.b64encode(bytes(64)).decode()
URL = "sqlite+aiosqlite:///x.db"
SOURCES = {name: {"url": URL} for name in ("persons", "servicemodule", "incidents", "journeys")}
GIVEN: dict[str, Any] = {"sources": SOURCES, "sealing": {"current": 1, "keys": {"1": KEY}}}


def test_the_readme_lists_every_setting_with_its_default() -> None:
    missing = [line for line in table().splitlines() if line not in README.read_text().splitlines()]
    assert missing == [], "put what `omniloket settings` prints into the README"
    assert table() in README.read_text()


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
    assert settings.sources.persons.url == f"sqlite+aiosqlite:///{tmp_path}/x.db"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 70_000}, ["port", "65535", "70000"]),
        ({"workers": "many"}, ["workers", "must be a whole number", "many"]),
        ({"log_level": "loud"}, ["log_level", "'debug', 'info', 'warning' or 'error'", "loud"]),
        ({"nonsense": 1}, ["nonsense", "there is no such setting", "1"]),
        ({"live": {"pol_seconds": 1}}, ["live.pol_seconds", "there is no such setting"]),
        ({"operators": "127.0.0.1"}, ["operators", "must be a list", "127.0.0.1"]),
        ({"live": 3}, ["live", "must be a table of settings", "3"]),
        ({"access_log": "perhaps"}, ["access_log", "must be true or false", "perhaps"]),
        ({"host": ""}, ["host", "must be an address or a name", "''"]),
        ({"host": " "}, ["host", "must be an address or a name", "' '"]),
        ({"page_size": 200}, ["page_size", "at most max_page_size (100)", "200"]),
        (
            {"sources": {**SOURCES, "persons": {"url": "mysql://x"}}},
            ["sources.persons.url", "sqlite+aiosqlite", "mysql://'"],
        ),
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


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite+aiosqlite:///", "must name a file after three slashes"),
        ("sqlite+aiosqlite://", "must name a file after three slashes"),
        ("sqlite+aiosqlite://x.db", "must name a file after three slashes"),
        ("sqlite+aiosqlite:///:memory:", "must name a file after three slashes"),
        ("sqlite+aiosqlite:///x.db?mode=ro", "must name a file after three slashes"),
        ("postgresql+asyncpg://u:sekret@host:notaport/x", "port from 1 to 65535"),
        ("postgresql+asyncpg://u:sekret@host:70000/x", "port from 1 to 65535"),
        ("postgresql+asyncpg://u:sekret@host/x?nosuch=sekret", "no other parameters than"),
        ("postgresql+asyncpg://u:sekret@host/x?sslmode=require", "ssl, not sslmode"),
        ("postgresql+asyncpg://u:sekret@host/x?prepared_statement_cache_size=sekret", "must be sqlite+aiosqlite"),
        ("postgresql+asyncpg://u:sekret@/x?host=a:1&host=:2", "must be sqlite+aiosqlite"),
        ("postgresql://u:sekret@host/x", "must be sqlite+aiosqlite"),
        ("sekret", "must be sqlite+aiosqlite"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_a_sentence(url: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, **{**GIVEN, "sources": {**SOURCES, "persons": {"url": url}}})
    told = str(caught.value)
    assert told.startswith("sources.persons.url: ")
    assert words in told
    assert "sekret" not in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://u:p%40ss@host:5432/x?ssl=verify-full&target_session_attrs=read-write",
        "postgresql+asyncpg://u@/x?host=a:5432&host=b:5432",
        "postgresql+asyncpg://postgres:@/x?host=/tmp/socket",
        "postgresql+asyncpg://u@[::1]/x?prepared_statement_cache_size=0",
    ],
)
def test_an_address_that_can_be_is_taken(url: str) -> None:
    settings = read(None, **{**GIVEN, "sources": {**SOURCES, "persons": {"url": url}}})
    assert settings.sources.persons.url == url


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("OMNILOKET_PROT", "OMNILOKET_PROT: there is no such setting; is OMNILOKET_PORT meant?"),
        ("OMNILOKET_TRUSTED_ONLY", "OMNILOKET_TRUSTED_ONLY: there is no such setting"),
        ("OMNILOKET_SOURCES_PERSONS_URL", "OMNILOKET_SOURCES_PERSONS_URL: there is no such setting"),
        ("omniloket_prot", "omniloket_prot: there is no such setting"),
        ("OMNILOKET_PORT__X", "OMNILOKET_PORT__X: there is no such setting"),
        ("OMNILOKET_", "OMNILOKET_: there is no such setting"),
        ("OMNILOKET_LIVE__POL_SECONDS", "live.pol_seconds (OMNILOKET_LIVE__POL_SECONDS): there is no such setting"),
    ],
)
def test_a_variable_that_is_no_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, told: str
) -> None:
    monkeypatch.setenv(variable, "9")
    with pytest.raises(SettingsError) as caught:
        read(None, **GIVEN)
    assert told in str(caught.value)


def test_variables_that_are_meant_for_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMNILOKET_TEST_DOCUMENTS", "OMNILOKET_SETTINGS_FILE", "OMNILOKET_DEMO_POSTGRES", "OMNILOKETS"):
        monkeypatch.setenv(name, "9")
    assert read(None, **GIVEN).port == 8000


def test_a_value_from_a_variable_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNILOKET_LIVE__QUEUE_SIZE", "many")
    with pytest.raises(SettingsError) as caught:
        read(None, **GIVEN)
    assert str(caught.value) == (
        "live.queue_size (OMNILOKET_LIVE__QUEUE_SIZE): must be a whole number; but got: 'many'"
    )


def test_a_variable_that_must_be_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNILOKET_LIVE__ORIGINS", "https://x.example")
    monkeypatch.setenv("OMNILOKET_LIVE__QUEUE_SIZE", "7")
    monkeypatch.setenv("OMNILOKET_TRUSTED_PROXIES", "10.0.0.1")
    with pytest.raises(SettingsError) as caught:
        read(None, **GIVEN)
    named = [line.split(": must be JSON")[0] for line in str(caught.value).splitlines()]
    assert sorted(named) == ["OMNILOKET_LIVE__ORIGINS", "OMNILOKET_TRUSTED_PROXIES"]


def test_paths_in_a_file_are_relative_to_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, there = tmp_path / "elsewhere", tmp_path / "there"
    elsewhere.mkdir()
    there.mkdir()
    file = elsewhere / "omniloket.toml"
    file.write_text(
        "\n".join(
            [
                'revocations_file = "revoked.jsonl"',
                'usage_directory = "/var/usage"',
                f'sealing = {{ current = 1, keys = {{ 1 = "{KEY}" }} }}',
                'trusted.manifests = [{ client = "portal", file = "manifests/portal.json" }]',
                'sources.persons.url = "sqlite+aiosqlite:///x.db"',
                'sources.servicemodule.url = "sqlite+aiosqlite:////absolute/x.db"',
                'sources.incidents.url = "postgresql+asyncpg://host/x"',
                'sources.journeys.url = "sqlite+aiosqlite:///x.db"',
            ]
        )
    )
    (there / "linked.toml").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMNILOKET_DEVELOPMENT_KEY_FILE", "development.key")
    monkeypatch.setenv("OMNILOKET_SOURCES__JOURNEYS__URL", "sqlite+aiosqlite:///y.db")
    for given, directory in ((Path("elsewhere/omniloket.toml"), elsewhere), (there / "linked.toml", there)):
        settings = read(given)
        assert settings.revocations_file == directory / "revoked.jsonl"
        assert settings.usage_directory == Path("/var/usage")
        assert settings.trusted.manifests[0].file == directory / "manifests" / "portal.json"
        assert settings.sources.persons.url == f"sqlite+aiosqlite:///{directory}/x.db"
        assert settings.sources.servicemodule.url == "sqlite+aiosqlite:////absolute/x.db"
        assert settings.sources.incidents.url == "postgresql+asyncpg://host/x"
        assert settings.sources.journeys.url == "sqlite+aiosqlite:///y.db"
        assert settings.development_key_file == Path("development.key")


@pytest.mark.parametrize("wrong", [[], [[]], {}, {"x": 1}, 3.5, -7, "nonsense", "", True, None, 10**30])
def test_no_setting_is_refused_in_the_words_of_a_programming_language(wrong: object) -> None:
    for name, _, _ in described():
        told = refusal(with_setting(name, wrong))
        assert re.search(r"Input|valid|permitted|instance|Field|tuple|dict|source Env", told) is None, told
        assert all(re.match(r"[a-z_.\d]+: .+(; .+)?", line) for line in told.splitlines()), told


def refusal(given: dict[str, Any]) -> str:
    """What is told of settings that do not hold; nothing of others."""
    try:
        read(None, **given)
    except SettingsError as error:
        return str(error)
    return ""


def with_setting(name: str, value: object) -> dict[str, Any]:
    """Settings that hold but for one, whose lists have one entry."""
    for part in reversed(name.split(".")):
        value = {part.removesuffix("[]"): [value] if part.endswith("[]") else value}
    return merged(GIVEN, value)


def merged(given: Any, other: Any) -> Any:
    if not isinstance(given, dict) or not isinstance(other, dict):
        return other
    known: dict[str, Any] = given
    return {**known, **{name: merged(known.get(name), each) for name, each in other.items()}}


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
        ({"secret": SECRET}, ["issuers.0.introspection.secret", "no such setting"]),
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
