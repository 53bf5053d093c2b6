"""`just demo --year`: one CPTS through a whole year, from lettre d'intention to its statement.

The services run on a clock that the tale sets. What each sum must be stands written in `EXPECTED`,
worked out by hand from the barème of taille 3; what the services say is compared with it.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from contracts.communes import communes_of_epci
from deploy.local.amounts import euros
from deploy.local.demo.cast import check_digit
from deploy.local.demo.commitments import TYPOLOGIES
from deploy.local.demo.driver import ClockFile
from deploy.local.demo.hub import PARIS
from deploy.local.demo.platform import Platform
from deploy.local.demo.play import clock_file, service_environment
from deploy.local.demo.tale import Tale, TaleFailedError

CPTS = "974-sud"
EPCI = "249740085"
YEAR = "2026-04-15"
SIREN = "974000002"
HERE = f"/cpts/{CPTS}"
OF_YEAR = f"{HERE}/contract-years/{YEAR}"
DOCTORS = [f"81{n:09}{check_digit(f'1{n:09}')}" for n in range(1, 8)]
BEGINS_AT = datetime(2026, 1, 5, 9, tzinfo=PARIS)
CSV = {"Content-Type": "text/csv"}
# In cents, by contract year and name. Taille 3, days of the contract year of 365 days.
EXPECTED: dict[tuple[str, str], int] = {
    (YEAR, "fonctionnement:signature"): 75_000_00,
    # 75 % of 90 000, then the rest
    (YEAR, "acces_aux_soins:fixe:advance"): 67_500_00,
    (YEAR, "acces_aux_soins:fixe:balance"): 22_500_00,
    # the plan is written: 75 % of 45 000, then the rest; a crisis recognised: one and a half times
    (YEAR, "crise_sanitaire:fixe:advance"): 33_750_00,
    (YEAR, "crise_sanitaire:fixe:balance"): 11_250_00,
    (YEAR, "crise_sanitaire:reconnue"): 67_500_00,
    # 17 500 for 182 of 365 days are 8 726.02; 75 % of it, then the rest
    (YEAR, "prevention:fixe:advance"): 6_544_51,
    (YEAR, "prevention:fixe:balance"): 2_181_51,
    (YEAR, "qualite_et_pertinence:fixe:advance"): 11_250_00,
    (YEAR, "qualite_et_pertinence:fixe:balance"): 3_750_00,
    # the lines: 12 of 20 demands of 4 000; 74 without a médecin traitant 6 000; 72.40 % screened
    # 2 500; two groups 5 000; six of fifteen present of 3 000
    (YEAR, "variable"): 2_400_00 + 6_000_00 + 2_500_00 + 5_000_00 + 1_200_00,
    # what the second year advances: 75 % of each, the crisis plan being updated
    ("2027-04-15", "fonctionnement:advance"): 56_250_00,
    ("2027-04-15", "acces_aux_soins:fixe:advance"): 67_500_00,
    ("2027-04-15", "crise_sanitaire:fixe:advance"): 16_875_00,
    ("2027-04-15", "prevention:fixe:advance"): 13_125_00,
    ("2027-04-15", "qualite_et_pertinence:fixe:advance"): 11_250_00,
}
COLUMNS = (
    "ligne;mission;indicateur;libelle;mode;maximum_euros;valeur_initiale;cible;sens;paliers;"
    "documents;reportee_de\n"
)
LINES = f"""{COLUMNS}rdv;acces_aux_soins;sas_demandes_avec_rdv;;lineaire;4000;0;20;;;donnees_caisse;
ald;acces_aux_soins;medecin_traitant_ald_sans;;paliers;9000;219;;;219:3000|100:6000|50:9000;;
sein;prevention;depistage_sein;;paliers;3500;6626;;;6970:1000|7240:2500|7500:3500;;
groupes;qualite_et_pertinence;qualite_reunions;;tout_ou_rien;5000;;2;;;compte_rendu;
presents;qualite_et_pertinence;qualite_participants;;lineaire;3000;0;15;;;emargement;
"""
VALUES = {
    "sas_demandes_avec_rdv": 12,
    "medecin_traitant_ald_sans": 74,
    "depistage_sein": 7240,
    "qualite_reunions": 2,
    "qualite_participants": 6,
}


def play_year(stack: Platform, folder: Path, report: Callable[[str], None]) -> list[str]:
    """Tell the year, leave its files in `folder`; answers every difference, in French."""
    ClockFile(clock_file(stack)).show(BEGINS_AT)
    stack.start_services(service_environment(stack))
    tale = Tale(stack, CPTS, BEGINS_AT, report)
    _found(tale)
    _sign(tale)
    _work(tale)
    _settle(tale)
    differences = _differences(tale)
    _pay(tale, folder)
    _leave_files(tale, folder)
    return differences


def _dues(tale: Tale) -> dict[tuple[str, str], tuple[int, bool]]:
    """What is due: cents and whether held, by contract year and name."""
    return {
        (one["starts_on"], one["due_id"]): (one["amount_cents"], one["is_held"])
        for one in tale.listed("payments", f"{HERE}/dues")
        if one["amount_cents"]
    }


def _values(tale: Tale) -> dict[str, int | None]:
    """The figure that each line reads now, as payments knows it."""
    lines = tale.get("payments", f"{OF_YEAR}/explanation").json()["lines"]
    return {one["indicator"]: one["figure"]["value"] for one in lines}


def _found(tale: Tale) -> None:
    places = [
        {"entry_id": f"p{n}", "commune": commune.code, "from_on": "2025-01-01"}
        for n, commune in enumerate(communes_of_epci(EPCI))
    ]
    tale.on("2026-01-05", "émergence, lettre d'intention, projet de santé envoyé à l'ARS")
    seat = max(communes_of_epci(EPCI), key=lambda commune: commune.population or 0).code
    named = {"cpts_id": CPTS, "cpts_name": "CPTS du Sud sauvage", "seat_commune": seat}
    tale.give("membership", "ars", "POST", "/cpts", named | {"emerged_on": "2025-01-01"})
    tale.give("membership", "cpts", "POST", f"{HERE}/territory/batch", {"entries": places})
    lettre = {"sent_on": "2026-01-05", "communes": [seat]}
    tale.give("membership", "cpts", "PUT", f"{HERE}/lettres-intention/l", lettre)
    validated = {"validated_on": "2026-01-05"}
    tale.give("membership", "ars", "POST", f"{HERE}/lettres-intention/l/validation", validated)
    projet = f"{HERE}/projets-de-sante/p"
    tale.give("membership", "cpts", "PUT", projet, {"sent_on": "2026-01-10"})
    tale.on("2026-03-12", "deux mois de silence de l'ARS : projet validé")
    tale.until("le projet validé", lambda: _stage(tale) == "projet_de_sante")
    association = {"declared_on": "2026-03-12", "legal_form": "loi_1901", "rna": "W974000001"}
    association |= {"siren": SIREN}
    tale.give("membership", "cpts", "PUT", f"{HERE}/associations/a", association)


def _stage(tale: Tale) -> str:
    return str(tale.get("membership", HERE).json()["stage"])


def _sign(tale: Tale) -> None:
    tale.on("2026-04-01", "ACI signée à trois pour cinq ans, à partir du 15 avril")
    signatures = {"cpts": "2026-03-20", "caisse": "2026-03-30", "ars": "2026-04-01"}
    aci = {"aci_id": "aci", "signed_on": "2026-04-01", "starts_on": YEAR, "signatures": signatures}
    tale.give("membership", "caisse", "POST", f"{HERE}/aci", aci)
    for n, rpps in enumerate(DOCTORS):
        member = {"member_id": f"m{n}", "rpps": rpps, "profession": "10", "from_on": "2026-04-01"}
        tale.give("membership", "cpts", "POST", f"{HERE}/members", member)
    tale.until("la part variable connue", lambda: _knows_year(tale))
    tale.give("payments", "caisse", "PUT", f"{OF_YEAR}/lines", LINES.encode(), **CSV)
    tale.on(YEAR, "missions accès aux soins, crises, qualité : démarrées")
    for mission in ("acces_aux_soins", "crise_sanitaire", "qualite_et_pertinence"):
        _start(tale, mission, YEAR)
    tale.on("2026-05-02", "plan de réponse aux crises écrit et envoyé à l'ARS, avec sa pièce")
    _plan(tale, _evidence(tale, "plan", b"%PDF-1.7 plan"))


def _knows_year(tale: Tale) -> bool:
    try:
        return bool(tale.get("payments", f"{HERE}/funding").json()["contract_years"][0]["taille"])
    except TaleFailedError:
        return False


def _start(tale: Tale, mission: str, day: str, **more: str) -> None:
    body = {"mission": mission, "started_on": day} | more
    tale.give("membership", "caisse", "PUT", f"{HERE}/missions/{mission}", body)


def _evidence(tale: Tale, evidence_id: str, content: bytes) -> str:
    """A file that proves what is declared; answers its id."""
    path = f"{HERE}/evidence/{evidence_id}?sha256={hashlib.sha256(content).hexdigest()}"
    tale.give("indicators", "cpts", "PUT", path, content, **{"Content-Type": "application/pdf"})
    return evidence_id


def _plan(tale: Tale, evidence_id: str, *updated_on: str) -> None:
    plan = {"typologies": TYPOLOGIES, "written_on": "2026-05-02", "sent_to_ars_on": "2026-05-02"}
    proven = {"updated_on": updated_on, "evidence_ids": [evidence_id]}
    tale.give("indicators", "cpts", "PUT", f"{HERE}/crisis-plan", plan | proven)


def _work(tale: Tale) -> None:
    tale.on("2026-06-10", "demandes du SAS : douze rendez-vous, un annulé, un refus")
    for n in range(14):
        _demand(tale, n)
    tale.on("2026-07-14", "l'ARS reconnaît une crise à La Réunion")
    crisis = {"departements": ["974"], "typology": "malades", "from_on": "2026-07-14"}
    tale.give("indicators", "ars", "POST", "/crises/cyclone", crisis)
    response = {"professionals": DOCTORS[:3], "actions_count": 4}
    tale.give("indicators", "cpts", "PUT", f"{HERE}/crises/cyclone/response", response)
    tale.on("2026-10-15", "mission prévention démarrée ; deux groupes qualité")
    _start(tale, "prevention", "2026-10-15")
    for n, people in enumerate((DOCTORS[:4], DOCTORS[2:6])):
        group = {"kind": "groupe_qualite", "held_on": "2026-10-15", "participants": people}
        group["evidence_ids"] = [_evidence(tale, f"emargement-{n}", f"%PDF-1.7 {n}".encode())]
        tale.give("indicators", "cpts", "PUT", f"{HERE}/activities/g{n}", group)
    tale.on("2027-03-01", "fichier de la caisse ; plan mis à jour, accès aux soins déployé")
    _plan(tale, "plan", "2027-03-01")
    _start(tale, "acces_aux_soins", YEAR, deployed_on="2027-03-01")
    rows = [
        {"cpts_id": CPTS, "contract_year_starts_on": YEAR, "indicator": name, "value": VALUES[name]}
        for name in ("medecin_traitant_ald_sans", "depistage_sein")
    ]
    tale.give("indicators", "caisse", "POST", "/caisse-files", {"rows": rows})
    tale.until("les cinq chiffres de l'année", lambda: _values(tale) == VALUES)


def _demand(tale: Tale, n: int) -> None:
    commune = communes_of_epci(EPCI)[n % 3].code
    demand = {"source": "sas-974", "source_id": f"annee-{n}", "commune": commune}
    demand |= {"need": "consultation_generaliste", "urgency": "within_48h"}
    demand |= {"received_at": "2026-06-10T09:00:00+02:00"}
    taken = tale.give("referrals", "regulation", "POST", "/demands", demand)
    path = f"/referrals/{taken['referral_id']}"
    own = {"cpts_id": CPTS}
    if n == 0:
        tale.give(
            "referrals", "cpts", "POST", f"{path}/decline", own | {"reason": "no_availability"}
        )
        return
    starts_at = f"2026-06-11T{8 + n // 2:02}:{30 * (n % 2):02}:00+04:00"
    booking = {"practitioner_rpps": DOCTORS[n % 7], "starts_at": starts_at}
    tale.give("referrals", "cpts", "POST", f"{path}/accept", own | booking)
    if n == 1:
        tale.give("referrals", "cpts", "POST", f"{path}/cancel", {"by": "patient"})


def _settle(tale: Tale) -> None:
    tale.on("2027-04-15", "anniversaire : soldes de l'année, avances de la suivante")
    until_now = EXPECTED.keys() - {(YEAR, "variable")}
    tale.until("les sommes de l'anniversaire", lambda: until_now <= _dues(tale).keys())
    _verify(tale, "qualite_participants")
    tale.on("2027-05-10", "dialogue de gestion ouvert, chaque ligne validée")
    tale.give("payments", "caisse", "POST", f"{OF_YEAR}/dialogue", {"opened_on": "2027-05-10"})
    for indicator, value in VALUES.items():
        agreed = {"value": value, "decided_on": "2027-05-10", "answer": "agreed"}
        path = f"{OF_YEAR}/figures/{indicator}/stance"
        tale.give("indicators", "cpts", "POST", path, agreed)
        if indicator == "qualite_reunions":
            _validate_in_indicators(tale, indicator)
            continue
        stance = {"validated_value": value, "caisse_stance": "agrees"}
        path = f"{OF_YEAR}/dialogue/lines/{indicator}"
        tale.give("payments", "caisse", "PUT", path, stance)
    tale.until("l'accord de la CPTS sur chaque ligne", lambda: _answers(tale) == {"agreed"})
    tale.on("2027-06-10", "année arrêtée")
    agreed_cents = {"variable_cents": EXPECTED[YEAR, "variable"]}
    tale.give("payments", "caisse", "POST", f"{OF_YEAR}/settlement", agreed_cents)
    tale.until("la part variable due", lambda: EXPECTED.keys() <= _dues(tale).keys())


def _verify(tale: Tale, indicator: str) -> None:
    """The caisse looks at a piece of evidence behind a figure, drawn by a seed that is kept."""
    looked = {"value": VALUES[indicator], "decided_on": "2027-05-02", "sample_size": 1}
    tale.on("2027-05-02", "la caisse vérifie un chiffre sur pièces")
    path = f"{OF_YEAR}/figures/{indicator}/verification"
    seen = tale.give("indicators", "caisse", "POST", path, looked)
    tale.say(f"pièce tirée par la graine {seen['seed']} : {', '.join(seen['evidence_ids'])}")


def _validate_in_indicators(tale: Tale, indicator: str) -> None:
    """The caisse validates a figure that the CPTS agrees with, and the ARS puts its visa on it."""
    figure = f"{OF_YEAR}/figures/{indicator}"
    visa = {"value": VALUES[indicator], "decided_on": "2027-05-10"}
    tale.give("indicators", "caisse", "POST", f"{figure}/validation", visa)
    tale.give("indicators", "ars", "POST", f"{figure}/visa", visa)
    tale.until("le visa de l'ARS aux paiements", lambda: _level(tale, indicator) == "visa")


def _answers(tale: Tale) -> set[str]:
    """What the CPTS says of the values that stand in the dialogue."""
    standing = tale.get("payments", f"{OF_YEAR}/dialogue").json()["standing"]
    return {one["answer"] for one in standing.values()}


def _level(tale: Tale, indicator: str) -> str | None:
    lines = tale.get("payments", f"{OF_YEAR}/explanation").json()["lines"]
    found: str | None = next(
        one["figure"]["level"] for one in lines if one["indicator"] == indicator
    )
    return found


def _differences(tale: Tale) -> list[str]:
    found = _dues(tale)
    differences = []
    for key in sorted(EXPECTED.keys() | found.keys()):
        expected, (cents, is_held) = EXPECTED.get(key, 0), found.get(key, (0, True))
        if cents != expected:
            differences.append(f"{key} : attendu {euros(expected)}, trouvé {euros(cents)}")
        if not is_held:
            differences.append(f"{key} : versable alors que son taux n'est confirmé par personne")
    return differences


def _pay(tale: Tale, folder: Path) -> None:
    tale.on("2027-06-14", "taux confirmés par la caisse : ce qui était retenu est versable")
    known = {one["rate_id"]: one for one in tale.listed("payments", "/rates")}
    dues = tale.listed("payments", f"{HERE}/dues")
    for rate_id in sorted({rate_id for one in dues for rate_id in one["rate_ids"]}):
        read = {"rate_id": rate_id, "amount_cents": known[rate_id]["amount_cents"]}
        read |= {"text": "lu au Journal officiel (démonstration)", "read_on": "2027-06-14"}
        read |= {"confirmed_by": "agent-1"}
        tale.give("payments", "caisse", "POST", "/rates/confirmations", read)
    tale.until("rien de retenu", lambda: not any(held for _, held in _dues(tale).values()))
    payer = ("CGSS de La Réunion", "FR7610107001011234567890129")
    _vouch(tale, "caisse", "/caisse/bank-accounts/a", *payer)
    payee = ("CPTS du Sud sauvage", "FR1420041010050500013M02606")
    _vouch(tale, "cpts", f"{HERE}/bank-accounts/a", *payee)
    tale.on("2027-06-15", "ordre de versement, puis réponse de la banque")
    batch = tale.give("payments", "caisse", "POST", "/payment-batches", {"batch_id": "annee"})
    total = sum(EXPECTED.values())
    if batch["amount_cents"] != total:
        raise TaleFailedError(f"ordonné {euros(batch['amount_cents'])}, attendu {euros(total)}")
    xml = tale.get("payments", "/payment-batches/annee.xml", **{"Acting-Role": "caisse"})
    (folder / "pain.001.xml").write_bytes(xml.content)
    order_id = batch["orders"][0]["order"]["order_id"]
    answers = f"order_id;outcome;day;reason\n{order_id};executed;2027-06-16;\n"
    tale.on("2027-06-16", "versé ; une indemnité et un emploi des fonds")
    path = "/payment-batches/annee/answers"
    tale.give("payments", "caisse", "POST", path, answers.encode(), **CSV)
    paid = {"rpps": DOCTORS[0], "kind": "indemnite", "function": "reunion", "minutes": 180}
    paid |= {"amount_cents": 225_00, "paid_on": "2026-12-15"}
    tale.give("payments", "cpts", "PUT", f"{HERE}/indemnities/i", paid)
    rent = {"category": "locaux", "amount_cents": 1_800_00, "used_on": "2027-06-16"}
    tale.give("payments", "cpts", "PUT", f"{HERE}/uses/u", rent)


def _vouch(tale: Tale, role: str, path: str, holder: str, iban: str) -> None:
    """An account that two persons vouch for."""
    account = {"iban": iban, "holder": holder, "from_on": "2026-01-01"}
    proposed = tale.give("payments", role, "PUT", path, account | {"acting_person": "anne"})
    seen = {"version": proposed["version"], "acting_person": "bruno"}
    tale.give("payments", role, "POST", f"{path}/confirmation", seen)


def _leave_files(tale: Tale, folder: Path) -> None:
    for name, path in (
        ("etat-annee-2026.pdf", f"{OF_YEAR}/statement.pdf"),
        ("lignes-2026.xlsx", f"{OF_YEAR}/lines?file_format=xlsx"),
        ("versements.xlsx", "/payment-batches/annee.xlsx"),
        (f"{SIREN}FEC20271231.txt", f"{HERE}/fec/2027"),
    ):
        answer = tale.get("payments", path, **{"Acting-Role": "caisse"})
        if path.endswith("/fec/2027") and name not in answer.headers["Content-Disposition"]:
            raise TaleFailedError(f"le FEC ne s'appelle pas {name}")
        (folder / name).write_bytes(answer.content)
