"""What happens in the course of the season: late and corrected memberships, a place that joins, an
ACI signed late, other rates and lines, and the platform's appointments that they decide.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from deploy.local.demo import hub
from deploy.local.demo.cast import (
    EXAMPLE_RPPS,
    LATE_COMMUNE,
    NEXT_DAY_COMMUNE,
    PHYSICIAN,
    TERRITORY_FROM,
    Cpts,
    Member,
    Participation,
    check_digit,
)
from deploy.local.demo.hub import EXAMPLE_APPOINTMENT_ID, PARIS, Told
from deploy.local.demo.opening import (
    LATE_ACI_CPTS,
    Desk,
    aci,
    line_path,
    member_body,
    participation_body,
)
from deploy.local.demo.orders import Draft

MINUTE = timedelta(minutes=1)


def invented(number: int) -> str:
    """An RPPS number that nobody has, with its right check digit."""
    ten = f"1{number:09d}"
    return f"8{ten}{check_digit(ten)}"


LATE_RPPS, DOUBLE_RPPS, NOVEMBER_RPPS = (invented(number) for number in (77001, 77002, 77003))
LATE_MEMBER = Member(
    member_id="m-tardif", rpps=LATE_RPPS, profession=PHYSICIAN, from_on=date(2025, 5, 1)
)
NOVEMBER_MEMBER = Member(
    member_id="m-novembre", rpps=NOVEMBER_RPPS, profession=PHYSICIAN, from_on=date(2025, 11, 10)
)
DOUBLE_MEMBERS = {
    "95-parisis-est": Member(
        member_id="m-double-est",
        rpps=DOUBLE_RPPS,
        profession=PHYSICIAN,
        from_on=date(2024, 3, 1),
    ),
    "95-parisis-ouest": Member(
        member_id="m-double-ouest",
        rpps=DOUBLE_RPPS,
        profession=PHYSICIAN,
        from_on=date(2024, 6, 1),
    ),
}


def newcomers(cpts: Cpts) -> tuple[Member, ...]:
    """The members who come in the course of the season, from the day when they may be booked."""
    late = {
        "95-parisis-ouest": (LATE_MEMBER, date(2025, 9, 23)),
        "95-plaine-vallee": (NOVEMBER_MEMBER, date(2025, 11, 11)),
    }
    if cpts.cpts_id not in late:
        return ()
    member, from_on = late[cpts.cpts_id]
    return (msgspec.structs.replace(member, from_on=from_on),)


def chapters(cast: Sequence[Cpts]) -> list[Draft]:
    """All orders of the course of the season that are not about one demand."""
    by_id = {cpts.cpts_id: cpts for cpts in cast}
    return [
        *_memberships(by_id),
        *_contracts(by_id),
        *_example(),
        *_decided_by_membership(by_id),
        *_out_of_order(by_id["95-plaine-vallee"]),
        *hub.refused_messages(_at(6, 11)),
    ]


def _at(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=PARIS)


def _membership(
    at: datetime, method: str, path: str, body: dict[str, Any], *, role: str = "cpts"
) -> Draft:
    """An order of the course of the season: nothing else is under way meanwhile."""
    desk = Desk(at, f"chapter-{at:%m%d%H%M}")
    return desk.membership(method, path, body, role=role, barrier=True, lane=path)


def _memberships(cast: dict[str, Cpts]) -> Iterator[Draft]:
    """Members, participations and places: in time, late, corrected, withdrawn."""
    for i, (cpts_id, member) in enumerate(DOUBLE_MEMBERS.items()):
        yield _membership(_at(4, 28, 9, i), "POST", f"/cpts/{cpts_id}/members", member_body(member))
    flour = cast["95-trois-forets"]
    last = flour.members[-1]
    path = f"/cpts/{flour.cpts_id}/members/{last.member_id}"
    yield _membership(
        _at(6, 30), "PUT", path, {"from_on": last.from_on.isoformat(), "is_withdrawn": True}
    )
    haut_val = cast["95-haut-val"]
    # Given with a wrong digit first, and corrected the next day.
    path = "/cpts/95-haut-val/finess"
    yield _membership(_at(8, 17), "POST", path, {"finess": "1950990990"}, role="ars")
    body: dict[str, Any] = {"finess": haut_val.finess}
    yield _membership(_at(8, 18), "PUT", path, body, role="ars")
    body = {"entry_id": "t-arrive", "commune": LATE_COMMUNE, "from_on": "2025-09-01"}
    yield _membership(_at(9, 1), "POST", "/cpts/95-trois-forets/territory", body)
    body = {"entry_id": "t-demain", "commune": NEXT_DAY_COMMUNE, "from_on": "2025-10-15"}
    yield _membership(_at(10, 14), "POST", "/cpts/95-haut-val/territory", body)
    path = "/cpts/95-parisis-ouest"
    yield _membership(_at(9, 22), "POST", f"{path}/members", member_body(LATE_MEMBER))
    participation = Participation(
        participation_id="p-tardif", rpps=LATE_RPPS, way="sos", from_on=LATE_MEMBER.from_on
    )
    yield _membership(
        _at(9, 22, 10, 1), "POST", f"{path}/participations", participation_body(participation)
    )
    plaine = cast["95-plaine-vallee"]
    left = plaine.members[4]
    body = {"from_on": left.from_on.isoformat(), "to_on": "2025-05-31"}
    path = "/cpts/95-plaine-vallee"
    yield _membership(_at(10, 6), "PUT", f"{path}/members/{left.member_id}", body)
    withdrawn = haut_val.participations[1]
    body = {"from_on": withdrawn.from_on.isoformat(), "is_withdrawn": True}
    yield _membership(
        _at(10, 13),
        "PUT",
        f"/cpts/95-haut-val/participations/{withdrawn.participation_id}",
        body,
    )
    yield _membership(_at(10, 20), "POST", f"{path}/members", member_body(NOVEMBER_MEMBER))
    body = {"from_on": TERRITORY_FROM.isoformat(), "to_on": "2025-10-31"}
    yield _membership(_at(10, 31), "PUT", f"{path}/territory/t-95-plaine-vallee-01", body)
    body = {"from_on": "2024-09-01"}
    yield _membership(_at(11, 3), "PUT", "/cpts/95-parisis-est/members/m-double-est", body)


def _contracts(cast: dict[str, Cpts]) -> Iterator[Draft]:
    """An ACI signed late, a line changed, one withdrawn, one with its target, another rate."""
    signs = Desk(_at(7, 10, 9), "late-aci")
    yield aci(signs, cast[LATE_ACI_CPTS], barrier=True)
    plaine, ouest = cast["95-plaine-vallee"], cast["95-parisis-ouest"]
    desk = Desk(_at(8, 4), "lines")
    year = plaine.aci_years_of_season[1]
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 21_999_99, "target": 39}
    yield desk.payments("PUT", line_path(plaine, year, "sas_medecins_participants"), line)
    path = line_path(ouest, ouest.aci_years_of_season[0], "sas_medecins_participants")
    line = {"mission": "acces_aux_soins", "mode": "all_or_nothing", "max_cents": 1_200_000}
    yield desk.payments("PUT", path, line | {"target": 60, "is_withdrawn": True})
    rate = {
        "rate_id": "demo/acces_aux_soins/variable/T2/2026",
        "from_on": "2026-01-01",
        "taille": 2,
        "mission": "acces_aux_soins",
        "part": "variable",
        "amount_cents": 31_000_00,
        "text": "Montant inventé pour la démonstration : aucun texte",
        "is_verified": False,
    }
    rates = Desk(_at(10, 1), "rates")
    yield rates.payments("POST", "/rates", rate)


def _example() -> Iterator[Draft]:
    """The Hub's public example: an appointment of 17 June 2025, then cancelled."""
    told = Told(
        appointment_id=EXAMPLE_APPOINTMENT_ID,
        created_at=_at(6, 17, 10, 15),
        starts_at=_at(6, 17, 14),
        rpps=EXAMPLE_RPPS,
        category="PS",
    )
    cancelled = msgspec.structs.replace(told, method="UpdateAppointment", status="cancelled")
    yield hub.bare(told, at=_at(6, 17, 10, 16), name="PS.01")
    yield hub.bare(told, at=_at(6, 17, 10, 18), name="PS.01-again")
    yield hub.bare(cancelled, at=_at(6, 17, 12, 30), name="PS.01-MAJ")


