"""The lines of a contract: every mode, both ways, several on one indicator, a whole annex."""

import csv
import io
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.payments import FundingEstimated, Step
from contracts.recorded import Cause
from contracts.topics import INDICATORS, MEMBERSHIP
from services.payments.domain.accounts import Account, Figure, Touch, price, reprice
from services.payments.domain.line_rows import COLUMNS, lines_of, rows_of
from services.payments.domain.lines import (
    Line,
    check_line,
    check_lines,
    line_amount_cents,
    line_of,
    line_set,
)
from services.payments.domain.refusals import Refusal
from services.payments.http.tables import XLSX, read_table, table_response
from tests.payments.served import NOW, YEAR, Payments, contract, figure
from tests.payments.test_pricing import rate

T3_ANNEX = (Path(__file__).parent / "data" / "t3_44_lignes.csv").read_bytes()
PATH = f"/cpts/c1/contract-years/{YEAR.starts_on}/lines"
ALD = Line(
    mission="acces_aux_soins",
    indicator="medecin_traitant_ald_sans",
    mode="steps",
    max_cents=9_000_00,
    steps=(
        Step(threshold=219, amount_cents=3_000_00),
        Step(threshold=100, amount_cents=6_000_00),
        Step(threshold=50, amount_cents=9_000_00),
    ),
    baseline=219,
    is_lower_better=True,
)
DOWN = Line(
    mission="acces_aux_soins",
    indicator="medecin_traitant_plus_de_70_ans_sans",
    mode="linear",
    max_cents=4_000_00,
    baseline=310,
    target=110,
    is_lower_better=True,
)
UP = msgspec.structs.replace(
    DOWN, indicator="depistage_sein", baseline=6626, target=7500, is_lower_better=False
)
AT_MOST = msgspec.structs.replace(DOWN, mode="all_or_nothing", baseline=None, target=30)


@pytest.mark.parametrize(
    ("line", "value", "cents"),
    [
        # the steps of aci-rules 4.2: 51-100 without a médecin traitant bring 6 000 euros
        (ALD, None, 0),
        (ALD, 220, 0),
        (ALD, 219, 3_000_00),
        (ALD, 101, 3_000_00),
        (ALD, 100, 6_000_00),
        (ALD, 51, 6_000_00),
        (ALD, 50, 9_000_00),
        (ALD, 0, 9_000_00),
        # 4 000 euros over 200 fewer: 20 euros each
        (DOWN, 311, 0),
        (DOWN, 310, 0),
        (DOWN, 309, 20_00),
        (DOWN, 210, 2_000_00),
        (DOWN, 110, 4_000_00),
        (DOWN, 0, 4_000_00),
        (UP, 6000, 0),
        (UP, 6626, 0),
        (UP, 7063, 2_000_00),
        (UP, 9000, 4_000_00),
        (AT_MOST, 31, 0),
        (AT_MOST, 30, 4_000_00),
    ],
)
def test_a_line_brings_what_its_way_says(line: Line, value: int | None, cents: int) -> None:
    assert check_line(line) is None
    assert line_amount_cents(line, value) == cents


