"""`just demo --sas`: a regional SAS platform connects, from a regulator's account to the euro.

Each step says what was sent and what came back, and is held to what must come. The doors stand
behind certificates that `just certs` makes; the platform and, where RabbitMQ is installed, the Hub
Santé are played here.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local import certs
from deploy.local.amounts import euros
from deploy.local.demo import sas_hub
from deploy.local.demo.cast import check_digit
from deploy.local.demo.driver import ClockFile
from deploy.local.demo.hub import PARIS, SENDER, Told, envelope
from deploy.local.demo.play import clock_file, service_environment
from deploy.local.demo.sas_platform import Heard, SasPlatform, listening
from deploy.local.demo.tale import Tale, TaleFailedError
from deploy.local.rabbitmq import Rabbit
from deploy.local.stack import Stack

CPTS, FINESS, COMMUNE, DEPARTEMENT = "mauriac", "1150000099", "15120", "15"
HERE = f"/cpts/{CPTS}"
YEAR, BEGINS_AT = "2026-01-01", datetime(2026, 6, 15, 9, tzinfo=PARIS)
OF_YEAR = f"{HERE}/contract-years/{YEAR}"
PHYSICIAN = f"81000000001{check_digit('1000000001')}"
MAX_CENTS, TARGET = 20_000_00, 100
WORTH = MAX_CENTS // TARGET
ACCOUNT = "6c2b4d0e-3f57-4c2d-9a51-6c1f6f0f1a2b"
DECLARER, PLATFORM = "declarer", "sas-platform"
NATIONAL, TECHNICAL = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.213.3.6"
KINDS = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
SAS_PROFILES = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition"
REGULATOR = {
    "resourceType": "Practitioner",
    "meta": {"source": TECHNICAL, "profile": [f"{SAS_PROFILES}/FrPractitionerRegul"]},
    "identifier": [
        {
            "type": {"coding": [{"system": KINDS, "code": "INTRN"}]},
            "system": TECHNICAL,
            "value": ACCOUNT,
        }
    ],
    "active": True,
    "name": [{"family": "Exemple", "given": ["Dominique"]}],
    "telecom": [{"system": "email", "value": "dominique.exemple@example.org"}],
}
PLATFORMS = """\
[[platform]]
name = "sas-demo"
base = "{base}"
departements = ["{departement}"]
authority_file = "authority.pem"
certificate_file = "{declarer}.pem"
key_file = "{declarer}.key"
"""


class Connection:
    """The regional platform's side: its calls at the doors, and what it heard of appointments."""

    def __init__(self, tale: Tale, doors: str, certificates: Path, platform: SasPlatform) -> None:
        self.tale, self.platform = tale, platform
        self._doors, self._certificates = doors, certificates

    def call(
        self, method: str, path: str, body: Any = None, *, client: str | None = "platform"
    ) -> httpx.Response:
        """What a door answers to a certificate."""
        self.tale.tick()
        verify = client_context(self._certificates, client)
        headers = {"Accept": "application/json+fhir", "Content-Type": "application/fhir+json"}
        with httpx.Client(verify=verify, trust_env=False, timeout=30) as one:
            return one.request(method, f"{self._doors}{path}", headers=headers, json=body)

    def hears(self, method: str, status: str) -> Heard:
        """The declaration that says this of the appointment, once it has come."""

        def found() -> list[Heard]:
            told = (method, status)
            return [x for x in self.platform.heard if (x.method, x.body["status"]) == told]

        self.tale.until(f"la déclaration {method} {status} à la plateforme", lambda: bool(found()))
        return found()[-1]


def client_context(certificates: Path, client: str | None) -> ssl.SSLContext:
    """What a caller of the doors trusts, and the certificate that it shows, if it shows one."""
    context = ssl.create_default_context(cafile=certificates / "authority.pem")
    if client is not None:
        context.load_cert_chain(certificates / f"{client}.pem", certificates / f"{client}.key")
    return context


