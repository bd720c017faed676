"""What the README and the docs say is so: documents, commands, links."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from graphql import OperationDefinitionNode, parse, print_ast, validate

from omniloket.cli import app
from schema.building import executable
from support.houses import AGENT, QUERIES, Asking, citizen, document

ROOT = QUERIES.parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LISTED = re.findall(r"^\| \[([\w-]+)\]\((docs/queries/[\w-]+\.graphql)\)", README, re.MULTILINE)


def test_the_table_of_documents_is_whole() -> None:
    assert [Path(path).stem for _, path in LISTED] == [name for name, _ in LISTED]
    assert {name for name, _ in LISTED} == {file.stem for file in QUERIES.glob("*.graphql")}


@pytest.mark.parametrize("name", [name for name, _ in LISTED])
def test_each_document_is_valid(name: str) -> None:
    assert validate(executable(), parse(document(name))) == []


async def test_each_document_that_is_a_query_is_answered(ask: Asking) -> None:
    page = await ask.data(
        "{ journeys(first: 50) { edges { node { id citizen { bsn } reports { edges { node { number } } } } } } }"
    )
    journeys = [edge["node"] for edge in page["journeys"]["edges"]]
    journey = next(each for each in journeys if each["citizen"] and each["reports"]["edges"])
    variables: dict[str, dict[str, Any]] = {
        "q1-citizen-portal": {},
        "q2-agents-screen": {"channel": "WHATSAPP"},
        "q3-thin-channel": {"number": journey["reports"]["edges"][0]["node"]["number"]},
        "journey-timeline": {"id": journey["id"]},
    }
    for name, given in variables.items():
        viewer = citizen(journey["citizen"]["bsn"]) if name == "q1-citizen-portal" else AGENT
        (root,) = (await ask.data(document(name), viewer, **given)).values()
        assert root, name
    assert {name for name, _ in LISTED} - set(variables) == {"live-status"}  # tests/end_to_end/test_demo.py


def test_architecture_walks_through_the_agents_screen() -> None:
    (query,) = re.findall(r"```graphql\n(.+?)```", (ROOT / "docs" / "architecture.md").read_text(), re.DOTALL)
    assert _selection(query) == _selection(document("q2-agents-screen"))


@pytest.mark.parametrize("name", ["resuming.ts", "apollo.ts", "urql.ts", "relay.ts"])
def test_the_front_ends_in_the_docs_are_those_that_are_tested(name: str) -> None:
    page, file = (ROOT / "docs" / "live.md").read_text(), ROOT / "docs" / "front-ends" / name
    assert f"({file.parent.name}/{name})" in page
    assert f"```ts\n{file.read_text()}```\n" in page


def test_each_command_of_the_readme_exists_with_its_options() -> None:
    lines = re.findall(r"^omniloket (\w+)([^\n]*?)(?:  |$)", README, re.MULTILINE)
    commands: Any = typer.main.get_command(app)
    assert {name for name, _ in lines} == set(commands.commands)
    for name, options in lines:
        command = commands.commands[name]
        for word in options.split():
            command = getattr(command, "commands", {}).get(word, command)
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", options)) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), target


def _selection(text: str) -> str:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return print_ast(operation.selection_set)


def _anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
