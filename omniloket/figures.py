"""The figures of a moment, read off the rooms of the house."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from prometheus_client.core import Metric

from omniloket.metrics import counter, counters, gauge, gauges
from sources.sql.database import Database

if TYPE_CHECKING:
    from omniloket.house import House


def figures(house: "House") -> Iterator[Metric]:
    """All of them."""
    yield from _of_sources(house)
    yield from _of_documents(house)
    yield from _of_streams(house)
    yield from _of_load(house)


def _of_sources(house: "House") -> Iterator[Metric]:
    databases = cast("Sequence[Database]", house.services.sources.back_ends)
    loads = {each.name: each.load for each in databases}
    sent: dict[str, float] = {each.name: each.statements_sent for each in databases}
    failed: dict[str, float] = {each.name: each.statements_failed for each in databases}
    yield counters("source_statements", "Statements sent to each source.", "source", sent)
    keys: dict[str, float] = {each.name: each.keys_asked for each in databases}
    yield counters("source_keys", "Keys that statements asked for: by statements, the size of a batch.", "source", keys)
    rows: dict[str, float] = {each.name: each.rows_read for each in databases}
    yield counters("source_rows", "Rows that sources answered with.", "source", rows)
    yield counters("source_failures", "Statements that a source did not answer, or not in time.", "source", failed)
    for name, told in (
        ("busy", "Connections to each source with a statement on them, or being made or given up."),
        ("idle", "Connections to each source that wait for a statement."),
        ("waiting", "Statements that wait for a connection to each source."),
    ):
        of_each: dict[str, float] = {source: getattr(load, name) for source, load in loads.items()}
        yield gauges(f"source_{name}", told, "source", of_each)
    resting: dict[str, float] = {each.name: float(each.is_resting) for each in databases}
    yield gauges("source_resting", "1 for a source that is left alone for a while.", "source", resting)
    lags = {each.name: house.services.hub.lag_seconds(each.name) for each in databases}
    followed = {name: lag for name, lag in lags.items() if lag is not None}
    yield gauges("source_lag_seconds", "Since the end of a source's logs was last reached.", "source", followed)


def _of_documents(house: "House") -> Iterator[Metric]:
    counts = house.executor.documents.counts
    yield gauge("registered_documents", "Documents that clients registered by themselves.", len(house.registered))
    looked: dict[str, float] = {"hit": counts.hits, "miss": counts.misses, "eviction": counts.evictions}
    yield counters("document_lookups", "Documents that were remembered, were not, or were forgotten.", "result", looked)
    yield gauge("documents", "Documents that are remembered.", house.executor.documents.remembered)


def _of_streams(house: "House") -> Iterator[Metric]:
    sharing = house.streams.sharing
    members = sharing.members
    yield gauge("sessions", "Sockets that said who they are, and event streams.", house.sessions.count)
    yield gauge("stream_groups", "Groups of streams that are alike, and served together.", len(members))
    yield gauge("streams", "Streams in these groups.", sum(members))
    yield counter("deliveries", "Events for each stream in a group that got one.", sharing.delivered)


def _of_load(house: "House") -> Iterator[Metric]:
    yield gauge("operations_present", "Queries and mutations that run or wait.", house.admission.present)
    yield counter("overload_refusals", "Operations that were refused because too many ran.", house.admission.refused)
    closed: dict[str, float] = dict(house.bounds.exceeded)
    yield counters("connections_closed", "Connections that were closed for a limit, by its setting.", "limit", closed)
    buckets: dict[str, float] = {
        "principals": len(house.rates.principals),
        "addresses": len(house.rates.addresses),
    }
    yield gauges("rate_buckets", "Principals and addresses whose points are remembered.", "of", buckets)
