"""Files that come out: statements to sign, contract lines, accounts, batches, due sums."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from deploy.local.aci import files
from deploy.local.aci.asking import Services
from deploy.local.aci.progress import for_each

DUE_COLUMNS = (
    *("cpts", "annee_de_contrat", "somme", "nature", "mission", "montant_euros", "due_le"),
    *("retenue", "explication"),
)


def statements(services: Services, options: Namespace) -> int:
    """Write the statement of each contract year that began in a civil year, one PDF each."""
    folder: Path = options.folder
    cpts_ids = options.cpts or [None]
    years = [
        year
        for cpts_id in cpts_ids
        for year in services.items(
            "payments", "/contract-years", cpts_id=cpts_id, year=options.year
        )
    ]
    if not years:
        raise files.BadFile(f"aucune année de contrat ne commence en {options.year}")
    folder.mkdir(parents=True, exist_ok=True)

    def one(year: dict[str, Any]) -> None:
        path = f"/cpts/{year['cpts_id']}/contract-years/{year['starts_on']}/statement.pdf"
        content = services.ask("payments", "GET", path).content
        files.write(folder / f"etat-{year['cpts_id']}-{year['starts_on']}.pdf", content)

    refused = for_each(years, one, "états annuels")
    print(f"{len(years) - len(refused)} état(s) dans {folder}")
    for year, why in refused:
        print(f"  {year['cpts_id']}, année du {year['starts_on']} : {why}", file=sys.stderr)
    return 1 if refused else 0


def export_lines(services: Services, options: Namespace) -> int:
    """Write the lines of a contract year, CSV or XLSX."""
    kind = files.kind_of(options.file, ("csv", "xlsx"))
    path = f"/cpts/{options.cpts}/contract-years/{options.starts_on}/lines"
    return _save(services, options.file, path, file_format=kind)


def export_fec(services: Services, options: Namespace) -> int:
    """Write the FEC of a CPTS and a civil year."""
    return _save(services, options.file, f"/cpts/{options.cpts}/fec/{options.year}")


def export_batch(services: Services, options: Namespace) -> int:
    """Write a batch of orders: CSV or XLSX for people, pain.001 (.xml) for the bank."""
    kind = files.kind_of(options.file, ("csv", "xlsx", "xml"))
    return _save(services, options.file, f"/payment-batches/{options.batch}.{kind}")


def export_dues(services: Services, options: Namespace) -> int:
    """Write the sums that are due to some CPTS, or to all, as CSV; nothing when one is refused."""
    files.kind_of(options.file, ("csv",))
    asked = options.cpts or [
        year["cpts_id"] for year in services.items("payments", "/contract-years")
    ]
    found: dict[str, list[dict[str, Any]]] = {}

    def one(cpts_id: str) -> None:
        found[cpts_id] = list(services.items("payments", f"/cpts/{cpts_id}/dues"))

    refused = for_each(sorted(set(asked)), one, "sommes dues")
    for cpts_id, why in refused:
        print(f"  {cpts_id} : {why}", file=sys.stderr)
    if refused:
        return 1
    rows = [_due_row(due) for cpts_id in sorted(found) for due in found[cpts_id]]
    files.write(options.file, files.table(DUE_COLUMNS, rows))
    print(f"{len(rows)} somme(s) : {options.file}")
    return 0


def _due_row(due: dict[str, Any]) -> tuple[str, ...]:
    return (
        due["cpts_id"],
        due["starts_on"],
        due["due_id"],
        due["kind"],
        due["mission"] or "",
        files.decimal_euros(due["amount_cents"]),
        due["due_on"],
        "oui" if due["is_held"] else "non",
        due["explanation"],
    )


def _save(services: Services, file: Path, path: str, **asked: str) -> int:
    files.write(file, services.ask("payments", "GET", path, params=asked).content)
    print(file)
    return 0