@contextmanager
def connected(
    stack: Stack, report: Callable[[str], None]
) -> Iterator[tuple[Connection, Rabbit | None]]:
    """The services with their doors open, the platform, and the Hub where there is a RabbitMQ."""
    certificates = stack.doors.folder
    doors = certs.make(certificates, port=stack.doors.port)
    certs.issue(certificates, PLATFORM, PLATFORM, ("localhost", "127.0.0.1"))
    certs.issue(certificates, DECLARER, "gateway")
    own = [certificates / f"{PLATFORM}.{kind}" for kind in ("pem", "key")]
    ClockFile(clock_file(stack)).show(BEGINS_AT)
    with ExitStack() as under_way:
        platform = under_way.enter_context(listening(certificates / "authority.pem", *own))
        hub = under_way.enter_context(sas_hub.hub_in(stack.folder, certificates))
        path = certificates / "platforms.toml"
        told = PLATFORMS.format(base=platform.base, departement=DEPARTEMENT, declarer=DECLARER)
        path.write_text(told, "utf-8")
        environment = service_environment(stack)
        environment |= {"CPTS_DOORS": str(doors), "CPTS_SAS_PLATFORMS": str(path)}
        if hub is not None:
            referrals_url = stack.http_urls["referrals"]
            environment |= sas_hub.environment(hub, certificates, referrals_url)
        stack.start_services(environment)
        if hub is not None:
            hub.wait_ready()  # the gateway has tried again meanwhile
        tale = Tale(stack, CPTS, BEGINS_AT, report)
        yield Connection(tale, stack.doors.url, certificates, platform), hub


def play_sas(sas: Connection, hub: Rabbit | None) -> None:
    """Play the steps. Raises `TaleFailedError` at the first that is not as it must be."""
    tale = sas.tale
    tale.on("2026-06-15", "une CPTS, un médecin, une ligne de contrat : 200 € par demande")
    _found(tale)
    tale.on("2026-06-16", "1. la plateforme se présente aux portes FHIR, en TLS mutuel")
    _introduce(sas)
    tale.on("2026-06-16", "2. le compte d'un régulateur (INT_R02)")
    regulator_id = _open_account(sas)
    tale.on("2026-06-16", "3. recherche de créneaux (INT_R04)")
    slot = _search(sas, expected=2)[0]
    tale.on("2026-06-16", "4. un créneau réservé")
    referral_id = _book(sas, slot["id"], regulator_id)
    tale.on("2026-06-16", "5. le rendez-vous déclaré à la plateforme (INT_R03)")
    _declared(sas, "POST", "booked", referral_id)
    tale.on("2026-06-16", "6. le rendez-vous confirmé par un message du Hub Santé (RS-SAS-RDV)")
    confirm(tale, hub, referral_id, slot)
    tale.on("2026-06-18", "7. le rendez-vous honoré")
    path = f"/referrals/{referral_id}/honoured"
    answer = tale.give("referrals", "cpts", "POST", path, {})
    tale.say(f"-> POST {path}")
    tale.say(f"<- 200, demande « {answer['state']} »")
    _declared(sas, "PUT", "fulfilled", referral_id)
    tale.on("2026-06-18", "8. l'euro qu'il a déplacé")
    _explain(tale, referral_id)


def _check(what: str, found: Any, expected: Any) -> None:
    """Raises `TaleFailedError` unless it is as expected."""
    if found != expected:
        raise TaleFailedError(f"{what} : attendu {expected!r}, trouvé {found!r}")


def _found(tale: Tale) -> None:
    """A CPTS under contract with a physician, whose agenda has two slots of the next day."""
    since = {"from_on": YEAR}
    named = {"cpts_id": CPTS, "cpts_name": "CPTS de Mauriac", "seat_commune": COMMUNE}
    named |= {"emerged_on": YEAR, "finess": FINESS}
    tale.give("membership", "ars", "POST", "/cpts", named)
    place = {"entry_id": "p", "commune": COMMUNE}
    tale.give("membership", "ars", "POST", f"{HERE}/territory", place | since)
    member = {"member_id": "m", "rpps": PHYSICIAN, "profession": "10"}
    tale.give("membership", "cpts", "POST", f"{HERE}/members", member | since)
    aci = {"aci_id": "aci", "signed_on": YEAR, "starts_on": YEAR}
    tale.give("membership", "caisse", "POST", f"{HERE}/aci", aci)
    line: dict[str, Any] = {"mission": "acces_aux_soins", "mode": "linear"}
    line |= {"max_cents": MAX_CENTS, "target": TARGET}
    tale.until("l'année de contrat connue", lambda: _is_told(tale, "payments", f"{HERE}/funding"))
    tale.give("payments", "caisse", "PUT", f"{OF_YEAR}/lines/sas_demandes_avec_rdv", line)
    _check("part variable avant", _variable(tale), 0)
    tale.until("la CPTS connue de la passerelle", lambda: _has_agenda(tale))
    offer = {"slot_types": ["PUBLIC", "CPTS"], "cpts_ids": [CPTS], "consultations": ["AMB"]}
    starts = [BEGINS_AT + timedelta(days=2, minutes=20 * n) for n in range(2)]
    spans = [
        {"starts_at": f"{one:%FT%T%z}", "ends_at": f"{one + timedelta(minutes=20):%FT%T%z}"}
        for one in starts
    ]
    slots = {"offer": offer, "slots": spans}
    tale.give("gateway", "cpts", "POST", f"/agendas/{CPTS}-1/slots", slots)
    tale.say(f"{named['cpts_name']} (FINESS {FINESS}), médecin {PHYSICIAN}, deux créneaux")


