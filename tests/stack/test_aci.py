"""`just aci` as the caisse uses it, on the real services: files in, years settled, files out.

Method: the command that the recipe runs, its exit code, and what it says; then what the services
answer, or the file that it left.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import Workbook
from pypdf import PdfReader

from deploy.local.aci import files, imports
from deploy.local.aci.__main__ import main
from deploy.local.aci.asking import VALUE_COLUMNS, OrderRefused
from deploy.local.aci.progress import for_each, signals_held
from deploy.local.processes import wait_until
from deploy.local.services import ROOT
from deploy.local.stack import Stack

YEAR = date(datetime.now(UTC).year - 1, 1, 1)  # over, whenever these tests run
RATE = "avenant-2/acces_aux_soins/variable/T1"
LINES = """ligne;mission;indicateur;libelle;mode;maximum_euros;valeur_initiale;cible;sens;paliers;\
documents;reportee_de
ald;acces_aux_soins;medecin_traitant_ald_sans;;paliers;900;219;;;219:300|100:600|50:900;;
"""
VALUES = "cpts;finess;annee_de_contrat;indicateur;valeur;vrai_le;retiree\r\n"
WITHIN_SECONDS = 30


class Caisse:
    """The command of an instance, and the services behind it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.client = httpx.Client(timeout=20, trust_env=False)

    def aci(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "deploy.local.aci", *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"CPTS_INSTANCE": self.stack.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *arguments: object) -> str:
        """What a command says that does all it is asked."""
        told = self.aci(*arguments)
        assert told.returncode == 0, told.stdout + told.stderr
        assert not told.stderr
        return told.stdout

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def give(self, service: str, method: str, path: str, body: Any, role: str = "caisse") -> Any:
        url = self.stack.http_urls[service] + path
        answer = self.client.request(method, url, json=body, headers={"Acting-Role": role})
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str, **asked: str) -> Any:
        answer = self.client.get(self.stack.http_urls["payments"] + path, params=asked)
        return answer.json() if answer.is_success else {}

    def until(self, is_so: Callable[[], bool]) -> None:
        assert wait_until(is_so, within_seconds=WITHIN_SECONDS)

    def contract(self, cpts_id: str, commune: str) -> str:
        """A CPTS under contract from `YEAR` on, as far as payments knows; its year's path."""
        named = {"cpts_id": cpts_id, "cpts_name": "CPTS", "seat_commune": commune}
        self.give("membership", "POST", "/cpts", named, role="ars")
        place = {"entry_id": "p", "commune": commune, "from_on": f"{YEAR}"}
        self.give("membership", "POST", f"/cpts/{cpts_id}/territory", place, role="ars")
        aci = {"aci_id": "a", "signed_on": f"{YEAR}", "starts_on": f"{YEAR}", "years": 5}
        self.give("membership", "POST", f"/cpts/{cpts_id}/aci", aci)
        self.until(lambda: len(self.years(cpts_id)) == 5)
        return f"/cpts/{cpts_id}/contract-years/{YEAR}"

    def years(self, cpts_id: str) -> list[dict[str, Any]]:
        return list(self.get("/contract-years", cpts_id=cpts_id).get("items", ()))

    def validate(self, year: str, value: int) -> None:
        """Open a year's dialogue and validate the value of its one line."""
        today = str(datetime.now(UTC).date())
        self.give("payments", "POST", f"{year}/dialogue", {"opened_on": today})
        stance = {"validated_value": value, "caisse_stance": "agrees"}
        path = f"{year}/dialogue/lines/medecin_traitant_ald_sans"
        self.give("payments", "PUT", path, stance)


@pytest.fixture
def caisse(platform: Stack, tmp_path: Path) -> Caisse:
    return Caisse(platform, tmp_path)