def _decided_by_membership(cast: dict[str, Cpts]) -> Iterator[Draft]:
    """Appointments whose CPTS, if any, depends on orders that come later."""
    left = cast["95-plaine-vallee"].members[4].rpps
    withdrawn = cast["95-haut-val"].participations[1].rpps
    late_finess = cast["95-haut-val"].finess
    known_finess = cast["95-plaine-vallee"].finess
    rows: tuple[tuple[str, datetime, str | None, str | None, str | None], ...] = (
        ("stays", _at(5, 20), "CPTS", left, None),
        ("loses-its-member", _at(8, 12), "CPTS", left, None),
        ("loses-its-participation", _at(7, 15), "PS", withdrawn, None),
        ("gains-its-member", _at(6, 12), "CPTS", LATE_RPPS, None),
        ("gains-its-participation", _at(7, 2), "PS", LATE_RPPS, None),
        ("double", _at(6, 20), "CPTS", DOUBLE_RPPS, None),
        ("first-day", _at(11, 10, 9), "CPTS", NOVEMBER_RPPS, None),
        ("day-before", _at(11, 9, 9), "CPTS", NOVEMBER_RPPS, None),
        ("finess-late", _at(6, 25), "CPTS", None, late_finess),
        ("finess-nine-digits", _at(6, 26), None, None, known_finess[1:]),
        ("finess-msp", _at(6, 27), "MSP", None, known_finess),
        ("finess-late-cancelled", _at(6, 28), None, None, late_finess),
    )
    for i, (name, at, category, rpps, organisation_id) in enumerate(rows):
        told = Told(
            appointment_id=f"hub-{name}",
            created_at=at,
            starts_at=at + timedelta(hours=3, minutes=i),
            rpps=rpps,
            category=category,
            organisation_id=organisation_id,
        )
        yield hub.message(told, at=at + MINUTE, name=name)
        if name.endswith("cancelled"):
            update = msgspec.structs.replace(told, method="UpdateAppointment", status="cancelled")
            yield hub.message(update, at=_at(10, 22), name=f"{name}-2")


