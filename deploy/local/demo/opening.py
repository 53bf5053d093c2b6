"""The opening of the season: CPTS registered, territories, people, ACI, rates and contract lines.

Among them the orders that membership and payments must refuse, one for each reason.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from contracts.communes import all_communes
from deploy.local.demo.cast import (
    DIVIDED_COMMUNE,
    TERRITORY_FROM,
    Cpts,
    Member,
    Participation,
    contract_lines,
)
from deploy.local.demo.hub import PARIS
from deploy.local.demo.orders import Draft

OPENS_AT = datetime(2025, 4, 14, 9, 0, tzinfo=PARIS)
WRONG_RPPS = "810000000000"
LATE_ACI_CPTS, ENDED_ACI_CPTS = "95-parisis-est", "95-parisis-ouest"
# An ACI before the one of the season, signed in time for the complement of 2022: its first day, and
# its years, after which there was none for six weeks.
EARLIER_ACI = {"95-plaine-vallee": (date(2022, 8, 1), 2)}


class Desk:
    """Hands out instants one second apart, and keys that are never used twice."""

    def __init__(self, at: datetime, name: str) -> None:
        self._at = at
        self._name = name
        self._count = 0

    def order(
        self,
        service: str,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        role: str,
        lane: str,
        acting_cpts: str | None = None,
        **more: Any,
    ) -> Draft:
        """The next order of this desk; a CPTS orders about itself unless it is said."""
        self._count += 1
        if role == "cpts":
            acting_cpts = acting_cpts or path.split("/")[2]
        return Draft(
            at=self._at + timedelta(seconds=self._count),
            service=service,
            method=method,
            path=path,
            role=role,
            acting_cpts=acting_cpts,
            key=f"{self._name}-{self._count:04d}",
            lane=lane,
            body=body,
            **more,
        )

    def membership(
        self, method: str, path: str, body: dict[str, Any], *, role: str = "cpts", **more: Any
    ) -> Draft:
        """The next order, for membership."""
        more.setdefault("lane", "/".join(path.split("/")[:3]))
        return self.order("membership", method, path, body, role=role, **more)

    def payments(
        self, method: str, path: str, body: dict[str, Any], *, role: str = "caisse", **more: Any
    ) -> Draft:
        """The next order, for payments."""
        more.setdefault("lane", path)
        return self.order("payments", method, path, body, role=role, **more)


def optional(**fields: Any) -> dict[str, Any]:
    """The fields that are not None; dates as text."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
        if value is not None
    }


def opening(cast: Sequence[Cpts], expected: dict[str, int]) -> list[Draft]:
    """All orders before the first demand; `expected` is how many demands each CPTS may count."""
    desk = Desk(OPENS_AT, "opening")
    drafts = [
        draft
        for cpts in cast
        for draft in (*_registration(desk, cpts), *_people(desk, cpts), *_contract(desk, cpts))
    ]
    return [
        *drafts,
        *_refused_by_membership(desk, cast),
        *_lines(desk, cast, expected),
        *_refused_by_payments(desk, cast[0]),
    ]