@given(st.sampled_from([ALD, DOWN, AT_MOST]), st.integers(0, 400), st.integers(0, 400))
def test_where_lower_is_better_less_never_pays_less(line: Line, one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    assert 0 <= line_amount_cents(line, higher) <= line_amount_cents(line, lower) <= line.max_cents


@pytest.mark.parametrize(
    ("line", "changes", "expected"),
    [
        (DOWN, {"indicator": "yoga"}, Refusal.UNKNOWN_INDICATOR),
        (DOWN, {"indicator": "local_yoga"}, None),
        (DOWN, {"indicator": "local_Mme Durand"}, Refusal.UNKNOWN_INDICATOR),
        (DOWN, {"indicator": "local_" + "a" * 55}, Refusal.UNKNOWN_INDICATOR),
        (DOWN, {"documents": ("minutes", "photo")}, Refusal.UNKNOWN_DOCUMENT),
        (DOWN, {"documents": ("minutes",)}, None),
        (DOWN, {"target": None}, Refusal.TARGET_NEEDED),
        (DOWN, {"target": -1}, Refusal.TARGET_NEEDED),
        (DOWN, {"target": 0}, None),
        (DOWN, {"baseline": None}, Refusal.BASELINE_NEEDED),
        (DOWN, {"target": 310}, Refusal.TARGET_NOT_BEYOND_BASELINE),
        (UP, {"target": 6626}, Refusal.TARGET_NOT_BEYOND_BASELINE),
        (UP, {"target": 0}, Refusal.TARGET_NEEDED),
        (UP, {"baseline": None}, None),
        (ALD, {"steps": tuple(reversed(ALD.steps))}, Refusal.STEPS_NOT_INCREASING),
        (ALD, {"is_lower_better": False}, Refusal.STEPS_NOT_INCREASING),
    ],
)
def test_a_line_is_refused_for_the_first_reason(
    line: Line, changes: dict[str, object], expected: Refusal | None
) -> None:
    assert check_line(msgspec.structs.replace(line, **changes)) == expected


def test_all_that_is_wrong_with_an_annex_is_told_at_once() -> None:
    again = msgspec.structs.replace(ALD, line_label="encore")
    other = msgspec.structs.replace(ALD, line_id="other")
    finer = msgspec.structs.replace(
        ALD, line_id="finer", steps=(Step(threshold=150, amount_cents=1),), max_cents=1
    )
    bad = msgspec.structs.replace(UP, line_id="bad", target=None)
    wrong = check_lines(
        [ALD, again, other, finer, bad], {"acces_aux_soins": 27_000_00, "prevention": None}
    )
    assert {one.mission for one in wrong} == {"acces_aux_soins"}
    assert [(one.line_id, one.reason) for one in wrong] == [
        ("bad", Refusal.TARGET_NEEDED),
        ("medecin_traitant_ald_sans", Refusal.LINE_TWICE),
        ("other", Refusal.LINES_OVERLAP),
        (None, Refusal.ENVELOPE_EXCEEDED),
    ]
    assert check_lines([ALD, finer], {"acces_aux_soins": 9_000_01}) == []
    (exceeded,) = check_lines([ALD, finer], {"acces_aux_soins": 9_000_00})
    assert exceeded.reason is Refusal.ENVELOPE_EXCEEDED


def test_two_lines_on_one_indicator_are_priced_by_one_figure() -> None:
    finer = msgspec.structs.replace(
        ALD, line_id="finer", steps=(Step(threshold=150, amount_cents=1_000_00),)
    )
    account = Account(
        cpts_id="c1",
        starts_on=YEAR.starts_on,
        departement="95",
        taille=3,
        lines=(ALD, finer),
        figures={ALD.indicator: Figure(value=300, revision=1)},
    )
    assert price(account, [rate(35_000_00)]).variable_cents == 0
    better = Touch(
        cpts_id="c1",
        starts_on=YEAR.starts_on,
        departement="95",
        reason="figure",
        cause=Cause(id="figure", recorded_at=NOW),
        indicator=ALD.indicator,
        figure=Figure(value=140, revision=2),
    )
    estimate = reprice(account, [rate(35_000_00)], [better])[0].event
    assert isinstance(estimate, FundingEstimated)
    assert {one.line_id: one.amount_cents for one in estimate.lines} == {
        ALD.line_id: 3_000_00,
        "finer": 1_000_00,
    }
    assert estimate.variable_cents == 4_000_00


lines = st.builds(
    Line,
    mission=st.sampled_from(["acces_aux_soins", "prevention"]),
    indicator=st.sampled_from(["depistage_sein", "local_x"]),
    mode=st.sampled_from(["all_or_nothing", "steps", "linear"]),
    max_cents=st.integers(0, 10**9),
    target=st.none() | st.integers(0, 10**6),
    steps=st.lists(
        st.builds(Step, threshold=st.integers(-5, 10**6), amount_cents=st.integers(0, 10**8)),
        max_size=3,
    ).map(tuple),
    line_id=st.from_regex(r"[A-Za-z0-9._:-]{1,20}", fullmatch=True),
    line_label=st.text("abcé ;\"'=,", max_size=20).map(str.strip),
    baseline=st.none() | st.integers(0, 10**6),
    is_lower_better=st.booleans(),
    documents=st.lists(st.sampled_from(["minutes", "report"]), max_size=2).map(tuple),
    carried_over_from_on=st.none() | st.dates(date(1970, 1, 1), date(2199, 12, 31)),
)


@given(st.lists(lines, min_size=1, max_size=5))
def test_lines_written_to_a_table_are_read_again_as_they_were(several: list[Line]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(rows_of(several))
    again = csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=";")
    rows, errors = lines_of([dict(zip(COLUMNS, row, strict=True)) for row in again], 500)
    assert errors == []
    assert [row.line for row in rows] == several


@given(st.lists(lines, min_size=1, max_size=3))
def test_the_event_of_a_line_holds_all_of_it(several: list[Line]) -> None:
    for line in several:
        assert line_of(line_set(line, "c1", YEAR.starts_on)) == line
        assert line_of(line_set(line, "c1", YEAR.starts_on, is_withdrawn=True)) is None


def test_every_wrong_cell_of_a_row_is_told_in_french() -> None:
    row = dict.fromkeys(COLUMNS, "")
    wrong = row | {
        "ligne": "a b",
        "mission": "yoga",
        "mode": "au pif",
        "maximum_euros": "12,345",
        "valeur_initiale": "un quart",
        "cible": "beaucoup",
        "paliers": "1-2",
        "documents": "photo",
        "reportee_de": "hier",
        "sens": "travers",
    }
    rows, errors = lines_of([{}, wrong, row], 500)
    assert rows == []
    assert {one.column for one in errors if one.row == 3} == set(wrong) - {
        *("indicateur", "libelle"),
    }
    assert {one.column for one in errors if one.row == 4} == {
        *("ligne", "mission", "mode", "maximum_euros"),
    }
    told = {one.column: one.detail for one in errors if one.row == 3}
    cell = "La cellule doit contenir "
    assert told["maximum_euros"] == f"{cell}un montant en euros, comme 9000 ou 1250,50."
    assert told["valeur_initiale"] == f"{cell}un nombre entier."
    assert told["paliers"] == f"{cell}des paliers « seuil:euros » séparés par |."
    # An answer is kept under its key; a cell may hold anything.
    for one in errors:
        assert not any(text in one.detail for text in wrong.values() if text), one.detail
    assert [one.detail for one in lines_of([], 500)[1]] == ["Le fichier n'a aucune ligne."]


@pytest.mark.parametrize(
    ("written", "cents"),
    [("9000", 9_000_00), ("1 250,50", 1_250_50), ("1\u202f250.5 €", 1_250_50), ("0", 0)],
)
def test_amounts_are_read_as_people_write_them(written: str, cents: int) -> None:
    row = dict.fromkeys(COLUMNS, "") | {
        "ligne": "x",
        "mission": "prevention",
        "mode": "tout_ou_rien",
        "maximum_euros": written,
        "cible": "1 000",
    }
    ((read,), errors) = lines_of([row], 500)
    assert (errors, read.line.max_cents, read.line.target) == ([], cents, 1000)


@pytest.mark.parametrize(
    "written",
    ["1e999999", "1e-999999999", "NaN", "-1", "12.500", "1_000", "0x1", "10000000000,01", "9" * 50],
)
def test_what_is_no_plain_amount_is_no_amount(written: str) -> None:
    row = dict.fromkeys(COLUMNS, "") | {"maximum_euros": written, "paliers": f"1:{written}"}
    errors = lines_of([row], 500)[1]
    assert {"maximum_euros", "paliers"} <= {one.column for one in errors}


@pytest.mark.parametrize("written", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_beyond_the_calendar_of_contracts_is_no_day(written: str) -> None:
    row = dict.fromkeys(COLUMNS, "") | {"reportee_de": written}
    assert "reportee_de" in {one.column for one in lines_of([row], 500)[1]}


async def test_an_annex_of_44_lines_is_imported_whole_exported_and_priced(
    payments: Payments,
) -> None:
    """The example of aci-rules 4.2: the public amounts in their places, the missions' totals."""
    await payments.hear(MEMBERSHIP, contract("c1"))
    headers = {"Acting-Role": "caisse", "Content-Type": "text/csv; charset=utf-8"}
    imported = await payments.client.put(PATH, content=T3_ANNEX, headers=headers)
    assert imported.status_code == 200, imported.text
    assert len(imported.json()["lines"]) == 44
    totals: dict[str, int] = {}
    for line in imported.json()["lines"]:
        totals[line["mission"]] = totals.get(line["mission"], 0) + line["max_cents"]
    assert totals == {
        "acces_aux_soins": 35_000_00,
        "parcours_pluriprofessionnel": 45_000_00,
        "prevention": 17_500_00,
        "qualite_et_pertinence": 15_000_00,
        "accompagnement": 10_000_00,
    }
    await payments.hear(
        INDICATORS,
        [
            figure("c1", 74, 1, "medecin_traitant_ald_sans"),
            figure("c1", 7240, 1, "depistage_sein"),
            figure("c1", 1, 1, "sas_medecins_participants"),
            figure("c1", 1, 1, "sas_demandes_avec_rdv"),
        ],
    )
    # 6 000 (51-100) + 2 500 (72.40 %) + nothing below ten doctors + 4 000 / 400
    assert await payments.variable_cents("c1") == 8_510_00

    for file_format, media_type in (("csv", "text/csv"), ("xlsx", XLSX)):
        taken = await payments.client.get(PATH, params={"file_format": file_format})
        assert taken.headers["content-type"].startswith(media_type)
        again = await payments.client.put(
            PATH, content=taken.content, headers=headers | {"Content-Type": media_type}
        )
        assert again.status_code == 200, again.text
    explained = await payments.get(PATH.replace("/lines", "/explanation"))
    told = {one["line_id"]: one for one in explained["lines"]}
    assert told["mt-ald"]["libelle"] == "ALD sans médecin traitant"
    assert told["mt-ald"]["line"]["documents"] == ["caisse_data"]
    assert (told["annuaire"]["indicator"], told["annuaire"]["amount_cents"]) == (
        "local_annuaire",
        0,
    )
    assert set((await payments.get("/invariants")).values()) == {True}
    estimates = await payments.get(PATH.replace("/lines", "/estimates"))
    assert [one["reason"] for one in estimates["items"]].count("line") == 1
    assert await payments.variable_cents("c1") == 8_510_00


async def test_an_annex_replaces_the_lines_of_the_year(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    headers = {"Acting-Role": "ars", "Content-Type": "text/csv"}
    await payments.client.put(PATH, content=T3_ANNEX, headers=headers)
    first_two = b"\r\n".join(T3_ANNEX.split(b"\r\n")[:3])
    shorter = await payments.client.put(PATH, content=first_two, headers=headers)
    assert [one["line_id"] for one in shorter.json()["lines"]] == ["annuaire", "sas"]
    taken = (await payments.client.get(PATH)).content.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(taken), delimiter=";")] == [
        *("ligne", "annuaire", "sas"),
    ]


async def test_one_wrong_row_and_nothing_is_imported(payments: Payments) -> None:
    await payments.hear(MEMBERSHIP, contract("c1"))
    headers = {"Acting-Role": "caisse", "Content-Type": "text/csv"}
    text = T3_ANNEX.decode()
    unread, above = "tout_ou_rien;5000", "lineaire;4000;0;400"
    for wrong, field, count in (
        (text.replace(unread, "tout_ou_rien;cinq"), "maximum_euros", text.count(unread)),
        (text.replace(above, "lineaire;4001;0;400"), "", 1),
    ):
        answer = await payments.client.put(PATH, content=wrong.encode(), headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (422, "lines_refused")
        told = answer.json()["errors"]
        assert ({one["field"] for one in told}, len(told)) == ({field}, count)
        assert all(one["in"].startswith("rangée ") for one in told)
    assert len((await payments.client.get(PATH)).content.splitlines()) == 1
    by_cpts = headers | {"Acting-Role": "cpts", "Acting-Cpts": "c1"}
    refused = await payments.client.put(PATH, content=T3_ANNEX, headers=by_cpts)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("media_type", "content", "status"),
    [
        ("application/pdf", b"%PDF", 415),
        ("text/csv", "é".encode("latin-1"), 400),
        ("text/csv", b"ligne;mission\r\n", 400),
        (XLSX, b"not a workbook", 400),
    ],
)
async def test_what_is_no_such_file_is_refused_at_the_door(
    payments: Payments, media_type: str, content: bytes, status: int
) -> None:
    headers = {"Acting-Role": "caisse", "Content-Type": media_type}
    answer = await payments.client.put(PATH, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_label_that_looks_like_a_formula_stays_a_text() -> None:
    labelled = msgspec.structs.replace(ALD, line_label="=1+1")
    file = table_response(rows_of([labelled]), COLUMNS, "xlsx", "lignes")
    (cells,) = read_table(XLSX, file.content, COLUMNS)
    assert cells["libelle"] == "=1+1"
    ((row,), errors) = lines_of([cells], 500)
    assert (row.line, errors) == (labelled, [])


async def test_the_template_has_the_columns_and_no_line(payments: Payments) -> None:
    csv_file = await payments.client.get("/lines-template")
    assert csv_file.content.decode("utf-8-sig").strip().split(";") == list(COLUMNS)
    book = await payments.client.get("/lines-template", params={"file_format": "xlsx"})
    headers = {"Acting-Role": "caisse", "Content-Type": XLSX}
    await payments.hear(MEMBERSHIP, contract("c1"))
    empty = await payments.client.put(PATH, content=book.content, headers=headers)
    assert empty.json()["errors"][0]["message"] == "Le fichier n'a aucune ligne."