def test_lines_are_imported_whole_or_refused_row_by_row(caisse: Caisse) -> None:
    year = caisse.contract("lignes", "15014")
    assert caisse.done("template", "lines", caisse.folder / "trame.xlsx").endswith("trame.xlsx\n")
    assert (caisse.folder / "trame.xlsx").read_bytes().startswith(b"PK")
    wrong = caisse.file("faux.csv", LINES + "b;acces_aux_soins;;;paliers;x;;;;;;\n")
    refused = caisse.aci("import-lines", "lignes", YEAR, wrong)
    assert (refused.returncode, refused.stdout) == (1, "")
    first, *rows = refused.stderr.splitlines()
    assert first.endswith("(lines_refused)")
    what = "La cellule doit contenir un montant en euros, comme 9000 ou 1250,50."
    assert rows == [f"  rangée 3 maximum_euros : {what}"]
    assert caisse.get(f"{year}/explanation")["lines"] == []
    told = caisse.done("import-lines", "lignes", YEAR, caisse.file("annexe.csv", LINES))
    assert told == f"1 ligne(s) : lignes, année du {YEAR:%d/%m/%Y}\n"
    for name in ("lignes.csv", "lignes.xlsx"):
        caisse.done("export", "lines", "lignes", YEAR, caisse.folder / name)
        caisse.done("import-lines", "lignes", YEAR, caisse.folder / name)
    (line,) = caisse.get(f"{year}/explanation")["lines"]
    assert line["line"]["max_cents"] == 900_00


def test_values_are_taken_once_whole_or_refused_row_by_row(caisse: Caisse) -> None:
    year = caisse.contract("valeurs", "15016")
    caisse.done("import-lines", "valeurs", YEAR, caisse.file("annexe.csv", LINES))
    empty = caisse.folder / "trame.csv"
    caisse.done("template", "values", empty)
    assert empty.read_bytes().decode("utf-8-sig") == VALUES
    row = f"valeurs;;{YEAR};medecin_traitant_ald_sans;74;;\n"
    wrong = caisse.file("faux.csv", VALUES + row + f"autre;;{YEAR};depistage_sein;1;;\n")
    refused = caisse.aci("import-values", wrong)
    assert (refused.returncode, refused.stdout) == (1, "")
    first, *rows = refused.stderr.splitlines()
    assert first.endswith("(rows_refused)")
    assert [line.partition(" : ")[0] for line in rows] == ["  rangée 3"]
    malformed = caisse.file("forme.csv", VALUES + f"valeurs;;{YEAR};depistage_sein;66,261;hier;\n")
    told = caisse.aci("import-values", malformed).stderr.splitlines()[1:]
    assert told == ["  rangée 2 valeur, vrai_le : La ligne n'a pas la forme attendue."]
    right = caisse.file("juste.csv", VALUES + row)
    assert caisse.done("import-values", right) == "1 valeur(s) lue(s), 1 nouvelle(s)\n"
    again = caisse.done("import-values", right)
    assert again == "ce fichier a déjà été repris : rien ne change\n"
    caisse.until(lambda: caisse.get(f"{year}/explanation")["lines"][0]["amount_cents"] == 600_00)


def test_years_are_settled_in_one_run_and_what_is_not_is_told_with_its_reason(
    caisse: Caisse,
) -> None:
    ready, waiting = caisse.contract("pret", "15018"), caisse.contract("attend", "15019")
    for cpts_id in ("pret", "attend"):
        caisse.done("import-lines", cpts_id, YEAR, caisse.file("annexe.csv", LINES))
    caisse.validate(ready, 74)
    not_asked = caisse.aci("settle", "--cpts", "pret")
    assert not_asked.returncode == 1, "nobody said yes"
    assert not_asked.stdout.startswith("1 année(s) de contrat à arrêter, 600,00 €\n")
    assert caisse.get(f"{ready}/dialogue")["settled"] is None
    run = caisse.aci("settle", "--year", YEAR.year, "--yes")
    assert run.returncode == 1
    assert run.stdout.endswith("1 arrêtée(s)\n")
    assert f"  attend, année du {YEAR} : Le dialogue de gestion" in run.stderr
    assert "pret" not in run.stderr
    assert caisse.get(f"{ready}/dialogue")["due_cents"] == 600_00
    caisse.validate(waiting, 300)
    assert caisse.done("settle", "--cpts", "attend", "--yes").endswith("1 arrêtée(s)\n")
    nothing = caisse.done("settle", "--cpts", "attend", "--yes")
    assert nothing == "0 année(s) de contrat à arrêter, 0,00 €\n"


