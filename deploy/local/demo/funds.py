"""What CPTS do with their money: sums to members, up to the ceiling over all CPTS, and uses.

Some of it is corrected or taken back, some must be refused. What is asked of one professional comes
one after the other, whichever CPTS asks it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from deploy.local.demo.cast import Cpts
from deploy.local.demo.chapters import DOUBLE_RPPS
from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft

PAID_AT = datetime(2025, 11, 25, 9, 0, tzinfo=PARIS)
EAST, WEST = "95-parisis-est", "95-parisis-ouest"
PLAINE, VAL = "95-plaine-vallee", "95-haut-val"


def funds(cast: Sequence[Cpts]) -> Iterator[Draft]:
    """All of these orders."""
    desk = Desk(PAID_AT, "funds")
    yield from _to_one_member_of_two(desk)
    yield from _to_members(desk, next(one for one in cast if one.cpts_id == PLAINE))
    yield from _uses(desk)


def pay(
    desk: Desk, cpts_id: str, indemnity_id: str, rpps: str, cents: int, day: str, **more: Any
) -> Draft:
    """The order that records a sum to a professional; what is told of it beside is made up."""
    body: dict[str, Any] = {"rpps": rpps, "kind": "indemnite", "function": "reunion"}
    body |= {"minutes": 180, "amount_cents": cents, "paid_on": day}
    acting = more.pop("acting_cpts", None)
    path = f"/cpts/{cpts_id}/indemnities/{indemnity_id}"
    return desk.payments(
        "PUT", path, body | more, role="cpts", acting_cpts=acting, lane=f"paid-{rpps}"
    )


def _to_one_member_of_two(desk: Desk) -> Iterator[Draft]:
    """A member of two CPTS receives exactly the PASS of 2025 (47 100 euros) from both together."""

    def give(cpts_id: str, name: str, cents: int, day: str = "2025-10-20", **more: Any) -> Draft:
        return pay(desk, cpts_id, name, DOUBLE_RPPS, cents, day, **more)

    chair: dict[str, Any] = {"kind": "remuneration", "function": "presidence", "minutes": 9_000}
    yield give(EAST, "presidence", 30_000_00, **chair)
    yield give(WEST, "solde", 17_100_01)
    yield give(WEST, "solde", 17_100_00)
    yield give(EAST, "de-trop", 1)
    yield give(PLAINE, "de-trop", 1)
    # A smaller sum makes room for another CPTS, up to the cent.
    yield give(EAST, "presidence", 29_000_00, **chair)
    yield give(PLAINE, "renfort", 1_000_01)
    yield give(PLAINE, "renfort", 1_000_00)
    # Each civil year has its own ceiling: 46 368 euros before, an unknown one long before.
    yield give(EAST, "avant", 46_368_00, "2024-12-31")
    yield give(EAST, "avant-trop", 1, "2024-01-01")
    yield give(EAST, "jadis", 100_00, "2021-12-31")
    # Of another year after all, where there is no room; then taken back, which makes some.
    yield give(PLAINE, "renfort", 1_000_00, "2024-12-30")
    yield give(EAST, "reprise", 2_500_00, "2024-03-01", is_withdrawn=True)
    yield give(EAST, "fonction", 1, function="sieste")
    yield give(EAST, "temps", 1, minutes=0)
    yield give(EAST, "rien", 0)
    yield give(EAST, "a-l-autre", 1, acting_cpts=WEST)


def _to_members(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    """Sums of one CPTS to its own: paid by itself, one of them withdrawn, one given twice."""
    for i, member in enumerate(cpts.members[:3]):
        yield pay(desk, cpts.cpts_id, f"reunion-{i}", member.rpps, 150_00 + i, "2025-09-10")
    first = cpts.members[0].rpps
    yield pay(desk, cpts.cpts_id, "reunion-0", first, 150_00, "2025-09-10", is_withdrawn=True)
    yield pay(desk, cpts.cpts_id, "reunion-0-bis", first, 175_00, "2025-09-11")
    yield pay(desk, cpts.cpts_id, "reunion-0-bis", first, 175_00, "2025-09-11")


def _uses(desk: Desk) -> Iterator[Draft]:
    """Uses of two CPTS in two civil years: one corrected, one moved to another category, one taken
    back; three refused.
    """

    def use(cpts_id: str, name: str, category: str, cents: int, day: str, **more: Any) -> Draft:
        body = {"category": category, "amount_cents": cents, "used_on": day}
        acting = more.pop("acting_cpts", None)
        path = f"/cpts/{cpts_id}/uses/{name}"
        return desk.payments("PUT", path, body | more, role="cpts", acting_cpts=acting)

    yield use(VAL, "loyer", "locaux", 840_00, "2025-10-01")
    yield use(VAL, "loyer", "locaux", 860_00, "2025-10-01")
    yield use(VAL, "salaire", "salaires", 3_215_67, "2025-10-31")
    yield use(VAL, "ecran", "outils_numeriques", 412_30, "2025-11-03")
    yield use(VAL, "ecran", "materiel", 412_30, "2025-11-03")
    yield use(PLAINE, "salaire", "salaires", 2_900_00, "2024-12-31")
    yield use(PLAINE, "affiches", "communication", 77_77, "2025-01-01")
    yield use(PLAINE, "erreur", "formation", 990_00, "2025-06-01")
    yield use(PLAINE, "erreur", "formation", 990_00, "2025-06-01", is_withdrawn=True)
    yield use(PLAINE, "fete", "feux_d_artifice", 10_00, "2025-07-14")
    yield use(PLAINE, "gratuit", "locaux", 0, "2025-07-14")
    yield use(PLAINE, "d-ailleurs", "locaux", 10_00, "2025-07-14", acting_cpts=VAL)
