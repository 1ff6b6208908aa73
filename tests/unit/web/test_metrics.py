from __future__ import annotations

from medstack.web.metrics import Metrics


def _after(*seconds: float) -> list[str]:
    metrics = Metrics()
    for length in seconds:
        metrics.answered(method="GET", route="/api/x/{id}", status=200, seconds=length)
    return metrics.text().splitlines()


def test_requests_are_counted_by_method_route_template_and_status() -> None:
    line = 'medstack_http_requests_total{method="GET",route="/api/x/{id}",status="200"} 2'
    assert line in _after(0.1, 0.2)


def test_buckets_are_cumulative() -> None:
    lines = _after(0.004, 0.2)
    label = 'medstack_http_request_seconds_bucket{route="/api/x/{id}",le='
    assert f'{label}"0.005"}} 1' in lines
    assert f'{label}"0.25"}} 2' in lines
    assert f'{label}"+Inf"}} 2' in lines


def test_requests_under_way_are_counted() -> None:
    assert "medstack_http_in_flight 0" in _after(0.1)
