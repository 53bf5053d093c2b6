"""A small season for the faults: the orders of a few CPTS and their demands, drawn from a seed.

Pure. What must come of it is not said here: `deploy.local.demo.oracle` foresees it from the
orders alone, with no code of the services.
"""

import hashlib
import heapq
import itertools
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from contracts.communes import all_communes, arrondissements_of
from deploy.local.demo.orders import Draft, Order, numbered

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)
OPENS_AT = datetime(2026, 3, 2, 8, 0, tzinfo=PARIS)
PLAYS_AT = datetime(2026, 3, 3, 8, 0, tzinfo=PARIS)
YEAR = date(2026, 3, 1)
DEMANDS_LINE, DOCTORS_LINE = "sas_demandes_avec_rdv", "sas_medecins_participants"
DOCTORS = 3
NEWCOMER_EVERY = 8


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The orders, and an instant after every limit in them."""

    orders: list[Order]
    ends_at: datetime


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS on one commune, with its line for demands."""

    cpts_id: str
    commune: str
    number: int
    line: dict[str, Any]

    def rpps(self, doctor: int) -> str:
        return f"81{self.number:04d}{doctor:06d}"


PLACES = (
    Place(
        cpts_id="95-argenteuil",
        commune="95018",
        number=1,
        line={"mode": "linear", "max_cents": 5_000_00, "target": 50},
    ),
    Place(
        cpts_id="93-aubervilliers",
        commune="93001",
        number=2,
        line={"mode": "linear", "max_cents": 3_333_33, "target": 7},
    ),
    Place(
        cpts_id="2A-ajaccio",
        commune="2A004",
        number=3,
        line={
            "mode": "steps",
            "max_cents": 2_000_00,
            "steps": [
                {"threshold": 2, "amount_cents": 500_00},
                {"threshold": 4, "amount_cents": 1_999_99},
            ],
        },
    ),
    Place(
        cpts_id="974-saint-denis",
        commune="97411",
        number=4,
        line={"mode": "all_or_nothing", "max_cents": 1_234_56, "target": 3},
    ),
)


def season(seed: str, demands: int = 40, *, has_resends: bool = True) -> Season:
    """The season of a seed, with so many demands; without resends no order is sent twice.

    Answers come back from a backup as old as it is (ADR 0008): what is sent again after it was lost
    is another order then.
    """
    random = Random(seed)
    drafts = [draft for place in PLACES for draft in _opening(place)]
    drafts += _lines(PLACES)
    for number in range(demands):
        at = PLAYS_AT + number * 3 * MINUTE
        life = _life(random, PLACES[number % len(PLACES)], number, at)
        drafts += life if has_resends else {draft.key: draft for draft in life}.values()
    drafts += _newcomers(demands)
    return Season(orders=numbered(drafts), ends_at=PLAYS_AT + timedelta(days=4))


def many_places(count: int) -> tuple[Place, ...]:
    """So many CPTS, each in a département of its own, whose every demand changes the cents."""
    chosen: dict[str, str] = {}
    for one in all_communes().values():
        if one.departement not in chosen and not arrondissements_of(one.code):
            chosen[one.departement] = one.code
    line = {"mode": "linear", "max_cents": 2_000_000_00, "target": 1_000_000}
    return tuple(
        Place(cpts_id=f"cpts-{departement}", commune=commune, number=number, line=line)
        for number, (departement, commune) in enumerate(itertools.islice(chosen.items(), count))
    )


def unending(random: Random, places: Sequence[Place], every: timedelta) -> Iterator[Draft]:
    """The opening of these CPTS, then demand after demand and what becomes of each, by instant."""
    opening = [draft for place in places for draft in _opening(place)]
    yield from sorted([*opening, *_lines(places)], key=lambda draft: draft.at)
    waiting: list[tuple[datetime, int, Draft]] = []
    counter = itertools.count()
    for number in itertools.count():
        at = PLAYS_AT + number * every
        while waiting and waiting[0][0] <= at:
            yield heapq.heappop(waiting)[2]
        place = places[number % len(places)]
        # No order is sent twice with time in between: a backup is restored meanwhile (ADR 0008).
        drafts = list({one.key: one for one in _life(random, place, number, at)}.values())
        if number % NEWCOMER_EVERY == 0:
            drafts += member_and_part(place, f"83{number:010d}", f"new-{number}", at)
        for draft in drafts:
            heapq.heappush(waiting, (draft.at, next(counter), draft))


