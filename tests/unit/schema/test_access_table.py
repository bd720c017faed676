"""The table of who may see what, as the documentation shows it."""

import re
from pathlib import Path

from schema.access_table import table
from schema.building import executable
from sources.records import Role

DOC = Path(__file__).resolve().parents[3] / "docs" / "access.md"


def test_the_documentation_shows_the_rules_as_they_are() -> None:
    (shown,) = re.findall(r"<!-- table -->\n(.*?)<!-- /table -->", DOC.read_text(), re.DOTALL)
    assert shown == table(executable()), "put what `omniloket access` prints between the marks"


def test_what_a_deployment_hides_shows_in_its_table() -> None:
    hidden = {Role.AGENT: frozenset({"Contact.body", "Attachment"})}
    lines = table(executable(hidden), hidden).splitlines()
    assert "| `Contact.body` | - | own | - | yes | - | - | role, purpose, bsn |" in lines
    assert "| `Attachment` | - | own | - | yes | - | - | role, purpose, bsn |" in lines
    assert "| `Contact.attachments` | - | own | - | yes | - | - | role, purpose, bsn |" in lines
