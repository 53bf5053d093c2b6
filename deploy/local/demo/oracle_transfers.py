"""The oracle's half about CPTS that become one, and one that becomes two, on a day.

Written from the rules (ADR 0018); shares no code with the services. What was true before the day
stays true of who had it.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from deploy.local.demo.oracle_contracts import (
    Contracts,
    Cpts,
    Place,
    determine_tailles,
    paris_day,
)
from deploy.local.demo.oracle_deadlines import deadlines_of, let_pass
from deploy.local.demo.oracle_people import Person, is_on
from deploy.local.demo.oracle_registers import resolve
from deploy.local.demo.orders import Order

DAY = timedelta(days=1)


def transfer(contracts: Contracts, order: Order) -> str:
    """The outcome of an order by which a CPTS becomes a part of another, or a part of it a CPTS."""
    _, _, cpts_id, verb = order.path.split("/")
    if verb == "merger":
        return _merge(contracts, cpts_id, order.body, paris_day(order.at))
    return _split(contracts, cpts_id, order.body, paris_day(order.at))


def _merge(contracts: Contracts, cpts_id: str, body: dict[str, Any], today: date) -> str:
    into_id, on = body["into_cpts_id"], date.fromisoformat(body["merged_on"])
    cpts, into = contracts.cpts[cpts_id], contracts.cpts[into_id]
    if cpts_id == into_id:
        return "into_itself"
    if cpts.merged_on is not None or into.merged_on is not None:
        return "cpts_ended"
    for one in (cpts, into):
        let_pass(one.deadlines, today)
    _move(cpts_id, cpts, into, {*cpts.places}, _themselves(cpts), on)
    _move_structures(cpts_id, cpts, into, {*cpts.structures.told}, on)
    eve = on - DAY
    for aci_id, aci in cpts.acis.items():
        if aci.years and aci.years[-1].end > eve:
            cpts.acis[aci_id] = replace(aci, ended_on=eve)
    for mission_id, mission in [*cpts.missions.items()]:
        if mission.started_on > eve:
            del cpts.missions[mission_id]
        elif mission.ended_on is None or mission.ended_on > eve:
            cpts.missions[mission_id] = replace(mission, ended_on=eve)
    cpts.merged_on, cpts.into_cpts_id = on, into_id
    _follow(today, cpts, into)
    return "ok"


def _split(contracts: Contracts, cpts_id: str, body: dict[str, Any], today: date) -> str:
    cpts, on = contracts.cpts[cpts_id], date.fromisoformat(body["split_on"])
    if cpts.merged_on is not None:
        return "cpts_ended"
    entry_ids, member_ids = {*body["entry_ids"]}, {*body.get("member_ids", ())}
    structure_ids = {*body.get("structure_ids", ())}
    is_known = entry_ids <= {*cpts.places} and member_ids <= _themselves(cpts)
    if not is_known or not structure_ids <= {*cpts.structures.told}:
        return "404"
    if not any((cpts.places[id_].to_on or date.max) >= on for id_ in entry_ids):
        return "nothing_to_take"
    seat = resolve(body["seat_commune"])
    if seat is None:
        return "unknown_commune"
    let_pass(cpts.deadlines, today)
    new = contracts.cpts[body["new_cpts_id"]] = Cpts(None, seat.departement)
    _move(cpts_id, cpts, new, entry_ids, member_ids, on)
    _move_structures(cpts_id, cpts, new, structure_ids, on)
    _follow(today, cpts, new)
    return "ok"


def _follow(today: date, *changed: Cpts) -> None:
    """The tailles of years to come, and the deadlines, as places and missions are now."""
    for one in changed:
        determine_tailles(one, after=today)
        one.deadlines = deadlines_of(one.deadlines, one.acis, one.missions.values())


def _move(
    cpts_id: str, cpts: Cpts, to: Cpts, entries: set[str], members: set[str], on: date
) -> None:
    """These places and people are the other's from a day on, under ids that say whence.

    Nobody becomes a member on days on which they are one there already.
    """
    there = [to.members[id_] for id_ in _themselves(to)]
    for id_ in sorted(entries):
        place = cpts.places[id_]
        if (place.to_on or date.max) >= on:
            to.places[f"{cpts_id}~{id_}"] = replace(place, from_on=max(place.from_on, on))
            _end(cpts.places, id_, on)
    for id_ in sorted(members):
        person = cpts.members[id_]
        if (person.to_on or date.max) < on:
            continue
        begun = replace(person, from_on=max(person.from_on, on))
        same = [one for one in there if one.rpps == person.rpps]
        if not any(is_on(begun.from_on, one.from_on, one.to_on) for one in same):
            to.members[f"{cpts_id}~{id_}"] = begun
        _end(cpts.members, id_, on)


def _themselves(cpts: Cpts) -> set[str]:
    """Those who are members by themselves: the others belong with their structure."""
    return {id_ for id_, person in cpts.members.items() if not person.through}


def _move_structures(cpts_id: str, cpts: Cpts, to: Cpts, structures: set[str], on: date) -> None:
    """These structures, and who works in them, are the other's from a day on."""
    for id_ in sorted(structures):
        moved = cpts.structures.move(cpts.members, id_, on)
        if moved is not None:
            to.structures.take(to.members, f"{cpts_id}~{id_}", moved)


def _end(entries: dict[str, Place] | dict[str, Person], id_: str, on: date) -> None:
    if entries[id_].from_on >= on:
        del entries[id_]
    else:
        entries[id_].to_on = on - DAY
