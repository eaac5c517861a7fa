"""The agent's Prometheus metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_SECONDS: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_LATENESS: Final = (30, 60, 120, 300, 600, 1200, 3600, 7200, 21600, 86400)


class Metrics:
    """The metrics of one agent. `serve` exposes them at http://127.0.0.1:PORT/metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.listings = Counter(
            "gogobe_listings", "Listings by outcome: complete, not_modified, failed", ["chain", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.errors = Counter(
            "gogobe_listing_errors", "Listings that failed, by kind", ["chain", "kind"], registry=self.registry
        )
        self.listed = Counter("gogobe_files_listed", "Files in listings", ["chain"], registry=self.registry)
        self.announced = Counter("gogobe_files_announced", "Files announced", ["chain"], registry=self.registry)
        self.announced_again = Counter(
            "gogobe_files_announced_again", "Files of the retry queue announced again", ["chain"],
            registry=self.registry,
        )  # fmt: skip
        self.lateness = Histogram(
            "gogobe_announcement_lateness_seconds", "From a file's own timestamp to its announcement",
            ["chain"], buckets=_LATENESS, registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "gogobe_listing_seconds", "Seconds that a listing took", ["engine"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.circuits = Gauge(
            "gogobe_portal_circuit_open",
            "1 while a portal's circuit is open",
            ["portal"],
            registry=self.registry,
        )
        self.watched = Gauge("gogobe_portals_watched", "Portals of this agent", registry=self.registry)

    def serve(self, port: int) -> int:
        """Serves the metrics on 127.0.0.1 and returns the port; 0 chooses a free one. Raises OSError."""
        server, _ = start_http_server(port, addr="127.0.0.1", registry=self.registry)
        return int(server.server_port)
