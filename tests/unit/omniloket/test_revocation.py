"""The list of revoked tokens, sessions and subjects: it acts within seconds, and no mishap takes anything off it."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from omniloket.revocation import RevocationList
from omniloket.settings import SettingsError
from resolvers.errors import Unauthenticated
from sources.records import Role
from support.providers import BSN, ISSUER, SIGNERS, Provider, identity, signed

A, B = (ISSUER, "jti", "a"), (ISSUER, "jti", "b")


class Watched:
    """A list in a file, and the clock that it is looked at by."""

    def __init__(self, file: Path, *marks: tuple[str, str, str]) -> None:
        self.file = file
        self.now = 0.0
        self.write(*marks)
        self.list = RevocationList(file, {ISSUER}, lambda: self.now)

    def write(self, *marks: tuple[str, str, str]) -> None:
        self.file.write_text("".join(line(issuer=issuer, **{kind: value}) for issuer, kind, value in marks))

    def looks(self) -> list[bool]:
        """Whether A and B are on the list, a second later."""
        self.now += 1
        return [self.list.has({mark}) for mark in (A, B)]


def line(**given: Any) -> str:
    return json.dumps(given) + "\n"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "revoked.jsonl", A)


@pytest.mark.parametrize("revoked", [{"jti": "t"}, {"sid": "s"}, {"sub": "citizen"}, {"sub": "app"}])
async def test_a_token_ends_by_its_id_session_subject_or_actor(tmp_path: Path, revoked: dict[str, str]) -> None:
    watched = Watched(tmp_path / "revoked.jsonl", A)
    settings: Any = {"role": Role.CITIZEN, "actors": ["app"], "claims": {"subject": "oid"}}
    who = identity(Provider(SIGNERS["ES256"]), watched.list, **settings)
    token = signed(bsn=BSN, jti="t", sid="s", sub="x", oid="citizen", act={"sub": "app"})
    another = signed(bsn=BSN, jti="another", sid="another", oid="another")
    await who.of_token(token)
    watched.file.write_text(line(issuer=ISSUER, **revoked))
    await who.of_token(token)
    watched.now += 1
    with pytest.raises(Unauthenticated):
        await who.of_token(token)
    await who.of_token(another)


@pytest.mark.parametrize("claims", [{"jti": 1}, {"sid": ["s"]}, {"jti": ""}])
async def test_a_token_that_no_line_could_name_does_not_hold(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        await identity(Provider(SIGNERS["ES256"])).of_token(signed(**claims))


def test_a_line_more_acts_at_the_next_look(watched: Watched) -> None:
    watched.write(A, B)
    assert watched.list.has({B}) is False
    assert watched.looks() == [True, True]


def test_what_is_taken_off_is_off_at_the_second_look(watched: Watched) -> None:
    watched.write(B)
    assert watched.looks() == [True, True]
    assert watched.looks() == [False, True]


def test_a_file_that_is_being_written_takes_nothing_off(watched: Watched) -> None:
    watched.write()
    assert watched.looks() == [True, False]
    watched.write(A, B)
    assert watched.looks() == [True, True]
    assert watched.looks() == [True, True]


def test_a_file_that_is_gone_takes_nothing_off_and_is_told_of_once(watched: Watched) -> None:
    watched.file.unlink()
    with capture_logs() as logs:
        assert [watched.looks() for _ in range(3)] == [[True, False]] * 3
    assert [each["event"] for each in logs] == ["the revocations cannot be read; those that are known stay"]
    watched.write(B)
    assert watched.looks() == [True, True]
    assert watched.looks() == [False, True]


def test_a_malformed_file_takes_nothing_off_and_its_good_lines_count(watched: Watched) -> None:
    watched.file.write_text("nonsense\n" + line(issuer=ISSUER, jti="b"))
    with capture_logs() as logs:
        assert [watched.looks() for _ in range(3)] == [[True, True]] * 3
    assert [each.get("wrong") for each in logs] == ["line 1"]
    watched.write(B)
    assert watched.looks() == [True, True]
    assert watched.looks() == [False, True]


def test_another_file_in_its_place_is_read(watched: Watched) -> None:
    aside = watched.file.with_suffix(".new")
    aside.write_text(line(issuer=ISSUER, jti="a") + "\n" + line(issuer=ISSUER, jti="b"))
    aside.replace(watched.file)
    assert watched.looks() == [True, True]


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense\n",
        "[]\n",
        "\xff\n",
        line(issuer=ISSUER),
        line(jti="a"),
        line(issuer="https://another.example", jti="a"),
        line(issuer=[ISSUER], jti="a"),
        line(issuer=ISSUER, jti="a", sid="b"),
        line(issuer=ISSUER, jti="a", reason="lost"),
        line(issuer=ISSUER, jti=1),
        line(issuer=ISSUER, sub=""),
        line(issuer=ISSUER, jti=None),
    ],
)
def test_a_list_that_is_malformed_at_the_start_stops_it(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "revoked.jsonl"
    file.write_bytes((line(issuer=ISSUER, jti="a") + wrong).encode("latin-1"))
    with pytest.raises(SettingsError, match=r"revocations_file.*line 2"):
        RevocationList(file, {ISSUER})


def test_many_wrong_lines_are_told_in_short(tmp_path: Path) -> None:
    file = tmp_path / "revoked.jsonl"
    file.write_text("x\n" * 25)
    with pytest.raises(SettingsError, match="line 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more"):
        RevocationList(file, {ISSUER})


def test_a_list_that_is_not_there_at_the_start_stops_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RevocationList(tmp_path / "none", {ISSUER})


def test_the_page_about_identity_shows_lines_that_can_be(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "identity.md"
    example = page.read_text().split("```json\n")[1].split("```")[0]
    (tmp_path / "revoked.jsonl").write_text(example)
    listed = RevocationList(tmp_path / "revoked.jsonl", {"https://login.example.nl/realms/politie"})
    assert listed.has({("https://login.example.nl/realms/politie", "sub", "ans")})
