"""The association that each of three CPTS is, and the digital tools that they chose: told with
mistakes, corrected, taken back.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from deploy.local.demo.hub import PARIS
from deploy.local.demo.opening import Desk
from deploy.local.demo.orders import Draft
from deploy.local.demo.transfers import VEXIN

TOLD_AT = datetime(2025, 10, 22, 9, 0, tzinfo=PARIS)
SIREN, SIRET = "952019008", "95201900800012"
OTHER_SIREN = "952019016"
HAUT_VAL, FORETS = "95-haut-val", "95-trois-forets"


def associations() -> Iterator[Draft]:
    """All of these orders, some of which must be refused."""
    desk = Desk(TOLD_AT, "associations")
    yield from _associations(desk)
    yield from _tools(desk)


def _associations(desk: Desk) -> Iterator[Draft]:
    """One with the number of its seat, corrected; one recorded by mistake; five refused."""

    def tell(cpts_id: str, id_: str, form: str = "loi_1901", **body: Any) -> Draft:
        path = f"/cpts/{cpts_id}/associations/{id_}"
        return desk.membership(
            "PUT", path, {"declared_on": "2022-03-01", "legal_form": form} | body
        )

    yield tell(HAUT_VAL, "siege", "societe")
    yield tell(HAUT_VAL, "siege", "droit_local")
    yield tell(HAUT_VAL, "siege", siren=SIREN[:-1] + "0")
    yield tell(HAUT_VAL, "siege", siret=SIRET[:-1] + "1")
    yield tell(HAUT_VAL, "siege", siren=OTHER_SIREN, siret=SIRET)
    yield tell(HAUT_VAL, "siege", siren=SIREN, rna="W952000001")
    # The number of its seat says its own, too.
    yield tell(HAUT_VAL, "siege", siret=SIRET, rna="W952000001")
    yield tell(HAUT_VAL, "siege", siret=SIRET, rna="W952000001")
    yield tell(FORETS, "une", siren=OTHER_SIREN)
    yield tell(FORETS, "une", siren=OTHER_SIREN, is_withdrawn=True)
    yield tell(FORETS, "autre")


def _tools(desk: Desk) -> Iterator[Draft]:
    """An agenda that became compatible, a tool of a period, one taken back; four refused."""

    def choose(cpts_id: str, id_: str, kind: str = "shared_agenda", **body: Any) -> Draft:
        told: dict[str, Any] = {"kind": kind, "tool_name": "Agenda du Val"}
        told |= {"from_on": "2025-01-01", "is_dmp_compatible": False, "is_interoperable": True}
        role = body.pop("role", "cpts")
        path = f"/cpts/{cpts_id}/tools/{id_}"
        return desk.membership("PUT", path, told | body, role=role)

    yield choose(HAUT_VAL, "agenda", "pigeon")
    yield choose(HAUT_VAL, "agenda", to_on="2024-12-31")
    yield choose(HAUT_VAL, "agenda", role="regulation")
    yield choose(HAUT_VAL, "agenda")
    yield choose(HAUT_VAL, "agenda", is_dmp_compatible=True)
    yield choose(FORETS, "messagerie", "secure_messaging", tool_name="MSSanté", to_on="2025-06-30")
    yield choose(FORETS, "reseau", "professional_network")
    yield choose(FORETS, "reseau", "professional_network", is_withdrawn=True)
    # What one used before it became a part of another may still be told, not what it uses.
    yield choose(VEXIN, "agenda")
    yield choose(VEXIN, "agenda", to_on="2025-09-14")
