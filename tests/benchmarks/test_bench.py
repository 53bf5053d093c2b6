"""Every bench runs and gives its figures; what they are is for `just bench` to say."""

from pathlib import Path

import msgspec
import pytest

from deploy.local.stack import Stack
from tests.benchmarks import growth
from tests.benchmarks.__main__ import measure
from tests.benchmarks.catalogue import BENCHES, Bench
from tests.benchmarks.measuring import Figure, Result, Sample, Sizes, Wanted, result_of
from tests.benchmarks.table import table

TINY = Sizes(
    events=600,
    figures=300,
    acceptances=40,
    rows=300,
    cpts=3,
    facts_a_year=300,
    questions=5,
    bad_inputs=300,
    professionals=20,
    demands=480,
    seconds=0.4,
    warm_up_seconds=0.1,
)
# These start many processes: their ids are held to below, and `just bench` runs them.
NOT_HERE = ("P3", "P4", "P6-p50", "P8", "P9", "share", "R1")
IN_SECONDS = [bench for bench in BENCHES if bench.name not in NOT_HERE]
KEYS = {
    *("id", "value", "unit", "baseline", "baseline_unit", "ratio"),
    *("samples", "settings", "command"),
}


@pytest.mark.stack
@pytest.mark.parametrize("bench", IN_SECONDS, ids=lambda bench: bench.name)
async def test_a_bench_gives_its_figures(bench: Bench, stack: Stack) -> None:
    said: list[str] = []
    results = await measure(stack, bench, TINY, 1, "just bench", said.append)
    assert [one.id for one in results] == [figure.id for figure in bench.figures]
    assert len(said) == len(results)
    for result in msgspec.to_builtins(results):
        assert result.keys() == KEYS
        assert result["value"] > 0
        if bench.baseline:
            assert result["baseline"] > 0
        else:
            assert result["baseline"] is result["ratio"] is result["baseline_unit"] is None
        assert {"ours", "baseline", "sizes", "wanted", "is_met"} <= result["settings"].keys()
    assert all(one.id in table(results) for one in results)
    if bench.name == "fuzz":  # no matter of speed
        assert all(one.settings["is_met"] for one in results), results[0].settings["notes"]


def test_the_ids_are_those_that_are_wanted() -> None:
    assert [figure.id for bench in BENCHES for figure in bench.figures] == [
        *("P1-indicators", "P1-payments"),
        *("P3-p50", "P3-p99", "P4-p50", "P4-p99"),
        *("P5-indicators", "P5-payments"),
        *("P6-indicators", "P6-p50"),
        *("P7-saturation", "P7-p99"),
        *(f"P8-{of}{what}" for of in growth.KINDS for what in ("", "-memory")),
        *("P9-storm", "P9-replay"),
        *("share-p50", "share-p99", "share-move-max"),
        *("R1-rate", "R1-p50", "R1-p99"),
        *("aci-settlement", "aci-explanation-p50", "aci-explanation-p99"),
        *("aci-past-explanation-p50", "aci-past-explanation-p99"),
        *("aci-projection-p50", "aci-projection-p99"),
        *("sas-search-p50", "sas-search-p99"),
        *("sas-fuzz-answered", "sas-fuzz-kept"),
    ]


@pytest.mark.parametrize(
    ("wanted", "ours", "is_met"),
    [
        (Wanted(at_least=0.85), 85.0, True),
        (Wanted(at_least=0.85), 84.0, False),
        (Wanted(at_most=1.5), 150.0, True),
        (Wanted(at_most=1.5), 151.0, False),
        (Wanted(of="more", at_most=1), 101.0, True),
        (Wanted(of="more", at_most=1), 101.1, False),
        (Wanted(of="value", at_most=25), 25.0, True),
        (Wanted(of="value", at_most=25), 26.0, False),
    ],
)
def test_a_figure_is_met_by_its_median(wanted: Wanted, ours: float, is_met: bool) -> None:
    figure = Figure(id="P0", unit="ms", wanted=wanted)
    samples = [Sample(ours=one, baseline=100.0) for one in (0.0, ours, 1000.0)]
    result: Result = result_of(figure, samples, {}, "just bench P0")
    assert result.value == ours
    assert result.settings["is_met"] is is_met


@pytest.mark.parametrize(("ours", "is_met"), [(50.0, True), (51.0, False)])
def test_a_figure_without_a_baseline_is_met_by_its_limit(ours: float, is_met: bool) -> None:
    figure = Figure(id="P0", unit="ms", wanted=Wanted(of="value", at_most=50))
    settings = {"what": "one", "ours": "two", "baseline": ""}
    result = result_of(figure, [Sample(ours=ours)], settings, "just bench P0")
    assert (result.baseline, result.baseline_unit, result.ratio) == (None, None, None)
    assert result.settings["is_met"] is is_met
    told = table([result])
    assert ("NOT MET" in told) is not is_met
    assert "baseline:" not in told


def test_a_baseline_is_short_enough_to_be_read_whole() -> None:
    folder = Path(__file__).parent
    for name in ("bare_loop", "bare_chain", "bare_acceptances", "outbox_relay"):
        assert len((folder / f"{name}.py").read_text().splitlines()) < 150, name
