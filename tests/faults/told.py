"""What a campaign tells: slice by slice, kind by kind; added up, printed and written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

TITLE = """# The fault campaign

Written by `just faults report FILE… --report docs/faults.md` from the reports of `just faults`
(ADR 0036). Faults are those that bit: one that moved nothing is among the struck only. Events are
the records that the services put on the log, each counted once. A slice has its own databases,
topics and seed; `just faults --slice SEED` plays it again.
"""


class KindTold(msgspec.Struct, kw_only=True):
    """A kind of fault: how often it struck and bit, and what it moved.

    `caught_up_seconds` are those of the slowest step that it was part of.
    """

    struck: int = 0
    bitten: int = 0
    moved: dict[str, int] = {}
    caught_up_seconds: float = 0.0

    def add(self, other: "KindTold") -> None:
        """Take another's into this one."""
        self.struck += other.struck
        self.bitten += other.bitten
        self.moved = dict(Counter(self.moved) + Counter(other.moved))
        self.caught_up_seconds = max(self.caught_up_seconds, other.caught_up_seconds)


class SliceTold(msgspec.Struct, kw_only=True):
    """A slice of a campaign: one world, its faults and its judgement.

    `harm` is what broke safety or liveness, None when nothing did; a slice that is not `judged`
    was interrupted.
    """

    seed: str
    without: tuple[str, ...] = ()
    faults: int = 0
    struck: int = 0
    combined: int = 0
    events: int = 0
    copies: int = 0
    orders: int = 0
    orders_sent_again: int = 0
    seconds: float = 0.0
    caught_up_seconds: float = 0.0
    judged: bool = False
    harm: str | None = None
    is_liveness: bool = False
    kinds: dict[str, KindTold] = {}
    not_possible: dict[str, str] = {}

    def kind(self, name: str) -> KindTold:
        """What is told of a kind, to be added to."""
        return self.kinds.setdefault(name, KindTold())


def read(paths: Iterable[Path]) -> list[SliceTold]:
    """The slices of several reports, each once."""
    found: dict[str, SliceTold] = {}
    for path in paths:
        for one in msgspec.json.decode(path.read_bytes(), type=list[SliceTold]):
            found[one.seed] = one
    return list(found.values())


def write(path: Path, slices: Sequence[SliceTold]) -> None:
    """Write a report: JSON, or a page when the name ends in `.md`."""
    if path.suffix == ".md":
        path.write_text(page(slices), "utf-8")
    else:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(slices), indent=1) + b"\n")


def by_kind(slices: Iterable[SliceTold]) -> dict[str, KindTold]:
    """The kinds of all slices together, by name."""
    found: dict[str, KindTold] = {}
    for one in slices:
        for name, told in one.kinds.items():
            found.setdefault(name, KindTold()).add(told)
    return dict(sorted(found.items()))


def rows(slices: Sequence[SliceTold]) -> list[tuple[str, ...]]:
    """The table by kind: a head, a row a kind, their sum."""
    kinds = by_kind(slices)
    found: list[tuple[str, ...]] = [
        ("kind", "bitten", "struck", "slowest catch-up", "what it moved")
    ]
    for name, told in kinds.items():
        moved = sorted(told.moved.items(), key=lambda one: -one[1])
        found.append(
            (
                name.replace("_", " "),
                str(told.bitten),
                str(told.struck),
                f"{told.caught_up_seconds:.1f} s",
                ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in moved),
            )
        )
    bitten, struck = (
        sum(getattr(one, what) for one in kinds.values()) for what in ("bitten", "struck")
    )
    slowest = max((one.caught_up_seconds for one in slices), default=0.0)
    found.append(("all", str(bitten), str(struck), f"{slowest:.1f} s", ""))
    return found


def table(slices: Sequence[SliceTold]) -> str:
    """The table by kind, for a terminal, and the verdicts."""
    found = rows(slices)
    widths = [max(len(row[column]) for row in found) for column in range(4)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(row[column].rjust(widths[column]) for column in (1, 2, 3)),
                row[4],
            ]
        ).rstrip()
        for row in found
    ]
    return "\n".join([*lines, "", *verdicts(slices)])


def verdicts(slices: Sequence[SliceTold]) -> list[str]:
    """What was driven through, and what came of it."""
    judged = [one for one in slices if one.judged]
    harmed = [one for one in slices if one.harm]
    unjudged = len(slices) - len(judged) - len(harmed)
    driven = (
        f"{sum(one.faults for one in slices)} faults bit"
        f" ({sum(one.combined for one in slices)} of them combined with others),"
        f" {sum(one.events for one in slices):,} events on the log,"
        f" {sum(one.copies for one in slices):,} copies of them,"
        f" {sum(one.orders for one in slices):,} orders"
        f" ({sum(one.orders_sent_again for one in slices):,} sent again),"
        f" {len(slices)} slices, {sum(one.seconds for one in slices) / 60:.0f} minutes"
    )
    lines = [driven]
    safety = [one for one in harmed if not one.is_liveness]
    liveness = [one for one in harmed if one.is_liveness]
    lines.append(f"safety: {'held' if not safety else 'BROKEN'} in {len(judged)} judged slices")
    lines.append(
        f"liveness: {'held' if not liveness else 'BROKEN'}, slowest catch-up"
        f" {max((one.caught_up_seconds for one in slices), default=0.0):.1f} s"
    )
    lines += [f"{one.seed}: {one.harm}\n    again: {command(one)}" for one in harmed]
    if unjudged:
        lines.append(f"{unjudged} slices were interrupted and not judged")
    reasons = {reason for one in slices for reason in one.not_possible.items()}
    lines += [f"not possible here: {kind}: {reason}" for kind, reason in sorted(reasons)]
    return lines


def command(one: SliceTold) -> str:
    """What plays a slice again."""
    without = "".join(f" --without {guard}" for guard in one.without)
    return f"just faults --slice {one.seed}{without}"


def _verdict(one: SliceTold) -> str:
    return one.harm or ("held" if one.judged else "interrupted")


def page(slices: Sequence[SliceTold]) -> str:
    """The report as a page."""
    head, *others = rows(slices)
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *others)]
    told = [f"- {line}" for line in verdicts(slices)]
    parts = [
        f"| `{one.seed}` | {one.faults} | {one.events:,} | {one.seconds:.0f} s |"
        f" {one.caught_up_seconds:.1f} s | {_verdict(one)} |"
        for one in slices
    ]
    return "\n".join(
        [
            TITLE,
            *told,
            "",
            "## By kind of fault",
            "",
            *lines,
            "",
            "## By slice",
            "",
            "| slice | faults | events | time | slowest catch-up | safety and liveness |",
            "| --- | --- | --- | --- | --- | --- |",
            *parts,
            "",
        ]
    )
