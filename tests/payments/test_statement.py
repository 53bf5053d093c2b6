"""The statement of a contract year: all that was decided is on it; what is unverified says so."""

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from contracts import topics
from contracts.events.payments import Step
from contracts.indicators import indicators
from services.payments.domain.accounts import Account
from services.payments.domain.lines import Line
from services.payments.domain.statement import StatedDue, StatedYear, rule_of, statement
from services.payments.domain.words import french_day, french_euros
from services.payments.http.statements import rendered
from tests.payments.paying import (
    confirm_account,
    due_set,
    make_batch,
    only_order,
    send_answers,
    set_dues,
    without_taille,
)
from tests.payments.served import (
    DEMANDS,
    LINEAR,
    YEAR,
    Payments,
    contract,
    figure,
    level,
    line_path,
)
from tests.payments.test_settlement import settled_year, validate

PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}/statement.pdf"


def words_of(content: bytes) -> str:
    """The text of a PDF, every space alike."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    return " ".join(" ".join(pages).split())


@pytest.fixture
async def season(payments: Payments) -> Payments:
    await payments.hear(topics.MEMBERSHIP, contract("c1"))
    assert (await payments.put(line_path("c1"), LINEAR)).is_success
    await payments.hear(topics.INDICATORS, [figure("c1", 10, 1, DEMANDS)])
    await confirm_account(payments, "c1")
    await confirm_account(payments, "caisse")
    return payments


async def stated(payments: Payments) -> str:
    answer = await payments.client.get(PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return words_of(answer.content)


async def test_a_year_is_stated_with_its_sums_transfers_and_what_remains(
    season: Payments,
) -> None:
    await set_dues(
        season.run.desk,
        due_set("a", 1234_56),
        due_set("b", 400_00, is_held=True),
        due_set("c", 100_00, due_on=date(2026, 9, 1)),
    )
    order_id = only_order(await make_batch(season, "b1"))
    await send_answers(season, "b1", (order_id, "executed", ""))
    words = await stated(season)
    for expected in (
        "État de l'année de contrat 2026-2027",
        "du 15/04/2026 au 14/04/2027",
        "95 Val-d'Oise",
        "Part fixe : Accès aux soins",
        "75 % x 9000000 x 6/12",
        "retenue non vérifié",
        "Sommes dues 1 334,56 €",
        # the 400 euros, and the fonctionnement of taille 3, whose rate nobody has confirmed
        "en attente de vérification 75 400,00 €",
        "Payé 1 234,56 €",
        "à récupérer) 100,00 €",
        "en proportion, jusqu'à 5 000,00 € pour 50",
        "Part variable estimée à ce jour 1 000,00 €",
        order_id,
        "le trésorier",
    ):
        assert expected in words.replace("’", "'"), (expected, words)


async def test_each_line_is_stated_with_the_level_of_its_value(season: Payments) -> None:
    assert "10 calculée en direct 1 000,00 €" in await stated(season)
    await season.hear(topics.INDICATORS, [level("c1", "verified", 8, 1)])
    assert "8 vérifiée par la caisse 800,00 €" in await stated(season)
    await season.hear(topics.INDICATORS, [level("c1", "validated", 9, 2)])
    await season.hear(topics.INDICATORS, [level("c1", "visa", 9, 3, validated_revision=2)])
    words = (await stated(season)).replace("’", "'")
    assert "9 validée, visa de l'ARS 900,00 €" in words
    assert "Part variable, estimée à ce jour" in words
    assert "Part variable estimée à ce jour 900,00 €" in words


async def test_a_settled_year_is_stated_as_settled_with_its_adjustments(
    payments: Payments,
) -> None:
    await settled_year(payments)
    words = await stated(payments)
    assert "Part variable arrêtée le 03/05/2027 3 000,00 €" in words
    assert "Part variable, arrêtée le 03/05/2027 Mission" in words
    assert "30 validée, sans accord de la CPTS 3 000,00 €" in words
    assert "estimée" not in words
    assert "Ajustements depuis" not in words
    await validate(payments, 40)
    await validate(payments, 20)
    words = (await stated(payments)).replace("\u2212", "-")
    assert "Part variable arrêtée le 03/05/2027 3 000,00 €" in words
    assert "Part variable après ajustements 2 000,00 €" in words
    label = indicators()[DEMANDS].label
    for amount in ("1 000,00 €", "-2 000,00 €"):
        assert f"{label} 03/05/2027 15/04/2027 {amount}" in words, words
    assert "estimée" not in words


async def test_a_settled_envelope_is_stated_by_the_rate_that_gave_it(payments: Payments) -> None:
    await settled_year(payments)
    rate = {"rate_id": "new", "from_on": "2026-01-01", "taille": 3, "mission": "acces_aux_soins"}
    rate |= {"part": "variable", "amount_cents": 1, "text": "a test", "is_verified": True}
    assert (await payments.post("/rates", rate)).is_success
    words = await stated(payments)
    assert "35 000,00 € 3 000,00 € non vérifié" in words, words


async def test_a_year_without_anything_is_stated_all_the_same(payments: Payments) -> None:
    await payments.hear(topics.MEMBERSHIP, without_taille("c1"))
    words = await stated(payments)
    assert "Aucune somme due n'est enregistrée" in words.replace("’", "'")
    missing = await payments.client.get("/cpts/c1/contract-years/2020-01-01/statement.pdf")
    assert missing.status_code == 404


def test_what_comes_in_as_text_is_shown_and_never_run() -> None:
    name = '#panic("x") *gras* $x$ <a> \\ "'
    shown: dict[str, Any] = {"title": "T", "cpts_name": name, "starts_on": "", "printed_on": ""}
    shown |= {"identity": [("CPTS", name)]}
    shown |= {"settled_on": None, "adjusted_amount": ""}
    lists = ("summary", "dues", "missions", "lines", "adjustments", "transfers")
    shown |= {key: [] for key in lists}
    assert '#panic("x") *gras* $x$ <a>' in words_of(rendered(shown)).replace("“", '"').replace(
        "”", '"'
    )


@given(st.integers(-(10**12), 10**12))
def test_an_amount_is_written_to_the_cent(amount_cents: int) -> None:
    written = french_euros(amount_cents).replace("\u2212", "-").replace("\u202f", "")
    assert int(written.removesuffix("\u00a0€").replace(",", "")) == amount_cents


def shown_of(*dues: StatedDue, ends_on: date = date(2027, 4, 14)) -> dict[str, Any]:
    year = StatedYear(
        cpts_id="c1",
        cpts_name=None,
        departement="95",
        starts_on=YEAR.starts_on,
        ends_on=ends_on,
        taille=None,
        population=None,
    )
    account = Account(cpts_id="c1", starts_on=YEAR.starts_on, departement="95")
    return statement(year, account, [], dues, [], printed_on=YEAR.starts_on)


@pytest.mark.parametrize(
    ("paid_cents", "ordered_cents", "state"),
    [
        (0, 0, "due"),
        (60_00, 0, "due"),
        (60_00, 40_00, "ordonnée"),
        (100_00, 0, "payée"),
        (120_00, 0, "à récupérer"),
        (60_00, 60_00, "à récupérer"),
    ],
)
def test_a_sum_is_stated_with_what_was_paid_and_ordered_of_it(
    paid_cents: int, ordered_cents: int, state: str
) -> None:
    due = StatedDue(
        kind="advance",
        mission=None,
        amount_cents=100_00,
        due_on=YEAR.starts_on,
        is_held=False,
        is_verified=True,
        explanation="",
        paid_cents=paid_cents,
        ordered_cents=ordered_cents,
    )
    (shown,) = shown_of(due)["dues"]
    assert shown["state"] == state


def test_a_year_that_ends_within_its_civil_year_is_named_by_that_one() -> None:
    assert shown_of(ends_on=date(2026, 12, 31))["title"] == "État de l’année de contrat 2026"


def test_each_way_of_counting_has_words() -> None:
    whole = Line(mission="m", indicator="i", mode="all_or_nothing", max_cents=2_00, target=3)
    assert rule_of(whole) == "2,00\u00a0€ si la valeur atteint 3"
    steps = (Step(threshold=5, amount_cents=1_00), Step(threshold=1000, amount_cents=2_00))
    line = Line(mission="m", indicator="i", mode="steps", max_cents=2_00, steps=steps)
    assert rule_of(line) == "par paliers : 1,00\u00a0€ dès 5 ; 2,00\u00a0€ dès 1\u202f000"
    assert french_day(date(2026, 4, 5)) == "05/04/2026"


def test_a_line_that_counts_down_says_so_and_a_rate_is_read_in_percent() -> None:
    steps = (Step(threshold=219, amount_cents=1_00), Step(threshold=100, amount_cents=2_00))
    down = Line(
        mission="m", indicator="i", mode="steps", max_cents=2_00, steps=steps, is_lower_better=True
    )
    assert rule_of(down) == "par paliers : 1,00\u00a0€ jusqu’à 219 ; 2,00\u00a0€ jusqu’à 100"
    rate = Line(
        mission="prevention",
        indicator="depistage_sein",
        mode="linear",
        max_cents=2_00,
        baseline=6626,
        target=7240,
    )
    assert rule_of(rate) == (
        "en proportion depuis 66,26\u00a0%, jusqu’à 2,00\u00a0€ pour 72,40\u00a0%"
    )


async def test_a_line_with_an_id_and_a_label_of_its_own_is_stated_by_its_label(
    season: Payments,
) -> None:
    line = LINEAR | {"indicator": DEMANDS, "line_label": "Rendez-vous du soir"}
    assert (await season.put(line_path("c1", "rdv_du_soir"), line)).is_success
    assert "Rendez-vous du soir" in await stated(season)
