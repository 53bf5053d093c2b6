"""The page of traces: what an order leads to, in several services, on the trace of its caller."""

from collections.abc import Iterator

import httpx
import pytest

from deploy.local import folders, jars, processes
from deploy.local.jars import ZIPKIN
from deploy.local.stack import Stack

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CPTS = {
    "cpts_id": "aurillac",
    "cpts_name": "CPTS d'Aurillac",
    "seat_commune": "15014",
    "emerged_on": "2026-01-01",
}

(JAR,) = jars.read_lock(ZIPKIN.lock)
needs_zipkin = pytest.mark.skipif(
    not (folders.cache_folder() / ZIPKIN.folder / JAR.filename).exists(),
    reason="131 MB, downloaded by `just up --traces` alone",
)


@pytest.fixture
def traced(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The services, with the page of traces beside them."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    monkeypatch.setenv("POSTGRES_URL", stack.admin_url)
    with Stack("traced", ephemeral=True) as running:
        running.start_traces()
        running.start_services({"CPTS_PARTITIONS": "4", "OTEL_BSP_SCHEDULE_DELAY": "100"})
        yield running


@needs_zipkin
def test_the_steps_of_an_order_are_on_the_page_of_traces(traced: Stack) -> None:
    answer = httpx.post(
        f"{traced.http_urls['membership']}/cpts",
        json=CPTS,
        headers={"Acting-Role": "ars", "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"},
        trust_env=False,
    )
    assert answer.is_success, answer.text
    assert traced.traces_page is not None
    spans = traced.traces_page.replace("/zipkin/", f"/api/v2/trace/{TRACE_ID}")

    def shown() -> set[tuple[str, str]]:
        found = httpx.get(spans, trust_env=False)
        return {
            (span["localEndpoint"]["serviceName"], span["name"])
            for span in (found.json() if found.is_success else ())
        }

    wanted = {
        ("membership", "post /cpts"),
        ("membership", "send membership.cptsregistered.v1"),
        ("referrals", "process membership.cptsregistered.v1"),
        ("indicators", "process membership.cptsregistered.v1"),
        ("payments", "process membership.cptsregistered.v1"),
    }
    assert processes.wait_until(lambda: shown() >= wanted, within_seconds=30), shown()
    assert traced.process("zipkin") is not None
