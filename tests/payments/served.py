"""The running payments service, and what its tests tell it and ask it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import httpx

from contracts.events.indicators import FactChange, FigureChanged, FigureLevelSet
from contracts.events.membership import AciSigned, ContractYear, CptsRegistered, TailleDetermined
from contracts.recorded import Cause, Recorded, record
from deploy.local.stack import Stack
from services.messaging.clock import DrivenClock
from services.messaging.process import Running
from services.messaging.replaying import rebuild
from services.payments.app import SERVICE
from tests.publishing import publish

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
YEAR = ContractYear(starts_on=date(2026, 4, 15), ends_on=date(2027, 4, 14))
DEMANDS = "sas_demandes_avec_rdv"
DOCTORS = "sas_medecins_participants"
PARTITIONS = 2


class Payments:
    """The running service, and what others tell it."""

    def __init__(self, stack: Stack, run: Running) -> None:
        self.kafka, self.run = stack.kafka, run
        self.client = httpx.AsyncClient(base_url=run.address, timeout=20)

    async def hear(self, topic: Any, events: list[Recorded[Any]]) -> None:
        await publish(self.kafka, self.run.settings.namespace, topic, events, partitions=PARTITIONS)
        await self.run.caught_up()

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        defaults = {"Acting-Role": "caisse", "Order-Instant": NOW.isoformat()}
        return await self.client.put(path, json=body, headers=defaults | headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        defaults = {"Acting-Role": "caisse", "Order-Instant": NOW.isoformat()}
        return await self.client.post(path, json=body, headers=defaults | headers)

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    async def is_rebuilt(self, now: datetime, questions: Sequence[str]) -> None:
        """Builds the state from the log alone: it answers the same, and has something to answer.

        A question names its tables by `{schema}`.
        """
        await self.run.relayed()
        await rebuild(SERVICE, self.run.settings, "shadow", DrivenClock(now))
        for question in questions:
            live = await self.run.pool.fetch(question.format(schema="public"))
            assert live, question
            assert await self.run.pool.fetch(question.format(schema="shadow")) == live, question

    async def variable_cents(self, cpts_id: str) -> int:
        funding = await self.get(f"/cpts/{cpts_id}/funding")
        return int(funding["contract_years"][0]["variable_cents"])


def told(event: Any, subject: str, sequence: int, departement: str = "95") -> Recorded[Any]:
    return record(
        [event],
        subject=subject,
        after_sequence=sequence - 1,
        departement=departement,
        occurred_at=NOW,
        cause=Cause(id=f"{subject}-{sequence}", recorded_at=NOW),
    )[0]


def contract(cpts_id: str, taille: int = 3) -> list[Recorded[Any]]:
    events = [
        CptsRegistered(cpts_id=cpts_id, cpts_name="CPTS", seat_commune="95018"),
        AciSigned(cpts_id=cpts_id, aci_id="a", signed_on=date(2026, 4, 1), contract_years=(YEAR,)),
        TailleDetermined(
            cpts_id=cpts_id, contract_year_starts_on=YEAR.starts_on, taille=taille, population=1
        ),
    ]
    return [told(event, cpts_id, place) for place, event in enumerate(events, start=1)]


def figure(cpts_id: str, value: int, revision: int, indicator: str = DEMANDS) -> Recorded[Any]:
    return told(
        FigureChanged(
            cpts_id=cpts_id,
            indicator=indicator,
            contract_year_starts_on=YEAR.starts_on,
            contract_year_ends_on=YEAR.ends_on,
            value=value,
            revision=revision,
            facts=(FactChange(fact_id=f"referral:{revision}", is_counted=True),),
        ),
        f"{cpts_id}/{indicator}/{YEAR.starts_on}",
        revision,
    )


def level(
    cpts_id: str,
    name: str,
    value: int,
    revision: int,
    *,
    indicator: str = DEMANDS,
    said_at: datetime = NOW,
    **fields: Any,
) -> Recorded[Any]:
    """What indicators says of a level of a figure, with what else is to be said of it."""
    subject = f"{cpts_id}/{indicator}/{YEAR.starts_on}/levels"
    event = FigureLevelSet(
        cpts_id=cpts_id,
        indicator=indicator,
        contract_year_starts_on=YEAR.starts_on,
        level=name,
        value=value,
        decided_on=said_at.date(),
        by_role={"visa": "ars", "stance": "cpts"}.get(name, "caisse"),
        revision=revision,
        **fields,
    )
    return record(
        [event],
        subject=subject,
        after_sequence=revision - 1,
        departement="95",
        occurred_at=said_at,
        cause=Cause(id=f"{subject}-{revision}", recorded_at=said_at),
    )[0]


def corrections(cpts_id: str) -> list[Recorded[Any]]:
    """The ACI moved, withdrawn, and at last given back its first day with another last one."""
    moved = ContractYear(starts_on=date(2026, 5, 1), ends_on=date(2027, 4, 30))
    shorter = ContractYear(starts_on=YEAR.starts_on, ends_on=date(2027, 4, 10))
    return [
        told(
            AciSigned(
                cpts_id=cpts_id,
                aci_id="a",
                signed_on=date(2026, 4, 1),
                contract_years=years,
                is_withdrawn=not years,
            ),
            cpts_id,
            sequence,
        )
        for sequence, years in ((4, (moved,)), (5, ()), (6, (shorter,)))
    ]


LINEAR = {"mission": "acces_aux_soins", "mode": "linear", "max_cents": 5_000_00, "target": 50}


def line_path(cpts_id: str, indicator: str = DEMANDS) -> str:
    return f"/cpts/{cpts_id}/contract-years/{YEAR.starts_on}/lines/{indicator}"
