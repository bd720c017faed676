"""What Prometheus reads: how much was asked and what became of it, and how the server is doing.

In the path of a request only two things are counted: an operation with its time, and a refusal. All else is read off
what is there when somebody looks. No label holds anything that a client sent: the codes are those of this server.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine import codes

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Read = Callable[[], Iterator[Metric]]
"""Gives the figures of a moment."""


class Metrics:
    """The figures of one process."""

    def __init__(self, read: Read) -> None:
        self._registry = CollectorRegistry()
        self._operations = Histogram(
            "omniloket_operation_seconds",
            "Queries and mutations that were executed, by trusted document, kind and outcome.",
            ["document", "kind", "outcome"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "omniloket_refusals",
            "Requests that were not executed, by code, and by limit where one was exceeded.",
            ["code", "limit"],
            registry=self._registry,
        )
        self._slow = Counter(
            "omniloket_slow_consumers",
            "Streams that ended because their client did not keep up.",
            registry=self._registry,
        )
        self.loop_lag = Histogram(
            "omniloket_loop_lag_seconds",
            "How late the event loop was, looked at ten times a second.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        build = Gauge("omniloket_build_info", "1; which version this is.", ["version"], registry=self._registry)
        build.labels(version("omniloket")).set(1)
        self._children: dict[tuple[str | None, str, bool], Any] = {}
        self._registry.register(_Figures(read))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def executed(self, kind: str, document: str | None, seconds: float, *, has_errors: bool) -> None:
        """An operation that was executed; `document` by its name in a manifest."""
        key = document, kind, has_errors
        child = self._children.get(key)
        if child is None:
            outcome = "errors" if has_errors else "answered"
            child = self._children[key] = self._operations.labels(document or "other", kind, outcome)
        child.observe(seconds)

    def refused(self, code: object, limit: str | None = None) -> None:
        """A request that was not executed; `limit` by the name of its setting. Codes of no request count as OTHER."""
        self._refusals.labels(
            code if isinstance(code, str) and code in codes.OF_REQUESTS else "OTHER", limit or ""
        ).inc()

    def fell_behind(self) -> None:
        """A stream whose client did not keep up."""
        self._slow.inc()

    def text(self) -> bytes:
        """All figures, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Figures(Collector):
    def __init__(self, read: Read) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: what is read needs a server that is open."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        return self._read()


def gauge(name: str, told: str, value: float) -> Metric:
    """A figure of this moment."""
    return GaugeMetricFamily(f"omniloket_{name}", told, value)


def counter(name: str, told: str, value: float) -> Metric:
    """A count since the process began."""
    return CounterMetricFamily(f"omniloket_{name}", told, value)


def gauges(name: str, told: str, label: str, values: dict[str, float]) -> Metric:
    """A figure of this moment for each value of a label."""
    family = GaugeMetricFamily(f"omniloket_{name}", told, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def counters(name: str, told: str, label: str, values: dict[str, float]) -> Metric:
    """A count since the process began for each value of a label."""
    family = CounterMetricFamily(f"omniloket_{name}", told, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family
