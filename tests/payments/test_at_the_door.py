"""What orders and questions may bring along: files, names in paths, days, how much of it."""

import csv
import io
import threading
from typing import Any

import pytest

from contracts.topics import MEMBERSHIP
from services.payments.domain.line_rows import COLUMNS
from services.payments.http import lines as lines_http
from tests.payments.served import LINEAR, YEAR, Payments, contract, line_path

PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}/lines"
CSV_OF_CAISSE = {"Acting-Role": "caisse", "Content-Type": "text/csv"}
RATE = {
    "rate_id": "r",
    "from_on": "2026-04-01",
    "taille": 3,
    "mission": "acces_aux_soins",
    "part": "variable",
    "amount_cents": 1,
    "text": "t",
    "is_verified": False,
}


async def test_a_file_is_read_for_those_who_may_give_it_and_beside_the_others(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[int] = []
    read = lines_http._read_lines

    def watched(*given: Any) -> Any:
        readers.append(threading.get_ident())
        return read(*given)

    monkeypatch.setattr(lines_http, "_read_lines", watched)
    for headers, reason in (
        ({}, "acting_role_missing"),
        ({"Acting-Role": "cpts", "Acting-Cpts": "c1"}, "role_not_allowed"),
    ):
        content = {"Content-Type": "text/csv"}
        answer = await payments.client.put(PATH, content=b"x", headers=content | headers)
        assert answer.json()["reason"] == reason
    assert readers == []
    answer = await payments.client.put(PATH, content=b"x", headers=CSV_OF_CAISSE)
    assert answer.json()["reason"] == "columns"
    assert len(readers) == 1
    assert readers[0] != threading.get_ident()


@pytest.mark.parametrize(
    "name",
    ["local_Mme%20Durand", "local_%0A", "%E2%82%AC", "a%22b", "local_" + "x" * 60, "x" * 20_000],
)
async def test_a_line_has_an_id_and_no_sentence(payments: Payments, name: str) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    for body in (LINEAR, LINEAR | {"indicator": "local_x"}):
        answer = await payments.put(line_path("c1", name), body)
        assert answer.status_code == 400, answer.text
    named = await payments.put(line_path("c1", "A.b:c_d-1"), LINEAR | {"indicator": "local_x"})
    assert named.status_code == 200, named.text
    unnamed = await payments.put(line_path("c1", "local_A.b"), LINEAR)
    assert unnamed.json()["reason"] == "unknown_indicator"


@pytest.mark.parametrize("name", ["%E2%82%AC", "a%0d%0aX:y", "a%22;%20filename=%22evil.html"])
async def test_a_file_is_named_by_nothing_that_was_not_checked(
    payments: Payments, name: str
) -> None:
    answer = await payments.client.get(PATH.replace("c1", name))
    assert answer.status_code == 400, answer.text


async def test_an_unknown_cpts_has_no_lines(payments: Payments) -> None:
    assert (await payments.client.get(PATH)).status_code == 404
    await payments.hear(MEMBERSHIP, contract("c1"))
    assert (await payments.client.get(PATH)).status_code == 200


async def test_a_label_that_looks_like_a_formula_is_a_text_in_the_csv_and_again_a_label(
    payments: Payments,
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    label = "=HYPERLINK(1)"
    assert (await payments.put(line_path("c1"), LINEAR | {"line_label": label})).is_success
    taken = (await payments.client.get(PATH)).content
    row = list(csv.reader(io.StringIO(taken.decode("utf-8-sig")), delimiter=";"))[1]
    assert row[COLUMNS.index("libelle")] == f"'{label}"
    again = await payments.client.put(PATH, content=taken, headers=CSV_OF_CAISSE)
    assert again.json()["lines"][0]["line_label"] == label


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
async def test_a_day_beyond_the_calendar_of_contracts_is_refused_everywhere(
    payments: Payments, day: str
) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    before = await payments.run.pool.fetchval("select count(*) from history")
    year = f"/cpts/c1/contract-years/{YEAR.starts_on}"
    as_c1 = {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    indemnity = {"rpps": "810002345675", "kind": "indemnite", "function": "reunion", "minutes": 60}
    use = {"category": "locaux", "amount_cents": 1, "used_on": day}
    account = {"iban": "FR7610107001011234567890129", "holder": "H", "acting_person": "anne"}
    read = {"rate_id": "r", "amount_cents": 1, "text": "t", "read_on": day, "confirmed_by": "a"}
    asked = [
        await payments.put(line_path("c1"), LINEAR | {"carried_over_from_on": day}),
        await payments.put(line_path("c1").replace(str(YEAR.starts_on), day), LINEAR),
        await payments.post(f"{year}/dialogue", {"opened_on": day}),
        await payments.post(f"{year}/simulation", {"starts_on": day}),
        await payments.post("/rates", RATE | {"from_on": day}),
        await payments.post("/rates", RATE | {"to_on": day}),
        await payments.post("/rates/confirmations", read),
        await payments.post("/payment-batches", {"batch_id": "b", "execute_on": day}),
        await payments.put("/caisse/bank-accounts/a", account | {"from_on": day}),
        await payments.put("/cpts/c1/uses/u", use, **as_c1),
        await payments.put(
            "/cpts/c1/indemnities/i", indemnity | {"amount_cents": 1, "paid_on": day}, **as_c1
        ),
    ]
    assert [answer.status_code for answer in asked] == [400] * len(asked)
    assert await payments.run.pool.fetchval("select count(*) from history") == before
