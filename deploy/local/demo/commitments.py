"""What the ACI pay for beside their lines: missions that start and end, an ACI ended early, crises
and the plans for them, amounts of the scale that somebody of the caisse answers for.

Some of it is told before the ACI or the mission that it needs, some is corrected or taken back.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from deploy.local.demo.cast import Cpts
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import ENDED_ACI_CPTS, Desk
from deploy.local.demo.orders import Draft

ACCESS, PATHWAYS, PREVENTION = "acces_aux_soins", "parcours_pluriprofessionnel", "prevention"
CRISES, QUALITY, SUPPORT = "crise_sanitaire", "qualite_et_pertinence", "accompagnement"
TYPOLOGIES = ["blesses", "malades", "agent_infectieux", "nrc", "offre_de_soins"]

# Of each CPTS its missions: which, from when on, until when.
_MISSIONS: dict[str, tuple[tuple[str, str, str | None], ...]] = {
    "95-trois-forets": (
        (ACCESS, "2025-03-01", None),
        # Ended in its third quarter: the year is worth a little less than its advance.
        (PREVENTION, "2025-01-01", "2025-09-30"),
        (CRISES, "2025-01-01", None),
        (QUALITY, "2025-06-01", None),
    ),
    "95-haut-val": ((ACCESS, "2025-05-12", None), (CRISES, "2025-06-30", None)),
    # Missions that run on from the earlier ACI; the plan for crises is of a year before its scale.
    "95-plaine-vallee": (
        (ACCESS, "2022-11-02", None),
        (CRISES, "2022-10-03", None),
        (PATHWAYS, "2023-03-01", "2023-12-31"),
        (PATHWAYS, "2024-02-01", None),
        (PREVENTION, "2024-01-15", None),
    ),
    "95-parisis-ouest": (
        (ACCESS, "2025-05-01", None),
        (PREVENTION, "2025-07-01", None),
        (CRISES, "2025-05-01", None),
    ),
    "95-parisis-est": (
        (ACCESS, "2025-02-01", None),
        (QUALITY, "2025-08-01", None),
        (CRISES, "2025-07-15", None),
    ),
    "15-saint-flour": (
        (ACCESS, "2025-09-01", None),
        (PATHWAYS, "2025-04-01", "2025-10-31"),
        (CRISES, "2025-03-01", None),
    ),
    "15-aurillac": (
        (ACCESS, "2024-10-01", None),
        (PREVENTION, "2025-01-10", None),
        (CRISES, "2025-10-15", None),
    ),
    "974-sud": (
        (ACCESS, "2025-03-01", None),
        (CRISES, "2025-02-15", None),
        (SUPPORT, "2025-06-01", "2025-12-31"),
    ),
    "974-ouest": (
        (ACCESS, "2025-01-01", None),
        (CRISES, "2025-01-20", None),
        (PREVENTION, "2025-05-05", None),
        (PATHWAYS, "2025-11-01", None),
    ),
}


def commitments(cast: Sequence[Cpts]) -> list[Draft]:
    """All of these orders, some of which must be refused."""
    there = {cpts.cpts_id for cpts in cast}
    return [
        *_crises(),
        *_missions(there),
        *_deployed(),
        *_confirmations(),
        *_plans(),
        *_early_end(),
    ]


def _at(month: int, day: int) -> datetime:
    return datetime(2025, month, day, 9, 0, tzinfo=PARIS)


def _missions(there: set[str]) -> Iterator[Draft]:
    """Each mission; one corrected, one recorded by mistake, four refused."""
    desk = Desk(_at(7, 16), "missions-started")

    def put(cpts_id: str, mission_id: str, mission: str, started_on: str, **more: Any) -> Draft:
        return _mission(desk, cpts_id, mission_id, mission, started_on, **more)

    # What was missed by then was, even if it was met in time by what is told now.
    is_first = True
    for cpts_id in sorted(there):
        for i, (mission, started_on, ended_on) in enumerate(_MISSIONS[cpts_id]):
            more = {} if ended_on is None else {"ended_on": ended_on}
            draft = put(cpts_id, f"mission-{i}", mission, started_on, **more)
            yield msgspec.structs.replace(draft, is_after_timers=is_first)
            is_first = False
    yield put("95-haut-val", "mission-0", ACCESS, "2025-05-02")
    yield put("95-haut-val", "erreur", SUPPORT, "2025-05-01")
    yield put("95-haut-val", "erreur", SUPPORT, "2025-05-01", is_withdrawn=True)
    yield put("95-haut-val", "espace", "conquete_spatiale", "2025-05-01")
    yield put("95-haut-val", "avant", QUALITY, "2025-05-01", deployed_on="2025-04-30")
    yield put("95-haut-val", "deux-fois", ACCESS, "2025-07-01")
    yield put("95-haut-val", "hors-aci", QUALITY, "2025-03-31")


def _mission(
    desk: Desk, cpts_id: str, mission_id: str, mission: str, started_on: str, **more: Any
) -> Draft:
    body = {"mission": mission, "started_on": started_on} | more
    path = f"/cpts/{cpts_id}/missions/{mission_id}"
    return desk.membership("PUT", path, body, role="caisse")


def _deployed() -> Iterator[Draft]:
    """Missions that are fully deployed: in time for one ACI and late for the one before, in time,
    and told by mistake.
    """
    desk = Desk(_at(11, 17), "missions-deployed")
    plaine, forets = "95-plaine-vallee", "95-trois-forets"
    told = {"deployed_on": "2025-11-14"}
    first = _mission(desk, plaine, "mission-0", ACCESS, "2022-11-02", **told)
    yield msgspec.structs.replace(first, is_after_timers=True)
    yield _mission(desk, forets, "mission-0", ACCESS, "2025-03-01", deployed_on="2025-10-31")
    yield _mission(desk, forets, "mission-2", CRISES, "2025-01-01", **told)
    yield _mission(desk, forets, "mission-2", CRISES, "2025-01-01")


def _crises() -> Iterator[Draft]:
    """Crises of every kind of day: before the season, told late, corrected, a second one in a year,
    one taken back; three refused.
    """

    def recognise(
        desk: Desk, crisis_id: str, departements: list[str], from_on: str, **more: Any
    ) -> Draft:
        body = {"departements": departements, "typology": "malades", "from_on": from_on} | more
        path = f"/crises/{crisis_id}"
        return desk.order("indicators", "POST", path, body, role="ars", lane=path)

    before = Desk(_at(7, 2), "crises")
    yield recognise(before, "grand-froid", ["95", "93"], "2022-12-10", to_on="2022-12-20")
    yield recognise(before, "cyclone", ["974"], "2025-01-28", typology="offre_de_soins")
    # Before the mission of 95-haut-val began; the right day is after that.
    yield recognise(before, "canicule", ["95"], "2025-06-25")
    yield recognise(Desk(_at(7, 21), "crisis-corrected"), "canicule", ["95"], "2025-07-01")
    false_alarm = ("fausse-alerte", ["95", "974"], "2025-09-02")
    yield recognise(Desk(_at(9, 3), "crisis-feared"), *false_alarm)
    yield recognise(Desk(_at(9, 10), "crisis-withdrawn"), *false_alarm, is_withdrawn=True)
    flood = Desk(_at(10, 21), "crisis-later")
    yield recognise(flood, "inondation", ["95", "15"], "2025-10-20", typology="offre_de_soins")
    yield recognise(flood, "invasion", ["95"], "2025-10-20", typology="invasion")
    yield recognise(flood, "ailleurs", ["95", "99"], "2025-10-20")
    yield recognise(flood, "a-l-envers", ["95"], "2025-10-20", to_on="2025-10-19")


def _plans() -> Iterator[Draft]:
    """A plan of this year, one of long ago with its updates, one that leaves a typology out, whose
    update does not count; three refused.
    """
    desk = Desk(_at(11, 12), "crisis-plans")

    def put(cpts_id: str, **body: Any) -> Draft:
        path = f"/cpts/{cpts_id}/crisis-plan"
        told = {"typologies": TYPOLOGIES} | body
        return desk.order("indicators", "PUT", path, told, role="cpts", lane=path)

    yield put("95-trois-forets", written_on="2025-05-20", sent_to_ars_on="2025-06-02")
    yield put(
        "95-plaine-vallee",
        written_on="2023-01-10",
        sent_to_ars_on="2023-02-01",
        updated_on=["2024-03-04", "2025-11-05"],
    )
    sent = {"written_on": "2025-10-01", "sent_to_ars_on": "2025-10-02"}
    yield put("95-haut-val", typologies=TYPOLOGIES[:4], **sent, updated_on=["2025-11-10"])
    yield put("95-haut-val", typologies=["invasion"], **sent)
    yield put("95-haut-val", written_on="2025-10-03", sent_to_ars_on="2025-10-02")
    yield put("95-haut-val", written_on="2025-10-01", updated_on=["2025-11-13"])


def _confirmations() -> Iterator[Draft]:
    """Amounts that somebody read in their text, one of them twice; a new verified one; four
    refused.
    """
    desk = Desk(_at(8, 20), "confirmations")

    def confirm(rate_id: str, euros: int, **more: Any) -> Draft:
        body = {"rate_id": rate_id, "amount_cents": euros * 100, "read_on": "2025-08-19"}
        body |= {"text": "lu au Journal officiel (démonstration)", "confirmed_by": "agent-1"}
        return desk.payments("POST", "/rates/confirmations", body | more)

    for taille, euros in ((1, 50_000), (3, 75_000), (4, 90_000)):
        yield confirm(f"aci-2019/fonctionnement/fonctionnement/T{taille}", euros)
    yield confirm("avenant-2/acces_aux_soins/fixe/T4", 110_000)
    yield confirm("avenant-2/crise_sanitaire/crise_reconnue/T3", 67_500)
    for mission, euros in ((ACCESS, 35_000), (PREVENTION, 17_500), (QUALITY, 15_000)):
        yield confirm(f"avenant-2/{mission}/variable/T3", euros)
    yield confirm("avenant-2/acces_aux_soins/fixe/T4", 110_000)
    yield confirm("avenant-2/acces_aux_soins/fixe/T4", 110_000, confirmed_by="agent-2")
    yield confirm("aci-2019/fonctionnement/fonctionnement/T2", 61_000)
    yield confirm("aci-2019/fonctionnement/fonctionnement/T2", 60_000, read_on="2025-08-21")
    yield confirm("aci-2019/fonctionnement/fonctionnement/T5", 99_000)
    rate = {
        "rate_id": "demo/qualite_et_pertinence/fixe/T2/2026",
        "from_on": "2026-01-01",
        "taille": 2,
        "mission": QUALITY,
        "part": "fixe",
        "amount_cents": 11_000_01,
        "text": "Montant inventé pour la démonstration : aucun texte",
        "is_verified": True,
    }
    yield desk.payments("POST", "/rates", rate)


def _early_end() -> Iterator[Draft]:
    """An ACI that ends in its first year, once refused for its reason and once for its day."""
    desk = Desk(_at(12, 2), "early-end")
    path = f"/cpts/{ENDED_ACI_CPTS}/aci/aci-{ENDED_ACI_CPTS}/termination"
    for reason, ended_on in (
        ("par_lassitude", "2025-11-30"),
        ("missions_not_carried_out", "2025-04-30"),
        ("missions_not_carried_out", "2025-11-30"),
    ):
        body = {"reason": reason, "ended_on": ended_on}
        yield desk.membership("POST", path, body, role="caisse", is_after_timers=True)
    mission = {"mission": QUALITY, "started_on": "2025-12-01"}
    yield desk.membership(
        "PUT", f"/cpts/{ENDED_ACI_CPTS}/missions/apres-la-fin", mission, role="caisse"
    )
