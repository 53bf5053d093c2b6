"""Slots that a CPTS imports: an iCalendar file, whose events are openings, or a CSV.

A file is taken whole or not at all; what is wrong is told row by row. The texts of a calendar
(SUMMARY, DESCRIPTION, attendees) are never read: a name of a patient may stand there.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import recurring_ical_events

from contracts.events.gateway import Offer, Span
from services.gateway.domain.agendas import SLOTS_AT_ONCE_MAX, Consultation, SlotType

FILE_BYTES_MAX = 1024 * 1024
FAULTS_SHOWN_MAX = 20
DIGITS_MAX = 3
RULES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
# Of the parts of a recurrence those with which the next occurrence is never far: the 30 February
# would be looked for until the year 9999.
PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}
WEEKDAY = re.compile(r"(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)")
INTERVAL_MAX = 1000
RECURRING_MAX = 200
READ_AHEAD = timedelta(days=92)
"""How far ahead a calendar's recurrences are opened; it is read again to go on."""
YEARS = range(2000, 2101)
WALK_IN = "WALKIN"
COLUMNS = (
    *("starts_at", "ends_at", "slot_types", "consultations", "cpts_ids"),
    *("capacity", "overbooking", "is_walk_in"),
)


class RowFault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a row of a CSV, or an event of a calendar, counted from 1."""

    row: int
    text: str


NO_CALENDAR = RowFault(row=0, text="Ce n'est pas un fichier iCalendar lisible.")
Slots = list[tuple[Offer, Span]]


class Unreadable(ValueError):  # noqa: N818
    """The file cannot be taken; `faults` say why."""

    def __init__(self, faults: Iterable[RowFault]) -> None:
        super().__init__("unreadable")
        self.faults = list(faults)[:FAULTS_SHOWN_MAX]


def read_calendar(
    content: bytes,
    *,
    offer: Offer,
    minutes: int | None,
    zone: str,
    after: datetime,
    until: datetime,
) -> Slots:
    """The slots of a calendar between two instants: each occurrence, cut into slots of `minutes`.

    CATEGORIES may say for whom and where, in place of the offer's own. Raises `Unreadable`.
    """
    try:
        calendar = icalendar.Calendar.from_ical(content)
        is_calendar = calendar.name == "VCALENDAR"
        faults = [
            RowFault(row=row, text=text)
            for row, event in enumerate(calendar.walk("VEVENT"), start=1)
            if (text := _event_fault(event))
        ]
        recurring = sum("RRULE" in event for event in calendar.walk("VEVENT"))
    except Exception as error:  # a library reads what anybody wrote
        raise Unreadable([NO_CALENDAR]) from error
    if recurring > RECURRING_MAX:
        text = f"Il y a plus de {RECURRING_MAX} événements qui se répètent."
        raise Unreadable([RowFault(row=0, text=text)])
    if faults or not is_calendar:
        raise Unreadable(faults or [NO_CALENDAR])
    found: Slots = []
    try:
        for event in recurring_ical_events.of(calendar).between(after, until):
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            start, end = _instant(event.start, zone), _instant(event.end, zone)
            told = _offer_of(event, offer)
            found += [(told, span) for span in _cut(start, end, minutes) if span.starts_at >= after]
            if len(found) > SLOTS_AT_ONCE_MAX:
                break
    except Exception as error:  # a library reads what anybody wrote
        text = "Une récurrence ne peut pas être calculée."
        raise Unreadable([RowFault(row=0, text=text)]) from error
    return found


def _event_fault(event: Any) -> str:
    start, rule = event.get("DTSTART"), event.get("RRULE")
    begins = getattr(start, "dt", None)
    if not isinstance(begins, datetime) or begins.year not in YEARS:
        return "L'événement n'a pas d'heure de début."
    rules = rule if isinstance(rule, list) else [rule] if rule else []
    if "EXRULE" in event or any(_is_without_end(one) for one in rules):
        return "La récurrence n'est pas de celles qui sont prises en charge."
    return ""


def _is_without_end(rule: Any) -> bool:
    """Whether a recurrence may be looked for without end, or is finer than a day."""
    freq, interval = rule.get("FREQ", [""])[0], rule.get("INTERVAL", [1])[0]
    parts = PARTS | ({"BYMONTHDAY"} if freq == "MONTHLY" else set())
    is_known = freq in RULES and not set(rule) - parts
    is_near = all(WEEKDAY.fullmatch(str(one)) for one in rule.get("BYDAY", []))
    return not (is_known and is_near and 1 <= interval <= INTERVAL_MAX)


def _offer_of(event: Any, offer: Offer) -> Offer:
    told = event.get("CATEGORIES")
    lists = told if isinstance(told, list) else [told] if told is not None else []
    words = {str(word).strip().upper() for one in lists for word in getattr(one, "cats", [])}
    types = tuple(one.value for one in SlotType if one in words) or offer.slot_types
    consultations = tuple(one.value for one in Consultation if one in words) or offer.consultations
    return msgspec.structs.replace(
        offer,
        slot_types=types,
        consultations=consultations,
        cpts_ids=offer.cpts_ids if SlotType.CPTS in types else (),
        is_walk_in=offer.is_walk_in or WALK_IN in words,
    )


def _cut(start: datetime, end: datetime, minutes: int | None) -> list[Span]:
    if minutes is None:
        return [Span(starts_at=start, ends_at=end)]
    length = timedelta(minutes=minutes)
    count = (end - start) // length
    return [
        Span(starts_at=start + number * length, ends_at=start + (number + 1) * length)
        for number in range(count)
    ]


def _instant(told: Any, zone: str) -> datetime:
    if not isinstance(told, datetime):
        raise TypeError("an event of whole days")
    local = told if told.tzinfo is not None else told.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


def read_csv(content: bytes, *, offer: Offer, zone: str) -> Slots:
    """The slots of a CSV; columns that are absent or empty are the offer's. Raises `Unreadable`."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable([RowFault(row=0, text="Le fichier n'est pas en UTF-8.")]) from error
    delimiter = ";" if lines and ";" in lines[0] else ","
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=False))
    except csv.Error as error:
        raise Unreadable([RowFault(row=0, text="Ce n'est pas un CSV lisible.")]) from error
    header = [name.strip() for name in rows[0]] if rows else []
    if not {"starts_at", "ends_at"} <= set(header) <= set(COLUMNS):
        text = f"Les colonnes sont starts_at, ends_at, et parmi {', '.join(COLUMNS[2:])}."
        raise Unreadable([RowFault(row=1, text=text)])
    found: Slots = []
    faults = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
        try:
            found.append((_row_offer(cells, offer), _row_span(cells, zone)))
        except ValueError as error:
            faults.append(RowFault(row=number, text=str(error)))
    if faults:
        raise Unreadable(faults)
    return found


