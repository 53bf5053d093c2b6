"""Two CPTS beside the cast that come to be in the course of the season.

One goes from its lettre d'intention to its ACI, by way of a projet de santé that the ARS objects to
and of one that its silence validates; its doctors belong to it through structures. The other has
come no further, at the end, than a projet that waits.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from deploy.local.demo import hub
from deploy.local.demo.cast import PHYSICIAN, Cpts, new_rpps
from deploy.local.demo.demands import MINUTE, Life
from deploy.local.demo.hub import PARIS, Told
from deploy.local.demo.opening import Desk, line_path
from deploy.local.demo.orders import Draft

FRANCE, YSIEUX = "95-plaine-de-france", "95-ysieux"
TOWN, VILLAGE, FAR_VILLAGE = "95019", "95205", "95149"
EMERGED_ON, YEAR = "2025-01-01", date(2026, 1, 1)
MSP, CDS = "msp", "cds"
SECOND_PROJET = "projet-2"
_random = Random(1434)
DOCTORS = tuple(new_rpps(_random) for _ in range(3))


def _cpts(cpts_id: str, seat: str) -> Cpts:
    return Cpts(
        cpts_id=cpts_id,
        cpts_name=f"CPTS {cpts_id}",
        departement="95",
        seat=seat,
        finess="",
        is_finess_late=True,
        taille=1,
        aci_starts_on=YEAR,
        aci_years_of_season=(YEAR,),
        places=((seat, None, None),),
        members=(),
        participations=(),
        weight=0,
    )


GROWS, WAITS = _cpts(FRANCE, TOWN), _cpts(YSIEUX, FAR_VILLAGE)


class Clerk:
    """Gives orders about one CPTS, one after the other."""

    def __init__(self, cpts: Cpts, at: datetime, name: str) -> None:
        self._desk, self._path = Desk(at, name), f"/cpts/{cpts.cpts_id}"

    def put(self, what: str, role: str = "cpts", *, is_last: bool = False, **body: Any) -> Draft:
        """An entry as it is from now on; everybody hears of it before the orders after the last."""
        path = f"{self._path}/{what}"
        return self._desk.membership("PUT", path, body, role=role, barrier=is_last)

    def say(self, what: str, role: str, *, is_late: bool = False, **body: Any) -> Draft:
        """Anything else; `is_late` after what has fallen due."""
        path = f"{self._path}/{what}"
        return self._desk.membership(
            "POST", path, body, role=role, barrier=is_late, is_after_timers=is_late
        )


def founding() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    yield from _emerges(GROWS, (TOWN, VILLAGE), datetime(2025, 5, 6, 9, 0, tzinfo=PARIS))
    yield from _lettre(Clerk(GROWS, datetime(2025, 5, 7, 9, 0, tzinfo=PARIS), "lettre"))
    yield from _structures(Clerk(GROWS, datetime(2025, 5, 12, 9, 0, tzinfo=PARIS), "structures"))
    yield from _first_projet(datetime(2025, 6, 3, 9, 0, tzinfo=PARIS))
    yield from _second_projet(datetime(2025, 10, 6, 9, 0, tzinfo=PARIS))
    yield from _left(Clerk(GROWS, datetime(2025, 11, 3, 9, 0, tzinfo=PARIS), "structure-left"))
    yield from _signed(datetime(2025, 12, 1, 9, 0, tzinfo=PARIS))
    yield from _demands()
    yield from _emerges(WAITS, (FAR_VILLAGE,), datetime(2026, 1, 14, 9, 0, tzinfo=PARIS))
    clerk = Clerk(WAITS, datetime(2026, 1, 16, 9, 0, tzinfo=PARIS), "waiting")
    told: dict[str, Any] = {"sent_on": "2026-01-15", "communes": [FAR_VILLAGE]}
    yield clerk.put("lettres-intention/lettre", **told)
    yield clerk.say("lettres-intention/lettre/validation", "ars", validated_on="2026-01-15")
    # The season ends on the last day of its silence.
    yield clerk.put("projets-de-sante/projet", sent_on="2026-01-16")


def _emerges(cpts: Cpts, communes: tuple[str, ...], at: datetime) -> Iterator[Draft]:
    desk, path = Desk(at, f"emerges-{cpts.cpts_id}"), f"/cpts/{cpts.cpts_id}"
    told = {"cpts_id": cpts.cpts_id, "cpts_name": cpts.cpts_name, "seat_commune": cpts.seat}
    told["emerged_on"] = EMERGED_ON
    yield desk.membership("POST", "/cpts", told, role="ars", lane=path)
    for i, commune in enumerate(communes):
        body = {"entry_id": f"lieu-{i}", "commune": commune, "from_on": EMERGED_ON}
        yield desk.membership("POST", f"{path}/territory", body)


def _lettre(clerk: Clerk) -> Iterator[Draft]:
    """Told with mistakes first; validated, it is no longer the CPTS's to change."""
    path = "lettres-intention/lettre"
    told: dict[str, Any] = {"sent_on": "2025-05-02", "communes": [TOWN]}
    plan = [{"mission": "prevention", "starts_on": "2026-02-01"}]
    yield clerk.say(f"{path}/validation", "ars", validated_on="2025-05-06")
    yield clerk.put(path, **told | {"communes": [TOWN, "00000"]})
    yield clerk.put(path, **told, calendar=[{"mission": "yoga", "starts_on": "2026-02-01"}])
    yield clerk.put(path, **told, calendar=plan)
    yield clerk.say(f"{path}/validation", "cpts", validated_on="2025-05-06")
    yield clerk.say(f"{path}/validation", "ars", validated_on="2025-05-01")
    yield clerk.say(f"{path}/validation", "ars", validated_on="2025-05-06")
    both = told | {"communes": [TOWN, VILLAGE]}
    yield clerk.put(path, **both, calendar=plan)
    yield clerk.put(path, "caisse", **both | {"sent_on": "2025-05-07"}, calendar=plan)
    yield clerk.put(path, "caisse", **both, calendar=plan)