def test_statements_and_accounts_are_written(caisse: Caisse) -> None:
    year = caisse.contract("etats", "15021")
    caisse.done("import-lines", "etats", YEAR, caisse.file("annexe.csv", LINES))
    caisse.validate(year, 50)
    caisse.done("settle", "--cpts", "etats", "--yes")
    folder = caisse.folder / "états"
    told = caisse.done("statements", folder, "--year", YEAR.year, "--cpts", "etats")
    assert told == f"1 état(s) dans {folder}\n"
    text = PdfReader(folder / f"etat-etats-{YEAR}.pdf").pages[0].extract_text()
    assert "900,00" in text
    assert caisse.aci("statements", folder, "--year", "2001").returncode == 1
    dues = caisse.folder / "dues.csv"
    caisse.done("export", "dues", dues, "--cpts", "etats")
    head, *rows = dues.read_text("utf-8-sig").splitlines()
    assert head.startswith("cpts;annee_de_contrat;somme;nature;mission;montant_euros;due_le;")
    assert f"etats;{YEAR};variable;variable;;900,00;" in "\n".join(rows)
    caisse.done("export", "dues", dues)
    assert len(dues.read_text("utf-8-sig").splitlines()) > 1 + len(rows), "all CPTS"
    fec = caisse.folder / "fec.txt"
    caisse.done("export", "fec", "etats", datetime.now(UTC).year, fec)
    assert fec.read_text("utf-8").startswith("JournalCode")
    unknown = caisse.aci("export", "fec", "personne", "2026", fec)
    assert (unknown.returncode, unknown.stderr) == (1, "La CPTS « personne » n'existe pas.\n")


def test_a_batch_is_exported_and_the_banks_answers_are_taken(caisse: Caisse) -> None:
    year = caisse.contract("virement", "15022")
    caisse.done("import-lines", "virement", YEAR, caisse.file("annexe.csv", LINES))
    caisse.validate(year, 50)
    caisse.done("settle", "--cpts", "virement", "--yes")
    today = str(datetime.now(UTC).date())
    (known,) = [
        one for one in caisse.get("/rates", limit="1000")["items"] if one["rate_id"] == RATE
    ]
    read = {"rate_id": RATE, "amount_cents": known["amount_cents"], "text": "JO"}
    read |= {"read_on": today, "confirmed_by": "agent-1"}
    caisse.give("payments", "POST", "/rates/confirmations", read)
    for path, iban in (
        ("/caisse/bank-accounts/a", "FR7610107001011234567890129"),
        ("/cpts/virement/bank-accounts/a", "FR1420041010050500013M02606"),
    ):
        account = {"holder": "CPTS", "iban": iban, "from_on": today, "acting_person": "agent-1"}
        version = caisse.give("payments", "PUT", path, account)["version"]
        confirmation = {"version": version, "acting_person": "agent-2"}
        caisse.give("payments", "POST", f"{path}/confirmation", confirmation)
    batch = caisse.give("payments", "POST", "/payment-batches", {"batch_id": "lot-1"})
    (order,) = [one["order"] for one in batch["orders"] if one["order"]["cpts_id"] == "virement"]
    for kind in ("csv", "xlsx", "xml"):
        caisse.done("export", "batch", "lot-1", caisse.folder / f"lot.{kind}")
    assert "<IBAN>FR1420041010050500013M02606</IBAN>" in (caisse.folder / "lot.xml").read_text()
    head = "order_id;outcome;day;reason\n"
    wrong = caisse.file("faux.csv", f"{head}inconnu;executed;{today};\n")
    refused = caisse.aci("import-answers", "lot-1", wrong)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[1:] == ["  inconnu (executed) : n'est pas de ce lot"]
    unreadable = caisse.file("illisible.csv", f"{head}a;b;c;d\n")
    assert caisse.aci("import-answers", "lot-1", unreadable).stderr.splitlines()[1:] == [
        "  ligne 2"
    ]
    right = caisse.file("juste.csv", f"{head}{order['order_id']};executed;{today};\n")
    assert caisse.done("import-answers", "lot-1", right) == "1 réponse(s) lue(s), 1 nouvelle(s)\n"
    assert caisse.done("import-answers", "lot-1", right) == "1 réponse(s) lue(s), 0 nouvelle(s)\n"