def _out_of_order(cpts: Cpts) -> Iterator[Draft]:
    """Updates before creations, resends, creations of what is known, and late old messages."""
    at = _at(9, 9, 9)

    def told(name: str, hours: int, status: str, method: str = "UpdateAppointment") -> Told:
        return Told(
            appointment_id=f"hub-{name}",
            created_at=at,
            starts_at=at + timedelta(hours=hours),
            status=status,
            method=method,
            rpps=cpts.members[0].rpps,
            category="CPTS",
        )

    create = "CreateAppointment"
    first = told("update-first", 2, "booked")
    yield hub.message(first, at=at + MINUTE, name="update-first-1")
    late = told("update-first", 2, "booked", create)
    yield hub.message(late, at=at + 2 * MINUTE, sent_at=at, name="update-first-2")
    again = told("created-twice", 3, "booked", create)
    yield hub.message(again, at=at + MINUTE, name="created-twice-1")
    yield hub.message(again, at=at + 2 * MINUTE, name="created-twice-1")
    yield hub.message(again, at=at + 3 * MINUTE, name="created-twice-2")
    cancelled = told("old-news", 4, "cancelled")
    yield hub.message(told("old-news", 4, "booked", create), at=at + MINUTE, name="old-news-1")
    yield hub.message(cancelled, at=at + 5 * MINUTE, name="old-news-2")
    yield hub.message(
        told("old-news", 4, "fulfilled"),
        at=at + 6 * MINUTE,
        sent_at=at + 2 * MINUTE,
        name="old-news-3",
    )
    # Of one second: cancelled stands above fulfilled, whichever comes last.
    for i, status in enumerate(("booked", "cancelled", "fulfilled")):
        yield hub.message(
            told("same-second", 5, status),
            at=at + (10 + i) * MINUTE,
            sent_at=at + 9 * MINUTE,
            name=f"same-second-{i}",
        )
    # Two appointments of one practitioner at one minute: the one created first counts.
    for i, name in enumerate(("same-minute-a", "same-minute-b")):
        twin = msgspec.structs.replace(told(name, 6, "booked", create), created_at=at + i * MINUTE)
        yield hub.message(twin, at=at + (2 - i) * MINUTE, name=name, lane="same-minute")
    pending = told("pending", 7, "pending", create)
    yield hub.message(pending, at=at + MINUTE, name="pending-1")
    yield from _exercises(told("exercise", 8, "booked", create), at + 20 * MINUTE)
    # Sent again after its time: the first answer, though a new one would come too late.
    resent = hub.message(
        told("resent-late", 9, "booked", create), at=at + MINUTE, name="resent-late"
    )
    yield resent
    yield msgspec.structs.replace(resent, at=at + 2 * hub.GOOD_FOR, key="hub-resent-late")


def _exercises(told: Told, at: datetime) -> Iterator[Draft]:
    """An exercise creates nothing, and cancels nothing of what is real."""
    yield hub.message(told, at=at, name="exercise-1", is_exercise=True)
    real = msgspec.structs.replace(told, appointment_id="hub-exercised")
    yield hub.message(real, at=at, name="exercised-1")
    cancelled = msgspec.structs.replace(real, method="UpdateAppointment", status="cancelled")
    yield hub.message(cancelled, at=at + MINUTE, name="exercised-2", is_exercise=True)
