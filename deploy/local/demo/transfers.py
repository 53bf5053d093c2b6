"""Three CPTS beside the cast: the second takes the first in, with a structure of it, then a part of
both becomes the third.

The merger and the split come in the midst of contract years; demands and appointments before and
after them show whose each is, and the second CPTS is of another taille for one year.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from deploy.local.demo import hub
from deploy.local.demo.cast import PHYSICIAN, TERRITORY_FROM, Cpts, Member, new_rpps
from deploy.local.demo.demands import MINUTE, Life
from deploy.local.demo.hub import PARIS, Told
from deploy.local.demo.opening import Desk, aci, line_path, member_body, optional
from deploy.local.demo.orders import Draft

OPENS_AT = datetime(2025, 4, 15, 9, 0, tzinfo=PARIS)
MERGED_ON, SPLIT_ON = date(2025, 9, 15), date(2025, 12, 1)
VEXIN, RIVE, NEW = "95-vexin", "95-rive", "95-vexin-nouveau"
TOWN, VILLAGE, CITY = "95039", "95120", "95063"
DEMANDS = "sas_demandes_avec_rdv"
_random = Random(95)
DOCTORS = tuple(new_rpps(_random) for _ in range(7))
CENTRE = "centre"


def _cpts(cpts_id: str, seat: str, finess: str, starts_on: date, doctors: tuple[str, ...]) -> Cpts:
    members = tuple(
        Member(
            member_id=f"m-{cpts_id}-{i}",
            rpps=rpps,
            profession=PHYSICIAN,
            from_on=date(2024, 1, 1 + i),
        )
        for i, rpps in enumerate(doctors)
    )
    return Cpts(
        cpts_id=cpts_id,
        cpts_name=f"CPTS {cpts_id}",
        departement="95",
        seat=seat,
        finess=finess,
        is_finess_late=False,
        taille=1,
        aci_starts_on=starts_on,
        aci_years_of_season=(starts_on,),
        places=((seat, None, None),),
        members=members,
        participations=(),
        weight=0,
    )


# The third doctor is a member of both; 6 863 and 2 252 inhabitants join 36 434.
GIVES = _cpts(VEXIN, TOWN, "1950990901", date(2025, 1, 1), DOCTORS[:3])
TAKES = _cpts(RIVE, CITY, "1950990902", date(2024, 11, 1), DOCTORS[2:5])
BORN = _cpts(NEW, TOWN, "1950990903", date(2026, 1, 1), ())


def transfers() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    desk = Desk(OPENS_AT, "transfers")
    yield from _founded(desk, GIVES, (TOWN, VILLAGE))
    yield from _founded(desk, TAKES, (CITY,))
    yield from _centre(desk)
    yield from _contracts(desk)
    yield from _merged(Desk(datetime(2025, 9, 10, 9, 0, tzinfo=PARIS), "merger"))
    yield from _split(Desk(datetime(2025, 11, 21, 9, 0, tzinfo=PARIS), "split"))
    yield from _demands()


def _founded(desk: Desk, cpts: Cpts, places: tuple[str, ...]) -> Iterator[Draft]:
    """A CPTS with its places and people; nothing else is under way meanwhile."""
    path = f"/cpts/{cpts.cpts_id}"
    told = {"cpts_id": cpts.cpts_id, "cpts_name": cpts.cpts_name, "seat_commune": cpts.seat}
    told |= {"finess": cpts.finess, "emerged_on": TERRITORY_FROM.isoformat()}
    yield desk.membership("POST", "/cpts", told, role="ars", lane=path)
    for i, commune in enumerate(places):
        body = optional(entry_id=f"lieu-{i}", commune=commune, from_on=TERRITORY_FROM)
        yield desk.membership("POST", f"{path}/territory", body)
    for member in cpts.members:
        yield desk.membership("POST", f"{path}/members", member_body(member))
        body = {"participation_id": f"p-{member.member_id}", "rpps": member.rpps, "way": "cpts"}
        yield desk.membership("POST", f"{path}/participations", body | {"from_on": "2025-01-01"})
    yield aci(desk, cpts)


def _centre(desk: Desk) -> Iterator[Draft]:
    """A centre de santé of the one that will go: two doctors work in it, of whom one leaves early,
    and one of its members works in it too.
    """
    path, since = f"/cpts/{VEXIN}/structures/{CENTRE}", {"from_on": "2024-02-01"}
    told = {"kind": "cds", "structure_name": "Centre de santé du Vexin", "finess": "1950990904"}
    yield desk.membership("PUT", path, told | since)
    for name, rpps, more in (
        ("cinq", DOCTORS[5], {}),
        ("six", DOCTORS[6], {"to_on": "2025-08-31"}),
        ("aussi", DOCTORS[0], {}),
    ):
        body = {"rpps": rpps, "profession": PHYSICIAN} | since | more
        yield desk.membership("PUT", f"{path}/professionals/{name}", body)


def _contracts(desk: Desk) -> Iterator[Draft]:
    """A mission of the one that will go, and a line of each for the demands that it accepts."""
    mission = {"mission": "acces_aux_soins", "started_on": "2025-02-01"}
    path = f"/cpts/{VEXIN}/missions/acces"
    # The deadline that it meets is near already when it is told.
    yield desk.membership("PUT", path, mission, role="caisse", is_after_timers=True)
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 9_000_00, "target": 9}
    for i, (cpts, year) in enumerate(
        ((GIVES, date(2025, 1, 1)), (TAKES, date(2024, 11, 1)), (TAKES, date(2025, 11, 1)))
    ):
        yield desk.payments("PUT", line_path(cpts, year, DEMANDS), line, barrier=i == 0)


def _merged(desk: Desk) -> Iterator[Draft]:
    """The merger, once into itself; nothing is left to merge after it."""

    def merge(cpts_id: str, into: str) -> Draft:
        body = {"into_cpts_id": into, "merged_on": MERGED_ON.isoformat()}
        path, more = f"/cpts/{cpts_id}/merger", {"barrier": True, "is_after_timers": True}
        return desk.membership("POST", path, body, role="ars", **more)

    yield merge(VEXIN, VEXIN)
    yield merge(VEXIN, RIVE)
    yield merge(VEXIN, RIVE)
    yield merge(RIVE, VEXIN)


def _split(desk: Desk) -> Iterator[Draft]:
    """The town becomes a CPTS of its own with two doctors, one of whom came with it."""

    def split(*entry_ids: str, centre: str = f"{VEXIN}~{CENTRE}") -> Draft:
        body = {"new_cpts_id": NEW, "new_cpts_name": BORN.cpts_name, "seat_commune": TOWN}
        body |= {"split_on": SPLIT_ON.isoformat()}
        people = [f"{VEXIN}~m-{VEXIN}-0", f"m-{RIVE}-1"]
        named = {"entry_ids": entry_ids, "member_ids": people, "structure_ids": [centre]}
        path, more = f"/cpts/{RIVE}/split", {"barrier": True, "is_after_timers": True}
        return desk.membership("POST", path, body | named, role="ars", **more)

    yield split("lieu-9")
    yield split(f"{VEXIN}~lieu-0", centre=CENTRE)
    yield split(f"{VEXIN}~lieu-0")
    yield aci(desk, BORN, barrier=True)


def _demands() -> Iterator[Draft]:
    """Demands of the town under each of the three, and appointments that name who is gone."""
    for i, (month, day, cpts, doctor) in enumerate(
        (
            (9, 12, GIVES, 0),
            (9, 14, GIVES, 1),
            # Nobody that is gone accepts; who came with it does.
            (9, 15, GIVES, 0),
            (9, 15, TAKES, 0),
            (11, 24, TAKES, 1),
            (11, 30, TAKES, 0),
            (12, 1, TAKES, 0),
            (12, 1, BORN, 0),
            (12, 3, BORN, 3),
            (12, 3, BORN, 1),
            # Who works in the centre goes with it, twice; who had left it does not.
            (9, 12, GIVES, 5),
            (11, 25, TAKES, 5),
            (11, 25, TAKES, 6),
            (12, 4, BORN, 5),
        )
    ):
        at = datetime(2025, month, day, 9, i, tzinfo=PARIS)
        life = Life(
            random=_random,
            source_id=f"V-{i}",
            commune=TOWN,
            received_at=at - MINUTE,
            at=at,
            urgency="within_48h",
            cpts=cpts,
        )
        yield life.demand()
        yield life.accept(at + 5 * MINUTE, at + timedelta(hours=3), DOCTORS[doctor])
    for name, month, day in (("avant", 9, 13), ("apres", 11, 25)):
        created_at = datetime(2025, month, day, 11, 0, tzinfo=PARIS)
        told = Told(
            appointment_id=f"hub-fusion-{name}",
            created_at=created_at,
            starts_at=created_at + timedelta(hours=4),
            organisation_id=GIVES.finess,
        )
        yield hub.message(told, at=created_at + MINUTE, name=f"fusion-{name}")
