"""Who may give which order: goal, that every role is refused all orders but its own.

Method: every order of every service, found by its routes, is given in every role, sound in all
else. A new order without an owner fails here, as does an owner of no order.
"""

import json
from datetime import timedelta

import httpx
import pytest

from contracts.roles import Role
from services.messaging.declared import Service
from tests.journeys import test_no_free_text as bodies
from tests.journeys.story import SERVICES, Platform
from tests.owners import orders_of, owners_of

COMMUNES = ("13001", "13005", "13014", "13022", "13026")


def is_refused_by_role(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and answer.json()["reason"] == "role_not_allowed"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_order_has_owners_and_each_owner_an_order(service: Service) -> None:
    assert orders_of(service).keys() == owners_of(service).keys()
    assert all(owners_of(service).values())


@pytest.mark.parametrize(
    ("service", "commune"),
    list(zip(SERVICES, COMMUNES, strict=True)),
    ids=[one.name for one in SERVICES],
)
async def test_each_role_gives_the_orders_that_are_its_own_and_no_other(
    hard: Platform, service: Service, commune: str
) -> None:
    story = await hard.new_story(commune, name=f"owners-{service.name}").open()
    referral_id = await story.demand()
    known = bodies.known_orders(story, referral_id)
    pool = hard.services[service.name].pool
    # What a refused order would say bears this instant, and nothing else does.
    refused_at = story.now + timedelta(seconds=1, microseconds=123)

    orders, owners = orders_of(service), owners_of(service)

    async def give(name: str, role: Role) -> httpx.Response:
        method, path = orders[name]
        return await hard.order(
            service.name,
            method,
            bodies.path_of(path, story, referral_id),
            json.dumps(known[method, path]).encode(),
            role=role,
            at=story.now if role in owners[name] else refused_at,
            **{"Acting-Cpts": story.cpts_id, "Content-Type": "application/json"},
        )

    for name in owners:
        for role in set(Role) - owners[name]:
            answer = await give(name, role)
            assert is_refused_by_role(answer), (name, role, answer.text)
    said = await pool.fetch("select type from history where recorded_at = $1", refused_at)
    assert said == []
    for name in owners:
        for role in owners[name]:
            answer = await give(name, role)
            assert not is_refused_by_role(answer), (name, role)
            assert answer.status_code < 500, (name, role, answer.text)
