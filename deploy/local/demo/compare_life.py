"""Where the life of CPTS is not as the oracle foresees it: lettres d'intention, projets de santé,
stages, associations, tools, places and people, structures, contract years, mergers, the deadlines
of their missions.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, Cpts
from deploy.local.demo.oracle_counts import counts_on
from deploy.local.demo.oracle_deadlines import Deadline, Deadlines
from deploy.local.demo.reader import Difference, Reader, differing

LISTS = (
    "territory",
    "members",
    "contract_years",
    "mission_deadlines",
    "lettres_intention",
    "projets_de_sante",
    "structures",
    "associations",
    "tools",
)


async def life_differences(reader: Reader, contracts: Contracts, today: date) -> list[Difference]:
    """What each CPTS is and has, and the lists of deadlines that are near or were missed."""
    differences: list[Difference] = []
    for cpts_id, cpts in sorted(contracts.cpts.items()):
        told = await reader.get("membership", f"/cpts/{cpts_id}", on=today.isoformat())
        for name in LISTS:
            path = f"/cpts/{cpts_id}/{name.replace('_', '-')}"
            told[name] = [one async for one in reader.items("membership", path)]
        shown = told["mission_deadlines"]
        differences += deadline_differences(cpts_id, cpts.deadlines, shown)
        differences += _belonging(cpts_id, cpts, told)
        differences += _founding(cpts_id, cpts, told, today)
    told = await reader.get("membership", "/counts", on=today.isoformat())
    differences += _counted(contracts, told["departements"], today)
    for state in ("near", "missed"):
        items = [one async for one in reader.items("membership", "/deadlines", state=state)]
        found = {
            f"{one['cpts_id']}/{one['aci_id']}/{one['mission']}/{one['step']}" for one in items
        }
        wanted = {
            "/".join((cpts_id, *key))
            for cpts_id, cpts in contracts.cpts.items()
            for key, one in cpts.deadlines.items()
            if (one.is_missed if state == "missed" else one.is_near_now and cpts.merged_on is None)
        }
        if found != wanted:
            differences.append(
                Difference(
                    what="délais",
                    where=f"/deadlines/{state}",
                    expected=sorted(wanted - found),
                    found=sorted(found - wanted),
                )
            )
    return differences


def _counted(
    contracts: Contracts, told: Sequence[Mapping[str, Any]], today: date
) -> Iterator[Difference]:
    """Where the national counts have other CPTS at a stage, or cover other places or people."""
    found = {one["code"]: one["count"] for one in told}
    for code, count in counts_on(contracts, today).items():
        shown = found[code]
        wanted = {
            "cpts": dict(count.stages),
            "communes": len(count.communes),
            "inhabitants": count.inhabitants,
            "inhabitants_under_contract": count.inhabitants_under_contract,
        }
        actual = {name: shown[name] for name in wanted}
        actual["cpts"] = {stage: cpts for stage, cpts in shown["cpts"].items() if cpts}
        for name, expected in wanted.items():
            if expected != actual[name]:
                where = f"{code}/{name}"
                yield Difference(what="compte", where=where, expected=expected, found=actual[name])


def _belonging(cpts_id: str, cpts: Cpts, told: Mapping[str, Any]) -> Iterator[Difference]:
    """Where its places, its members or its contract years are on other days or of another taille,
    or it is a part of another CPTS.
    """
    found = {
        name: {
            one[id_name]: [one["from_on"], one["to_on"]]
            for one in told[name]
            if not one["is_withdrawn"]
        }
        for name, id_name in (("territory", "entry_id"), ("members", "member_id"))
    }
    found["contract_years"] = {
        one["starts_on"]: [one["ends_on"], one["taille"]] for one in told["contract_years"]
    }
    found["merged"] = {"into": [told["into_cpts_id"], told["merged_on"]]}
    wanted: dict[str, dict[str, list[Any]]] = {
        name: {
            id_: [one.from_on.isoformat(), one.to_on and one.to_on.isoformat()]
            for id_, one in entries.items()
        }
        for name, entries in (("territory", cpts.places), ("members", cpts.members))
    }
    wanted["contract_years"] = {
        year.start.isoformat(): [year.end.isoformat(), cpts.tailles[year.start]]
        for year in cpts.contract_years
    }
    merged_on = cpts.merged_on and cpts.merged_on.isoformat()
    wanted["merged"] = {"into": [cpts.into_cpts_id or None, merged_on]}
    for name, expected in wanted.items():
        yield from differing("vie", f"{cpts_id}/{name}", expected, found[name])


def _founding(
    cpts_id: str, cpts: Cpts, told: Mapping[str, Any], today: date
) -> Iterator[Difference]:
    """Where its lettres, its projets, its structures, its association, its tools or its stage are
    others.
    """
    founding = cpts.founding
    wanted: dict[str, dict[str, Any]] = {
        "lettre": {
            id_: [one.body["sent_on"], one.body["communes"], _text(one.validated_on)]
            for id_, one in founding.lettres.items()
        },
        "projet": {
            id_: [
                *(one.sent_on.isoformat(), one.silence_ends_on.isoformat(), one.outcome),
                *(_text(one.decided_on), one.is_tacit, list(one.grounds)),
            ]
            for id_, one in founding.projets.items()
        },
        "structure": {
            id_: [one["kind"], one["from_on"], one.get("to_on"), one.get("is_withdrawn", False)]
            for id_, one in cpts.structures.told.items()
        },
        "association": {id_: _association(one) for id_, one in cpts.associations.told.items()},
        "outil": {id_: _tool(one) for id_, one in cpts.associations.tools.items()},
        "stade": {"stage": founding.stage_on(today, cpts.acis.values(), cpts.merged_on)},
    }
    found: dict[str, dict[str, Any]] = {
        "lettre": {
            one["lettre_id"]: [one["sent_on"], one["communes"], one["validated_on"]]
            for one in told["lettres_intention"]
        },
        "projet": {
            one["projet_id"]: [
                *(one["sent_on"], one["silence_ends_on"], one["outcome"]),
                *(one["decided_on"], one["is_tacit"], one["grounds"]),
            ]
            for one in told["projets_de_sante"]
        },
        "structure": {
            one["structure_id"]: [one["kind"], one["from_on"], one["to_on"], one["is_withdrawn"]]
            for one in told["structures"]
        },
        "association": {one["association_id"]: _association(one) for one in told["associations"]},
        "outil": {one["tool_id"]: _tool(one) for one in told["tools"]},
        "stade": {"stage": told["stage"]},
    }
    for what, expected in wanted.items():
        yield from differing(what, cpts_id, expected, found[what])


def _association(one: Mapping[str, Any]) -> list[Any]:
    """An association as it is ordered, and as it is shown: what is not told is null."""
    names = ("declared_on", "legal_form", "rna", "siren", "siret")
    return [*(one.get(name) or None for name in names), one.get("is_withdrawn", False)]


def _tool(one: Mapping[str, Any]) -> list[Any]:
    """A tool as it is ordered, and as it is shown."""
    names = ("kind", "tool_name", "is_dmp_compatible", "is_interoperable", "from_on")
    return [*(one[name] for name in names), one.get("to_on"), one.get("is_withdrawn", False)]


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def deadline_differences(
    cpts_id: str, foreseen: Deadlines, told: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where the deadlines of a CPTS are others: their days, when they were met, how they stand."""
    wanted = {
        "/".join(key): [
            one.due_on.isoformat(),
            one.met_on and one.met_on.isoformat(),
            *_standing(one),
        ]
        for key, one in foreseen.items()
    }
    found = {
        f"{one['aci_id']}/{one['mission']}/{one['step']}": [
            *(one["due_on"], one["met_on"], one["is_near"], one["is_missed"])
        ]
        for one in told
    }
    return differing("délai", cpts_id, wanted, found)


def _standing(one: Deadline) -> tuple[bool, bool]:
    """Whether it was said to be near, as whatever was missed was too; whether it was missed."""
    return one.is_near or one.was_missed, one.is_missed
