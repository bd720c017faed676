"""When a manifest counts as changed, and whose a document is that several have."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from engine.responses import RequestRefused
from omniloket.settings import ManifestSettings, TrustedSettings
from omniloket.trusted import TrustedDocuments, read_manifests, stamps
from resolvers.context import ANONYMOUS, Viewer
from sources.records import Role

TEXT = "{ channels { code } }"
HASH = sha256(TEXT.encode()).hexdigest()


def test_a_manifest_that_could_not_be_read_counts_as_changed_once_it_can_be(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    file.chmod(0o000)
    settings = TrustedSettings(manifests=(ManifestSettings(client="app", file=file),))
    before = stamps(settings)
    assert stamps(settings) == before
    file.chmod(0o600)
    assert stamps(settings) != before


@pytest.fixture
def shared(tmp_path: Path) -> TrustedDocuments:
    """A document that three clients have, two of them for agents and under the same id."""
    manifests: list[Any] = [
        {"client": "portal", "ids": ["portal-1"], "roles": [Role.CITIZEN]},
        {"client": "screen", "ids": ["screen-1", "both"], "roles": [Role.AGENT]},
        {"client": "wall", "ids": ["both"], "roles": [Role.AGENT, Role.SUPERVISOR]},
    ]
    for each in manifests:
        each["file"] = tmp_path / each["client"]
        each["file"].write_text(json.dumps(dict.fromkeys(each.pop("ids"), TEXT)))
    return read_manifests(TrustedSettings.model_validate({"manifests": manifests}))


@pytest.mark.parametrize(
    ("document_id", "role", "name"),
    [
        ("portal-1", Role.CITIZEN, "portal/portal-1"),
        ("screen-1", Role.AGENT, "screen/screen-1"),
        ("portal-1", Role.AGENT, "portal/portal-1"),
        ("both", Role.AGENT, "screen+wall/both"),
        ("both", Role.SUPERVISOR, "wall/both"),
        ("both", Role.CITIZEN, "screen+wall/both"),
        (HASH, Role.CITIZEN, "portal/portal-1"),
        (f"sha256:{HASH}", Role.SUPERVISOR, "wall/both"),
        (None, Role.SUPERVISOR, "wall/both"),
        (None, Role.AGENT, "screen+wall/screen-1+both"),
    ],
)
def test_a_document_that_several_clients_have_is_named_for_who_may_have_asked(
    shared: TrustedDocuments, document_id: str | None, role: Role, name: str
) -> None:
    text, trusted = shared.found(TEXT if document_id is None else None, document_id or "", Viewer(role, "x"))
    assert trusted is not None
    assert (text, trusted.name) == (TEXT, name)


@pytest.mark.parametrize("document_id", ["portal-1", "both", HASH])
def test_it_is_for_the_roles_of_all_of_them_and_no_others(shared: TrustedDocuments, document_id: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        shared.found(None, document_id, ANONYMOUS)
    assert refused.value.errors[0]["extensions"]["code"] == "FORBIDDEN"


def test_its_check_names_each(shared: TrustedDocuments) -> None:
    (trusted,) = shared.by_text.values()
    assert trusted.names == ["portal/portal-1", "screen/screen-1", "screen/both", "wall/both"]
