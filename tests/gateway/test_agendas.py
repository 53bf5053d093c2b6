"""Agendas: slots typed in, imported, recurring; what CPTS may order; what is free."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from contracts.topics import REFERRALS
from services.messaging.comparing import compare
from services.messaging.replaying import rebuild
from services.messaging.timers import Timer, fire_due
from tests.gateway.agendas import agenda_body, at, bundle, kept, made, offer, opened, starts
from tests.gateway.published import NOBODY, ONE_PLACE, OTHER, TWO_PLACES, accepted, cancelled, moved
from tests.gateway.served import NOON, Served

CSV, CALENDAR = "text/csv", "text/calendar"


@pytest_asyncio.fixture(scope="module")
async def known(served: Served) -> AsyncIterator[Served]:
    yield await made(served)


def week(weekday: int = 2, **changes: Any) -> dict[str, Any]:
    """An hour a week, on Tuesday, in four slots."""
    hours = {"weekday": weekday, "begins": "09:00:00", "ends": "10:00:00", "minutes": 15}
    return hours | {"offer": offer(), "from_on": "2026-11-01"} | changes


async def set_hours(served: Served, agenda_id: str, *hours: Any, **more: Any) -> Any:
    body = {"hours": list(hours), **more}
    return await served.order("PUT", f"/agendas/{agenda_id}/hours", body)


async def imported(
    served: Served, agenda_id: str, content: str, media_type: str = CSV, **asked: Any
) -> Any:
    path = f"/agendas/{agenda_id}/import?" + "&".join(f"{k}={v}" for k, v in asked.items())
    return await served.order("POST", path, content.encode(), Content_Type=media_type)


async def of_days(served: Served, rpps: str, days: int = 35) -> list[datetime]:
    end = (NOON + timedelta(days=days)).date()
    return await starts(served, rpps, end=f"le{end}")


async def test_recurring_hours_are_cut_into_slots_four_weeks_ahead(known: Served) -> None:
    await kept(known, "h-1")
    answer = await set_hours(known, "h-1", week())
    assert (answer.status_code, answer.json()["opened"]) == (200, 16)
    found = [one for one in await of_days(known, ONE_PLACE) if one.minute != 20]
    assert {one.date().isoformat() for one in found} == {
        *("2026-11-24", "2026-12-01", "2026-12-08", "2026-12-15"),
    }
    assert sorted({one.strftime("%H:%M") for one in found}) == ["09:00", "09:15", "09:30", "09:45"]


async def test_hours_told_again_open_and_close_what_differs(known: Served) -> None:
    await kept(known, "h-2")
    await set_hours(known, "h-2", week())
    again = (await set_hours(known, "h-2", week())).json()
    assert (again["opened"], again["closed"]) == (0, 0)
    later = (await set_hours(known, "h-2", week(begins="09:30:00"))).json()
    assert (later["opened"], later["closed"]) == (0, 8)
    none = (await set_hours(known, "h-2")).json()
    assert (none["opened"], none["closed"]) == (0, 8)


async def test_holidays_and_closures_are_off(known: Served) -> None:
    await kept(known, "h-3", TWO_PLACES)
    friday = week(5, ends="09:30:00")
    closures = [{"from_on": "2026-11-27", "to_on": "2026-12-04"}]
    told = (await set_hours(known, "h-3", friday, closures=closures)).json()
    assert told["opened"] == 4, "four Fridays, two of them closed"
    # Christmas 2026 is a Friday, out of reach today and open three weeks later.
    timer = Timer(name="hours", fire=known.run.service.timers[0].fire)
    known.clock.set(datetime.fromisoformat("2026-12-10T12:00:00+00:00"))
    await fire_due(known.run.desk, timer, known.clock)
    rows = await known.run.pool.fetch(
        "select starts_at::date as day from slot where agenda_id = 'h-3' and not is_closed"
    )
    days = sorted({row["day"] for row in rows})
    known.clock.set(NOON)
    assert days == [date(2026, 12, 11), date(2026, 12, 18)]
    assert date(2027, 1, 1) not in days


async def test_slots_typed_in_stay_when_hours_would_open_others_at_their_time(
    known: Served,
) -> None:
    await kept(known, "h-4", OTHER)
    await opened(known, "h-4", at(9), offer=offer("SNP"))
    await set_hours(known, "h-4", week())
    found = await bundle(known, OTHER)
    first = found["entry"][0]["resource"]
    assert [one["code"] for one in first["meta"]["security"]] == ["SNP"]
    assert (await set_hours(known, "h-4")).json()["closed"] == 15


async def test_a_csv_replaces_what_was_imported_before(known: Served) -> None:
    await kept(known, "f-1")
    lines = [
        "starts_at;ends_at;slot_types;consultations;capacity",
        "2026-12-21T09:00;2026-12-21T09:20;PUBLIC PRO;AMB HH;2",
        "2026-12-21T08:30:00Z;2026-12-21T08:50:00Z;;;",
    ]
    first = await imported(known, "f-1", "\n".join(lines))
    assert (first.status_code, first.json()["opened"]) == (200, 2)
    rows = await known.run.pool.fetch(
        "select starts_at, slot_types, consultations, capacity from slot where agenda_id = 'f-1'"
        " order by starts_at"
    )
    assert [tuple(row) for row in rows] == [
        (datetime.fromisoformat("2026-12-21T08:00Z"), ["PUBLIC", "PRO"], ["AMB", "HH"], 2),
        (datetime.fromisoformat("2026-12-21T08:30Z"), ["PUBLIC"], ["AMB"], 1),
    ]
    second = (await imported(known, "f-1", "\n".join(lines[:2]))).json()
    assert (second["opened"], second["closed"]) == (0, 1)


BAD_CSV = [
    ("a;b\n1;2", [1]),
    ("starts_at,ends_at\nx,2026-12-21T09:00\n\n2026-12-21T09:00,\n", [2, 4]),
    ("starts_at,ends_at,capacity\n2026-12-21T09:00,2026-12-21T09:20,many", [2]),
    ("starts_at,ends_at\n2026-12-21T09:00,9999-99-99", [2]),
    ("", [1]),
]


@pytest.mark.parametrize(("content", "rows"), BAD_CSV)
async def test_a_csv_with_a_wrong_row_is_refused_whole(
    known: Served, content: str, rows: list[int]
) -> None:
    await kept(known, "f-2")
    answer = await imported(known, "f-2", content)
    assert (answer.status_code, answer.json()["reason"]) == (422, "file_unreadable")
    assert [one["row"] for one in answer.json()["rows"]] == rows


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//FR
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Paris:20261201T090000
DTEND;TZID=Europe/Paris:20261201T100000
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Paris:20261208T090000
SUMMARY:Mme Durand de Nice
CATEGORIES:PRO,VR
END:VEVENT
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
RECURRENCE-ID;TZID=Europe/Paris:20261215T090000
DTSTART;TZID=Europe/Paris:20261215T140000
DTEND;TZID=Europe/Paris:20261215T143000
SUMMARY:moved
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20261101T000000Z
DTSTART:20261202T080000
DURATION:PT20M
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTAMP:20261101T000000Z
DTSTART:20261203T080000Z
DTEND:20261203T090000Z
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
"""


