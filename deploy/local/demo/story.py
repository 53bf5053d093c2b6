"""The season: a seeded list of orders with their instants, the same for the same arguments.

Pure: no clock, no network. `season` gives the orders; `python -m deploy.local.demo` plays them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec

from deploy.local.demo.associations import associations
from deploy.local.demo.banking import banking
from deploy.local.demo.cast import (
    DIVIDED_COMMUNE,
    DIVIDED_COMMUNE_PARTS,
    LATE_COMMUNE,
    NEXT_DAY_COMMUNE,
    PLACES_WITHOUT_CPTS,
    Cpts,
    cast,
)
from deploy.local.demo.chapters import chapters, newcomers
from deploy.local.demo.commitments import commitments
from deploy.local.demo.decisions import decisions
from deploy.local.demo.demands import MINUTE, Life
from deploy.local.demo.endings import ENDINGS
from deploy.local.demo.evidence import evidence
from deploy.local.demo.founding import founding
from deploy.local.demo.funds import funds
from deploy.local.demo.hub import PARIS
from deploy.local.demo.levels import levels
from deploy.local.demo.line_files import line_files
from deploy.local.demo.missions import missions
from deploy.local.demo.opening import opening
from deploy.local.demo.orders import Draft, Order, numbered
from deploy.local.demo.platform_lives import platform_lives
from deploy.local.demo.settlements import settlements
from deploy.local.demo.transfers import transfers

BEGINS_AT = datetime(2025, 5, 5, 8, 0, tzinfo=PARIS)
DAYS = 215
# Past the end of some contract years, which are settled then.
ENDS_AT = datetime(2026, 3, 16, 8, 0, tzinfo=PARIS)
SHARE_OF_PLATFORM_APPOINTMENTS = 0.06
SHARE_WITHOUT_CPTS = 0.02
COUNTED_SHARE = 0.62


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The orders of a season, and who plays in it. `ends_at` is after every limit in it."""

    seed: int
    departements: int
    cast: tuple[Cpts, ...]
    orders: list[Order]
    ends_at: datetime = ENDS_AT


def season(*, seed: int, departements: int, demands: int) -> Season:
    """The season of a seed: about `demands` demands in the first of the three départements."""
    random = Random(seed)
    players = cast(random, departements)
    total = sum(cpts.weight for cpts in players)
    expected = {
        cpts.cpts_id: round(demands * COUNTED_SHARE * cpts.weight / total) for cpts in players
    }
    drafts = [
        *opening(players, expected),
        *chapters(players),
        *commitments(players),
        *missions(players),
        *settlements(players),
        *levels(Random(seed), players),
        *funds(players),
        *banking(players),
        *transfers(),
        *founding(),
        *associations(),
        *decisions(),
        *evidence(),
        *line_files(),
        *_demands(random, players, demands, departements),
        *platform_lives(random, players, round(demands * SHARE_OF_PLATFORM_APPOINTMENTS), _instant),
        *_odd_demands(players),
    ]
    return Season(
        seed=seed,
        departements=departements,
        cast=players,
        orders=numbered(drafts),
    )


def _instant(random: Random) -> datetime:
    """A minute of the season, in the hours when the SAS has demands."""
    day = BEGINS_AT + timedelta(days=random.randrange(DAYS))
    return day.replace(hour=random.randrange(7, 17), minute=random.randrange(60))


def _demands(
    random: Random, players: Sequence[Cpts], count: int, departements: int
) -> Iterator[Draft]:
    endings = [ending for _, _, ending in ENDINGS]
    weights = [weight for _, weight, _ in ENDINGS]
    # Every ending occurs, however few the demands.
    chosen = (endings + random.choices(endings, weights, k=max(0, count - len(endings))))[:count]
    without = [
        place
        for departement in tuple(PLACES_WITHOUT_CPTS)[:departements]
        for place in PLACES_WITHOUT_CPTS[departement]
    ]
    for i, ending in enumerate(chosen):
        received_at = _instant(random)
        source_id = f"D{i:06d}"
        at = received_at + timedelta(seconds=random.randrange(1, 90))
        urgency = random.choice(("same_day", "within_48h"))
        if i >= len(endings) and random.random() < SHARE_WITHOUT_CPTS:
            yield from _nowhere(random, source_id, random.choice(without), received_at, at)
            continue
        cpts = random.choices(players, [player.weight for player in players])[0]
        commune, part, _ = random.choice(cpts.places)
        life = Life(
            random=random,
            source_id=source_id,
            commune=commune,
            part=part,
            received_at=received_at,
            at=at,
            urgency=urgency,
            cpts=msgspec.structs.replace(cpts, members=cpts.members + newcomers(cpts)),
            other=next(player for player in players if player != cpts),
        )
        yield from ending(life)


def _nowhere(
    random: Random, source_id: str, commune: str, received_at: datetime, at: datetime
) -> list[Draft]:
    """A demand that nobody can be offered: it waits, or the regulation takes it back."""
    life = Life(
        random=random,
        source_id=source_id,
        commune=commune,
        received_at=received_at,
        at=at,
        urgency="within_48h",
    )
    if random.random() < 0.5:
        return [life.demand()]
    back = life.order("return", at + 90 * MINUTE, {"reason": "by_regulation"}, role="regulation")
    return [life.demand(), back]


