"""Orders: carried out once, in a role, with an answer that a person or a program can read."""

import asyncio

import asyncpg
import httpx
import msgspec
import pytest

from services.messaging.process import running
from tests.messaging import toy
from tests.messaging.conftest import LIMITS
from tests.messaging.raw import LIMIT_SECONDS
from tests.messaging.toy import SPEAKER

ORDER = {"subject": "a", "number": 1}
PROBLEM = "application/problem+json"


async def count(speaker) -> int:
    return await speaker.pool.fetchval("select count(*) from outbox")


async def test_the_same_key_and_body_give_the_first_answer(speaker, web) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await web.post("/things", json=ORDER, headers=key)
    again = await web.post("/things", json=ORDER, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert await count(speaker) == 1


async def test_the_same_key_of_another_caller_is_another_key(speaker, web) -> None:
    key = {"Idempotency-Key": "demande-0001"}
    for number, who in enumerate(({}, {"Acting-Role": "system"}, {"Acting-Cpts": "c2"})):
        order = {**ORDER, "subject": f"of-{number}"}
        for is_replay in (False, True):
            answer = await web.post("/things", json=order, headers=key | who)
            assert answer.status_code == 201
            assert ("idempotent-replay" in answer.headers) is is_replay
    assert await count(speaker) == 3


async def test_the_same_key_with_another_body_or_path_is_refused(speaker, web) -> None:
    key = {"Idempotency-Key": "k2"}
    await web.post("/things", json=ORDER, headers=key)
    for answer in (
        await web.post("/things", json={**ORDER, "number": 2}, headers=key),
        await web.post("/things?x=1", json=ORDER, headers=key),
    ):
        assert answer.status_code == 422
        assert answer.json()["reason"] == "idempotency_key_reused"
        assert answer.headers["content-type"] == PROBLEM
    assert await count(speaker) == 1


async def test_the_same_key_at_the_same_time_is_carried_out_once(speaker, web) -> None:
    key = {"Idempotency-Key": "k3"}
    answers = await asyncio.gather(
        *(web.post("/things", json=ORDER, headers=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replay" in answer.headers for answer in answers) == 7
    assert await count(speaker) == 1


async def test_without_a_key_each_order_counts(speaker, web) -> None:
    for _ in range(2):
        assert (await web.post("/things", json=ORDER)).status_code == 201
    assert await count(speaker) == 2


async def test_a_refusal_undoes_what_was_done_and_is_remembered(speaker, web) -> None:
    key = {"Idempotency-Key": "k4"}
    order = {"subject": "neg", "number": -1}
    first = await web.post("/things", json=order, headers=key)
    again = await web.post("/things", json=order, headers=key)
    assert first.status_code == again.status_code == 409
    assert first.json() == {
        "type": "about:blank",
        "title": "Demande refusée",
        "status": 409,
        "detail": "Un nombre se compte à partir de zéro.",
        "reason": "number_negative",
        "got": -1,
    }
    assert again.content == first.content
    assert again.headers["content-type"] == PROBLEM
    assert await count(speaker) == 0
    assert await speaker.pool.fetchval("select count(*) from thing") == 0


@pytest.mark.parametrize(
    ("method", "path", "said", "status", "member"),
    [
        ("GET", "/nowhere", {}, 404, ("title", "Introuvable")),
        ("DELETE", "/things", {}, 405, ("title", "Méthode non autorisée")),
        ("POST", "/things", {"content": b"{"}, 400, ("title", "Demande invalide")),
        ("POST", "/things", {"json": {"subject": "a", "number": "x"}}, 400, ("field", "number")),
        ("POST", "/things", {"json": {"subject": "a"}}, 400, ("message", "number")),
        ("POST", "/things", {"json": {**ORDER, "name": "x"}}, 400, ("message", "name")),
        (
            "POST",
            "/things",
            {"json": ORDER, "headers": {"Acting-Role": ""}},
            400,
            ("reason", "acting_role_missing"),
        ),
        (
            "POST",
            "/things",
            {"json": ORDER, "headers": {"Acting-Role": "king"}},
            400,
            ("reason", "acting_role_unknown"),
        ),
        (
            "POST",
            "/things",
            {"json": ORDER, "headers": {"Acting-Role": "caisse"}},
            403,
            ("reason", "role_not_allowed"),
        ),
        (
            "POST",
            "/things",
            {"json": ORDER, "headers": {"Acting-Cpts": ""}},
            400,
            ("reason", "acting_cpts_missing"),
        ),
        (
            "POST",
            "/things",
            {"json": ORDER, "headers": {"Acting-Person": "Mme Durand"}},
            400,
            ("reason", "acting_person_invalid"),
        ),
        ("GET", "/broken/one", {}, 500, ("title", "Erreur interne")),
    ],
)
async def test_every_error_is_a_problem(web, method, path, said, status, member) -> None:
    answer = await web.request(method, path, **said)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["status"] == status
    name, value = member
    told = {**problem, **(problem.get("errors") or [{}])[0]}
    assert value in str(told[name])
    assert "secret" not in answer.text


async def test_what_a_caller_writes_in_a_path_is_not_in_the_log(web, caplog) -> None:
    caplog.set_level("WARNING")
    answer = await web.get("/broken/a%0a2026-01-01 ERROR forged: Mme Durand")
    assert answer.status_code == 500
    assert "GET /broken/{what} failed" in caplog.text
    assert "Durand" not in caplog.text


async def test_trouble_of_our_own_is_not_kept_under_a_key(web, monkeypatch) -> None:
    sent = {"json": {**ORDER, "number": toy.NO_ROOM}, "headers": {"Idempotency-Key": "k-room"}}
    assert (await web.post("/things", **sent)).status_code == 503
    monkeypatch.setattr(toy, "NO_ROOM", -1)
    assert (await web.post("/things", **sent)).status_code == 201


async def test_only_a_cpts_says_which_it_is(web) -> None:
    system = {"Acting-Role": "system", "Acting-Cpts": ""}
    assert (await web.post("/things", json=ORDER, headers=system)).status_code == 201
    unfit = {"Acting-Role": "caisse", "Acting-Cpts": ""}
    answer = await web.post("/things", json=ORDER, headers=unfit)
    assert answer.json()["reason"] == "role_not_allowed"


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(
    speaker, web, monkeypatch
) -> None:
    class Away:
        def acquire(self) -> None:
            raise asyncpg.CannotConnectNowError("away")

    monkeypatch.setattr(speaker.desk, "pool", Away())
    answer = await web.post("/things", json=ORDER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == PROBLEM


async def test_the_openapi_page_is_there(speaker) -> None:
    async with httpx.AsyncClient(base_url=speaker.address, timeout=LIMIT_SECONDS) as web:
        document = (await web.get("/schema/openapi.json")).json()
    assert "/things" in document["paths"]
    assert "/health/ready" in document["paths"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/things", b'{"subject": "a\\u0000b", "number": 1}'),
        ("/things", b'{"subject": "a", "number": 99999999999999999999}'),
        ("/things", b"[" * 100_000),
    ],
    ids=["NUL", "beyond 64 bits", "nested without end"],
)
async def test_what_cannot_be_kept_is_refused_as_a_bad_request(web, path: str, body: bytes) -> None:
    answer = await web.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_words_of_an_idempotency_key_are_kept_nowhere(web, speaker, log) -> None:
    words = "Mme Exemple, 06 00 00 00 00"
    answer = await web.post(
        "/things", json={"subject": "k", "number": 1}, headers={"Idempotency-Key": words}
    )
    assert answer.status_code == 201
    await speaker.relayed()
    for table in ("order_answer", "history", "outbox"):
        rows = await speaker.pool.fetch(f"select {table}::text as row from {table}")
        assert not [row for row in rows if "Exemple" in row["row"]], table


async def test_slow_questions_are_cut_off_and_keep_no_order_waiting(settings_of) -> None:
    limits = msgspec.structs.replace(LIMITS, question_ms_max=1_500)
    async with (
        running(SPEAKER, settings_of("speaker", limits=limits)) as run,
        httpx.AsyncClient(base_url=run.address, timeout=20) as web,
    ):
        questions = [asyncio.create_task(web.get("/slow")) for _ in range(30)]
        await asyncio.wait(questions, timeout=0.2)
        order = {"subject": "a", "number": 1}
        answer = await web.post("/things", json=order, headers={"Acting-Role": "system"})
        assert answer.status_code == 201
        assert not any(question.done() for question in questions)
        for question in questions:
            question.cancel()
        assert (await web.get("/slow")).status_code == 503