def _row_span(cells: Mapping[str, str], zone: str) -> Span:
    instants = []
    for name in ("starts_at", "ends_at"):
        try:
            instants.append(_instant(datetime.fromisoformat(cells.get(name, "")), zone))
        except (ValueError, OverflowError):
            raise ValueError(f"{name} : un instant ISO 8601 est attendu") from None
    return Span(starts_at=instants[0], ends_at=instants[1])


def _row_offer(cells: Mapping[str, str], offer: Offer) -> Offer:
    def words(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cells[name].replace("|", " ").split()) if cells.get(name) else default

    def number(name: str, default: int) -> int:
        said = cells.get(name)
        if said and not (said.isascii() and said.isdecimal() and len(said) <= DIGITS_MAX):
            raise ValueError(f"{name} : un nombre est attendu")
        return int(said) if said else default

    types = words("slot_types", offer.slot_types)
    own = offer.cpts_ids if SlotType.CPTS in types else ()
    return Offer(
        slot_types=types,
        consultations=words("consultations", offer.consultations),
        cpts_ids=words("cpts_ids", own),
        capacity=number("capacity", offer.capacity),
        overbooking=number("overbooking", offer.overbooking),
        is_walk_in=cells.get("is_walk_in", "").lower() in ("true", "1", "oui") or offer.is_walk_in,
    )
