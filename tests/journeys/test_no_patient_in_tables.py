"""No patient in a table: no column of a service's database can describe who seeks care."""

import pytest

from services.messaging.process import Service
from tests.journeys.story import SERVICES, Platform
from tests.patient_words import tells_of_a_person

ALLOWED = {
    "cpts.cpts_name": "the name of a CPTS, an organisation",
    "contract_line.line_label": "what a contract calls one of its lines",
    "rate.text": "the legal text in which a rate was read",
    "rate_confirmation.text": "the legal text in which a rate was read, by who confirms it",
    "practitioner_card.family_name": "the name of a professional, who works",
    "practitioner_card.given_name": "the name of a professional, who works",
    "agenda_card.address_line": "where a professional works",
    "agenda_card.phone": "where a professional is reached at work",
    "cpts_card.phone": "where a CPTS is reached",
    "regulator_identity.family_name": "the name of a regulator, who works",
    "regulator_identity.given_name": "the name of a regulator, who works",
    "regulator_identity.email": "where a regulator is reached at work",
    "sas_message.notes": "codes of what is odd in a message",
    "sas_message.has_identities": "whether an original still names its professionals",
}
COLUMNS = """
    select table_name || '.' || column_name from information_schema.columns
    where table_schema = 'public' and table_name !~ 'yoyo'
"""


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_no_column_may_describe_a_patient(platform: Platform, service: Service) -> None:
    rows = await platform.services[service.name].pool.fetch(COLUMNS)
    columns = [str(row[0]) for row in rows]
    assert columns
    telling = [one for one in columns if tells_of_a_person(one.partition(".")[2])]
    assert [one for one in telling if one not in ALLOWED] == []