def member_and_part(
    place: Place, rpps: str, name: str, at: datetime = OPENS_AT
) -> tuple[Draft, Draft]:
    """A doctor joins a CPTS and takes part in the SAS; `name` is what their entries are called."""
    own, since = f"/cpts/{place.cpts_id}", YEAR.isoformat()
    person = {"rpps": rpps, "from_on": since, "is_check_digit_overridden": True}
    member = {"member_id": f"m-{name}", "profession": "10"}
    part = {"participation_id": f"p-{name}", "way": "cpts"}
    return (
        _told(place, at, f"{own}/members", person | member, f"join-{name}"),
        _told(place, at, f"{own}/participations", person | part, f"part-{name}"),
    )


def demand_where_nobody_is_yet(
    place: Place, commune: str, name: str, at: datetime
) -> tuple[Draft, Draft]:
    """A demand from a commune, and the entry by which a CPTS takes it into its territory."""
    body = {"entry_id": f"t-{name}", "commune": commune, "from_on": YEAR.isoformat()}
    entry = _told(place, at, f"/cpts/{place.cpts_id}/territory", body, f"territory-{name}")
    demand = _told(
        place,
        at,
        "/demands",
        {
            "source": "sas-faults",
            "source_id": name,
            "commune": commune,
            "need": "consultation_generaliste",
            "urgency": "within_48h",
            "received_at": at.isoformat(),
        },
        f"{name}:demand",
        service="referrals",
        role="regulation",
        lane=name,
    )
    return demand, entry


def _told(
    place: Place, at: datetime, path: str, body: dict[str, Any], key: str, **more: Any
) -> Draft:
    told: dict[str, Any] = {"service": "membership", "role": "cpts", "lane": place.cpts_id} | more
    if told["role"] == "cpts":
        told["acting_cpts"] = place.cpts_id
    return Draft(at=at, path=path, key=key, body=body, **told)


def _opening(place: Place) -> Iterator[Draft]:
    """A CPTS with its territory, its doctors, who takes part in the SAS, and its ACI."""
    own, since = f"/cpts/{place.cpts_id}", YEAR.isoformat()
    bodies: list[tuple[str, dict[str, Any]]] = [
        (
            "/cpts",
            {
                "cpts_id": place.cpts_id,
                "cpts_name": f"CPTS {place.number}",
                "seat_commune": place.commune,
                "emerged_on": since,
            },
        ),
        (
            f"{own}/territory",
            {"entry_id": f"{place.cpts_id}-place", "commune": place.commune, "from_on": since},
        ),
    ]
    for doctor in range(DOCTORS):
        person = {"rpps": place.rpps(doctor), "from_on": since, "is_check_digit_overridden": True}
        member_id, taking_part = f"m{place.number}-{doctor}", f"p{place.number}-{doctor}"
        bodies.append((f"{own}/members", person | {"member_id": member_id, "profession": "10"}))
        if doctor:
            bodies.append(
                (
                    f"{own}/participations",
                    person | {"participation_id": taking_part, "way": "own_office"},
                )
            )
    signed = {"aci_id": f"{place.cpts_id}-aci", "signed_on": since, "starts_on": since}
    bodies.append((f"{own}/aci", signed))
    for step, (path, body) in enumerate(bodies):
        at = OPENS_AT + timedelta(seconds=10 * step + place.number)
        role = {"/cpts": "ars", f"{own}/aci": "caisse"}.get(path, "cpts")
        yield _told(place, at, path, body, f"open-{place.number}-{step}", role=role)


