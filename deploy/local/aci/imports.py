"""Files that go in: contract lines, values of the caisse, the bank's answers; whole or refused."""

import re
from argparse import Namespace
from decimal import Decimal
from typing import Any

from contracts.indicators import indicators
from deploy.local.aci import files
from deploy.local.aci.asking import VALUE_COLUMNS, Services

NUMBER = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,9})?")
YES_OR_NO = {"oui": True, "non": False}


def import_lines(services: Services, options: Namespace) -> int:
    """Replace the lines of a contract year by those of a file."""
    kind = files.kind_of(options.file, ("csv", "xlsx"))
    answer = services.ask(
        "payments",
        "PUT",
        f"/cpts/{options.cpts}/contract-years/{options.starts_on}/lines",
        content=files.read(options.file),
        headers={"Content-Type": files.MEDIA_TYPES[kind]},
    )
    count = len(answer.json()["lines"])
    print(f"{count} ligne(s) : {options.cpts}, année du {options.starts_on:%d/%m/%Y}")
    return 0


def import_values(services: Services, options: Namespace) -> int:
    """Take the values of a file of the caisse."""
    rows = [value_of(cells) for cells in files.rows_of(options.file, list(VALUE_COLUMNS))]
    answer = services.ask("indicators", "POST", "/caisse-files", json={"rows": rows}).json()
    if not answer["is_new"]:
        print("ce fichier a déjà été repris : rien ne change")
        return 0
    print(f"{answer['rows_count']} valeur(s) lue(s), {answer['changed_count']} nouvelle(s)")
    return 0


def value_of(cells: dict[str, str]) -> dict[str, Any]:
    """A row as the service takes it. What has not the right form is left to it to refuse."""
    row: dict[str, Any] = {VALUE_COLUMNS[name]: cell for name, cell in cells.items()}
    if "value" in row:
        row["value"] = _in_unit(row["value"], row.get("indicator", ""))
    if "is_withdrawn" in row:
        row["is_withdrawn"] = YES_OR_NO.get(row["is_withdrawn"], row["is_withdrawn"])
    return row


def _in_unit(text: str, code: str) -> int | str:
    """A value in its indicator's unit; the text as it is when it cannot be.

    A file says a share in per cent: 66,26 (or 66,26 %) is 6626 ten-thousandths.
    """
    indicator = indicators().get(code)
    is_share = indicator is not None and indicator.unit == "basis_points"
    written = re.sub(r"[\s\u00a0\u202f]", "", text)
    if is_share:
        written = written.removesuffix("%")
    if not NUMBER.fullmatch(written):
        return text
    value = Decimal(written.replace(",", ".")) * (100 if is_share else 1)
    return int(value) if value == int(value) else text


def import_answers(services: Services, options: Namespace) -> int:
    """Take what the bank answers of a batch, CSV or pain.002."""
    answer = services.ask(
        "payments",
        "POST",
        f"/payment-batches/{options.batch}/answers",
        content=files.read(options.file),
        headers={"Content-Type": "application/octet-stream"},
    ).json()
    print(f"{answer['lines']} réponse(s) lue(s), {answer['changes']} nouvelle(s)")
    return 0


def template(services: Services, options: Namespace) -> int:
    """Write an empty file with its columns, of contract lines or of values."""
    if options.what == "lines":
        kind = files.kind_of(options.file, ("csv", "xlsx"))
        asked = {"file_format": kind}
        content = services.ask("payments", "GET", "/lines-template", params=asked).content
    else:
        files.kind_of(options.file, ("csv",))
        content = files.table(list(VALUE_COLUMNS), [])
    files.write(options.file, content)
    print(options.file)
    return 0