async def test_a_calendar_is_read_with_its_recurrences_and_exceptions(known: Served) -> None:
    await kept(known, "i-1", TWO_PLACES)
    answer = await imported(known, "i-1", ICS, CALENDAR, minutes=20)
    assert answer.status_code == 200, answer.text
    rows = await known.run.pool.fetch(
        "select starts_at, slot_types, consultations from slot where agenda_id = 'i-1'"
        " order by starts_at"
    )
    found = [(row["starts_at"].strftime("%d %H:%M"), row["slot_types"][0]) for row in rows]
    assert found == [
        *((f"01 08:{minute:02}", "PRO") for minute in (0, 20, 40)),
        ("02 07:00", "PUBLIC"),  # no time zone: the agenda's
        ("15 13:00", "PUBLIC"),  # moved, without categories
        *((f"22 08:{minute:02}", "PRO") for minute in (0, 20, 40)),
    ]
    assert rows[0]["consultations"] == ["VR"]
    for table in ("history", "slot", "agenda_card"):
        assert "Durand" not in str(await known.run.pool.fetch(f"select * from {table}"))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("BEGIN:VCALENDAR", "BEGIN:NOTHING"),
        ("FREQ=WEEKLY", "FREQ=SECONDLY"),
        ("DTSTART:20261202T080000", "DTSTART;VALUE=DATE:20261202"),
        ("DTSTART:20261202T080000\n", ""),
        ("RRULE:FREQ=WEEKLY;COUNT=4", "RRULE:FREQ=WEEKLY;COUNT=x"),
        ("RRULE:FREQ=WEEKLY;COUNT=4", "RRULE:FREQ=DAILY;INTERVAL=0"),
        ("RRULE:FREQ=WEEKLY;COUNT=4", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
        ("TZID=Europe/Paris:20261201T090000", "TZID=Europe/Paris:00011201T090000"),
        ("END:VEVENT\n", ""),
    ],
)
async def test_a_calendar_that_cannot_be_read_is_refused_whole(
    known: Served, written: str, instead: str
) -> None:
    await kept(known, "i-2")
    answer = await imported(known, "i-2", ICS.replace(written, instead), CALENDAR)
    assert (answer.status_code, answer.json()["reason"]) == (422, "file_unreadable"), answer.text