def _is_told(tale: Tale, service: str, path: str) -> bool:
    try:
        found = tale.get(service, path).json()
    except TaleFailedError:
        return False
    return bool(found["contract_years"] and found["contract_years"][0]["taille"])


def _has_agenda(tale: Tale) -> bool:
    body = {"cpts_id": CPTS, "practitioner_rpps": PHYSICIAN}
    body |= {"family_name": "Exemple", "given_name": "Camille", "phone": "+33471000000"}
    body |= {"address_line": "1 PLACE DE LA MAIRIE", "city": "Mauriac", "postal_code": "15200"}
    try:
        tale.give("gateway", "cpts", "PUT", f"/agendas/{CPTS}-1", body)
    except TaleFailedError:
        return False
    return True


def _introduce(sas: Connection) -> None:
    try:
        sas.call("GET", "/metadata", client=None)
    except httpx.TransportError:
        sas.tale.say("-> GET /metadata sans certificat : la connexion est refusée")
    else:
        raise TaleFailedError("les portes se sont ouvertes sans certificat")
    for client, expected in (("wrong-name", 403), ("revoked", 403), ("platform", 200)):
        answer = sas.call("GET", "/metadata", client=client)
        _check(f"/metadata avec {client}", answer.status_code, expected)
        text = (
            answer.json()
            .get("issue", [{}])[0]
            .get("details", {})
            .get("text", "CapabilityStatement")
        )
        sas.tale.say(f"-> GET /metadata avec {client}.pem")
        sas.tale.say(f"<- {answer.status_code}, {text}")


def _open_account(sas: Connection) -> str:
    path = f"/Practitioner?identifier={TECHNICAL}|{ACCOUNT}"
    sas.tale.say(f"-> PUT {path}")
    answer = sas.call("PUT", path, REGULATOR)
    _check("compte du régulateur", answer.status_code, 201)
    location = answer.headers["Location"]
    sas.tale.say(f"<- 201, {location}")
    return str(location.rpartition("/")[2])


def _search(sas: Connection, expected: int) -> list[Any]:
    includes = "_include=Slot:schedule&_include=Slot:service-type-reference"
    includes += "&_include:iterate=Schedule:actor&_include:iterate=HealthcareService:organization"
    people = f"schedule.actor:Practitioner.identifier={NATIONAL}%7C{PHYSICIAN}"
    period = "start=ge2026-06-16T09:00:00.000&start=le2026-06-18T23:59:59.000"
    sas.tale.say(f"-> GET /Slot?…&{people}&{period}&status=free")
    answer = sas.call("GET", f"/Slot?{includes}&{people}&{period}&status=free")
    _check("recherche", answer.status_code, 200)
    found = answer.json()
    _check("créneaux libres", found["total"], expected)
    entries = [one["resource"] for one in found.get("entry", [])]
    kinds = {one["resourceType"]: 0 for one in entries}
    for one in entries:
        kinds[one["resourceType"]] += 1
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    sas.tale.say(f"<- 200, Bundle de {found['total']} créneaux libres : {told}")
    slots = [one for one in entries if one["resourceType"] == "Slot"]
    for one in slots:
        types = "+".join(kind["code"] for kind in one["meta"]["security"])
        sas.tale.say(f"   {one['start']} {types}")
    return slots


