"""Who plays: CPTS on real groups of communes (EPCI), their professionals and their contract lines.

The professionals, their RPPS numbers and the FINESS numbers are invented; only 810005681340 is the
practitioner of the Hub Santé's public example.
"""

from datetime import date
from random import Random
from typing import Any

import msgspec

from contracts.communes import all_communes, communes_of_epci

DEPARTEMENTS = ("95", "15", "974")
PHYSICIAN = "10"
OTHER_PROFESSIONS = ("40", "50", "60", "70")
EXAMPLE_RPPS = "810005681340"
DIVIDED_COMMUNE = "95252"
DIVIDED_COMMUNE_PARTS = {"95-parisis-ouest": ("Ouest", 18_000), "95-parisis-est": ("Est", 19_754)}
LATE_COMMUNE = "95446"
NEXT_DAY_COMMUNE = "95002"
PLACES_WITHOUT_CPTS = {
    "95": ("95018", "95127"),
    "15": ("15119", "15138"),
    "974": ("97416", "97424"),
}
WESTERN_PARISIS = ("95306", "95176", "95257", "95424", "95488", "95051")
TERRITORY_FROM = date(2022, 7, 1)
MEMBERS_BY_TAILLE = {1: 7, 2: 9, 3: 13, 4: 17}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A professional's membership, as it is recorded at first."""

    member_id: str
    rpps: str
    profession: str
    from_on: date
    to_on: date | None = None


class Participation(msgspec.Struct, frozen=True, kw_only=True):
    """A professional's participation in the SAS, as it is recorded at first."""

    participation_id: str
    rpps: str
    way: str
    from_on: date
    to_on: date | None = None


class Cpts(msgspec.Struct, frozen=True, kw_only=True):
    """A CPTS of the demo: its places, its ACI and its people. `taille` is what it should get."""

    cpts_id: str
    cpts_name: str
    departement: str
    seat: str
    finess: str
    is_finess_late: bool
    taille: int
    aci_starts_on: date
    aci_years_of_season: tuple[date, ...]
    places: tuple[tuple[str, str | None, int | None], ...]
    members: tuple[Member, ...]
    participations: tuple[Participation, ...]
    weight: float


# cpts_id, name, EPCI, taille, first day of the ACI, contract years of the season.
_ROWS: tuple[tuple[str, str, str, int, date, tuple[date, ...]], ...] = (
    (
        "95-trois-forets",
        "CPTS des Trois Forêts",
        "249500455",
        1,
        date(2025, 1, 1),
        (date(2025, 1, 1), date(2026, 1, 1)),
    ),
    (
        "95-haut-val",
        "CPTS du Haut Val d'Oise",
        "249500489",
        2,
        date(2025, 4, 1),
        (date(2025, 4, 1),),
    ),
    (
        "95-plaine-vallee",
        "CPTS de la Plaine Vallée",
        "200056380",
        4,
        date(2024, 9, 15),
        (date(2024, 9, 15), date(2025, 9, 15)),
    ),
    (
        "95-parisis-ouest",
        "CPTS du Parisis Ouest",
        "200058485",
        3,
        date(2025, 5, 1),
        (date(2025, 5, 1),),
    ),
    (
        "95-parisis-est",
        "CPTS du Parisis Est",
        "200058485",
        3,
        date(2025, 2, 1),
        (date(2025, 2, 1),),
    ),
    (
        "15-saint-flour",
        "CPTS du Pays de Saint-Flour",
        "200066660",
        1,
        date(2025, 3, 1),
        (date(2025, 3, 1),),
    ),
    (
        "15-aurillac",
        "CPTS du Bassin d'Aurillac",
        "241500230",
        2,
        date(2024, 10, 1),
        (date(2024, 10, 1), date(2025, 10, 1)),
    ),
    (
        "974-sud",
        "CPTS du Sud sauvage",
        "249740085",
        3,
        date(2025, 2, 15),
        (date(2025, 2, 15),),
    ),
    (
        "974-ouest",
        "CPTS de la Côte Ouest",
        "249740101",
        4,
        date(2025, 1, 1),
        (date(2025, 1, 1),),
    ),
)


