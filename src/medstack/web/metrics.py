"""Counts and durations in the Prometheus text format (version 0.0.4).

Labels are route templates, methods and statuses: never an address, an id or a name.
One process counts for itself; scrape each.
"""

from __future__ import annotations

from collections import defaultdict

MEDIA_TYPE = "text/plain; version=0.0.4"  # the answer adds its charset
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """What this process has answered. Written from its one event loop only."""

    def __init__(self) -> None:
        self._answers: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(_BUCKETS_S))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._count: defaultdict[str, int] = defaultdict(int)
        self.in_flight = 0

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        self._answers[method, route, status] += 1
        self._seconds[route] += seconds
        self._count[route] += 1
        buckets = self._buckets[route]
        for place, limit in enumerate(_BUCKETS_S):
            if seconds <= limit:
                buckets[place] += 1

    def text(self) -> str:
        """The whole exposition."""
        lines = ["# TYPE medstack_http_requests_total counter"]
        for (method, route, status), n in sorted(self._answers.items()):
            labels = f'method="{method}",route="{_escaped(route)}",status="{status}"'
            lines.append(f"medstack_http_requests_total{{{labels}}} {n}")
        lines.append("# TYPE medstack_http_request_seconds histogram")
        for route in sorted(self._count):
            lines.extend(self._histogram(route))
        lines += [
            "# TYPE medstack_http_in_flight gauge",
            f"medstack_http_in_flight {self.in_flight}",
        ]
        return "\n".join(lines) + "\n"

    def _histogram(self, route: str) -> list[str]:
        name, label = "medstack_http_request_seconds", f'route="{_escaped(route)}"'
        lines = [
            f'{name}_bucket{{{label},le="{limit:g}"}} {n}'
            for limit, n in zip(_BUCKETS_S, self._buckets[route], strict=True)
        ]
        return [
            *lines,
            f'{name}_bucket{{{label},le="+Inf"}} {self._count[route]}',
            f"{name}_sum{{{label}}} {self._seconds[route]:.6f}",
            f"{name}_count{{{label}}} {self._count[route]}",
        ]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