def _structures(clerk: Clerk) -> Iterator[Draft]:
    """A maison and a centre de santé: one doctor is in the one, one in the other, and one in both,
    who is a member by himself too.
    """
    since: dict[str, Any] = {"from_on": "2025-05-12"}
    siret = "12345678900011"
    house = {"kind": "msp", "structure_name": "MSP de la Plaine", "siret": siret} | since
    centre = {"kind": "cds", "structure_name": "Centre de santé", "siret": siret} | since
    yield clerk.put(f"structures/{MSP}", **house | {"kind": "clinique"})
    yield clerk.put(f"structures/{MSP}", **house | {"siret": None})
    yield clerk.put(f"structures/{MSP}", **house | {"to_on": "2025-05-11"})

    def works(where: str, name: str, rpps: str, **more: Any) -> Draft:
        body = {"rpps": rpps, "profession": PHYSICIAN} | since | more
        return clerk.put(f"structures/{where}/professionals/{name}", **body)

    first, second, third = DOCTORS
    yield works(MSP, "un", first)
    yield clerk.put(f"structures/{MSP}", **house)
    yield clerk.put(f"structures/{CDS}", **centre)
    wrong = first[:-1] + str((int(first[-1]) + 1) % 10)
    yield works(MSP, "faux", wrong)
    yield works(MSP, "mal-note", first, profession="1O")
    yield works(MSP, "un", first)
    yield works(MSP, "un", second)
    yield works(MSP, "encore-un", first)
    yield works(MSP, "deux", second)
    yield works(CDS, "deux-bis", second)
    yield works(CDS, "trois", third)
    himself: dict[str, Any] = {"member_id": "seul", "rpps": second, "profession": PHYSICIAN}
    yield clerk.say("members", "cpts", **himself | {"from_on": "2025-09-01"})
    yield clerk.put(f"members/{MSP}:un", **since, is_last=True)


