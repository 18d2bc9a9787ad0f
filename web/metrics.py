"""`/metrics` for Prometheus: read from the database at each look, so every replica tells the same."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from web.deps import WebDeps
from web.guard import check_token
from workflows.reads import operations

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)


class Figures(Collector):
    """Work, requests and the audit trail as they are now."""

    def __init__(self, deps: WebDeps) -> None:
        self._deps = deps

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is read when the collector is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._deps.now()
        with self._deps.database.reading() as connection:
            found = operations.measures(connection, now)
        jobs = GaugeMetricFamily("seatkeeper_jobs", "Work that is not done", labels=["queue", "state"])
        for (queue, state), count in sorted(found.jobs.jobs.items()):
            jobs.add_metric([queue, state], count)
        yield jobs
        oldest = GaugeMetricFamily(
            "seatkeeper_oldest_due_job_seconds", "How long the oldest due work waits", labels=["queue"]
        )
        for queue, seconds in sorted(found.jobs.oldest_due_seconds.items()):
            oldest.add_metric([queue], max(0.0, seconds))
        yield oldest
        requests = GaugeMetricFamily("seatkeeper_requests", "Licence requests", labels=["status"])
        for status, count in sorted(found.requests.items()):
            requests.add_metric([status], count)
        yield requests
        yield GaugeMetricFamily("seatkeeper_unsealed_events", "Events not yet in the chain", value=found.unsealed)
        if found.figures_age is not None:
            yield GaugeMetricFamily(
                "seatkeeper_figures_age_seconds", "Age of the oldest seat counts of a vendor", value=found.figures_age
            )


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the page and count every request of this app."""
    registry = CollectorRegistry()
    registry.register(Figures(deps))
    answered = Counter(
        "seatkeeper_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
    )
    took = Histogram("seatkeeper_http_seconds", "Time to answer", ["route"], buckets=SECONDS, registry=registry)

    def count(answer: Response) -> Response:
        route = str(request.url_rule) if request.url_rule else "unknown"
        answered.labels(_method(), route, str(answer.status_code)).inc()
        took.labels(route).observe(time.perf_counter() - g.began)
        return answer

    def metrics() -> Response:
        check_token(deps)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)

    app.after_request(count)
    app.add_url_rule("/metrics", "metrics", metrics)


def _method() -> str:
    """The method, one word for all that are made up: a label must not grow with what strangers send."""
    return request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"} else "other"
