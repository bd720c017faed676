"""Any document over the whole schema gets an answer: data, or errors that say what is wrong with the question."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from engine.responses import RequestRefused
from resolvers.context import Viewer
from resolvers.ids import encode
from schema.building import printed
from sources.sealing import citizen_key
from support.back_ends import SEALER, Urls
from support.houses import AGENT, ANONYMOUS, DEVELOPER, Asking, citizen, opened

BSN = "900000012"
IDS = [encode("Citizen", citizen_key(SEALER, BSN)), encode("Contact", 100_001), encode("Journey", 1)]
EXPECTED = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "FORBIDDEN", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["\0", "%", "'", "+31612345678", BSN])
instants = st.sampled_from(["2026-05-12T09:30:00Z", "0002-01-01T00:00:00+23:59", "9998-12-31T23:59:59-23:59", "soon"])
documents = queries(
    printed(),
    custom_scalars={
        "DateTime": instants.map(nodes.String),
        "Date": st.sampled_from(["1970-05-12", "0001-01-01", "never"]).map(nodes.String),
        "BSN": texts.map(nodes.String),
        "ID": (texts | st.sampled_from(IDS)).map(nodes.String),
    },
    allow_x00=True,
    codec="utf-8",
)
viewers = st.sampled_from([AGENT, ANONYMOUS, DEVELOPER, citizen(BSN)])


@contextmanager
def house(urls: Urls) -> Iterator[tuple[asyncio.Runner, Asking]]:
    """A house whose loop goes on between two examples."""
    with asyncio.Runner() as runner:
        entering = opened(urls)
        yield runner, runner.run(entering.__aenter__())
        runner.run(entering.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def running(urls: Urls) -> Iterator[tuple[asyncio.Runner, Asking]]:
    with house(urls) as opened_house:
        yield opened_house


@given(document=documents, viewer=viewers)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_document_is_answered(running: tuple[asyncio.Runner, Asking], document: str, viewer: Viewer) -> None:
    runner, ask = running
    try:
        response = runner.run(ask(document, viewer))
    except RequestRefused as refused:
        response = {"errors": refused.errors}
    assert orjson.dumps(response)
    errors = response.get("errors", [])
    assert {error["extensions"]["code"] for error in errors} <= EXPECTED, errors