def test_a_workbook_of_values_is_read_and_shares_are_in_per_cent(tmp_path: Path) -> None:
    book, path = Workbook(), tmp_path / "valeurs.xlsx"
    sheet = book.worksheets[0]
    sheet.append(list(VALUE_COLUMNS))
    start = datetime(2026, 4, 15)  # noqa: DTZ001 - a workbook knows no zone
    for value in (66.26, "66,26", "66,26 %", 0.6626, 100, 66.261, "beaucoup"):
        sheet.append(["a", None, start, "depistage_sein", value, None, None])
    sheet["E5"].number_format = "0.00%"
    sheet.append(["a", None, "2026-04-15", "medecin_traitant_ald_sans", 74, start, True])
    sheet.append(["a", None, "2026-04-15", "medecin_traitant_ald_sans", "1 074", None, "non"])
    sheet.append(["a", None, "2026-04-15", "medecin_traitant_ald_sans", "7,5", None, None])
    book.save(path)
    rows = [imports.value_of(one) for one in files.rows_of(path, list(VALUE_COLUMNS))]
    values = [one["value"] for one in rows]
    assert values == [*[6626] * 4, 10_000, "66.261", "beaucoup", 74, 1074, "7,5"]
    assert {one["contract_year_starts_on"] for one in rows} == {"2026-04-15"}
    assert (rows[7]["true_on"], rows[7]["is_withdrawn"]) == ("2026-04-15", True)
    assert rows[8]["is_withdrawn"] is False
    broken = tmp_path / "faux.xlsx"
    broken.write_bytes(b"PK")
    with pytest.raises(files.BadFile, match="XLSX"):
        files.rows_of(broken, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import-lines", "a", YEAR, "annexe.pdf"), "le fichier se termine par .csv, .xlsx"),
        (("import-lines", "a", YEAR, "absent.csv"), "absent.csv : ne se lit pas"),
        (("import-values", "absent.csv"), "absent.csv : ne se lit pas"),
        (("export", "batch", "b", "lot.pdf"), "le fichier se termine par .csv, .xlsx, .xml"),
        (("export", "lines", "lignes", YEAR, "ailleurs/l.csv"), "ailleurs/l.csv : ne s'écrit pas"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_its_name(
    caisse: Caisse, arguments: tuple[object, ...], said: str
) -> None:
    told = caisse.aci(*arguments)
    assert (told.returncode, told.stdout) == (1, "")
    assert said in told.stderr


def test_without_a_platform_the_command_says_what_to_run(own_home: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "deploy.local.aci", "settle"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "la plateforme n'est pas démarrée : lancez `just up`\n"


EXPORTS = ("lines", "fec", "batch", "dues")
COMMANDS = ("import-lines", "import-values", "import-answers", "template", "settle", "statements")


@pytest.mark.parametrize(
    "command", ["", "export", *COMMANDS, *(f"export {one}" for one in EXPORTS)]
)
def test_every_command_explains_itself_in_french(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: just aci {command}".rstrip())
    assert "montre cette aide" in told
    assert "show this help" not in told


@pytest.mark.parametrize(
    "wrong",
    [
        ("import-lines", "a", "2026", "f.csv"),
        ("import-lines", "a/b", "2026-01-01", "f.csv"),
        ("settle", "--year", "26"),
    ],
)
def test_an_argument_that_is_not_understood_is_told_before_anything_is_asked(
    wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)
    assert end.value.code == 2
    assert "n'est pas un" in capsys.readouterr().err


def test_what_is_refused_of_many_is_answered_in_their_order() -> None:
    def work(number: int) -> None:
        if number % 3 == 0:
            raise OrderRefused(httpx.Response(409, json={"detail": f"non {number}"}))

    refused = for_each(range(10), work, "essai")
    assert [(number, str(why)) for number, why in refused] == [
        (number, f"non {number}") for number in (0, 3, 6, 9)
    ]


def test_a_bar_moves_to_the_end_on_a_terminal_and_there_is_none_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for_each(range(3), lambda _: None, "essai", size=lambda number: number + 1)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # how rich is told that it writes to a terminal
    monkeypatch.setenv("TERM", "xterm")
    for_each(range(3), lambda _: None, "essai", size=lambda number: number + 1)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert "essai" in shown
    assert "6/6" in shown, "each of its size"


def test_ctrl_c_begins_nothing_more_and_ends_what_has_begun() -> None:
    begun: list[int] = []
    ended: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 8:  # every thread is at work by then
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.01)
        ended.append(number)

    with pytest.raises(KeyboardInterrupt):
        for_each(range(1000), work, "essai")
    assert 0 < len(begun) < 1000
    assert sorted(ended) == sorted(begun)


def test_a_signal_waits_until_it_is_taken() -> None:
    with signals_held() as take_signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert list(range(100))[-1] == 99, "nothing is raised before it is taken"
        with pytest.raises(KeyboardInterrupt):
            take_signals()
        take_signals()