def _registration(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    lane = f"/cpts/{cpts.cpts_id}"
    yield desk.membership(
        "POST",
        "/cpts",
        optional(
            cpts_id=cpts.cpts_id,
            cpts_name=cpts.cpts_name,
            seat_commune=cpts.seat,
            finess=None if cpts.is_finess_late else cpts.finess,
            emerged_on=TERRITORY_FROM,
        ),
        role="ars",
        lane=lane,
    )
    for i, (code, part, population) in enumerate(cpts.places):
        yield desk.membership(
            "POST",
            f"{lane}/territory",
            optional(
                entry_id=f"t-{cpts.cpts_id}-{i:02d}",
                commune=code,
                part=part,
                population=population,
                from_on=TERRITORY_FROM,
            ),
        )


def member_body(member: Member) -> dict[str, Any]:
    """A membership as it is ordered."""
    return optional(
        member_id=member.member_id,
        rpps=member.rpps,
        profession=member.profession,
        from_on=member.from_on,
        to_on=member.to_on,
    )


def participation_body(participation: Participation) -> dict[str, Any]:
    """A participation as it is ordered."""
    return optional(
        participation_id=participation.participation_id,
        rpps=participation.rpps,
        way=participation.way,
        from_on=participation.from_on,
        to_on=participation.to_on,
    )


def _people(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    for member in cpts.members:
        yield desk.membership("POST", f"/cpts/{cpts.cpts_id}/members", member_body(member))
    for participation in cpts.participations:
        body = participation_body(participation)
        yield desk.membership("POST", f"/cpts/{cpts.cpts_id}/participations", body)


def _contract(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    if cpts.cpts_id in EARLIER_ACI:
        starts_on, years = EARLIER_ACI[cpts.cpts_id]
        yield _signature(desk, cpts, f"aci-avant-{cpts.cpts_id}", starts_on, years=years)
    if cpts.cpts_id != LATE_ACI_CPTS:
        yield aci(desk, cpts)


def aci(desk: Desk, cpts: Cpts, **more: Any) -> Draft:
    """The order that signs the CPTS's ACI."""
    return _signature(desk, cpts, f"aci-{cpts.cpts_id}", cpts.aci_starts_on, **more)


def _signature(
    desk: Desk, cpts: Cpts, aci_id: str, starts_on: date, *, years: int | None = None, **more: Any
) -> Draft:
    signed_on = starts_on - timedelta(days=20)
    body = optional(aci_id=aci_id, signed_on=signed_on, starts_on=starts_on, years=years)
    return desk.membership("POST", f"/cpts/{cpts.cpts_id}/aci", body, role="caisse", **more)


def _refused_by_membership(desk: Desk, cast: Sequence[Cpts]) -> Iterator[Draft]:
    """Orders with a clash or a mistake. They come after a barrier: they look at several CPTS."""
    first, second = cast[0], cast[1]
    path = f"/cpts/{first.cpts_id}"
    day = TERRITORY_FROM.isoformat()
    member = first.members[0]
    known = all_communes()[DIVIDED_COMMUNE].population or 0
    bodies: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("/territory", "unknown", {"commune": "99999", "from_on": day}),
        ("/territory", "ends", {"commune": "95018", "from_on": day, "to_on": "2022-01-01"}),
        ("/territory", "no-pop", {"commune": DIVIDED_COMMUNE, "part": "Nord", "from_on": day}),
        ("/territory", "pop", {"commune": "95018", "population": 12, "from_on": day}),
        ("/territory", "taken", {"commune": second.places[0][0], "from_on": day}),
        ("/territory", "divided", {"commune": DIVIDED_COMMUNE, "from_on": day}),
        (
            "/territory",
            "exceed",
            {"commune": DIVIDED_COMMUNE, "part": "Nord", "population": known, "from_on": day},
        ),
        ("/members", "mistyped", {"rpps": WRONG_RPPS, "profession": "1O", "from_on": day}),
        ("/members", "digit", {"rpps": WRONG_RPPS, "profession": "10", "from_on": day}),
        (
            "/members",
            "digit-overridden",
            {
                "rpps": WRONG_RPPS,
                "profession": "10",
                "from_on": day,
                "to_on": "2024-12-31",
                "is_check_digit_overridden": True,
            },
        ),
        (
            "/members",
            "overlap",
            {
                "rpps": member.rpps,
                "profession": "10",
                "from_on": member.from_on.isoformat(),
            },
        ),
        ("/participations", "way", {"rpps": member.rpps, "way": "telephone", "from_on": day}),
        ("/finess", "again", {"finess": "1990990099"}),
    )
    id_names = {"/territory": "entry_id", "/members": "member_id", "/finess": None}
    for i, (suffix, name, body) in enumerate(bodies):
        id_name = id_names.get(suffix, "participation_id")
        yield desk.membership(
            "POST",
            f"{path}{suffix}",
            body if id_name is None else {id_name: f"refused-{name}"} | body,
            role="caisse" if id_name is None else "cpts",
            barrier=i == 0,
        )
    new = {"member_id": "m-intrus", "rpps": WRONG_RPPS, "profession": "10", "from_on": day}
    yield desk.membership("POST", f"{path}/members", new, acting_cpts=second.cpts_id)
    yield desk.membership(
        "POST",
        "/cpts",
        {
            "cpts_id": "95-finess-pris",
            "cpts_name": "CPTS au FINESS déjà pris",
            "seat_commune": first.seat,
            "finess": first.finess,
        },
        role="ars",
        lane=path,
    )
    body = {"aci_id": "aci-deux", "signed_on": "2025-03-01", "starts_on": "2025-06-01"}
    yield desk.membership("POST", f"{path}/aci", body, role="caisse")


def _lines(desk: Desk, cast: Sequence[Cpts], expected: dict[str, int]) -> Iterator[Draft]:
    """The contract lines of the season's years; the first waits until payments knows the CPTS."""
    is_first = True
    for cpts in cast:
        for year, indicator, body in contract_lines(cpts, expected[cpts.cpts_id]):
            yield desk.payments("PUT", line_path(cpts, year, indicator), body, barrier=is_first)
            is_first = False


def line_path(cpts: Cpts, year: date, indicator: str) -> str:
    """Where a contract line is set."""
    return f"/cpts/{cpts.cpts_id}/contract-years/{year.isoformat()}/lines/{indicator}"


def _refused_by_payments(desk: Desk, cpts: Cpts) -> Iterator[Draft]:
    """Orders with a mistake, about a contract year without lines."""
    year = date(2028, 1, 1)
    good = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 1_000_00, "target": 10}
    steps = {"mission": "acces_aux_soins", "mode": "steps", "max_cents": 1_000_00}
    demands = "sas_demandes_avec_rdv"
    one, two = {"threshold": 5, "amount_cents": 500_00}, {"threshold": 5, "amount_cents": 900_00}
    above = {"threshold": 9, "amount_cents": 1_000_01}
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("nombre_de_cafes", good),
        (demands, good | {"mission": "conquete_spatiale"}),
        (demands, {name: value for name, value in good.items() if name != "target"}),
        (demands, steps),
        (demands, steps | {"steps": [one, two]}),
        (demands, steps | {"steps": [one, above]}),
    )
    for indicator, body in cases:
        yield desk.payments("PUT", line_path(cpts, year, indicator), body, lane="lines-refused")