async def test_another_format_and_a_file_without_end_are_refused(known: Served) -> None:
    await kept(known, "i-3")
    assert (await imported(known, "i-3", "x", "text/html")).status_code == 415
    assert (await imported(known, "i-3", "x" * 1_100_000)).status_code == 413


REFUSED: list[tuple[dict[str, Any], str]] = [
    (offer("OTHER"), "unknown_slot_type"),
    (offer("PUBLIC", consultations=["XX"]), "unknown_slot_type"),
    (offer("PUBLIC", "PUBLIC"), "unknown_slot_type"),
    (offer("PUBLIC", cpts_ids=["c1"]), "cpts_and_type_differ"),
    (offer("CPTS", cpts_ids=[]), "cpts_and_type_differ"),
    (offer("CPTS", cpts_ids=["c2"]), "practitioner_not_a_member"),
    (offer("PUBLIC", capacity=0), "capacity_out_of_bounds"),
    (offer("PUBLIC", overbooking=101), "capacity_out_of_bounds"),
]


@pytest.mark.parametrize(("given", "reason"), REFUSED)
async def test_an_offer_that_cannot_be_is_refused(
    known: Served, given: dict[str, Any], reason: str
) -> None:
    await kept(known, "r-1")
    slot = {"starts_at": at(9).isoformat(), "ends_at": at(10).isoformat()}
    answer = await known.order("POST", "/agendas/r-1/slots", {"offer": given, "slots": [slot]})
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    hours = await set_hours(known, "r-1", week(offer=given))
    assert hours.json()["reason"] == reason


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (at(9, days=-1), at(10, days=-1), "slot_in_the_past"),
        (at(9), at(9, 4), "slot_length_out_of_bounds"),
        (at(9), at(8), "slot_length_out_of_bounds"),
        (at(9), at(18), "slot_length_out_of_bounds"),
    ],
)
async def test_slots_of_impossible_times_are_refused(
    known: Served, start: datetime, end: datetime, reason: str
) -> None:
    await kept(known, "r-2")
    slot = {"starts_at": start.isoformat(), "ends_at": end.isoformat()}
    body = {"offer": offer(), "slots": [slot]}
    answer = await known.order("POST", "/agendas/r-2/slots", body)
    assert (answer.status_code, answer.json()["reason"]) == (409, reason)


async def test_hours_that_hold_no_slot_are_refused(known: Served) -> None:
    await kept(known, "r-3")
    answer = await set_hours(known, "r-3", week(ends="09:10:00"))
    assert (answer.status_code, answer.json()["reason"]) == (409, "hours_impossible")


async def test_an_agenda_is_of_a_member_of_a_known_cpts_and_stays_theirs(known: Served) -> None:
    async def put(agenda_id: str, **changes: Any) -> tuple[int, str]:
        answer = await known.order("PUT", f"/agendas/{agenda_id}", agenda_body(**changes))
        return answer.status_code, answer.json().get("reason", "")

    assert await put("r-4", cpts_id="c9") == (409, "cpts_unknown")
    assert await put("r-4", practitioner_rpps=NOBODY) == (409, "practitioner_not_a_member")
    assert await put("r-4") == (200, "")
    assert await put("r-4", practitioner_rpps=OTHER) == (409, "agenda_of_another")
    assert (await put("not_an_id"))[0] == 400
    assert (await put("r-4", phone="0102030405"))[0] == 400
    assert (await put("r-4", postal_code="3184"))[0] == 400


