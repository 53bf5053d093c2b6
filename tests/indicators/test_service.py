"""The indicators service on a real Kafka and PostgreSQL, asked over HTTP, and built anew."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.events.membership import (
    AciSigned,
    ContractYear,
    CptsRegistered,
    FinessAssigned,
    MemberRecorded,
    ParticipationRecorded,
)
from contracts.events.referrals import (
    AppointmentCancelled,
    AppointmentHonoured,
    AppointmentMissed,
    AppointmentMoved,
    PlatformAppointmentReported,
    ReferralAccepted,
    ReferralDeclined,
    ReferralExpired,
)
from contracts.recorded import Recorded
from contracts.topics import MEMBERSHIP, REFERRALS
from deploy.local.stack import Stack
from services.indicators.app import RULE, SERVICE
from services.indicators.store import invariants as stored
from services.messaging.database import open_pool
from services.messaging.process import Running, running
from services.messaging.replaying import rebuild
from services.messaging.settings import Settings
from services.messaging.unit import Desk
from tests.indicators.hearing import figures, invariants
from tests.indicators.story import told
from tests.publishing import publish

PARTITIONS = 3
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
YEAR = ContractYear(starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
DOCTOR, NURSE, NOBODY = "810000000001", "810000000002", "810000000003"
DEMANDS = "sas_demandes_avec_rdv"


class Indicators:
    """The running service, and what others tell it."""

    def __init__(self, stack: Stack, run: Running) -> None:
        self.kafka, self.run = stack.kafka, run
        self.client = httpx.AsyncClient(base_url=run.address, timeout=20)

    async def hear(self, topic: Any, events: list[Recorded[Any]]) -> None:
        await publish(self.kafka, self.run.settings.namespace, topic, events, partitions=PARTITIONS)
        await self.run.caught_up()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def value(self, indicator: str = DEMANDS, cpts_id: str = "a") -> int:
        figure = await self.get(f"/cpts/{cpts_id}/figures/{indicator}/2026-01-01")
        return int(figure["value"])


@pytest.fixture
async def indicators(
    stack: Stack, fresh_databases: dict[str, str], namespace: str
) -> AsyncIterator[Indicators]:
    settings = Settings(
        service="indicators",
        database_url=fresh_databases["indicators"],
        kafka=stack.kafka,
        namespace=namespace,
        partitions=PARTITIONS,
    )
    async with running(SERVICE, settings) as run:
        service = Indicators(stack, run)
        yield service
        await service.client.aclose()


def cpts(cpts_id: str = "a", departement: str = "93") -> list[Recorded[Any]]:
    """A CPTS with a doctor who takes part, a nurse, a FINESS that comes later, and its ACI."""
    names: Any = {"cpts_id": cpts_id}
    since = date(2025, 1, 1)
    return told(
        [
            CptsRegistered(**names, cpts_name=cpts_id, seat_commune="93066"),
            MemberRecorded(**names, member_id="m1", rpps=DOCTOR, profession="10", from_on=since),
            MemberRecorded(**names, member_id="m2", rpps=NURSE, profession="60", from_on=since),
            ParticipationRecorded(
                **names, participation_id="p1", rpps=DOCTOR, way="cpts", from_on=since
            ),
            FinessAssigned(**names, finess=f"1{departement:0>2}0000001"),
            AciSigned(**names, aci_id="aci", signed_on=since, contract_years=(YEAR,)),
        ],
        cpts_id,
        departement,
        NOON,
    )


def accepted(n: int, *after: Any, cpts_id: str = "a", minutes: int = 60) -> list[Recorded[Any]]:
    """A referral accepted an hour before its start, and what came of it."""
    referral_id = f"r-{n:03}"
    first = ReferralAccepted(
        referral_id=referral_id,
        cpts_id=cpts_id,
        appointment_id=referral_id,
        practitioner_rpps=DOCTOR,
        received_at=NOON,
        accepted_at=NOON,
        starts_at=NOON + timedelta(minutes=minutes),
    )
    names = {"referral_id": referral_id, "cpts_id": cpts_id}
    return told([first, *(event(names) for event in after)], referral_id, "93", NOON, 2)


def honoured(names: dict[str, str]) -> Any:
    return AppointmentHonoured(**names)


def missed(names: dict[str, str]) -> Any:
    return AppointmentMissed(**names)


def cancelled(names: dict[str, str]) -> Any:
    return AppointmentCancelled(**names, by="patient")


def moved(names: dict[str, str]) -> Any:
    return AppointmentMoved(**names, practitioner_rpps=DOCTOR, starts_at=NOON + timedelta(hours=30))


def reported(n: int, *statuses: Any, minutes: int = 1000, **more: Any) -> list[Recorded[Any]]:
    """An appointment of the platform, told once for each status."""
    messages = [
        PlatformAppointmentReported(
            appointment_id=f"p-{n}",
            distribution_id=f"fr.health.ptfsas_{n}_{k}",
            sent_at=NOON + timedelta(minutes=k),
            status=status,
            created_at=NOON,
            starts_at=NOON + timedelta(minutes=minutes),
            **more,
        )
        for k, status in enumerate(statuses or ("booked",))
    ]
    return told(messages, f"p-{n}", "00", NOON)


async def test_figures_follow_what_is_heard_down_to_their_facts(indicators: Indicators) -> None:
    await indicators.hear(MEMBERSHIP, cpts())
    page = await indicators.get("/cpts/a/figures", contract_year_starts_on="2026-01-01")
    assert {figure["indicator"]: figure["value"] for figure in page["items"]} == {
        "sas_demandes_avec_rdv": 0,
        "sas_medecins_participants": 1,
        "sas_medecins_participants_via_cpts": 1,
    }
    await indicators.hear(REFERRALS, [one for n in range(5) for one in accepted(n)])
    assert await indicators.value() == 5
    await indicators.hear(REFERRALS, accepted(1, cancelled))
    figure = await indicators.get(f"/cpts/a/figures/{DEMANDS}/2026-01-01")
    assert (figure["value"], figure["revision"], figure["contract_year_ends_on"]) == (
        4,
        6,
        "2026-12-31",
    )
    facts, after = [], ""
    while after is not None:
        path = f"/cpts/a/figures/{DEMANDS}/2026-01-01/facts"
        page = await indicators.get(path, limit=3, after=after)
        facts += [fact["fact_id"] for fact in page["items"]]
        after = page["next"]
    assert facts == ["referral:r-000", "referral:r-002", "referral:r-003", "referral:r-004"]
    assert await indicators.get("/invariants") == {
        "figures_equal_facts": True,
        "revisions_equal_rows": True,
        "facts_equal_rule": True,
        "declared_facts_equal_entries": True,
    }


async def test_a_contract_year_that_is_no_more_counts_nothing(indicators: Indicators) -> None:
    await indicators.hear(MEMBERSHIP, cpts())
    await indicators.hear(REFERRALS, accepted(1))
    path = f"/cpts/a/figures/{DEMANDS}/2026-01-01"
    for sequence, years, value in ((7, (), 0), (8, (YEAR,), 1)):
        aci = AciSigned(
            cpts_id="a",
            aci_id="aci",
            signed_on=NOON.date(),
            contract_years=years,
            is_withdrawn=not years,
        )
        await indicators.hear(MEMBERSHIP, told([aci], "a", "93", NOON, sequence - 1))
        assert await indicators.value() == value
        assert len((await indicators.get(f"{path}/facts"))["items"]) == value
        answer = await indicators.client.get("/cpts/a/steering/2026-01-01")
        assert answer.status_code == (200 if years else 404)
        assert set((await indicators.get("/invariants")).values()) == {True}


async def test_what_is_heard_again_says_nothing_more(indicators: Indicators) -> None:
    events = [*accepted(1, honoured), *reported(2, category="CPTS", practitioner_rpps=NURSE)]
    for _ in range(2):
        await indicators.hear(MEMBERSHIP, cpts())
        await indicators.hear(REFERRALS, events)
    await indicators.hear(REFERRALS, events[:1])
    assert await indicators.value() == 2
    said = await indicators.run.pool.fetchval("select count(*) from outbox")
    rows = await indicators.run.pool.fetchval("select count(*) from figure_fact")
    kept = await indicators.run.pool.fetchval("select count(*) from history")
    assert rows == 4
    assert said == kept <= 3 + 4


async def test_an_unlisted_contract_year_is_a_problem_in_french(indicators: Indicators) -> None:
    for path in (f"/cpts/a/figures/{DEMANDS}/2026-01-01", "/cpts/a/steering/2026-01-01"):
        answer = await indicators.client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "n'existe pas" in answer.json()["detail"]
    assert (await indicators.client.get("/cpts/a/figures/x/not-a-day")).status_code == 404
    assert (await indicators.client.get("/worklists/attribution?limit=0")).status_code == 400


async def test_platform_appointments_that_need_a_look_are_listed(indicators: Indicators) -> None:
    await indicators.hear(MEMBERSHIP, [*cpts(), *cpts("b", "95")])
    await indicators.hear(
        REFERRALS,
        [
            *accepted(1, minutes=60),
            *reported(1, minutes=60, finess="1930000001", practitioner_rpps=DOCTOR),
            *reported(2, category="PS", practitioner_rpps=NURSE),
            *reported(3, category="CPTS", practitioner_rpps=NOBODY),
            *reported(4, "booked", "cancelled", category="CPTS", practitioner_rpps=NOBODY),
            *reported(5, category="CPTS", practitioner_rpps=DOCTOR),
            *reported(6, category="MSP", practitioner_rpps=DOCTOR),
        ],
    )

    async def listed(name: str, field: str) -> dict[str, Any]:
        page = await indicators.get("/worklists/attribution", kind=name)
        return {one["appointment_id"]: one[field] for one in page["items"]}

    assert await listed("same_minute", "twin") == {"p-1": "referral:r-001"}
    assert await listed("no_cpts", "reason") == {
        "p-2": "not_taking_part",
        "p-3": "not_a_member",
    }
    assert await listed("ambiguous", "candidates") == {"p-5": ["a", "b"]}
    assert (await indicators.value(), await indicators.value(cpts_id="b")) == (2, 0)
    # Cancelled here, ours no longer hides the platform's; corrected, the nurse now takes part.
    await indicators.hear(REFERRALS, accepted(1, cancelled))
    nurse = ParticipationRecorded(
        cpts_id="b", participation_id="p2", rpps=NURSE, way="sos", from_on=date(2026, 1, 1)
    )
    await indicators.hear(MEMBERSHIP, told([nurse], "b", "95", NOON, 6))
    assert await listed("same_minute", "twin") == {}
    facts = await indicators.get(f"/cpts/a/figures/{DEMANDS}/2026-01-01/facts")
    assert [one["fact_id"] for one in facts["items"]] == [
        "appointment:p-1",
        "appointment:p-2",
        "appointment:p-5",
    ]


async def test_steering_counts_answers_delays_and_no_shows(indicators: Indicators) -> None:
    names = {"cpts_id": "a"}
    await indicators.hear(MEMBERSHIP, cpts())
    declined = ReferralDeclined(
        referral_id="d", **names, reason="no_availability", declined_at=NOON
    )
    expired = ReferralExpired(referral_id="e", **names, expired_at=NOON)
    last_year = ReferralExpired(referral_id="f", **names, expired_at=NOON - timedelta(days=90))
    await indicators.hear(
        REFERRALS,
        [
            *(one for n in range(8) for one in accepted(n, honoured, minutes=10 * (n + 1))),
            *accepted(8, missed, cancelled, minutes=90),
            *accepted(9, honoured, missed, minutes=100),
            *accepted(10, moved),
            *told([declined], "d", "93", NOON, 2),
            *told([expired], "e", "93", NOON, 2),
            *told([last_year], "f", "93", NOON, 2),
        ],
    )
    assert await indicators.get("/cpts/a/steering/2026-01-01") == {
        "cpts_id": "a",
        "contract_year_starts_on": "2026-01-01",
        "contract_year_ends_on": "2026-12-31",
        "accepted": 11,
        "declined": 1,
        "expired": 1,
        "honoured": 8,
        "missed": 1,
        "acceptance_basis_points": 8461,
        "no_show_basis_points": 1111,
        "delay_seconds_p50": 3600,
        "delay_seconds_p90": 6000,
    }


async def test_the_counting_rule_is_shown_with_its_texts(indicators: Indicators) -> None:
    values = await indicators.get("/parameters")
    assert "participation_ways" in {value["name"] for value in values}
    assert all(value["text"] and value["is_verified"] is False for value in values)


async def test_a_fact_dropped_behind_the_service_s_back_shows(indicators: Indicators) -> None:
    await indicators.hear(MEMBERSHIP, cpts())
    await indicators.hear(REFERRALS, accepted(1))
    broken = {
        "delete from figure_fact where fact_id = 'referral:r-001'": "figures_equal_facts",
        "update figure set value = value + 1": "figures_equal_facts",
        "update referral set status = 'cancelled'": "facts_equal_rule",
        "update member set from_on = '2027-01-01'": "facts_equal_rule",
        "update figure set revision = revision + 1": "revisions_equal_rows",
    }
    for statement, named in broken.items():
        async with indicators.run.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("alter table figure_fact disable trigger only_grows")
            await connection.execute(statement)
            found = await stored.invariants(connection, RULE)
            await transaction.rollback()
        assert found[named] is False, statement
    assert set((await indicators.get("/invariants")).values()) == {True}


async def test_built_anew_from_the_log_it_is_the_same(indicators: Indicators) -> None:
    # Referrals before membership, so that what was announced on the way differs from a rebuild's.
    await indicators.hear(
        REFERRALS,
        [
            *(one for n in range(20) for one in accepted(n, honoured, minutes=n)),
            *accepted(20, cancelled),
            *accepted(21, moved, minutes=5),
            *reported(1, minutes=3, finess="1930000001", practitioner_rpps=DOCTOR),
            *reported(2, "booked", "fulfilled", category="CPTS", practitioner_rpps=NURSE),
            *reported(3, "booked", "cancelled", category="CPTS", practitioner_rpps=NURSE),
        ],
    )
    await indicators.hear(MEMBERSHIP, [*cpts(), *cpts("b", "95")])
    await indicators.hear(REFERRALS, accepted(3, cancelled))
    withdrawn = AciSigned(
        cpts_id="b", aci_id="aci", signed_on=YEAR.starts_on, contract_years=(), is_withdrawn=True
    )
    await indicators.hear(MEMBERSHIP, told([withdrawn], "b", "95", NOON, 6))
    await indicators.run.relayed()
    run = indicators.run
    await rebuild(SERVICE, run.settings, "shadow")
    pool = await open_pool(run.settings, "shadow")
    shadow = Desk(
        pool,
        name="indicators",
        apply=SERVICE.apply,
        writer=run.desk.writer,
        partitions=PARTITIONS,
        relay=None,
    )
    try:
        live = await figures(run.desk)
        assert len(live["a", DEMANDS, YEAR.starts_on]) == 22
        assert await figures(shadow) == live
        assert await invariants(shadow) == {True}
        heads = "select appointment_id, outcome, cpts_id, twin from attribution order by 1"
        assert await pool.fetch(heads) == await run.pool.fetch(heads)
        own = await pool.fetchval("select count(*) from history")
        assert own >= await run.pool.fetchval("select count(*) from outbox")
        assert await pool.fetchval("select count(*) from outbox") == 0
    finally:
        await pool.close()