def check_digit(ten_digits: str) -> str:
    """The Luhn digit that completes the digits of an RPPS after its prefix `8`."""
    total = 0
    for place, digit in enumerate(reversed(ten_digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def new_rpps(random: Random) -> str:
    """An invented RPPS number with its right check digit (the SAS's form, `81…`)."""
    ten = "1" + "".join(str(random.randrange(10)) for _ in range(9))
    return f"8{ten}{check_digit(ten)}"


def cast(random: Random, departements: int) -> tuple[Cpts, ...]:
    """The CPTS of the first `departements` of the three (95 dense, 15 rural, 974 overseas)."""
    chosen = DEPARTEMENTS[:departements]
    rows = [row for row in _ROWS if row[0].split("-")[0] in chosen]
    return tuple(_cpts(random, index, *row) for index, row in enumerate(rows, start=1))


def _cpts(
    random: Random,
    index: int,
    cpts_id: str,
    name: str,
    epci: str,
    taille: int,
    aci_starts_on: date,
    years: tuple[date, ...],
) -> Cpts:
    places = _places(cpts_id, epci)
    members = _members(random, cpts_id, MEMBERS_BY_TAILLE[taille])
    if cpts_id == "95-plaine-vallee":
        members = (*members, _member(cpts_id, "exemple", EXAMPLE_RPPS, date(2024, 6, 1)))
    population = sum(
        declared if declared is not None else all_communes()[code].population or 0
        for code, _, declared in places
    )
    departement = cpts_id.split("-", maxsplit=1)[0]
    return Cpts(
        cpts_id=cpts_id,
        cpts_name=name,
        departement=departement,
        seat=max(places, key=lambda place: all_communes()[place[0]].population or 0)[0],
        finess=f"1{departement[:2]}099{index:04d}",
        is_finess_late=cpts_id == "95-haut-val",
        taille=taille,
        aci_starts_on=aci_starts_on,
        aci_years_of_season=years,
        places=places,
        members=members,
        participations=_participations(random, members),
        weight=population**0.5,
    )


def _places(cpts_id: str, epci: str) -> tuple[tuple[str, str | None, int | None], ...]:
    """The places (commune, part, declared population) of a CPTS."""
    codes = [commune.code for commune in communes_of_epci(epci)]
    if cpts_id not in DIVIDED_COMMUNE_PARTS:
        return tuple((code, None, None) for code in codes)
    is_west = cpts_id == "95-parisis-ouest"
    kept = [
        code for code in codes if code != DIVIDED_COMMUNE and (code in WESTERN_PARISIS) == is_west
    ]
    part, population = DIVIDED_COMMUNE_PARTS[cpts_id]
    return (*((code, None, None) for code in kept), (DIVIDED_COMMUNE, part, population))


def _member(
    cpts_id: str,
    suffix: str,
    rpps: str,
    from_on: date,
    *,
    to_on: date | None = None,
    profession: str = PHYSICIAN,
) -> Member:
    return Member(
        member_id=f"m-{cpts_id}-{suffix}",
        rpps=rpps,
        profession=profession,
        from_on=from_on,
        to_on=to_on,
    )


def _members(random: Random, cpts_id: str, count: int) -> tuple[Member, ...]:
    """The first five are physicians, there for the whole season; some others come or leave."""
    members = []
    for i in range(count):
        is_physician = i < 5 or random.random() < 0.7
        from_on = date(2024, random.randrange(1, 9), random.randrange(1, 28))
        to_on = None
        if i >= 5 and random.random() < 0.15:
            from_on = date(2025, random.randrange(6, 10), random.randrange(1, 28))
        elif i >= 5 and random.random() < 0.15:
            to_on = date(2025, random.randrange(7, 11), random.randrange(1, 28))
        profession = PHYSICIAN if is_physician else random.choice(OTHER_PROFESSIONS)
        rpps = new_rpps(random)
        members.append(
            _member(cpts_id, f"{i:02d}", rpps, from_on, to_on=to_on, profession=profession)
        )
    return tuple(members)


def _participations(random: Random, members: tuple[Member, ...]) -> tuple[Participation, ...]:
    """The first three and the example's practitioner take part; most other physicians do."""
    made = []
    for i, member in enumerate(members):
        is_certain = i < 3 or member.rpps == EXAMPLE_RPPS
        if not is_certain and (member.profession != PHYSICIAN or random.random() > 0.6):
            continue
        from_on = date(2025, 1, 1)
        if not is_certain and random.random() < 0.3:
            from_on = date(2025, random.randrange(5, 12), random.randrange(1, 28))
        made.append(
            Participation(
                participation_id=f"p-{member.member_id[2:]}",
                rpps=member.rpps,
                way="own_office" if is_certain else random.choice(("own_office", "cpts", "msp")),
                from_on=from_on,
            )
        )
    return tuple(made)


def contract_lines(cpts: Cpts, expected: int) -> list[tuple[date, str, dict[str, Any]]]:
    """The lines (contract year, indicator, body) of a CPTS that should count `expected` demands.

    All three modes; at 95-trois-forets and 15-saint-flour they exceed the envelope, at 95-haut-val
    the linear one never comes near its maximum.
    """
    doctors, demands = _LINES[cpts.cpts_id]
    lines = []
    for year in cpts.aci_years_of_season:
        for indicator, (mode, euros, target) in (
            ("sas_medecins_participants", doctors),
            ("sas_demandes_avec_rdv", demands),
        ):
            body: dict[str, Any] = {
                "mission": "acces_aux_soins",
                "mode": mode,
                "max_cents": euros * 100,
            }
            goal = target if isinstance(target, int) else max(1, round(expected * target))
            if mode == "steps":
                first, second = max(1, goal // 3), max(2, 2 * goal // 3)
                body["steps"] = [
                    {"threshold": first, "amount_cents": euros * 40},
                    {"threshold": max(first + 1, second), "amount_cents": euros * 70},
                    {"threshold": max(first + 2, goal), "amount_cents": euros * 100},
                ]
            else:
                body["target"] = goal
            lines.append((year, indicator, body))
    return lines


# Doctors, then demands: mode, maximum in euros, target (a share is one of the expected demands).
_LINES: dict[str, tuple[tuple[str, int, int | float], tuple[str, int, int | float]]] = {
    "95-trois-forets": (("all_or_nothing", 15_000, 3), ("steps", 18_000, 0.4)),
    "95-haut-val": (("steps", 8_000, 6), ("linear", 20_000, 100_000)),
    "95-plaine-vallee": (("linear", 19_999, 41), ("linear", 25_000, 2.3)),
    "95-parisis-ouest": (("all_or_nothing", 12_000, 60), ("steps", 20_000, 0.8)),
    "95-parisis-est": (("linear", 15_000, 23), ("linear", 20_000, 1.7)),
    "15-saint-flour": (("linear", 10_000, 9), ("linear", 30_000, 0.5)),
    "15-aurillac": (("all_or_nothing", 9_000, 4), ("linear", 20_000, 1.3)),
    "974-sud": (("steps", 12_000, 9), ("linear", 23_000, 1.9)),
    "974-ouest": (("linear", 18_000, 30), ("steps", 27_000, 0.9)),
}
