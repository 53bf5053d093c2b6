"""What the hard cases have in common: a CPTS that begins on any day, its orders and its cents."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.departements import PARIS_TIME
from tests.journeys.story import Platform, Story, eventually


def paris(written: str) -> datetime:
    """An instant by the clocks of Paris, `2026-10-25 02:30`; the first of two that show it."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(PARIS_TIME))


class Case(Story):
    """A CPTS of its own, registered on a day; each demand with an appointment brings 100 €."""

    def at(self, instant: datetime) -> None:
        """It is this instant, for orders and timers."""
        self.now = instant
        self.platform.clock.set(instant)

    async def starts_mission(self, mission: str = "acces_aux_soins") -> None:
        """A mission starts on the first day of the year."""
        body = {"mission": mission, "started_on": self.year.isoformat()}
        path = f"/cpts/{self.cpts_id}/missions/{mission}"
        await self.done("membership", "PUT", path, body, "caisse")

    async def correct(self, kind: str, entry_id: str, **dates: Any) -> None:
        """Gives a member or a place other dates; `kind` is `members` or `territory`."""
        path = f"/cpts/{self.cpts_id}/{kind}/{entry_id}"
        await self.done("membership", "PUT", path, {"from_on": self.year.isoformat()} | dates)

    async def books(self, rpps: str = "", **demand: Any) -> str:
        """A demand is received and accepted at once; answers its referral."""
        referral = await self.demand(**demand)
        await self.accept(referral, rpps or self.doctor)
        return referral

    async def dues(self, *names: str) -> dict[tuple[str, str], int]:
        """Cents of the due sums by first day of their year and name, of names that begin so."""
        found = await self.platform.get("payments", f"/cpts/{self.cpts_id}/dues?limit=1000")
        return {
            (one["starts_on"], one["due_id"]): one["amount_cents"]
            for one in found["items"]
            if one["amount_cents"] and one["due_id"].startswith(names or ("",))
        }

    async def become_due(self, expected: dict[tuple[str, str], int], *names: str) -> None:
        """The due sums whose names begin so come to be these and no other."""
        await eventually(lambda: self.dues(*names), expected)

    async def settles(self, values: dict[str, int], cents: int) -> None:
        """The dialogue of the year is held, these values validated, the year settled."""
        year = f"/cpts/{self.cpts_id}/contract-years/{self.year}"
        opened = {"opened_on": self.now.date().isoformat()}
        await self.done("payments", "POST", f"{year}/dialogue", opened, "caisse")
        for indicator, value in values.items():
            await self.validates(indicator, value)
        agreed = {"variable_cents": cents}
        await self.done("payments", "POST", f"{year}/settlement", agreed, "caisse")

    async def validates(self, indicator: str, value: int) -> None:
        """Both sides agree on a value of the year."""
        path = f"/cpts/{self.cpts_id}/contract-years/{self.year}/dialogue/lines/{indicator}"
        stance = {"validated_value": value, "caisse_stance": "agrees"}
        await self.done("payments", "PUT", path, stance, "caisse")

    async def publishes_rate(
        self, mission: str, part: str, cents: int, from_on: date, to_on: date, *, is_verified: bool
    ) -> None:
        """Publishes what a part of a mission is worth to taille 1 between two days."""
        body = {"rate_id": f"{self.cpts_id}-{part}", "taille": 1, "mission": mission, "part": part}
        body |= {"amount_cents": cents, "text": "supposé", "is_verified": is_verified}
        body |= {"from_on": from_on.isoformat(), "to_on": to_on.isoformat()}
        await self.done("payments", "POST", "/rates", body, "caisse")

    async def confirms_rates(self) -> None:
        """Somebody of the caisse answers for every rate that the sums due rest on."""
        dues = await self.platform.get("payments", f"/cpts/{self.cpts_id}/dues?limit=1000")
        rates = await self.platform.get("payments", "/rates?limit=1000")
        cents = {one["rate_id"]: one["amount_cents"] for one in rates["items"]}
        for rate_id in {rate_id for one in dues["items"] for rate_id in one["rate_ids"]}:
            body = {"rate_id": rate_id, "amount_cents": cents[rate_id], "text": "lu au JO"}
            body |= {"read_on": self.now.date().isoformat(), "confirmed_by": "agent-1"}
            await self.done("payments", "POST", "/rates/confirmations", body, "caisse")

    async def has_accounts(self) -> None:
        """The caisse and the CPTS have an account that two persons vouched for."""
        for path, role, iban in (
            ("/caisse", "caisse", "FR7610107001011234567890129"),
            (f"/cpts/{self.cpts_id}", "cpts", "FR1420041010050500013M02606"),
        ):
            account = f"{path}/bank-accounts/a"
            body = {"iban": iban, "holder": "CPTS", "from_on": self.year.isoformat()}
            proposed = await self.done(
                "payments", "PUT", account, body | {"acting_person": "anne"}, role
            )
            seen = {"version": proposed["version"], "acting_person": "bruno"}
            await self.done("payments", "POST", f"{account}/confirmation", seen, role)

    async def is_ordered(self, batch_id: str) -> int:
        """Makes a batch; answers the cents that it orders for this CPTS."""
        body = {"batch_id": batch_id}
        batch = await self.done("payments", "POST", "/payment-batches", body, "caisse")
        orders = [one["order"] for one in batch["orders"]]
        return sum(one["amount_cents"] for one in orders if one["cpts_id"] == self.cpts_id)


async def begin(
    platform: Platform,
    name: str,
    commune: str,
    first_day: str,
    number: int,
    *,
    parts: Mapping[str, int] | None = None,
) -> Case:
    """A CPTS with one doctor, one place and an ACI of five years from a day on, known everywhere.

    `number` makes the doctor's RPPS; `parts` are the named parts of the commune that it has, with
    their inhabitants, instead of the whole.
    """
    start = paris(f"{first_day} 09:00")
    case = Case(platform, commune, start, name, f"81{number:010d}")
    case.at(start)
    await case.register()
    if parts is None:
        await case.hold_place()
    for part, population in (parts or {}).items():
        await case.hold_place(entry_id=part, part=part, population=population)
    await case.add_member(case.doctor)
    await case.sign_aci()
    await platform.caught_up()
    return case
