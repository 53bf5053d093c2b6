"""What a bench answers: a figure of ours beside its baseline's, run by run, and if it is met."""

import statistics
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

PARTITIONS = 12


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much each bench does. `seconds` are of load at a given rate, after `warm_up_seconds`."""

    events: int = 120_000
    figures: int = 40_000
    acceptances: int = 8_000
    rows: int = 40_000
    cpts: int = 800
    facts_a_year: int = 400_000
    questions: int = 1_000
    bad_inputs: int = 100_000
    professionals: int = 10_000
    demands: int = 2_000_000
    seconds: float = 12.0
    warm_up_seconds: float = 3.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of the ratio of ours to the baseline, of what is more in ours than in it, or
    of our value itself.

    A figure that has no baseline has a limit on its value.
    """

    of: Literal["ratio", "more", "value"] = "ratio"
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, value: float, baseline: float | None) -> bool:
        """Whether the figure is what is wanted."""
        figure = value
        if self.of != "value":
            assert baseline is not None, "the figure is judged beside a baseline"
            figure = value / baseline if self.of == "ratio" else value - baseline
        return (self.at_least is None or figure >= self.at_least) and (
            self.at_most is None or figure <= self.at_most
        )

    def __str__(self) -> str:
        sign, bound = (">=", self.at_least) if self.at_most is None else ("<=", self.at_most)
        return f"{ {'ratio': '', 'more': 'more ', 'value': 'ours '}[self.of] }{sign} {bound:g}"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that a bench gives at each run."""

    id: str
    unit: str
    wanted: Wanted


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one figure, in its unit; without a baseline where a limit alone is wanted.

    `note` is what a reader of the value must know.
    """

    ours: float
    baseline: float | None = None
    note: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over all runs, with the keys of `var/bench.json`: medians, and each run's value.

    Without a baseline, it and what follows from it are null.
    """

    id: str
    value: float
    unit: str
    baseline: float | None
    baseline_unit: str | None
    ratio: float | None
    samples: list[float]
    settings: dict[str, Any]
    command: str


def result_of(
    figure: Figure, samples: Sequence[Sample], settings: dict[str, Any], command: str
) -> Result:
    """The medians of the runs; `ratio` is that of the medians."""
    value = statistics.median(one.ours for one in samples)
    baselines = [one.baseline for one in samples if one.baseline is not None]
    baseline = statistics.median(baselines) if baselines else None
    ratio = None if baseline is None else value / baseline
    return Result(
        id=figure.id,
        value=round(value, 2),
        unit=figure.unit,
        baseline=None if baseline is None else round(baseline, 2),
        baseline_unit=None if baseline is None else figure.unit,
        ratio=None if ratio is None else round(ratio, 3),
        samples=[round(one.ours, 2) for one in samples],
        settings=settings
        | {
            "wanted": str(figure.wanted),
            "is_met": figure.wanted.is_met(value, baseline),
            "baseline_samples": [round(one, 2) for one in baselines],
            "notes": sorted({one.note for one in samples if one.note}),
        },
        command=command,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of some values."""
    ordered = sorted(values)
    return ordered[-(-percent * len(ordered) // 100) - 1]