def _first_projet(at: datetime) -> Iterator[Draft]:
    """One that the ARS objects to in time; one recorded by mistake."""
    clerk, path = Clerk(GROWS, at, "projet"), "projets-de-sante/projet-1"
    yield clerk.put("projets-de-sante/vieux", sent_on="2025-01-10")
    yield clerk.put(path, sent_on="2025-06-02")
    yield clerk.put(path, sent_on="2025-06-02")
    yield clerk.put(path, sent_on="2025-06-03")
    yield clerk.put(f"projets-de-sante/{SECOND_PROJET}", sent_on="2025-06-03")
    yield clerk.say(f"{path}/validation", "caisse")
    yield clerk.say("projets-de-sante/inconnu/validation", "ars")
    yield clerk.say(f"{path}/objection", "ars", grounds=["trop_petit"])
    # The last day to object.
    clerk = Clerk(GROWS, datetime(2025, 8, 2, 9, 0, tzinfo=PARIS), "objection")
    yield clerk.say(f"{path}/objection", "ars", grounds=["territory_not_relevant"])
    yield clerk.say(f"{path}/validation", "ars")
    yield clerk.say(f"{path}/withdrawal", "cpts")
    clerk = Clerk(GROWS, datetime(2025, 9, 1, 9, 0, tzinfo=PARIS), "mistake")
    yield clerk.put("projets-de-sante/erreur", sent_on="2025-09-01")
    yield clerk.say("projets-de-sante/erreur/withdrawal", "cpts")


def _second_projet(at: datetime) -> Iterator[Draft]:
    """It waits for two months, in which no ACI can be signed."""
    clerk = Clerk(GROWS, at, "projet-again")
    yield clerk.put(f"projets-de-sante/{SECOND_PROJET}", sent_on="2025-10-06")


def _left(clerk: Clerk) -> Iterator[Draft]:
    """The maison de santé leaves: who is in it alone belongs no more."""
    yield clerk.put(
        f"structures/{MSP}",
        kind="msp",
        structure_name="MSP de la Plaine",
        siret="12345678900011",
        from_on="2025-05-12",
        to_on="2025-11-14",
        is_last=True,
    )


def _signed(at: datetime) -> Iterator[Draft]:
    """The ACI, refused until the day after the silence of the ARS, and by no day earlier."""
    told: dict[str, Any] = {"aci_id": "aci", "starts_on": YEAR.isoformat()}
    yield Clerk(GROWS, at, "too-early").say("aci", "caisse", **told, signed_on="2025-11-28")
    clerk = Clerk(GROWS, datetime(2025, 12, 8, 9, 0, tzinfo=PARIS), "signed")
    path = f"projets-de-sante/{SECOND_PROJET}"
    yield clerk.say(f"{path}/objection", "ars", is_late=True, grounds=["prs_not_respected"])
    yield clerk.say(f"{path}/withdrawal", "cpts")
    yield clerk.say("aci", "caisse", **told, signed_on="2025-12-06")
    yield clerk.say("aci", "caisse", is_late=True, **told, signed_on="2025-12-07")
    line = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 6_000_00, "target": 6}
    desk = Desk(datetime(2025, 12, 9, 9, 0, tzinfo=PARIS), "founded-lines")
    path = line_path(GROWS, YEAR, "sas_demandes_avec_rdv")
    yield desk.payments("PUT", path, line, barrier=True)


def _demands() -> Iterator[Draft]:
    """Demands of the town, accepted with appointments of whoever is then a member, or no more."""
    for i, (year, month, day, doctor) in enumerate(
        (
            (2025, 10, 1, 0),
            (2025, 11, 14, 0),
            (2025, 11, 15, 0),
            (2025, 11, 17, 1),
            (2025, 11, 20, 2),
            (2026, 1, 7, 2),
            (2026, 1, 9, 0),
        )
    ):
        at = datetime(year, month, day, 9, i, tzinfo=PARIS)
        life = Life(
            random=_random,
            source_id=f"F-{i}",
            commune=TOWN,
            received_at=at - MINUTE,
            at=at,
            urgency="within_48h",
            cpts=GROWS,
        )
        yield life.demand()
        yield life.accept(at + 5 * MINUTE, at + timedelta(hours=3), DOCTORS[doctor])
    for name, rpps in zip(("parti", "des-deux", "du-centre"), DOCTORS, strict=True):
        created_at = datetime(2026, 1, 8, 11, 0, tzinfo=PARIS)
        told = Told(
            appointment_id=f"hub-structure-{name}",
            created_at=created_at,
            starts_at=created_at + timedelta(hours=4),
            rpps=rpps,
            category="CPTS",
        )
        yield hub.message(told, at=created_at + MINUTE, name=f"structure-{name}")
