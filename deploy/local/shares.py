"""How many processes of each service an instance runs, and which départements each reads.

The first process of a service has its name; the others add their number: `payments-2`.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

from contracts.departements import UnknownDepartementError, parse_departements
from deploy.local.services import SERVICES

AT_MOST = 16
# By service, the départements of each of its processes, as `--departements` takes them; empty for
# those that no other process names. A service that is not there has one process, for all.
Shares = dict[str, list[str]]


def names_of(shares: Mapping[str, Sequence[str]], service: str) -> list[str]:
    """The names of a service's processes."""
    count = len(shares.get(service, ("",)))
    return [service, *(f"{service}-{number}" for number in range(2, count + 1))]


def all_names(shares: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names of the processes of all services, in the order in which these start."""
    return tuple(name for service in SERVICES for name in names_of(shares, service))


def service_of(name: str) -> str:
    """The service that a process is of."""
    return name.partition("-")[0]


def departements_of(shares: Mapping[str, Sequence[str]], name: str) -> str:
    """Which départements a process is for; empty for those that nobody names."""
    service = service_of(name)
    told = zip(names_of(shares, service), shares.get(service, ("",)), strict=True)
    return dict(told).get(name, "")


def changed(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[str]:
    """The processes that are for other départements after than before, those that go left out."""
    known = set(all_names(before))
    return [
        name
        for name in all_names(after)
        if name in known and departements_of(before, name) != departements_of(after, name)
    ]


def gone(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[str]:
    """The processes that there are no longer."""
    kept = set(all_names(after))
    return [name for name in all_names(before) if name not in kept]


def urls(shares: Mapping[str, Sequence[str]], url: Callable[[str], str]) -> dict[str, list[str]]:
    """The addresses of each service's processes, of which `url` tells one."""
    return {service: [url(name) for name in names_of(shares, service)] for service in SERVICES}


def asked(options: Iterable[tuple[str, list[str]]]) -> Shares:
    """What the options of a command ask for; of one service the last counts."""
    return dict(options)


def instances_option(told: str) -> tuple[str, list[str]]:
    """`payments=2`: two processes of payments, among which Kafka balances the départements."""
    service, value = _split(told)
    if not value.isdecimal() or not 1 <= int(value) <= AT_MOST:
        raise argparse.ArgumentTypeError(f"{told}: a number of processes, from 1 to {AT_MOST}")
    return service, [""] * int(value)


def departements_option(told: str) -> tuple[str, list[str]]:
    """`payments=01-48/49-989`: a process for each part, for the départements in it."""
    service, value = _split(told)
    parts = [part.strip() for part in value.split("/")]
    if len(parts) > AT_MOST:
        raise argparse.ArgumentTypeError(f"{told}: {AT_MOST} processes at most")
    for part in parts:
        try:
            parse_departements(part or "00")
        except UnknownDepartementError as error:
            raise argparse.ArgumentTypeError(f"{told}: {error}") from error
    return service, parts


def _split(told: str) -> tuple[str, str]:
    service, sign, value = told.partition("=")
    if not sign or service not in SERVICES:
        raise argparse.ArgumentTypeError(
            f"{told}: SERVICE=…, with one of {', '.join(SERVICES)} for SERVICE"
        )
    return service, value
