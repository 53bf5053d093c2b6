"""The hard cases of contracts, lines and money, through the four services, each to its cents.

On the scale of avenant 2, taille 1: fonctionnement 50 000 €; accès aux soins 55 000 € fixed and
25 000 € variable. A demand with an appointment brings 100 €.
"""

import asyncio
from datetime import date

from tests.journeys.hard_case import begin, paris
from tests.journeys.story import Platform, eventually

DEMANDS = "sas_demandes_avec_rdv"
FIXED = "acces_aux_soins:fixe"
COLUMNS = (
    "ligne;mission;indicateur;libelle;mode;maximum_euros;valeur_initiale;cible;sens;paliers;"
    "documents;reportee_de\n"
)


async def test_a_contract_signed_on_29_february_has_its_anniversary_on_the_28th(
    hard: Platform,
) -> None:
    """The first year ends on 27 February 2029; a demand of the 28th is of the second year."""
    case = await begin(hard, "leap", "77001", "2028-02-29", 101)
    await case.set_line()
    case.at(paris("2029-02-27 18:00"))
    await case.books()
    await case.becomes_worth(1, 100_00)
    case.at(paris("2029-02-28 09:00"))
    await case.books()
    await case.stays_worth(1, 100_00)
    names = ("fonctionnement:signature", "fonctionnement:advance")
    await case.become_due(
        {("2028-02-29", names[0]): 50_000_00, ("2029-02-28", names[1]): 37_500_00}, *names
    )
    case.year = date(2029, 2, 28)
    await case.set_line()
    await case.becomes_worth(1, 100_00)


async def test_a_year_across_a_change_of_rates_keeps_those_of_its_first_day(
    hard: Platform,
) -> None:
    """From 2032 on the fixed part of T1 is 60 000 € (supposed): the year begun in 2031 has 55 000.

    75 % of each at the start and at the anniversary; the balance of the first is its own quarter.
    """
    case = await begin(hard, "rates", "77002", "2031-07-01", 102)
    await case.starts_mission()
    days = date(2032, 1, 1), date(2032, 12, 31)
    await case.publishes_rate("acces_aux_soins", "fixe", 60_000_00, *days, is_verified=False)
    case.at(paris("2032-07-01 09:00"))
    await case.become_due(
        {
            ("2031-07-01", f"{FIXED}:advance"): 41_250_00,
            ("2031-07-01", f"{FIXED}:balance"): 13_750_00,
            ("2032-07-01", f"{FIXED}:advance"): 45_000_00,
        },
        FIXED,
    )


async def test_an_appointment_cancelled_after_the_year_was_settled_is_adjusted_in_the_open_year(
    hard: Platform,
) -> None:
    """200 € were settled; the cancellation itself moves nothing, its validated value −100 €."""
    case = await begin(hard, "cancelled-late", "77003", "2026-03-02", 103)
    await case.set_line()
    kept, cancelled = await case.books(), await case.books()
    await case.becomes_worth(2, 200_00)
    case.at(paris("2027-03-10 09:00"))
    await case.settles({DEMANDS: 2}, 200_00)
    await case.referral(cancelled, "cancel", {"by": "patient"})
    await eventually(case.figure, 1)
    await hard.caught_up()
    due = {("2026-03-02", "variable"): 200_00}
    assert await case.dues("variable") == due
    await case.validates(DEMANDS, 1)
    adjusted = await case.dues("variable", "adjust")
    assert sum(adjusted.values()) == 100_00
    assert {starts_on for starts_on, _ in adjusted.keys() - due.keys()} == {"2027-03-02"}
    assert await case.state(kept) == "booked"


async def test_an_indicator_corrected_twice_after_the_settlement_is_worth_its_last_value(
    hard: Platform,
) -> None:
    """Settled 500 €; 7 instead of 5 adds 200 €, then 4 takes 300 € back: 400 € in all."""
    case = await begin(hard, "corrected", "77004", "2026-03-02", 104)
    await case.set_line()
    case.at(paris("2027-03-10 09:00"))
    await case.settles({DEMANDS: 5}, 500_00)
    sums = []
    for value in (7, 4):
        await case.validates(DEMANDS, value)
        sums.append(sum((await case.dues("variable", "adjust")).values()))
    assert sums == [700_00, 400_00]
    assert sorted((await case.dues("adjust")).values()) == [-300_00, 200_00]


async def test_two_lines_on_one_indicator_each_bring_their_own(hard: Platform) -> None:
    """Per demand 100 €, and 250 € once there are two: 100, then 450 €."""
    case = await begin(hard, "two-lines", "77005", "2026-03-02", 105)
    await case.set_line("each", indicator=DEMANDS)
    await case.set_line("two", indicator=DEMANDS, mode="all_or_nothing", max_cents=250_00, target=2)
    await case.books()
    await case.becomes_worth(1, 100_00)
    await case.books()
    await case.becomes_worth(2, 450_00)


