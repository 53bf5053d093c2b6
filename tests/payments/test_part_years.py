"""Rules that no text gives, switched on by a dated entry: what a part of a year is worth, the aid
at the lettre d'intention, the SNP compensation of 2019. Off, they change nothing.

Amounts are in `cases/`; here is how the service follows its parameters.
"""

from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.membership import AciSigned, ContractYear, LettreIntentionRecorded
from contracts.recorded import Cause
from contracts.topics import INDICATORS, MEMBERSHIP
from services.messaging.unit import Desk, open_unit
from services.payments import handlers
from services.payments.domain.calendar import midnight
from services.payments.domain.dues import Mission, Year
from services.payments.domain.dues_rules import (
    Switch,
    VariablePart,
    is_applied,
    read_dues_rules,
)
from services.payments.domain.part_years import time_run
from services.payments.store import dues_rules
from tests.desks import empty
from tests.payments.owing import (
    FIRST,
    aci,
    dues,
    hear,
    mission,
    publish,
    rate,
    registered,
    said_on,
    taille,
)
from tests.payments.served import LINEAR, YEAR, Payments, contract, figure, line_path, told

AID, SNP, PART = "lettre_intention", "snp", "variable_part"
MORE = {
    AID: "is_applied = true",
    SNP: "is_applied = true",
    PART: 'in_a_part_year = "pro_rata"',
}


