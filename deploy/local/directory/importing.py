"""The files of a command, one after the other under a bar that moves, and what came of each."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from deploy.local.aci.asking import told
from deploy.local.directory.extracts import BadFile, Extract, chunks, opened
from deploy.local.paging import all_items

ROLE = {"Acting-Role": "system"}
ANSWER_SECONDS = 600
REASONS = {
    "not_utf_8": "n'est pas en UTF-8",
    "too_long": "est trop longue",
    "wrong_column_count": "n'a pas toutes les colonnes",
    "missing": "est vide",
    "malformed": "est mal formé",
}


def import_files(url: str, paths: Sequence[Path], *, is_much_smaller: bool = False) -> bool:
    """Give extracts to membership at `url`; answers whether all were taken.

    A file is taken whole but for its rows in error, which are all printed; or nothing of it is.
    """
    all_taken = True
    with httpx.Client(
        base_url=url, timeout=ANSWER_SECONDS, trust_env=False, headers=ROLE
    ) as client:
        for path in paths:
            try:
                with opened(path) as extract:
                    answer = _send(client, path.name, extract, is_much_smaller=is_much_smaller)
            except BadFile as bad:
                print(bad)
                all_taken = False
                continue
            if answer.is_success:
                _print_taken(client, path, answer.json())
            else:
                all_taken = False
                print(f"{path} : refusé ; ce qui était là reste")
                print("\n".join(_refusal(answer)))
    return all_taken


def _send(
    client: httpx.Client, name: str, extract: Extract, *, is_much_smaller: bool
) -> httpx.Response:
    query: dict[str, Any] = {"is_much_smaller": is_much_smaller}
    if extract.taken_on is not None:
        query["taken_on"] = str(extract.taken_on)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=extract.size)

        def sent() -> Iterator[bytes]:
            for chunk in chunks(extract.content):
                yield chunk
                progress.advance(bar, len(chunk))

        return client.put(f"/directory/extracts/{extract.kind}", params=query, content=sent())


def _print_taken(client: httpx.Client, path: Path, taken: dict[str, Any]) -> None:
    day = f" du {taken['taken_on']}" if taken["taken_on"] else ""
    print(
        f"{path}{day} : {taken['lines']} lignes, {taken['kept']} reprises, "
        f"{taken['passed_over']} sans objet ici, {taken['rejected']} en erreur"
    )
    for row in _in_error(client, taken["kind"]):
        print(f"  {_row(row)}")


def _in_error(client: httpx.Client, kind: str) -> Iterable[dict[str, Any]]:
    def ask(page: dict[str, Any]) -> Any:
        answer = client.get(f"/directory/extracts/{kind}/rejections", params=page)
        return answer.raise_for_status().json()

    return all_items(ask)


def _refusal(answer: httpx.Response) -> Iterator[str]:
    yield from told(answer)
    if answer.headers.get("content-type") == "application/problem+json":
        for row in answer.json().get("rows_in_error", ()):
            yield f"  {_row(row)}"


def _row(row: dict[str, Any]) -> str:
    what = f"{row['field']} " if row["field"] else ""
    return f"ligne {row['line']} : {what}{REASONS[row['reason']]}"
