"""Two CPTS that become one, and one that becomes two: places and people change hands on a day.

What was true before that day stays true of who had it. The events of both are decided together,
so that no place is ever held twice or by nobody. Participation in the SAS is the professional's
and need not move. The contract years to come take their taille from what is left or has come.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import TypeVar

import msgspec

from contracts.events.membership import (
    AciSigned,
    CptsMerged,
    CptsSplit,
    MemberRecorded,
    MembershipEvent,
    MissionRecorded,
    StructureProfessionalRecorded,
    StructureRecorded,
    TerritoryPlaceRecorded,
)
from services.membership.domain import CAME_FROM, Cpts, have_common_day
from services.membership.domain.contract import terminated
from services.membership.domain.refusals import Reason, Refusal, absent, ended_refusal
from services.membership.domain.structures import belonging

ENDED_BY_MERGER = "merger"

Dated = TypeVar(
    "Dated",
    TerritoryPlaceRecorded,
    MemberRecorded,
    StructureRecorded,
    StructureProfessionalRecorded,
)


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What a CPTS has, as it stands; `members` are those who belong to it personally."""

    territory: Sequence[TerritoryPlaceRecorded] = ()
    members: Sequence[MemberRecorded] = ()
    structures: Sequence[StructureRecorded] = ()
    professionals: Sequence[StructureProfessionalRecorded] = ()


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What the two CPTS say: the one that gives, then the one that takes."""

    given: list[MembershipEvent]
    taken: list[MembershipEvent]


def merge(
    cpts: Cpts,
    into: Cpts,
    *,
    on: date,
    held: Holding,
    there: Holding,
    signed: Iterable[AciSigned],
    missions: Iterable[MissionRecorded],
) -> Moved | Refusal:
    """Make `cpts` a part of `into` from a day on: all it has moves, its ACI and missions end.

    `there` is what `into` has: nobody becomes a member twice, and no id is given twice.
    """
    if cpts.cpts_id == into.cpts_id:
        return Refusal(reason=Reason.INTO_ITSELF, detail="Une CPTS ne fusionne pas avec elle-même.")
    for one in (cpts, into):
        if one.merged_on is not None:
            return ended_refusal(one)
    moved = _move(cpts, into.cpts_id, held, on, there)
    eve = on - timedelta(days=1)
    closed: list[MembershipEvent] = [
        terminated(aci, eve, ENDED_BY_MERGER)
        for aci in signed
        if aci.contract_years and aci.contract_years[-1].ends_on > eve
    ]
    closed += [_ended_mission(one, eve) for one in missions if _runs_after(one, eve)]
    merged = CptsMerged(cpts_id=cpts.cpts_id, into_cpts_id=into.cpts_id, merged_on=on)
    return Moved(given=[*moved.given, *closed, merged], taken=moved.taken)


def split(
    cpts: Cpts,
    new_cpts_id: str,
    *,
    on: date,
    held: Holding,
    entry_ids: Collection[str],
    member_ids: Collection[str],
    structure_ids: Collection[str],
) -> Moved | Refusal:
    """Make a part of `cpts` another CPTS from a day on: the entries named, and all else stays."""
    if cpts.merged_on is not None:
        return ended_refusal(cpts)
    refusal = _absent(held, entry_ids, member_ids, structure_ids)
    if refusal is not None:
        return refusal
    taken = Holding(
        territory=[one for one in held.territory if one.entry_id in entry_ids],
        members=[one for one in held.members if one.member_id in member_ids],
        structures=[one for one in held.structures if one.structure_id in structure_ids],
        professionals=[one for one in held.professionals if one.structure_id in structure_ids],
    )
    moved = _move(cpts, new_cpts_id, taken, on, Holding())
    if not any(isinstance(event, TerritoryPlaceRecorded) for event in moved.taken):
        return Refusal(
            reason=Reason.NOTHING_TO_TAKE,
            detail=f"La nouvelle CPTS n'aurait aucune commune le {on}.",
        )
    said = CptsSplit(cpts_id=cpts.cpts_id, new_cpts_id=new_cpts_id, split_on=on)
    return Moved(given=[*moved.given, said], taken=moved.taken)


class _Ids:
    """The ids of what comes from a CPTS: its own id says whence, and none is given twice."""

    def __init__(self, cpts: Cpts, there: Holding) -> None:
        self._cpts_id = cpts.cpts_id
        self._known = {
            *((TerritoryPlaceRecorded, one.entry_id) for one in there.territory),
            *((MemberRecorded, one.member_id) for one in there.members),
            *((StructureRecorded, one.structure_id) for one in there.structures),
        }

    def of(self, kind: type[msgspec.Struct], id_: str, from_on: date) -> str:
        """The id of an entry that begins on a day there; what came before keeps its own."""
        found = f"{self._cpts_id}{CAME_FROM}{id_}"
        if (kind, found) in self._known:
            found = f"{found}{CAME_FROM}{from_on}"
        self._known.add((kind, found))
        return found


def _move(cpts: Cpts, to_cpts_id: str, held: Holding, on: date, there: Holding) -> Moved:
    given: list[MembershipEvent] = []
    taken: list[MembershipEvent] = []
    ids = _Ids(cpts, there)
    for entry in held.territory:
        if _runs_from(entry, on):
            entry_id = ids.of(TerritoryPlaceRecorded, entry.entry_id, on)
            given.append(_ending(entry, on))
            taken.append(_beginning(entry, to_cpts_id, on, entry_id=entry_id))
    for member in held.members:
        if _runs_from(member, on):
            given.append(_ending(member, on))
            begun = _beginning(member, to_cpts_id, on)
            for from_on, to_on in _days_without(begun, there.members):
                member_id = ids.of(MemberRecorded, member.member_id, from_on)
                taken.append(
                    msgspec.structs.replace(
                        begun, member_id=member_id, from_on=from_on, to_on=to_on
                    )
                )
    for structure in held.structures:
        if not _runs_from(structure, on):
            continue
        ending = _ending(structure, on)
        structure_id = ids.of(StructureRecorded, structure.structure_id, on)
        begun_structure = _beginning(structure, to_cpts_id, on, structure_id=structure_id)
        given.append(ending)
        taken.append(begun_structure)
        for one in held.professionals:
            if one.structure_id != structure.structure_id or not _runs_from(one, on):
                continue
            works = _beginning(one, to_cpts_id, on, structure_id=structure_id)
            given.append(belonging(one, ending))
            taken += [works, belonging(works, begun_structure)]
    return Moved(given=given, taken=taken)


def _runs_from(entry: Dated, on: date) -> bool:
    return not entry.is_withdrawn and have_common_day(on, None, entry.from_on, entry.to_on)


def _ending(entry: Dated, on: date) -> Dated:
    """The entry, ended on the eve; withdrawn when it would only have begun later."""
    if entry.from_on >= on:
        return msgspec.structs.replace(entry, is_withdrawn=True)
    return msgspec.structs.replace(entry, to_on=on - timedelta(days=1))


def _beginning(entry: Dated, cpts_id: str, on: date, **ids: str) -> Dated:
    return msgspec.structs.replace(entry, cpts_id=cpts_id, from_on=max(entry.from_on, on), **ids)


def _days_without(
    begun: MemberRecorded, members_there: Iterable[MemberRecorded]
) -> list[tuple[date, date | None]]:
    """The periods of a membership on whose days the professional is no member there yet."""
    same = [
        (one.from_on, one.to_on)
        for one in members_there
        if one.rpps == begun.rpps
        and not one.is_withdrawn
        and have_common_day(one.from_on, one.to_on, begun.from_on, begun.to_on)
    ]
    found: list[tuple[date, date | None]] = []
    first = begun.from_on
    for from_on, to_on in sorted(same, key=lambda one: one[0]):
        if first < from_on:
            found.append((first, from_on - timedelta(days=1)))
        if to_on is None or to_on == begun.to_on:
            return found
        first = to_on + timedelta(days=1)
    if begun.to_on is None or first <= begun.to_on:
        found.append((first, begun.to_on))
    return found


def _runs_after(mission: MissionRecorded, eve: date) -> bool:
    return not mission.is_withdrawn and (mission.ended_on is None or mission.ended_on > eve)


def _ended_mission(mission: MissionRecorded, eve: date) -> MissionRecorded:
    if mission.started_on > eve:
        return msgspec.structs.replace(mission, is_withdrawn=True)
    return msgspec.structs.replace(mission, ended_on=eve)


def _absent(
    held: Holding,
    entry_ids: Collection[str],
    member_ids: Collection[str],
    structure_ids: Collection[str],
) -> Refusal | None:
    """The refusal of the first named entry that the CPTS does not have."""
    for reason, what, asked, known in (
        (Reason.UNKNOWN_ENTRY, "L'entrée", entry_ids, {one.entry_id for one in held.territory}),
        (Reason.UNKNOWN_MEMBER, "Le membre", member_ids, {one.member_id for one in held.members}),
        (
            Reason.UNKNOWN_STRUCTURE,
            "La structure",
            structure_ids,
            {one.structure_id for one in held.structures},
        ),
    ):
        for id_ in asked:
            if id_ not in known:
                return absent(reason, what, id_)
    return None
