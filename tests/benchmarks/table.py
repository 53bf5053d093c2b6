"""What `just bench` prints."""

import textwrap
from collections.abc import Sequence

from tests.benchmarks.measuring import Result

HEAD = ("figure", "ours", "baseline", "unit", "ratio", "wanted", "")
WIDTH = 98


def table(results: Sequence[Result]) -> str:
    """The figures, medians of all runs with their extremes, then what each was measured with."""
    rows = [HEAD, *(_row(one) for one in results)]
    widths = [max(len(row[number]) for row in rows) for number in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * min(WIDTH, max(len(line) for line in lines)))
    return "\n".join([*lines, "", *_settings(results)])


def _row(one: Result) -> tuple[str, ...]:
    return (
        one.id,
        _spread(one.value, one.samples),
        "" if one.baseline is None else _spread(one.baseline, one.settings["baseline_samples"]),
        one.unit,
        "" if one.ratio is None else f"{one.ratio:.2f}",
        one.settings["wanted"],
        "met" if one.settings["is_met"] else "NOT MET",
    )


def _spread(median: float, samples: Sequence[float]) -> str:
    if len(samples) == 1:
        return number(median)
    return f"{number(median)} ({number(min(samples))}-{number(max(samples))})"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _settings(results: Sequence[Result]) -> list[str]:
    """Both sides' settings, once a bench."""
    told: dict[str, list[Result]] = {}
    for one in results:
        told.setdefault(one.settings["what"], []).append(one)
    lines: list[str] = []
    for what, of in told.items():
        lines.append(f"{', '.join(one.id for one in of)}: {what}")
        for side in ("ours", "baseline"):
            if not of[0].settings[side]:
                continue
            text = f"{side}: {of[0].settings[side]}"
            lines += textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ")
        lines += [f"    note: {note}" for note in of[0].settings["notes"]]
    return lines
