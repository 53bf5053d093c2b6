"""What a search of slots asks (INT_R01 and INT_R04), read as leniently as one meaning allows.

Names and values come in any order; what is not known is passed over, as FHIR has it, and so is
`_count`, for the answer is one page. `start` comes twice, `ge` and `le`; an instant without offset
is local time in Paris. An identifier is an RPPS, with its system or not, with its prefix `8` or
not; one that is no RPPS is nobody's here. The includes decide what comes along, and
`Slot:service-type-reference` that the answer is that of CPTS (INT_R04).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from contracts.departements import PARIS_TIME
from services.gateway.domain.faults import Fault
from services.gateway.domain.naming import IDNPS_SYSTEM

IDENTIFIERS_MAX = 25
DAYS_MAX = 92
IDENTIFIER = ("schedule.actor:practitioner.identifier", "schedule.actor.identifier")
SCHEDULE = "Slot:schedule"
ACTOR = "Schedule:actor"
SERVICE = "Slot:service-type-reference"
ORGANIZATION = "HealthcareService:organization"
INCLUDE_NAMES = ("_include", "_include:iterate", "_include:recurse")

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+ -]\d{2}:\d{2})?)?"
)
_COMPARATORS = ("ge", "le", "gt", "lt")
_STEP = timedelta(microseconds=1)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which slots are asked for, both instants included, and what is to come along."""

    rpps: tuple[str, ...]
    from_at: datetime
    to_at: datetime
    is_free: bool
    includes: frozenset[str]

    @property
    def is_cpts(self) -> bool:
        """Whether it is the flow of CPTS (INT_R04), and not that of professionals (INT_R01)."""
        return SERVICE in self.includes


def read_search(parameters: Iterable[tuple[str, str]]) -> Asked | Fault:
    """What the parameters ask, or the first fault in them."""
    starts: list[str] = []
    tokens: list[str] | None = None
    statuses: list[str] = []
    includes = set()
    for name, value in parameters:
        lowered = name.lower()
        if lowered == "start":
            starts.append(value)
        elif lowered in IDENTIFIER:
            if tokens is not None:
                return _fault("identifier_twice", "Les identifiants se donnent en une fois.", name)
            tokens = value.split(",")
        elif lowered == "status":
            statuses += value.split(",")
        elif lowered in INCLUDE_NAMES:
            includes.add(value)
    rpps = _rpps(tokens)
    if isinstance(rpps, Fault):
        return rpps
    bounds = _bounds(starts)
    if isinstance(bounds, Fault):
        return bounds
    return Asked(
        rpps=rpps,
        from_at=bounds[0],
        to_at=bounds[1],
        is_free=not statuses or "free" in statuses,
        includes=frozenset(includes),
    )


def _rpps(tokens: Sequence[str] | None) -> tuple[str, ...] | Fault:
    name = "schedule.actor:Practitioner.identifier"
    if tokens is None or not any(tokens):
        return _fault("identifier_missing", "Il faut un identifiant au moins.", name, "required")
    if len(tokens) > IDENTIFIERS_MAX:
        text = f"Il y a plus de {IDENTIFIERS_MAX} identifiants."
        return _fault("too_many_identifiers", text, name, "too-costly")
    found: dict[str, None] = {}
    for token in tokens:
        system, _, value = token.strip().rpartition("|")
        if not value or not value.isascii():
            return _fault("identifier_malformed", "Un identifiant est vide ou mal formé.", name)
        if system not in ("", IDNPS_SYSTEM):
            continue
        if re.fullmatch(r"8[0-9]{11}", value):
            found[value] = None
        elif re.fullmatch(r"[0-9]{11}", value):
            found[f"8{value}"] = None
    return tuple(found)


def _bounds(starts: Sequence[str]) -> tuple[datetime, datetime] | Fault:
    if not starts:
        text = "La période est obligatoire : start=ge… et start=le…"
        return _fault("start_missing", text, "start", "required")
    lower, upper = [], []
    for start in starts:
        comparator, found = start[:2], _instant(start[2:])
        if comparator not in _COMPARATORS or found is None:
            text = "start s'écrit ge ou le, puis une date ou un instant ISO 8601."
            return _fault("start_malformed", text, "start")
        first, last = found
        if comparator == "ge":
            lower.append(first)
        elif comparator == "gt":
            lower.append(last + _STEP)
        elif comparator == "le":
            upper.append(last)
        else:
            upper.append(first - _STEP)
    if not lower or not upper:
        text = "La période a un début (start=ge…) et une fin (start=le…)."
        return _fault("start_missing", text, "start", "required")
    if min(upper) - max(lower) > timedelta(days=DAYS_MAX):
        text = f"La période dépasse {DAYS_MAX} jours."
        return _fault("period_too_long", text, "start", "too-costly")
    return max(lower), min(upper)


def _instant(text: str) -> tuple[datetime, datetime] | None:
    """The first and the last instant that the text may mean; None if it is none."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, clock, offset = found.groups()
    paris = ZoneInfo(PARIS_TIME)
    try:
        if clock is None:
            first = datetime.fromisoformat(day).replace(tzinfo=paris)
            last = datetime.combine(first.date() + timedelta(days=1), time.min, tzinfo=paris)
            return first.astimezone(UTC), last.astimezone(UTC) - _STEP
        clock = clock[:15]  # microseconds
        instant = datetime.fromisoformat(f"{day}T{clock}{(offset or '').replace(' ', '+')}")
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=paris)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant, instant


def _fault(reason: str, text: str, where: str, code: str = "invalid") -> Fault:
    return Fault(reason=reason, text=text, code=code, expression=where)