def _lines(places: Sequence[Place]) -> Iterator[Draft]:
    """The contract lines; the first waits until payments knows the CPTS."""
    doctors = {"mode": "linear", "max_cents": 700_01, "target": 7, "mission": "acces_aux_soins"}
    for place in places:
        lines = {DEMANDS_LINE: place.line | {"mission": "acces_aux_soins"}, DOCTORS_LINE: doctors}
        for step, (indicator, body) in enumerate(lines.items()):
            yield _told(
                place,
                OPENS_AT + timedelta(hours=1, seconds=10 * step + place.number),
                f"/cpts/{place.cpts_id}/contract-years/{YEAR}/lines/{indicator}",
                body,
                f"line-{place.number}-{step}",
                service="payments",
                method="PUT",
                role="caisse",
                barrier=place is places[0] and step == 0,
            )


def _newcomers(demands: int) -> Iterator[Draft]:
    """People who join and take part while demands come, so that the two streams meet."""
    for place in PLACES:
        for doctor in range(DOCTORS, DOCTORS + 3):
            share = (place.number + len(PLACES) * (doctor - DOCTORS)) / (3 * len(PLACES) + 1)
            at = PLAYS_AT + share * demands * 3 * MINUTE
            rpps, since = place.rpps(doctor), YEAR.isoformat()
            person = {"rpps": rpps, "from_on": since, "is_check_digit_overridden": True}
            own = f"/cpts/{place.cpts_id}"
            member = {"member_id": f"m{place.number}-{doctor}", "profession": "10"}
            part = {"participation_id": f"p{place.number}-{doctor}", "way": "cpts"}
            yield _told(place, at, f"{own}/members", person | member, f"join-{rpps}")
            later = at + timedelta(seconds=20)
            yield _told(place, later, f"{own}/participations", person | part, f"part-{rpps}")


def _life(random: Random, place: Place, number: int, at: datetime) -> list[Draft]:
    """A demand and how it ends; some orders are sent twice, as callers do who saw no answer."""
    source_id = f"d-{number}"
    body = {
        "source": "sas-faults",
        "source_id": source_id,
        "commune": place.commune,
        "need": "consultation_generaliste",
        "urgency": "within_48h",
        "received_at": at.isoformat(),
    }

    def order(verb: str, after: timedelta, body: dict[str, Any], role: str = "cpts") -> Draft:
        path = f"/referrals/{referral_id(source_id)}/{verb}"
        return _told(
            place,
            at + after,
            path,
            body,
            f"{source_id}:{verb}",
            service="referrals",
            role=role,
            lane=source_id,
        )

    demand = _told(
        place,
        at,
        "/demands",
        body,
        f"{source_id}:demand",
        service="referrals",
        role="regulation",
        lane=source_id,
    )
    answer = {"cpts_id": place.cpts_id, "practitioner_rpps": place.rpps(random.randrange(DOCTORS))}
    answer["starts_at"] = (at + timedelta(hours=5, minutes=number % 90)).isoformat()
    accept = order("accept", random.randint(1, 50) * MINUTE, answer)
    late = order("accept", 60 * MINUTE, answer)
    decline = {"cpts_id": place.cpts_id, "reason": "no_availability"}
    stranger = answer | {"practitioner_rpps": "819999999999"}
    after = timedelta(hours=7)
    lives: dict[str, list[Draft]] = {
        "accepted": [accept],
        "accepted twice": [accept, msgspec.structs.replace(accept, at=accept.at + MINUTE)],
        "honoured": [accept, order("honoured", after, {})],
        "missed": [accept, order("no-show", after, {})],
        "cancelled": [accept, order("cancel", 55 * MINUTE, {"by": "patient"})],
        "returned": [
            accept,
            order("return", 55 * MINUTE, {"reason": "practitioner_unavailable"}),
        ],
        "declined": [order("decline", 10 * MINUTE, decline)],
        "expired": [],
        "late": [late],
        "stranger": [order("accept", 5 * MINUTE, stranger)],
    }
    weights = (9, 2, 5, 2, 3, 2, 1, 1, 1, 1)
    (ending,) = random.choices(list(lives), weights)
    return [demand, *lives[ending]]


def referral_id(source_id: str) -> str:
    """The id of the demand that this season's source sends, as the public API defines it."""
    digest = hashlib.sha256(f"sas-faults\n{source_id}".encode()).hexdigest()
    return f"r-{digest[:32]}"
