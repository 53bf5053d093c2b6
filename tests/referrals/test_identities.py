"""What stays of an original once its time is over: no name, no address, the rest."""

import json

from services.referrals.domain.hub_reading import (
    without_identities,
)
from tests.referrals.hub_told import (
    NAMES,
    appointment,
    envelope,
    header,
)


def test_an_original_without_identities_keeps_the_rest() -> None:
    once = without_identities(json.dumps(envelope()).encode())
    assert without_identities(once) == once
    kept = json.loads(once)
    message = kept["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    assert message["appointment"].pop("practitioner") == {
        "rppsId": "810000000017",
        "specialityCode": "SM54",
        "professionCode": "10",
    }
    assert message["appointment"].pop("organization") == {"organizationId": "950047225"}
    assert message["appointment"].pop("regulator") == {"regulatorId": "3950000000/1"}
    expected = envelope(header(appointment=appointment(practitioner=..., organization=...)))
    told = expected["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    del told["appointment"]["regulator"], told["sender"]["name"], told["recipient"][0]["name"]
    assert kept == expected


def test_what_the_schemas_do_not_name_or_accept_goes_with_the_identities() -> None:
    told = header(patient={"name": "SECRET-NOM"}, status="SECRET-NOM", appointment=...)
    kept = without_identities(json.dumps(envelope(told, senderID="secret@x", more="S")).encode())
    for lost in ("patient", "SECRET", "secret", "more"):
        assert lost not in kept.decode()
    assert without_identities(b"not JSON") == b"{}"
    bare = without_identities(json.dumps({"appointment": appointment()}).encode())
    assert not [name for name in NAMES if name in bare.decode()]
    assert json.loads(bare)["appointment"]["status"] == "booked"
