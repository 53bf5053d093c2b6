"""A tiny pair of services: the speaker counts things, the listener adds up what it hears."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from contracts.recorded import Recorded, record
from contracts.topics import Topic
from services.messaging.hearing import Hears
from services.messaging.orders import Answer, Order, Refused, Role, carry_out
from services.messaging.process import Service
from services.messaging.unit import Unit

SCHEMAS = Path(__file__).parent / "toy_schema"
POISON = 666
NO_ROOM = 507


class Counted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="things.Counted.v1"):
    number: int


class Named(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="things.Named.v1"):
    name: str


class Totalled(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="totals.Totalled.v1"
):
    revision: int
    number: int


THINGS = Topic(
    name="things", producer="speaker", consumers=("listener",), why_key="x", event=Counted | Named
)
TOTALS = Topic(name="totals", producer="listener", consumers=(), why_key="x", event=Totalled)


class CountThing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    subject: str
    number: int
    departement: str = "93"


async def apply_things(connection: Any, events: Sequence[Recorded[Any]]) -> None:
    for one in events:
        if isinstance(one.event, Counted):
            await connection.execute(
                "insert into thing values ($1, $2, $3) on conflict (subject) do update"
                " set sequence = excluded.sequence, number = excluded.number",
                one.subject,
                one.sequence,
                one.event.number,
            )


async def count_thing(order: Order, asked: CountThing) -> Answer:
    row = await order.unit.connection.fetchrow(
        "select sequence from thing where subject = $1 for update", asked.subject
    )
    sequence = row["sequence"] if row else 0
    events = record(
        [Counted(number=asked.number)],
        subject=asked.subject,
        after_sequence=sequence,
        departement=asked.departement,
        occurred_at=order.instant,
        cause=order.cause,
    )
    await order.unit.announce(events)
    if asked.number == NO_ROOM:
        raise Refused("no_room", "Il n'y a pas de place.", status=503)
    if asked.number < 0:
        raise Refused("number_negative", "Un nombre se compte à partir de zéro.", got=asked.number)
    return Answer(body={"sequence": sequence + 1}, status=201, headers={"Location": "/things/x"})


@post("/things")
async def post_thing(
    request: Request[Any, Any, Any], data: JSONBody[CountThing]
) -> Response[bytes]:
    async def body(order: Order) -> Answer:
        return await count_thing(order, data)

    return await carry_out(request, {Role.CPTS, Role.SYSTEM}, body)


@get("/broken/{what:str}")
async def get_broken(what: FromPath[str]) -> None:
    raise RuntimeError("the secret of the house")


@get("/slow")
async def get_slow(request: Request[Any, Any, Any]) -> None:
    await request.app.state.pool.execute("select pg_sleep(60)")


SPEAKER = Service(
    name="speaker",
    topic=THINGS,
    schema=SCHEMAS / "speaker",
    apply=apply_things,
    routes=(post_thing, get_broken, get_slow),
)


async def apply_totals(connection: Any, events: Sequence[Recorded[Any]]) -> None:
    for one in events:
        await connection.execute(
            "insert into total values ($1, $2, $3) on conflict (subject) do update"
            " set revision = excluded.revision, number = excluded.number"
            " where total.revision < excluded.revision",
            one.subject,
            one.event.revision,
            one.event.number,
        )


class Listener:
    """What the listener does with things; a test may change what it stumbles over."""

    def __init__(self) -> None:
        self.stumbles_over = {POISON}
        self.batches: list[list[Recorded[Any]]] = []

    async def on_things(self, unit: Unit, events: Sequence[Recorded[Any]]) -> None:
        self.batches.append(list(events))
        subjects = {one.subject for one in events}
        await unit.lock_joins("thing", subjects)
        new = await unit.connection.fetch(
            "insert into fact select * from unnest($1::text[], $2::bigint[], $3::bigint[])"
            " on conflict do nothing returning subject, sequence",
            [one.subject for one in events],
            [one.sequence for one in events],
            [one.event.number for one in events],
        )
        unit.count("deduplicated", len(events) - len(new))
        fresh = {(row["subject"], row["sequence"]) for row in new}
        for one in events:
            if one.event.number in self.stumbles_over:
                raise ValueError("I stumble")
            if (one.subject, one.sequence) in fresh:
                fresh.discard((one.subject, one.sequence))
                await self.total(unit, one)

    async def total(self, unit: Unit, one: Recorded[Any]) -> None:
        row = await unit.connection.fetchrow(
            "select count(*) as revision, sum(number)::bigint as number from fact"
            " where subject = $1 and sequence <= $2",
            one.subject,
            one.sequence,
        )
        await unit.announce(
            record(
                [Totalled(revision=row["revision"], number=row["number"])],
                subject=one.subject,
                after_sequence=row["revision"] - 1,
                departement=one.departement,
                occurred_at=one.occurred_at,
                cause=one.as_cause(),
            )
        )

    def service(self) -> Service:
        return Service(
            name="listener",
            topic=TOTALS,
            schema=SCHEMAS / "listener",
            apply=apply_totals,
            hears=(Hears(topic=THINGS, understands=(Counted,), handler=self.on_things),),
        )
