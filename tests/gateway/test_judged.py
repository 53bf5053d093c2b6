"""What the doors serve, judged from outside: by the SAS profiles and the published examples."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from services.gateway.domain import resources
from services.gateway.domain.naming import APPOINTMENT_PROFILE, SLOT_PROFILE
from services.gateway.domain.regulators import Account, read_account
from tests.gateway.agendas import (
    PS_INCLUDES,
    at,
    bundle,
    kept,
    made,
    offer,
    opened,
)
from tests.gateway.judge import EXAMPLES, VALIDATOR, errors_in
from tests.gateway.published import NOBODY, ONE_PLACE, OTHER, TWO_PLACES
from tests.gateway.served import Served
from tests.gateway.test_regulators import identifier, internal, new_national, regulator

needs_judge = pytest.mark.skipif(not VALIDATOR.exists(), reason="the validator is not beside")
needs_examples = pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not beside")
KINDS = (
    *("Slot", "Schedule", "Practitioner", "PractitionerRole", "HealthcareService"),
    "Organization",
)


@pytest_asyncio.fixture(scope="module")
async def furnished(served: Served) -> AsyncIterator[Served]:
    """Agendas with every kind of slot, of professionals with all and with little to show."""
    await made(served)
    await kept(served, "a-1")
    await kept(served, "b-1", TWO_PLACES, phone=None, booking_url=None, specialties=[])
    await kept(served, "b-2", TWO_PLACES, structure_number="1310000001", specialties=["SM05"])
    await kept(served, "o-1", OTHER, structure_number=None, family_name="D'Œuvre-Élan")
    types = [("PUBLIC",), ("PRO",), ("SNP",), ("CPTS",), ("PUBLIC", "PRO", "SNP", "CPTS")]
    for number, some in enumerate(types):
        await opened(
            served, "a-1", at(9 + number), offer=offer(*some, consultations=["AMB", "HH", "VR"])
        )
    both = offer("CPTS", cpts_ids=["c1", "c2"])
    await opened(served, "b-1", at(9), offer=both)
    await opened(served, "b-2", at(14), offer=both | {"is_walk_in": True})
    await opened(served, "o-1", at(10))
    await served.order("PUT", "/cpts/c1/phone", {"phone": "+33102030405"})
    yield served


@needs_judge
async def test_every_body_that_is_served_satisfies_the_profiles(
    furnished: Served, tmp_path: Path
) -> None:
    everybody = (ONE_PLACE, TWO_PLACES, OTHER)
    bodies: dict[str, Any] = {
        "cpts": await bundle(furnished, *everybody),
        "cpts-one": await bundle(furnished, ONE_PLACE),
        "professionals": await bundle(furnished, *everybody, includes=PS_INCLUDES),
        "nothing": await bundle(furnished, NOBODY),
        "slots-alone": await bundle(furnished, ONE_PLACE, includes=()),
    }
    # Without includes it is no Bundle of the flow of CPTS, whose slices ask for more.
    assert bodies["slots-alone"]["meta"]["profile"] == bodies["professionals"]["meta"]["profile"]
    for entry in bodies["cpts"]["entry"]:
        kind = entry["resource"]["resourceType"]
        path = entry["fullUrl"].removeprefix(f"{furnished.run.address}/fhir")
        bodies[f"read-{kind}-{len(bodies)}"] = (await furnished.fhir("GET", path)).json()
    for account in (identifier(new_national()), internal(str(uuid4()))):
        answer = await furnished.fhir("POST", "/Practitioner", regulator(account))
        bodies[f"account-{len(bodies)}"] = answer.json()
    bodies["metadata"] = (await furnished.fhir("GET", "/metadata")).json()
    bodies["outcome"] = (await furnished.fhir("GET", "/Slot")).json()
    kinds = {one.split("-")[1] for one in bodies if one.startswith("read-")}
    assert kinds == set(KINDS)
    slot = {"resourceType": "Slot", "id": "s", "meta": {"profile": [SLOT_PROFILE]}}
    bodies["wrong-slot"] = slot | {"status": "busy"}
    told = {"resourceType": "Appointment", "meta": {"profile": [APPOINTMENT_PROFILE]}}
    bodies["wrong-appointment"] = told | {"status": "booked", "participant": []}
    found = await asyncio.to_thread(errors_in, bodies, tmp_path)
    assert {one.partition(":")[0] for one in found} == {"wrong-slot", "wrong-appointment"}, found


@needs_examples
@pytest.mark.parametrize("kind", KINDS)
def test_our_resources_hold_the_published_examples_and_write_them_again(kind: str) -> None:
    """What our structs know of an example is what it says, but for narrative and free motives."""
    found = 0
    for path in sorted(EXAMPLES.glob(f"{kind}-*.json")):
        example = json.loads(path.read_text("utf-8"))
        if "Regul" in path.stem:
            continue
        found += 1
        example.pop("text", None)
        for one in example.get("contained", []):
            one.pop("text", None)
        if kind == "Slot":  # free motives: no agenda of ours has one
            example["serviceType"] = [one for one in example["serviceType"] if "text" not in one]
        if kind == "PractitionerRole" and "type" not in example["organization"]["identifier"]:
            continue  # the guide's own example lacks what its profile fixes
        held = msgspec.convert(example, getattr(resources, kind))
        written = json.loads(msgspec.json.encode(held))
        for one in (example, written):
            for phone in one.get("telecom", []):
                phone.pop("use", None)
        assert written == example
    assert found


@needs_examples
async def test_the_published_regulators_are_taken_and_read_again(furnished: Served) -> None:
    paths = sorted(EXAMPLES.glob("Practitioner-*Regul*.json"))
    assert len(paths) >= 2
    for path in paths:
        example = json.loads(path.read_text("utf-8"))
        assert isinstance(read_account(path.read_bytes()), Account)
        answer = await furnished.fhir("POST", "/Practitioner", path.read_bytes())
        assert answer.status_code == 201
        known_as = answer.headers["location"].rpartition("/")[2]
        shown = (await furnished.fhir("GET", f"/Practitioner/{known_as}")).json()
        assert shown["meta"].pop("source") == "urn:oid:1.2.250.1.213.3.6"
        for one in (example, shown):
            one.pop("id")
            one.pop("text", None)
            one["meta"].pop("source", None)
        assert shown == example
