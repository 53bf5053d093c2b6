"""Where what CPTS pay their members, and use their funds for, is not as the oracle foresees it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.local.demo.oracle_funds import Entry, Funds, ceilings
from deploy.local.demo.reader import Difference, Reader


async def funds_differences(reader: Reader, funds: Funds) -> list[Difference]:
    """The entries of each CPTS, its uses by category, the ceiling of each professional."""
    differences: list[Difference] = []
    for what, name, entries in (
        ("indemnité", "indemnities", funds.indemnities),
        ("emploi", "uses", funds.uses),
    ):
        for cpts_id in sorted({cpts_id for cpts_id, _ in entries}):
            foreseen = {id_: one for (whose, id_), one in entries.items() if whose == cpts_id}
            path = f"/cpts/{cpts_id}/{name}"
            told = [one async for one in reader.items("payments", path)]
            differences += entry_differences(what, cpts_id, foreseen, told)
    used = funds.used()
    for cpts_id, year in sorted({(cpts_id, year) for cpts_id, year, _ in used}):
        shown = await reader.get("payments", f"/cpts/{cpts_id}/uses-by-category/{year}")
        found = {one["category"]: one["used_cents"] for one in shown["categories"]}
        wanted = {
            category: cents
            for (*whose, category), cents in used.items()
            if whose == [cpts_id, year]
        }
        differences += _named("emploi", f"{cpts_id}/{year}", wanted, found)
    for (rpps, year), cents in sorted(funds.received().items()):
        shown = await reader.get("payments", f"/professionals/{rpps}/ceilings/{year}")
        ceiling = ceilings().get(year, 0)
        wanted = {"paid_cents": cents, "remaining_cents": max(ceiling - cents, 0)}
        differences += _named("plafond", f"{rpps}/{year}", wanted, {n: shown[n] for n in wanted})
    return differences


def entry_differences(
    what: str, cpts_id: str, foreseen: Mapping[str, Entry], told: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """Where the entries of a CPTS, as the service shows them, are not as they were told last."""
    found = {one.get("indemnity_id") or one["use_id"]: one for one in told}
    for id_ in sorted(foreseen.keys() | found.keys()):
        expected, shown = foreseen.get(id_), found.get(id_)
        if expected is not None and shown is not None:
            shown = {name: shown[name] for name in expected}
        if expected != shown:
            yield Difference(what=what, where=f"{cpts_id}/{id_}", expected=expected, found=shown)


def _named(
    what: str, where: str, foreseen: Mapping[str, int], found: Mapping[str, int]
) -> Iterator[Difference]:
    """Where cents by name are others; none is the same as 0."""
    for name in sorted(foreseen.keys() | found.keys()):
        if foreseen.get(name, 0) != found.get(name, 0):
            yield Difference(
                what=what,
                where=f"{where}/{name}",
                expected=foreseen.get(name, 0),
                found=found.get(name, 0),
            )
