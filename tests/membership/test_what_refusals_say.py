"""Each refusal in the life of a CPTS as its reader meets it: the whole sentence, the members."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts.communes import resolve
from contracts.events.membership import (
    AssociationRecorded,
    MissionPlanned,
    MissionRecorded,
    ProjetDeSanteValidated,
)
from services.membership.domain import contract, missions, projet
from services.membership.domain.founding import check_association, check_lettre, rewritten_refusal
from services.membership.domain.refusals import Refusal
from services.membership.domain.registration import (
    assign_finess,
    correct_finess,
    register,
    register_new,
)
from services.membership.domain.transfer import Holding, merge, split
from tests.membership.ordering import A_CPTS
from tests.membership.telling import DAY, GONE, Told, ended, told
from tests.membership.test_aci import FIRST, correct, place, sign
from tests.membership.test_founding import LETTRE, PARAMETERS, SENT_ON, cpts, send, sent
from tests.membership.test_missions import ACI, mission
from tests.membership.test_professionals_of_cpts import HOLDER, ORDER
from tests.membership.test_transfer import MERGED_ON

MISSIONS = (
    "acces_aux_soins, parcours_pluriprofessionnel, prevention, crise_sanitaire, "
    "qualite_et_pertinence, accompagnement"
)
SAME_CPTS = "La CPTS a existe déjà avec un autre contenu."
FINESS_TAKEN = "Ce FINESS est déjà celui de CPTS des Bords."
HELD_BY = [{"cpts_id": "b", "cpts_name": "CPTS des Bords"}]
AFTER_SILENCE, LAST_DAY = date(2026, 3, 11), date(2026, 3, 10)
SILENT = "Le silence de l'ARS vaut validation depuis le 2026-03-10."
DECIDED = "Le projet p n'attend plus de décision (validated)."


def of_projet(event: projet.ProjetEvent) -> projet.Projet:
    """The projet sent on 10 January, after an event of its own."""
    state = projet.evolve(sent(), event)
    assert state is not None
    return state


(FIRST_SENT,) = send()
WAITING = sent()
TACIT = of_projet(projet.fall_due(WAITING))
VALIDATED = of_projet(
    ProjetDeSanteValidated(cpts_id="a", projet_id="p", validated_on=SENT_ON, is_tacit=False)
)


def registered(
    seat: str | None = "01091", *, first_event=None, finess_holder=None, **fields: Any
) -> object:
    order = msgspec.structs.replace(ORDER, **fields)
    found = None if seat is None else resolve(seat)
    return register(order, seat=found, first_event=first_event, finess_holder=finess_holder)


def parted(cpts_of=A_CPTS, **named: list[str]) -> object:
    whole: dict[str, list[str]] = {"entry_ids": [], "member_ids": [], "structure_ids": []} | named
    return split(cpts_of, "new", on=MERGED_ON, held=Holding(), **whole)


def merged(one, into) -> object:
    nothing: dict[str, Any] = {"held": Holding(), "there": Holding(), "signed": (), "missions": ()}
    return merge(one, into, on=MERGED_ON, **nothing)


def lettre(**fields: Any) -> Refusal | None:
    said = msgspec.structs.replace(LETTRE, **fields)
    communes = {code: resolve(code) for code in said.communes}
    return check_lettre(said, communes=communes, missions=PARAMETERS.missions)


def association(**fields: Any) -> Refusal | None:
    whole: dict[str, Any] = {"association_id": "x", "declared_on": DAY}
    whole |= {"legal_form": "loi_1901"} | fields
    return check_association(cpts("95"), AssociationRecorded(cpts_id="a", **whole))


def decide(waiting: projet.Projet, *grounds: str, today: date = SENT_ON) -> object:
    return projet.decide(waiting, grounds=grounds, today=today)


def withdraw_late(waiting: projet.Projet) -> object:
    return projet.withdraw(waiting, today=AFTER_SILENCE, is_own_word=True)


def signed_by(cpts_of=A_CPTS, *, projets=(), signed_on: date = date(2026, 1, 9)) -> object:
    """An ACI of the whole of 2026."""
    return contract.sign_aci(
        cpts_of,
        contract.AciAsked(aci_id="n", signed_on=signed_on, starts_on=DAY, years=1),
        first_event=None,
        signed=(),
        territory=[place(1)],
        projets=projets,
        parameters=PARAMETERS,
    )


def start(asked: MissionRecorded, *others: MissionRecorded, cpts_of=A_CPTS) -> Refusal | None:
    return missions.check_mission(
        cpts_of, asked, others=others, signed=[ACI], missions=PARAMETERS.missions
    )


OF_CPTS: list[Told] = [
    told(
        lambda: registered(None),
        "unknown_commune",
        "Aucune commune n'a ni n'a eu le code 01091.",
    ),
    told(
        lambda: registered(first_event=ORDER, cpts_name="CPTS d'avant"),
        "already_exists",
        SAME_CPTS,
    ),
    told(
        lambda: register_new(ORDER, seat=None, first_event=ORDER),
        "already_exists",
        SAME_CPTS,
    ),
    told(lambda: registered(finess_holder=HOLDER), "finess_taken", FINESS_TAKEN, held_by=HELD_BY),
    told(
        lambda: assign_finess(HOLDER, "1", finess_holder=None),
        "finess_already_known",
        "Le FINESS de CPTS des Bords est déjà connu : 1950000001.",
    ),
    told(
        lambda: correct_finess(A_CPTS, "1950000001", finess_holder=HOLDER),
        "finess_taken",
        FINESS_TAKEN,
        held_by=HELD_BY,
    ),
    told(lambda: merged(A_CPTS, A_CPTS), "into_itself", "Une CPTS ne fusionne pas avec elle-même."),
    told(lambda: parted(entry_ids=["e"]), "unknown_entry", "L'entrée e n'existe pas."),
    told(lambda: parted(member_ids=["m"]), "unknown_member", "Le membre m n'existe pas."),
    told(lambda: parted(structure_ids=["s"]), "unknown_structure", "La structure s n'existe pas."),
    told(parted, "nothing_to_take", "La nouvelle CPTS n'aurait aucune commune le 2026-02-01."),
]
OF_FOUNDING: list[Told] = [
    told(
        lambda: lettre(communes=("99999", "95127", "00000")),
        "unknown_commune",
        "Aucune commune n'a ni n'a eu les codes : 00000, 99999.",
        communes=["00000", "99999"],
    ),
    told(
        lambda: lettre(calendar=(MissionPlanned(mission="yoga", starts_on=DAY),)),
        "not_a_mission",
        f"L'ACI n'a pas de mission yoga. Elle a : {MISSIONS}.",
    ),
    told(
        lambda: lettre(validated_on=date(2026, 1, 9)),
        "day_before_it_was_sent",
        "La lettre d'intention : rien ne peut être décidé avant son envoi, le 2026-01-10.",
    ),
    told(
        lambda: rewritten_refusal(msgspec.structs.replace(LETTRE, validated_on=SENT_ON)),
        "lettre_validated",
        "La lettre est validée depuis le 2026-01-10 : seules la caisse ou l'ARS la corrigent.",
    ),
    told(
        lambda: association(legal_form="sarl"),
        "unknown_legal_form",
        "Forme inconnue : sarl. Connues : loi_1901, droit_local.",
    ),
    told(
        lambda: association(legal_form="droit_local"),
        "legal_form_of_another_place",
        "Le droit local des associations vaut en Moselle, dans le Bas-Rhin et le Haut-Rhin "
        "seulement.",
    ),
    told(
        lambda: association(siren="732829321"),
        "wrong_check_digit",
        "La clé du numéro SIREN 732829321 est fausse.",
    ),
    told(
        lambda: association(siren="732829320", siret="73282932000075"),
        "wrong_check_digit",
        "La clé du numéro SIRET 73282932000075 est fausse.",
    ),
    told(
        lambda: association(siren="356000000", siret="73282932000074"),
        "siret_of_another_siren",
        "Le SIRET 73282932000074 n'est pas d'un établissement du SIREN 356000000.",
    ),
]
OF_PROJETS: list[Told] = [
    told(
        lambda: send("p", date(2026, 1, 11), first_event=FIRST_SENT),
        "already_exists",
        "Le projet p existe déjà avec un autre contenu.",
    ),
    told(
        lambda: send("q", known=(VALIDATED, WAITING)),
        "projet_pending",
        "L'ARS n'a pas encore répondu sur le projet p.",
        projet_id="p",
    ),
    told(
        lambda: send(today=AFTER_SILENCE, is_own_word=True),
        "silence_of_the_past",
        "Le silence de l'ARS aurait pris fin le 2026-03-10 : une CPTS ne déclare pas seule un "
        "projet déjà validé. L'ARS ou la caisse l'enregistrent.",
    ),
    told(
        lambda: decide(WAITING, "prs_not_respected", "too_small", "too_far"),
        "unknown_ground",
        "Motif d'opposition inconnu : too_small. Connus : prs_not_respected, "
        "territory_not_relevant.",
    ),
    told(
        lambda: decide(WAITING, today=date(2026, 1, 9)),
        "day_before_it_was_sent",
        "Le projet : rien ne peut être décidé avant son envoi, le 2026-01-10.",
    ),
    told(lambda: decide(VALIDATED), "projet_decided", DECIDED, outcome="validated"),
    told(lambda: decide(TACIT, today=LAST_DAY), "projet_decided", DECIDED, outcome="validated"),
    *(
        told(order, "silence_elapsed", SILENT, silence_ends_on="2026-03-10")
        for order in (
            lambda: decide(WAITING, today=AFTER_SILENCE),
            lambda: decide(TACIT, today=AFTER_SILENCE),
            lambda: withdraw_late(WAITING),
            lambda: withdraw_late(TACIT),
        )
    ),
]
OF_ACI: list[Told] = [
    told(
        lambda: sign(place(1), signed=[FIRST], years=4),
        "already_exists",
        "L'ACI aci existe déjà avec un autre contenu.",
    ),
    told(
        lambda: sign(place(1), signed=[FIRST], aci_id="next"),
        "aci_in_force",
        "L'ACI aci court déjà du 2026-04-15 au 2031-04-14.",
        aci_id="aci",
    ),
    told(
        sign,
        "territory_empty",
        "Le territoire de CPTS du Val ne tient aucune commune le 2026-04-15.",
    ),
    told(
        lambda: sign(place(None), msgspec.structs.replace(place(None), commune="06088")),
        "population_unknown",
        "La population n'est pas connue : 06088, 95127.",
        communes=["06088", "95127"],
    ),
    *(
        told(
            order,
            "projet_not_validated",
            "Aucun projet de santé de CPTS a n'était validé le 2026-01-09.",
        )
        for order in (
            lambda: signed_by(projets=[VALIDATED]),
            lambda: signed_by(projets=[WAITING]),
        )
    ),
    told(
        lambda: contract.terminate(ACI, date(2027, 1, 1), "boredom"),
        "unknown_termination_reason",
        "Motif inconnu : boredom. Connus : deadlines_missed, missions_not_carried_out, "
        "at_the_request_of_the_cpts, dissolution.",
    ),
    told(
        lambda: contract.terminate(ACI, date(2026, 4, 14), "dissolution"),
        "not_within_the_aci",
        "L'ACI aci ne court pas le 2026-04-14.",
    ),
    told(
        lambda: start(mission(deployed_on=date(2026, 8, 31))),
        "deployed_before_it_started",
        "La mission n'a commencé que le 2026-09-01.",
    ),
    told(
        lambda: start(mission(started_on=date(2026, 4, 14))),
        "no_aci_in_force",
        "Aucune ACI ne court le 2026-04-14.",
    ),
    told(
        lambda: start(mission(), mission(), mission("n")),
        "mission_under_way",
        "Cette mission est déjà commencée (entrée n).",
        mission_id="n",
    ),
]


@pytest.mark.parametrize(("order", "refusal"), [*OF_CPTS, *OF_FOUNDING, *OF_PROJETS, *OF_ACI])
def test_a_refusal_says_why_in_words_and_names_what_it_is_about(
    order: Callable[[], object], refusal: Refusal
) -> None:
    assert order() == refusal


def test_nothing_begins_in_a_cpts_that_has_merged_and_its_past_is_signed_as_ever() -> None:
    """The ACI and the missions that are over on the eve of the merger are taken."""
    after = msgspec.structs.replace(A_CPTS, merged_on=date(2027, 1, 1), into_cpts_id="b")
    assert signed_by(GONE) == ended()
    assert isinstance(signed_by(after), list)
    assert correct(cpts_of=GONE, years=4) == ended()
    assert isinstance(correct(cpts_of=GONE, is_withdrawn=True), list)
    assert start(mission(started_on=date(2026, 5, 1)), cpts_of=GONE) == ended()
    over = mission(started_on=date(2026, 5, 1), ended_on=date(2026, 6, 30))
    assert start(over, cpts_of=GONE) is None
    other = msgspec.structs.replace(A_CPTS, cpts_id="c")
    assert merged(GONE, other) == merged(other, GONE) == ended()
    assert parted(GONE) == ended()


def test_an_aci_is_signed_from_the_day_on_which_a_projet_is_validated_and_no_other() -> None:
    assert isinstance(signed_by(projets=[VALIDATED], signed_on=SENT_ON), list)
    objection = projet.decide(WAITING, grounds=("prs_not_respected",), today=SENT_ON)
    assert isinstance(objection, list)
    objected = of_projet(objection[0])
    assert isinstance(signed_by(projets=[objected], signed_on=AFTER_SILENCE), Refusal)
    assert isinstance(signed_by(projets=[objected, VALIDATED], signed_on=SENT_ON), list)


def test_a_cpts_that_is_registered_already_is_told_so_first() -> None:
    first = registered()
    assert registered(first_event=first, finess_holder=HOLDER) is None
    assert correct_finess(HOLDER, "1950000001", finess_holder=HOLDER) is None
    assert register_new(ORDER, seat=resolve("01091"), first_event=None) == first