ORDERS: list[tuple[str, str, Any]] = [
    ("PUT", "/agendas/w-1", agenda_body()),
    ("PUT", "/agendas/w-1/hours", {"hours": []}),
    (
        "POST",
        "/agendas/w-1/slots",
        {
            "offer": offer(),
            "slots": [{"starts_at": at(9).isoformat(), "ends_at": at(10).isoformat()}],
        },
    ),
    ("POST", "/agendas/w-1/slots/close", {"starts_at": [at(9).isoformat()]}),
    ("POST", "/agendas/w-1/import", b"starts_at,ends_at\n"),
    ("PUT", "/cpts/c1/phone", {"phone": "+33102030405"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ORDERS)
async def test_a_cpts_orders_about_its_own_agendas_alone(
    known: Served, method: str, path: str, body: Any
) -> None:
    await kept(known, "w-1")
    as_csv: Any = {"Content_Type": CSV} if isinstance(body, bytes) else {}
    own = await known.order(method, path, body, role="cpts", **as_csv)
    assert own.status_code == 200, own.text
    another: Any = {"Acting_Cpts": "c2", **as_csv}
    answer = await known.order(method, path, body, role="cpts", **another)
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_the_acting_cpts")
    for role in ("caisse", "ars", "regulation"):
        answer = await known.order(method, path, body, role=role, **as_csv)
        assert (answer.status_code, answer.json()["reason"]) == (403, "role_not_allowed")


async def test_slots_are_closed_and_an_agenda_too(known: Served) -> None:
    await kept(known, "c-1", TWO_PLACES)
    await opened(known, "c-1", at(17), at(17, 20))
    closed = await known.order(
        "POST", "/agendas/c-1/slots/close", {"starts_at": [at(17).isoformat()]}
    )
    assert closed.json()["closed"] == 1
    assert at(17) not in await starts(known, TWO_PLACES)
    assert at(17, 20) in await starts(known, TWO_PLACES)
    await kept(known, "c-1", TWO_PLACES, is_closed=True)
    assert at(17, 20) not in await starts(known, TWO_PLACES)
    answer = await known.order(
        "POST", "/agendas/c-1/slots/close", {"starts_at": [at(17).isoformat()]}
    )
    assert answer.json()["reason"] == "agenda_closed"


async def test_an_appointment_that_a_cpts_gave_takes_its_place(known: Served) -> None:
    """Accepted, moved away and back, cancelled: the slot follows at once."""
    await kept(known, "t-1", OTHER)
    await opened(known, "t-1", at(18), at(18, 20))

    async def free() -> set[datetime]:
        return {at(18), at(18, 20)} & set(await starts(known, OTHER))

    await known.hear(REFERRALS, accepted("r-one", OTHER, at(18)))
    assert await free() == {at(18, 20)}
    await known.hear(REFERRALS, moved("r-one", OTHER, at(18, 20)))
    assert await free() == {at(18)}
    await known.hear(REFERRALS, cancelled("r-one", sequence=5))
    assert await free() == {at(18), at(18, 20)}


async def test_a_slot_of_several_places_is_free_until_all_are_taken(known: Served) -> None:
    await kept(known, "t-2", OTHER)
    await opened(known, "t-2", at(19), offer=offer("PUBLIC", capacity=2))
    await known.hear(REFERRALS, accepted("r-two", OTHER, at(19)))
    assert at(19) in await starts(known, OTHER)
    await known.hear(REFERRALS, accepted("r-three", OTHER, at(19)))
    assert at(19) not in await starts(known, OTHER)
    listed = await known.client.get(
        "/agendas/t-2/slots", params={"from_at": at(19).isoformat(), "days": 1}
    )
    assert [(one["capacity"], one["taken"]) for one in listed.json()] == [(2, 2)]


async def test_the_agendas_of_a_cpts_are_listed(known: Served) -> None:
    for after, expected in (("zz", "zz-1"), ("zz-1", "zz-2")):
        await kept(known, expected)
        page = (await known.client.get(f"/agendas?cpts_id=c1&limit=1&after={after}")).json()
        assert ([one["agenda_id"] for one in page["items"]], page["next"]) == ([expected], expected)


async def test_an_agenda_that_is_not_shown_any_more_is_not_served(known: Served) -> None:
    await kept(known, "s-1", TWO_PLACES)
    await opened(known, "s-1", at(20))
    assert at(20) in await starts(known, TWO_PLACES)
    await known.run.pool.execute("delete from agenda_card where agenda_id = 's-1'")
    assert at(20) not in await starts(known, TWO_PLACES)
    await kept(known, "s-1", TWO_PLACES)
    assert at(20) in await starts(known, TWO_PLACES)


async def test_agendas_rebuilt_from_the_log_are_those_that_live(known: Served) -> None:
    await rebuild(known.run.service, known.run.settings, "shadow")
    compared = {
        one.table: one for one in await compare(known.run.service, known.run.settings, "shadow")
    }
    assert [one for one in compared.values() if not one.is_equal] == []
    assert compared["slot"].live > 20
    assert compared["agenda"].live > 5
    assert not {"agenda_card", "practitioner_card", "cpts_card"} & compared.keys()


async def test_a_text_that_is_no_utf_8_is_refused(known: Served) -> None:
    answer = await known.order("PUT", "/cpts/c1/phone", b'{"phone": "+3310203\xf705"}')
    assert answer.status_code == 400, answer.text
