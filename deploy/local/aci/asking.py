"""Questions and orders to the services, in the name of the caisse, and what a refusal says."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from deploy.local.paging import all_items

TIMEOUT_SECONDS = 60
CAISSE = {"Acting-Role": "caisse"}
# What the bank cannot have said of an order, by the code that payments answers.
CONTRADICTIONS = {
    "unknown_order": "n'est pas de ce lot",
    "contradicts": "contredit ce que la banque a dit",
}
# The columns of a file of values, and what the service calls each.
VALUE_COLUMNS = {
    "cpts": "cpts_id",
    "finess": "finess",
    "annee_de_contrat": "contract_year_starts_on",
    "indicateur": "indicator",
    "valeur": "value",
    "vrai_le": "true_on",
    "retiree": "is_withdrawn",
}
HEAD_ROWS = 1  # a file has the names of its columns above what a service counts


class NoAnswer(Exception):  # noqa: N818  (a sentence about the world)
    """The service does not answer."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} ne répond pas : `just status` dit pourquoi")


class OrderRefused(Exception):  # noqa: N818  (a sentence about the world)
    """A service said no; the message is what it said, with everything that it found wrong."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__("\n".join(told(answer)))


def told(answer: httpx.Response) -> Iterator[str]:
    """What a refusal says, one line each: why, then every error that its problem lists."""
    try:
        problem = answer.json()
    except json.JSONDecodeError:
        problem = None
    if not isinstance(problem, dict):
        yield f"{answer.status_code} {answer.text}".strip()
        return
    detail = str(problem.get("detail") or problem.get("title") or answer.status_code)
    yield f"{detail} ({problem['reason']})" if problem.get("reason") else detail
    for error in problem.get("errors", ()):
        where = " ".join(part for part in (error["in"], error["field"]) if part)
        yield f"  {where} : {error['message']}"
    for row in problem.get("rows", ()):
        yield f"  rangée {row['row'] + HEAD_ROWS}{_columns(row)} : {row['detail']}"
    for line in problem.get("lines", ()):
        yield f"  {_bank_line(line)}"
    for account in problem.get("accounts", ()):
        yield f"  {account}"


def _columns(row: Mapping[str, Any]) -> str:
    names = {called: column for column, called in VALUE_COLUMNS.items()}
    columns = ", ".join(names.get(one, one) for one in row.get("columns", ()))
    return f" {columns}" if columns else ""


def _bank_line(line: int | dict[str, Any]) -> str:
    if isinstance(line, int):
        return f"ligne {line}"
    why = CONTRADICTIONS.get(line["reason"], line["reason"])
    return f"{line['order_id']} ({line['outcome']}) : {why}"


class Services:
    """The services by their addresses. Its methods may be called by several threads."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=CAISSE)

    def ask(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        """One question or order. Raises `OrderRefused`, or `NoAnswer`."""
        try:
            answer = self._client.request(method, self._urls[service] + path, **more)
        except httpx.TransportError as error:
            raise NoAnswer(service) from error
        if not answer.is_success:
            raise OrderRefused(answer)
        return answer

    def items(self, service: str, path: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """Every item of a question that is answered page by page; what is None is not asked."""
        known = {name: value for name, value in asked.items() if value is not None}
        yield from all_items(
            lambda page: self.ask(service, "GET", path, params=known | page).json()
        )