def _odd_demands(players: Sequence[Cpts]) -> Iterator[Draft]:
    """Demands with a mistake, without the part they need, for an old code, or late at night."""
    random = Random(0)
    at = datetime(2025, 6, 3, 9, 30, tzinfo=PARIS)
    west = next(player for player in players if player.cpts_id in DIVIDED_COMMUNE_PARTS)
    plain = Life(
        random=random,
        source_id="O-0",
        commune=west.places[0][0],
        received_at=at - MINUTE,
        at=at,
        urgency="within_48h",
        cpts=west,
    )

    def odd(name: str, **changes: object) -> Draft:
        life = msgspec.structs.replace(plain, source_id=f"O-{name}")
        body = life.body() | changes
        return msgspec.structs.replace(life.demand(), body=body)

    yield odd("commune", commune="00000")
    yield odd("need", need="une_nouvelle_voiture")
    yield odd("future", received_at=(at + 6 * MINUTE).isoformat())
    yield odd("patient", patient_name="champ refusé")
    yield from _located_demands(plain)
    yield odd("unknown-part", commune=DIVIDED_COMMUNE, part="Milieu")
    nobody = msgspec.structs.replace(plain, source_id="O-nobody")
    yield nobody.accept(at, at + 60 * MINUTE, west.members[0].rpps)
    yield from _night_demands(random, players)
    yield from _early_demands(random, players)
    yield from _demands_of_tomorrow(random, players)


def _located_demands(plain: Life) -> Iterator[Draft]:
    """Demands of a divided commune: the regulation tells the part, rightly at last, or never; or it
    misspells it at first.
    """
    for name, part_asked, parts in (
        ("part", None, ()),
        ("part-told", None, ("Milieu", "Ouest", "Est")),
        ("part-misspelt", "Quest", ("Ouest",)),
    ):
        life = msgspec.structs.replace(
            plain, source_id=f"O-{name}", commune=DIVIDED_COMMUNE, part=part_asked
        )
        yield life.demand()
        for i, part in enumerate(parts, start=1):
            at = life.at + i * MINUTE
            yield life.order("part", at, {"part": part}, role="regulation", key=f"part-{i}")
        assert life.cpts is not None
        at = life.at + 10 * MINUTE
        yield life.accept(at, at + 60 * MINUTE, life.cpts.members[0].rpps)


def _demands_of_tomorrow(random: Random, players: Sequence[Cpts]) -> Iterator[Draft]:
    """Demands of a commune that joins its territory at the next midnight, which is told meanwhile:
    those that can still be offered then are, and those whose day ends at that midnight are not.
    """
    cpts = next(player for player in players if player.cpts_id == "95-haut-val")
    told_at = datetime(2025, 10, 14, 10, 0, tzinfo=PARIS)
    midnight = datetime(2025, 10, 15, tzinfo=PARIS)
    for i, (hours, urgency, answered_at) in enumerate(
        (
            (-1, "within_48h", midnight + 20 * MINUTE),
            (5, "within_48h", midnight + 59 * MINUTE),
            (5, "within_48h", midnight),
            (6, "within_48h", midnight + 60 * MINUTE),
            (7, "within_48h", midnight - MINUTE),
            (-37, "within_48h", midnight + 5 * MINUTE),
            (8, "same_day", midnight + 5 * MINUTE),
            (9, "within_48h", None),
        )
    ):
        at = told_at + timedelta(hours=hours)
        life = Life(
            random=random,
            source_id=f"T-{i}",
            commune=NEXT_DAY_COMMUNE,
            received_at=at - MINUTE,
            at=at,
            urgency=urgency,
            cpts=cpts,
        )
        yield life.demand()
        if answered_at is not None:
            starts_at = answered_at + 9 * 60 * MINUTE
            yield life.accept(answered_at, starts_at, cpts.members[i % 5].rpps)


def _night_demands(random: Random, players: Sequence[Cpts]) -> Iterator[Draft]:
    """The local day ends at the commune: in La Réunion some hours before Paris."""
    for i, cpts in enumerate(players):
        received_at = datetime(2025, 7, 8, 21, 40, tzinfo=PARIS)
        for j, delay in enumerate((5 * MINUTE, 25 * MINUTE, 180 * MINUTE)):
            life = Life(
                random=random,
                source_id=f"N-{i}-{j}",
                commune=cpts.places[0][0],
                part=cpts.places[0][1],
                received_at=received_at,
                at=received_at + delay,
                urgency="same_day",
                cpts=cpts,
            )
            yield life.demand()
            if life.at < life.see_by:
                at = life.at + (life.answer_by - life.at) / 2
                rpps = cpts.members[0].rpps
                yield life.accept(at, life.see_by, rpps, key="at-midnight")
                yield life.accept(at + (life.see_by - at) / 4, at + (life.see_by - at) / 2, rpps)


def _early_demands(random: Random, players: Sequence[Cpts]) -> Iterator[Draft]:
    """Demands of a commune that joins its territory later: the last ones are offered then."""
    cpts = next(player for player in players if player.cpts_id == "95-trois-forets")
    joins_at = datetime(2025, 9, 1, 10, 0, tzinfo=PARIS)
    for i, hours in enumerate((90, 47, 30, 6, 2)):
        life = Life(
            random=random,
            source_id=f"E-{i}",
            commune=LATE_COMMUNE,
            received_at=joins_at - timedelta(hours=hours),
            at=joins_at - timedelta(hours=hours) + MINUTE,
            urgency="within_48h",
            cpts=cpts,
        )
        yield life.demand()
        at = joins_at + (10 + i) * MINUTE
        if i != 3:
            yield life.accept(at, at + 20 * MINUTE, cpts.members[i].rpps)
