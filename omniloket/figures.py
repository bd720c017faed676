"""The figures of a moment, read off the rooms of the house."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from omniloket.metrics import counter, counters, gauge, gauges
from sources.ports import SourceFigures

if TYPE_CHECKING:
    from omniloket.house import House


def figures(house: "House") -> Iterator[Metric]:
    """All of them."""
    yield from _of_sources(house)
    yield from _of_documents(house)
    yield from _of_streams(house)
    yield from _of_load(house)


def _of_sources(house: "House") -> Iterator[Metric]:
    found = {each.name: each.figures() for each in house.services.sources.back_ends}

    def of_each(told: Callable[[SourceFigures], float]) -> dict[str, float]:
        return {name: told(each) for name, each in found.items()}

    sent, failed = of_each(lambda each: each.statements_sent), of_each(lambda each: each.statements_failed)
    keys, rows = of_each(lambda each: each.keys_asked), of_each(lambda each: each.rows_read)
    yield counters("source_statements", "Statements sent to each source.", "source", sent)
    yield counters("source_keys", "Keys that statements asked for: by statements, the size of a batch.", "source", keys)
    yield counters("source_rows", "Rows that sources answered with.", "source", rows)
    yield counters("source_failures", "Statements that a source did not answer, or not in time.", "source", failed)
    busy = "Connections to each source with a statement on them, or being made or given up."
    yield gauges("source_busy", busy, "source", of_each(lambda each: each.busy))
    idle = "Connections to each source that wait for a statement."
    yield gauges("source_idle", idle, "source", of_each(lambda each: each.idle))
    waiting = "Statements that wait for a connection to each source."
    yield gauges("source_waiting", waiting, "source", of_each(lambda each: each.waiting))
    resting = "1 for a source that is left alone for a while."
    yield gauges("source_resting", resting, "source", of_each(lambda each: each.is_resting))
    lags = {name: house.services.hub.lag_seconds(name) for name in found}
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
