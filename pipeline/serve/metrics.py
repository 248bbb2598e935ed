"""Count what the service does, for Prometheus."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KNOWN = (
    *("/", "/fragment", "/download", "/corrections", "/model", "/docs", "/openapi.json"),
    *("/v1/predict", "/v1/topics", "/v1/corrections", "/healthz", "/readyz", "/metrics"),
)


class Metrics:
    """One service's figures."""

    def __init__(self) -> None:
        """Start at nothing; each service has its own registry."""
        self.registry = CollectorRegistry()
        labels = ("path", "status")
        self.requests = Counter("topics_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram("topics_request_seconds", "Time to answer", ("path",), registry=self.registry)
        self.running = Gauge("topics_requests_running", "Requests being answered", registry=self.registry)
        self.paragraphs = Counter("topics_paragraphs", "Paragraphs labelled", registry=self.registry)
        self.corrections = Counter("topics_corrections", "Corrections kept", registry=self.registry)
        self.swaps = Gauge("topics_model_swaps", "Models taken up since the start", registry=self.registry)
        self.model = Gauge("topics_model_info", "The model in use", ("run_id", "sha256"), registry=self.registry)

    def text(self, *, swaps: int, run_id: str, sha256: str) -> bytes:
        """Give all figures in Prometheus's text format."""
        self.swaps.set(swaps)
        self.model.clear()
        self.model.labels(run_id, sha256).set(1)
        return generate_latest(self.registry)


class CountRequests:
    """Count requests by path and status, and time them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an application."""
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), ["none"]
        path = scope["path"] if scope["path"] in _KNOWN else "other"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = str(message["status"])
            await send(message)

        with self.metrics.running.track_inprogress():
            await self.app(scope, receive, sending)
        self.metrics.requests.labels(path, status[0]).inc()
        self.metrics.seconds.labels(path).observe(time.perf_counter() - started)
