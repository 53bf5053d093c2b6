"""Who takes part in the SAS as its platform lists them, beside what the CPTS declare.

A platform's list is whole: who is no longer on it takes part no more from its day on. What it says
is recorded with the CPTS of the professional as a participation that the platform verified; what
the CPTS itself declared stands as it is, and where the two differ somebody looks (ADR 0031).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from contracts.events.membership import ParticipationRecorded
from services.membership.domain import CAME_FROM
from services.membership.domain.professionals import Way


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A participant as the platform lists them, and the structure they take part with."""

    rpps: str
    way: Way
    structure_finess: str | None = None
    since_on: date | None = None


class PlatformList(msgspec.Struct, frozen=True, kw_only=True):
    """Which list of a platform is there: of which day, and of which départements."""

    platform: str
    listed_on: date
    departements: tuple[str, ...]


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS of which a professional is a member on the day that is looked at, since `from_on`."""

    cpts_id: str
    departement: str
    finess: str | None
    from_on: date


class Reason(StrEnum):
    """How a platform's list and what the CPTS declare differ."""

    MEMBER_OF_NO_CPTS = "member_of_no_cpts"
    VIA_ANOTHER_CPTS = "via_another_cpts"
    NOT_DECLARED = "not_declared"
    NOT_ON_THE_LIST = "not_on_the_list"
    WAY_DIFFERS = "way_differs"


_LABELS: Final = {
    Reason.MEMBER_OF_NO_CPTS: "La plateforme le liste, et il n'est membre d'aucune CPTS",
    Reason.VIA_ANOTHER_CPTS: "La plateforme le liste par une CPTS dont il n'est pas membre",
    Reason.NOT_DECLARED: "La plateforme liste ce professionnel, que sa CPTS n'a pas déclaré",
    Reason.NOT_ON_THE_LIST: "La CPTS le déclare, la plateforme ne le liste pas",
    Reason.WAY_DIFFERS: "La CPTS et la plateforme ne disent pas la même manière de participer",
}


class ListDiffers(msgspec.Struct, frozen=True, kw_only=True):
    """One difference about a professional, with both words; `cpts_id` None: no CPTS is concerned.

    `listed` is what the platform says, `declared` what the CPTS does; None: it says nothing.
    """

    reason: Reason
    label: str
    rpps: str
    cpts_id: str | None
    platform: str
    listed_on: date
    listed: Listed | None = None
    declared: ParticipationRecorded | None = None


def home_of(one: Listed, homes: Iterable[Home]) -> Home | None:
    """The CPTS with which a participation is recorded: the one that the platform names, else the
    oldest membership (ADR 0009); None when there is none.
    """
    if one.way is Way.CPTS and one.structure_finess is not None:
        homes = [home for home in homes if home.finess == one.structure_finess]
    return min(homes, key=_age, default=None)


def verified(
    told: PlatformList,
    listed: Sequence[Listed],
    homes: Mapping[str, Sequence[Home]],
    present: Iterable[ParticipationRecorded],
) -> list[ParticipationRecorded]:
    """The events that make what the platform verified what its new list says.

    `homes` are the CPTS of each professional on the day of the list; `present` the participations
    without an end that this platform has verified. One that goes on under another first day is
    withdrawn for the new one; one that the list no longer says ended the day before it.
    """
    wanted = {}
    for one in listed:
        home = home_of(one, homes.get(one.rpps, ()))
        if home is not None:
            wanted[home.cpts_id, one.rpps, str(one.way)] = one
    events = []
    for entry in present:
        key = (entry.cpts_id, entry.rpps, entry.way)
        same = wanted.get(key)
        if same is None:
            events.append(_ended(entry, told.listed_on))
        elif same.since_on in {None, entry.from_on}:
            del wanted[key]
        else:
            events.append(msgspec.structs.replace(entry, is_withdrawn=True))
    return [*events, *(_entry(told, one, cpts_id) for (cpts_id, _, _), one in wanted.items())]


def _entry(told: PlatformList, one: Listed, cpts_id: str) -> ParticipationRecorded:
    """Its id is one that nobody may give."""
    from_on = one.since_on or told.listed_on
    return ParticipationRecorded(
        cpts_id=cpts_id,
        participation_id=CAME_FROM.join((told.platform, one.rpps, one.way, f"{from_on:%Y%m%d}")),
        rpps=one.rpps,
        way=one.way,
        from_on=from_on,
        verified_by=told.platform,
    )


def _ended(entry: ParticipationRecorded, listed_on: date) -> ParticipationRecorded:
    last = listed_on - timedelta(days=1)
    if last < entry.from_on:
        return msgspec.structs.replace(entry, is_withdrawn=True)
    return msgspec.structs.replace(entry, to_on=last)


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a professional on a day: the CPTS they belong to, what each platform says of
    them, what CPTS declare of that day.
    """

    rpps: str
    homes: Sequence[Home]
    listed: Mapping[str, Listed]
    declared: Sequence[ParticipationRecorded]


def differences(
    followed: Followed, told: PlatformList, departements: Mapping[str, str]
) -> list[ListDiffers]:
    """How a platform's list and what CPTS declare of a professional differ on a day.

    `departements` is that of each CPTS which declares: elsewhere the list says nothing.
    """
    one = followed.listed.get(told.platform)
    declared = [
        each for each in followed.declared if departements[each.cpts_id] in told.departements
    ]
    if one is None:
        return [
            _differs(told, followed.rpps, Reason.NOT_ON_THE_LIST, each.cpts_id, declared=each)
            for each in declared
        ]
    found = [
        _differs(told, one.rpps, Reason.WAY_DIFFERS, each.cpts_id, listed=one, declared=each)
        for each in declared
        if each.way != one.way
    ]
    oldest = min(followed.homes, key=_age, default=None)
    reasons = []
    if oldest is None:
        reasons.append(Reason.MEMBER_OF_NO_CPTS)
    elif home_of(one, followed.homes) is None:
        reasons.append(Reason.VIA_ANOTHER_CPTS)
    if oldest is not None and not followed.declared:
        reasons.append(Reason.NOT_DECLARED)
    cpts_id = oldest.cpts_id if oldest else None
    return [*(_differs(told, one.rpps, each, cpts_id, listed=one) for each in reasons), *found]


def _age(home: Home) -> tuple[date, str]:
    return home.from_on, home.cpts_id


def _differs(
    told: PlatformList, rpps: str, reason: Reason, cpts_id: str | None, **words: Any
) -> ListDiffers:
    return ListDiffers(
        reason=reason,
        label=_LABELS[reason],
        rpps=rpps,
        cpts_id=cpts_id,
        platform=told.platform,
        listed_on=told.listed_on,
        **words,
    )