class Parameters:
    """The file of parameters of a test, to which entries are added."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def switch_on(self, name: str, from_on: date) -> None:
        """Adds an entry that switches a rule on from a day on."""
        more = f"[[{name}]]\nfrom_on = {from_on}\n{MORE[name]}\n"
        more += 'text = "a test"\nstatus = "hypothesis"\nis_verified = false\n'
        self.file.write_text(self.file.read_text("utf-8") + more, "utf-8")
        dues_rules.load_dues_rules.cache_clear()


@pytest.fixture
def parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = tmp_path / "parameters.toml"
    file.write_text(dues_rules.FILE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(dues_rules, "FILE", file)
    dues_rules.load_dues_rules.cache_clear()
    yield Parameters(file)
    monkeypatch.undo()
    dues_rules.load_dues_rules.cache_clear()


# --- the rules ---


def test_every_rule_that_no_text_gives_is_off_and_unverified() -> None:
    rules = dues_rules.load_dues_rules()
    for day in (date(2019, 6, 20), date(2022, 4, 1), date(2100, 1, 1)):
        assert not is_applied(rules.lettre_intention, day)
        assert not is_applied(rules.snp, day)
        assert not rules.is_variable_part_pro_rata(day)
    every: list[Switch | VariablePart] = [
        *rules.lettre_intention,
        *rules.snp,
        *rules.variable_part,
    ]
    assert not any(one.is_verified for one in every)


def test_a_rule_holds_from_its_day_on_until_the_next(parameters: Parameters) -> None:
    for name in (AID, SNP, PART):
        parameters.switch_on(name, date(2027, 1, 1))
    rules = dues_rules.load_dues_rules()
    for day, is_on in ((date(2026, 12, 31), False), (date(2027, 1, 1), True)):
        assert is_applied(rules.lettre_intention, day) is is_on
        assert is_applied(rules.snp, day) is is_on
        assert rules.is_variable_part_pro_rata(day) is is_on
    assert not is_applied((), date(2027, 1, 1))
    assert not is_applied(rules.snp[1:], date(2026, 12, 31)), "before its rules an amount is off"


@pytest.mark.parametrize("name", [AID, SNP, PART])
def test_rules_out_of_order_are_refused(parameters: Parameters, name: str) -> None:
    parameters.switch_on(name, date(2019, 6, 19))
    with pytest.raises(msgspec.ValidationError, match="in order of their first day"):
        read_dues_rules(parameters.file.read_text("utf-8"))


WHOLE = Year(
    starts_on=FIRST,
    ends_on=date(2027, 4, 14),
    whole_ends_on=date(2027, 4, 14),
    aci_id="a",
    signed_on=FIRST,
    is_first=True,
    taille=3,
)
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(st.lists(st.tuples(days, st.none() | days), max_size=4), st.booleans())
def test_the_time_that_a_mission_ran_is_the_days_on_which_it_did(
    stretches: list[tuple[date, date | None]], is_repeated: bool
) -> None:
    missions = [
        Mission(mission_id=str(place), mission="m", started_on=first, ended_on=last)
        for place, (first, last) in enumerate(stretches)
        if last is None or first <= last
    ]
    every = [WHOLE.starts_on + timedelta(days=place) for place in range(365)]
    ran = {
        day
        for day in every
        for one in missions
        if one.started_on <= day and (one.ended_on is None or day <= one.ended_on)
    }
    others = [Mission(mission_id="x", mission="another", started_on=date(2026, 1, 1))]
    told_missions = missions * (2 if is_repeated else 1) + others
    by_days = time_run(WHOLE, told_missions, "m", "days")
    by_months = time_run(WHOLE, told_missions, "m", "months")
    if not ran:
        assert by_days is by_months is None
        return
    assert by_days is not None
    assert by_months is not None
    assert (by_days.part, by_days.whole) == (len(ran), 365)
    assert (by_days.first_on, by_days.last_on) == (min(ran), max(ran))
    assert 1 <= by_months.part <= by_months.whole == 12
    assert by_months.part * 31 >= len(ran), "a month that began counts whole"


# --- what the service makes of them ---


@pytest.fixture
async def desk(migrated: Desk, parameters: Parameters) -> Desk:
    await empty(migrated)
    await publish(
        migrated,
        [
            rate("fonctionnement", "lettre_intention", 25_000),
            rate("acces_aux_soins", "snp", 35_000),
        ],
    )
    return migrated


def lettre(validated_on: date | None, *, is_withdrawn: bool = False) -> LettreIntentionRecorded:
    return LettreIntentionRecorded(
        cpts_id="c1",
        lettre_id="l",
        sent_on=date(2025, 2, 1),
        communes=("95018",),
        validated_on=validated_on,
        is_withdrawn=is_withdrawn,
    )


VALIDATED_ON = date(2025, 3, 1)
AID_DUE = (VALIDATED_ON, "lettre_intention", 25_000_00, True)
SNP_DUE = (date(2027, 4, 15), "acces_aux_soins:snp", 35_000_00, True)
FACTS = (registered(), lettre(VALIDATED_ON), aci(1), taille(3), mission(FIRST))


@pytest.mark.parametrize("place", range(5))
async def test_the_aid_is_due_whatever_is_heard_first_and_only_where_it_is_applied(
    desk: Desk, parameters: Parameters, place: int
) -> None:
    facts = [said_on(event, number) for number, event in enumerate(FACTS, start=1)]
    await publish(desk, [rate("fonctionnement", "lettre_intention", 20_000, taille=2)])
    orders = list(permutations(facts))
    await hear(desk, *facts)
    assert await dues(desk) == []
    parameters.switch_on(AID, date(2022, 4, 1))
    for one in orders[place * 24]:
        await hear(desk, one)
    assert await dues(desk) == [AID_DUE]
    await hear(desk, said_on(lettre(VALIDATED_ON, is_withdrawn=True), 7))
    assert await dues(desk) == []
    await hear(desk, facts[1])
    assert await dues(desk) == [], "what is older than the correction changes nothing"
    await hear(desk, said_on(lettre(None), 8))
    assert await dues(desk) == [], "it is sent and not validated"


async def test_the_compensation_is_due_after_the_year_only_where_it_is_applied(
    desk: Desk, parameters: Parameters
) -> None:
    await hear(desk, *(said_on(event, number) for number, event in enumerate(FACTS, start=1)))

    async def look() -> list[Any]:
        async with open_unit(desk) as unit:
            cause = Cause(id="later", recorded_at=midnight(date(2027, 5, 1)))
            await handlers.lock_dues(unit, ["c1"])
            await handlers.announce_dues(unit, {"c1": cause})
        return await dues(desk)

    assert await look() == []
    parameters.switch_on(SNP, date(2026, 4, 16))
    assert await look() == [], "not in a year that began the day before"
    parameters.file.write_text(
        parameters.file.read_text("utf-8").replace("2026-04-16", "2026-04-15"), "utf-8"
    )
    dues_rules.load_dues_rules.cache_clear()
    assert await look() == [SNP_DUE]


YEAR_PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}"


async def explained(payments: Payments, query: str = "") -> tuple[Any, ...]:
    (one,) = (await payments.get(f"{YEAR_PATH}/explanation{query}"))["missions"]
    return one["envelope_cents"], one["year_part"], one["year_whole"], one["amount_cents"]


async def worth(payments: Payments, *missions: Any) -> list[int]:
    """What an account with 40 000 € of results is worth as its mission is told and corrected."""
    await payments.hear(MEMBERSHIP, contract("c1"))
    line = LINEAR | {"max_cents": 34_000_00, "target": 10}
    assert (await payments.put(line_path("c1"), line)).is_success
    await payments.hear(INDICATORS, [figure("c1", 10, 1)])
    found = [await payments.variable_cents("c1")]
    for sequence, one in enumerate(missions, start=4):
        await payments.hear(MEMBERSHIP, [told(one, "c1", sequence)])
        found.append(await payments.variable_cents("c1"))
    assert (await payments.get("/invariants"))["accounts_equal_postings"]
    return found


HALF = (mission(date(2026, 10, 15)), mission(date(2026, 4, 15)))


async def test_a_part_year_changes_no_envelope_by_itself(payments: Payments) -> None:
    assert await worth(payments, *HALF) == [34_000_00] * 3
    assert await explained(payments) == (35_000_00, None, None, 34_000_00)


async def test_where_it_is_switched_on_an_envelope_follows_the_time_run(
    parameters: Parameters, payments: Payments
) -> None:
    parameters.switch_on(PART, YEAR.starts_on)
    # 182 of 365 days of 35 000 €, then the whole year
    assert await worth(payments, *HALF) == [0, 17_452_05, 34_000_00]
    assert await explained(payments) == (35_000_00, 365, 365, 34_000_00)
    items = (await payments.get(f"{YEAR_PATH}/estimates"))["items"]
    assert [one["variable_cents"] for one in items if one["reason"] == "mission"] == [
        17_452_05,
        34_000_00,
    ]
    shorter = AciSigned(
        cpts_id="c1",
        aci_id="a",
        signed_on=date(2026, 4, 1),
        contract_years=(ContractYear(starts_on=YEAR.starts_on, ends_on=date(2026, 10, 13)),),
    )
    await payments.hear(MEMBERSHIP, [told(shorter, "c1", 8)])
    assert await explained(payments) == (17_452_05, 182, 365, 17_452_05)
    now = datetime.fromisoformat("2026-05-04T10:00:00+00:00")
    known = await explained(payments, f"?known_at={now:%Y-%m-%dT%H:%M:%SZ}")
    assert known == (17_452_05, 182, 365, 17_452_05)


async def test_lines_may_fill_the_envelope_of_a_whole_year_before_the_mission_runs(
    parameters: Parameters, payments: Payments
) -> None:
    parameters.switch_on(PART, YEAR.starts_on)
    await payments.hear(MEMBERSHIP, contract("c1"))
    rows = (await payments.client.get("/lines-template")).text.splitlines()[0]
    body = f"{rows}\nrdv;acces_aux_soins;sas_demandes_avec_rdv;;lineaire;35000;0;20;;;;\n"
    answer = await payments.client.put(
        f"{YEAR_PATH}/lines",
        content=body.encode(),
        headers={
            "Content-Type": "text/csv",
            "Acting-Role": "caisse",
            "Order-Instant": "2026-05-04T10:00:00+00:00",
        },
    )
    assert answer.is_success, answer.text