async def test_lines_above_the_envelope_are_refused_and_capped_when_the_envelope_shrinks(
    hard: Platform,
) -> None:
    """T1 has 25 000 €: 25 000,01 is one cent too much in a file; lines of 26 000 bring 25 000."""
    case = await begin(hard, "envelope", "77006", "2026-03-02", 106)
    path = f"/cpts/{case.cpts_id}/contract-years/{case.year}/lines"
    row = f"r;acces_aux_soins;{DEMANDS};;lineaire;{{}};;1;;;;\n"
    headers = {"Content-Type": "text/csv"}
    answers = [
        await hard.order(
            "payments",
            "PUT",
            path,
            (COLUMNS + row.format(amount)).encode(),
            role="caisse",
            at=case.now,
            **headers,
        )
        for amount in ("25000,01", "25000,00")
    ]
    assert [answer.status_code for answer in answers] == [422, 200], answers[0].text
    assert "enveloppe" in answers[0].text
    await case.set_line("more", indicator=DEMANDS, max_cents=1_000_00, target=1)
    await case.books()
    await case.becomes_worth(1, 25_000_00)


async def test_an_aci_that_ends_in_the_middle_of_a_month_gives_back_what_was_advanced(
    hard: Platform,
) -> None:
    """77 of 365 days to 17 May: 55 000 × 77/365 = 11 602,73 €; 41 250 advanced, 29 647,27 back."""
    case = await begin(hard, "ended", "77010", "2026-03-02", 107)
    await case.starts_mission()
    case.at(paris("2026-05-18 09:00"))
    body = {"ended_on": "2026-05-17", "reason": "at_the_request_of_the_cpts"}
    path = f"/cpts/{case.cpts_id}/aci/{case.cpts_id}-aci/termination"
    await case.done("membership", "POST", path, body, "caisse")
    await case.become_due(
        {
            ("2026-03-02", f"{FIXED}:advance"): 41_250_00,
            ("2026-03-02", f"{FIXED}:recovery"): -29_647_27,
        },
        FIXED,
    )


async def test_of_two_payments_that_reach_the_ceiling_together_one_passes(hard: Platform) -> None:
    """The PASS of 2026 is 48 060 €: of twice 30 000 € to one professional, 18 060 € remain."""
    cases = [
        await begin(hard, f"ceiling-{n}", commune, "2026-03-02", 108 + n)
        for n, commune in enumerate(("77012", "77013"))
    ]
    paid = {"rpps": cases[0].doctor, "kind": "indemnite", "function": "reunion", "minutes": 600}
    paid |= {"amount_cents": 30_000_00, "paid_on": "2026-03-02"}
    answers = await asyncio.gather(
        *(
            case.order("payments", "PUT", f"/cpts/{case.cpts_id}/indemnities/i", paid, "cpts")
            for case in cases
        )
    )
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert refused[0]["reason"] == "pass_exceeded"
    assert refused[0]["remaining_cents"] == 18_060_00


async def test_a_file_imported_twice_counts_once(hard: Platform) -> None:
    """74 patients without a médecin traitant: the step below 100, 6 000 €, once."""
    case = await begin(hard, "file", "77014", "2026-03-02", 110)
    ald = "medecin_traitant_ald_sans"
    steps = [
        {"threshold": 219, "amount_cents": 3_000_00},
        {"threshold": 100, "amount_cents": 6_000_00},
    ]
    line = {"mode": "steps", "max_cents": 6_000_00, "target": None, "steps": steps, "baseline": 219}
    await case.set_line(ald, **line)
    row = {"cpts_id": case.cpts_id, "contract_year_starts_on": str(case.year)}
    rows = {"rows": [row | {"indicator": ald, "value": 74}]}
    taken = [
        await case.order("indicators", "POST", "/caisse-files", rows, "caisse") for _ in range(2)
    ]
    assert [answer.status_code for answer in taken] == [201, 200]
    assert [answer.json()["is_new"] for answer in taken] == [True, False]
    await eventually(case.funding_cents, 6_000_00)
    await hard.caught_up()
    assert await case.funding_cents() == 6_000_00


async def test_a_rate_found_wrong_after_it_was_paid_is_paid_by_its_difference(
    hard: Platform,
) -> None:
    """41 250 € paid; the fixed part of T1 was 56 000 € (supposed): 750 € more in the next batch."""
    case = await begin(hard, "wrong-rate", "77015", "2041-03-02", 111)
    await case.starts_mission()
    await case.become_due({("2041-03-02", f"{FIXED}:advance"): 41_250_00}, FIXED)
    await case.confirms_rates()
    await case.has_accounts()
    assert await case.is_ordered("first") == 50_000_00 + 41_250_00
    days = date(2041, 1, 1), date(2041, 12, 31)
    await case.publishes_rate("acces_aux_soins", "fixe", 56_000_00, *days, is_verified=True)
    await case.become_due({("2041-03-02", f"{FIXED}:advance"): 42_000_00}, FIXED)
    assert await case.is_ordered("second") == 750_00