def _book(sas: Connection, slot_id: str, regulator_id: str) -> str:
    tale = sas.tale
    body = {"regulator_id": regulator_id, "commune": COMMUNE, "need": "consultation_generaliste"}
    tale.say(f"-> POST /slots/{slot_id}/bookings {json.dumps(body)}")
    booked = tale.give("gateway", "regulation", "POST", f"/slots/{slot_id}/bookings", body)
    tale.say(f"<- 201, réservation « {booked['state']} »")
    path = f"/bookings/{booked['booking_id']}"
    tale.until(
        "la demande acceptée", lambda: tale.get("gateway", path).json()["state"] == "accepted"
    )
    referral_id = str(tale.get("gateway", path).json()["referral_id"])
    tale.say(f"<- puis « accepted » : demande {referral_id}, acceptée avec son rendez-vous")
    _search(sas, expected=1)
    return referral_id


def _declared(sas: Connection, method: str, status: str, referral_id: str) -> None:
    heard = sas.hears(method, status)
    _check("rendez-vous déclaré", heard.appointment_id, referral_id)
    _check("certificat de la déclaration", heard.client, "gateway")
    (operator,) = heard.body["extension"]
    _check("régulateur", operator["valueReference"]["identifier"]["value"], ACCOUNT)
    sas.tale.say(f"-> {heard.method} {heard.target} : {status}, début {heard.body['start']}")
    sas.tale.say(f"<- {heard.status} de la plateforme, qui a vu notre certificat")

    def is_delivered() -> bool:
        items = sas.tale.get("gateway", "/declarations?state=delivered").json()["items"]
        return any(one["status"] == status for one in items)

    sas.tale.until("la déclaration marquée délivrée", is_delivered)


def confirm(tale: Tale, hub: Rabbit | None, referral_id: str, slot: Any) -> None:
    """The Hub's message about the appointment, acknowledged; left out, and said so, without one."""
    if hub is None:
        tale.say("ÉTAPE LAISSÉE DE CÔTÉ : RabbitMQ n'est pas installé ici.")
        tale.say("Sous Debian : apt-get install rabbitmq-server, puis relancer la démonstration.")
        return
    told = Told(
        appointment_id=referral_id,
        created_at=tale.now,
        starts_at=datetime.fromisoformat(slot["start"]),
        method="UpdateAppointment",
        rpps=PHYSICIAN,
        category="CPTS",
        organisation_id=FINESS,
    )
    message = envelope(told, sent_at=tale.now, name="confirmation")
    tale.say(
        f"-> {message['distributionID']} : UpdateAppointment booked, rendez-vous {referral_id}"
    )
    tale.tick()
    try:
        answer = sas_hub.relay(hub, message)
    except TimeoutError:
        raise TaleFailedError("le Hub n'a reçu aucune réponse") from None
    reference = answer.get("reference", {})
    _check("accusé du Hub", reference.get("distributionID"), f"{SENDER}_confirmation")
    tale.say(f"<- RC-REF : {reference['distributionID']} est reçu et gardé")

    def is_taken() -> bool:
        messages = tale.get("gateway", "/hub/messages?outcome=taken").json()["items"]
        return any(one["distribution_id"] == message["distributionID"] for one in messages)

    tale.until("le message du Hub listé", is_taken)
    _check("demande", tale.get("referrals", f"/referrals/{referral_id}").json()["state"], "booked")


def _variable(tale: Tale) -> int:
    return int(tale.get("payments", f"{OF_YEAR}/explanation").json()["variable_cents"])


def _explain(tale: Tale, referral_id: str) -> None:
    tale.until("la part variable", lambda: _variable(tale) == WORTH)
    found = tale.get("payments", f"{OF_YEAR}/explanation").json()
    (line,) = found["lines"]
    tale.say(f"part variable : {euros(0)} avant la réservation, {euros(WORTH)} après")
    tale.say(f"ligne « {line['libelle']} » : {line['explanation']}")
    figure = line["figure"]
    tale.say(f"chiffre : {figure['value']}, compté selon {figure['counting_rule']}")
    tale.say(f"fait : {', '.join(line['facts']['items'])}, la demande réservée plus haut")
    (mission,) = found["missions"]
    checked = "vérifié" if mission["rate_is_verified"] else "non vérifié : à ne pas verser encore"
    tale.say(f"taux : {mission['rate']['text']} ({checked})")
    _check("le fait derrière l'euro", line["facts"]["items"], [f"referral:{referral_id}"])
