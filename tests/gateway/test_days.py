"""Days of agendas: those of the place where they are, within the years that a calendar has."""

from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.agendas import agenda_body, at, kept, made, offer
from tests.gateway.published import OTHER
from tests.gateway.served import NOON, Served

LAST_SECOND = NOON.replace(hour=22, minute=59, second=59)  # of the day in Paris
FAR = "9999-12-31"


async def test_a_member_is_one_until_midnight_where_the_cpts_is(served: Served) -> None:
    await made(served)
    body = agenda_body(OTHER, cpts_id="c2")  # to which the other belongs until that day
    over = await served.order("PUT", "/agendas/d-1", body, at=LAST_SECOND + timedelta(seconds=1))
    assert (over.status_code, over.json()["reason"]) == (409, "practitioner_not_a_member")
    assert (await served.order("PUT", "/agendas/d-1", body, at=LAST_SECOND)).status_code == 200


HOUR = {"weekday": 2, "begins": "09:00:00", "ends": "10:00:00", "minutes": 15, "offer": offer()}
FAR_SPAN = {"starts_at": f"{FAR}T09:00:00+01:00", "ends_at": f"{FAR}T10:00:00+01:00"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "hours", {"hours": [HOUR | {"from_on": FAR}]}),
        ("PUT", "hours", {"hours": [], "closures": [{"from_on": "2026-12-01", "to_on": FAR}]}),
        ("POST", "slots", {"offer": offer(), "slots": [FAR_SPAN]}),
        ("POST", "slots/close", {"starts_at": [at(9).isoformat(), FAR_SPAN["starts_at"]]}),
    ],
)
async def test_a_day_at_the_end_of_the_calendar_is_refused(
    served: Served, method: str, path: str, body: Any
) -> None:
    await made(served)
    await kept(served, "d-2")
    answer = await served.order(method, f"/agendas/d-2/{path}", body)
    assert answer.status_code == 400, answer.text
    assert "2199" in answer.text
