"""`/metrics` of a running service, as a test reads it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.messaging.process import Running
from tests.messaging.raw import until

Samples = dict[str, dict[tuple[str, ...], float]]


def samples(text: str) -> Samples:
    """The values by metric and by the values of its labels, in the order of the labels' names."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = tuple(value for _, value in sorted(one.labels.items()))
            found.setdefault(one.name, {})[labels] = one.value
    return found


async def scraped(run: Running) -> Samples:
    """What the service tells once it has read all that it reads for it; no reading failed."""
    found: Samples = {}

    async def is_read() -> bool:
        async with httpx.AsyncClient(base_url=run.address, timeout=20) as web:
            answer = await web.get("/metrics")
        assert answer.status_code == 200
        found.clear()
        found.update(samples(answer.text))
        assert not any(found["cpts_reading_failures_total"].values())
        read = found.get("cpts_reading_timestamp_seconds", {})
        return read.keys() == found["cpts_reading_failures_total"].keys()

    await until(is_read)
    return found


async def holding(run: Running) -> set[str]:
    """The names of the invariants, all of which hold."""
    found = (await scraped(run))["cpts_invariant"]
    assert set(found.values()) == {1}
    return {name for (name,) in found}
