"""What a person sees while the season runs: per CPTS demands, appointments, doctors and euros.

A table that refreshes on a terminal (`rich`), plain lines elsewhere. Texts are French.
"""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import httpx
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from deploy.local.amounts import euros
from deploy.local.demo.cast import Cpts
from deploy.local.demo.chain import Chain
from deploy.local.demo.driver import Progress
from deploy.local.demo.play import Recovery
from deploy.local.demo.reader import Reader

PARIS = ZoneInfo("Europe/Paris")
TABLE_EVERY_SECONDS = 1.0
LINES_EVERY_SECONDS = 5.0

_DEMANDS = """
    select cpts_id, count(*) as demands from referral where cpts_id is not null group by cpts_id
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of one CPTS, over the contract years of the season."""

    name: str
    taille: int
    demands: int = 0
    appointments: int = 0
    doctors: int = 0
    cents: int = 0


LookNow = Callable[[], Awaitable[list[Row]]]


async def demands_by_cpts(chain: Chain) -> Counter[str]:
    """How many demands each CPTS was asked to take, whatever became of them."""
    rows = await chain.databases["referrals"].fetch(_DEMANDS)
    return Counter({row["cpts_id"]: row["demands"] for row in rows})


async def look(reader: Reader, cpts: Cpts, demands: int) -> Row:
    """The present figures and cents of a CPTS, beside its number of demands."""
    appointments = doctors = cents = 0
    years = [year.isoformat() for year in cpts.aci_years_of_season]
    try:
        async for figure in reader.items("indicators", f"/cpts/{cpts.cpts_id}/figures"):
            if figure["contract_year_starts_on"] not in years:
                continue
            if figure["indicator"] == "sas_demandes_avec_rdv":
                appointments += figure["value"]
            elif figure["indicator"] == "sas_medecins_participants":
                doctors = max(doctors, figure["value"])
        funding = await reader.get("payments", f"/cpts/{cpts.cpts_id}/funding")
        cents = sum(one["variable_cents"] for one in funding["contract_years"])
    except (httpx.HTTPError, KeyError):
        pass  # a service is away, or does not know the CPTS yet: shown as far as known
    return Row(
        name=f"{cpts.departement} {cpts.cpts_name}",
        taille=cpts.taille,
        demands=demands,
        appointments=appointments,
        doctors=doctors,
        cents=cents,
    )


def headline(progress: Progress, recovery: Recovery) -> str:
    """How far the season is, and what became of the killed service."""
    day = f"{progress.instant.astimezone(PARIS):%d/%m/%Y}" if progress.instant else "—"
    text = f"{day} · {progress.answered}/{progress.total} ordres"
    if recovery.killed is None:
        return text
    if not recovery.seconds:
        return f"{text} · {recovery.killed.service} tué, redémarre"
    return f"{text} · {recovery.killed.service} tué, revenu en {recovery.seconds:.1f} s"


def table(rows: Sequence[Row], before: Mapping[str, int], title: str) -> Table:
    """The live table; an arrow shows which way the euros just moved."""
    made = Table(title=title, expand=False)
    made.add_column("CPTS")
    for name in ("Taille", "Demandes", "Rendez-vous", "Médecins", "Part variable", ""):
        made.add_column(name, justify="right")
    for row in rows:
        moved = row.cents - before.get(row.name, row.cents)
        arrow = f"[green]▲ {euros(moved)}[/]" if moved > 0 else f"[red]▼ {euros(-moved)}[/]"
        made.add_row(
            row.name,
            f"T{row.taille}",
            str(row.demands),
            str(row.appointments),
            str(row.doctors),
            euros(row.cents),
            arrow if moved else "",
        )
    made.add_section()
    total = sum(row.cents for row in rows)
    made.add_row("Total", "", str(sum(row.demands for row in rows)), "", "", euros(total), "")
    return made


def line(row: Row) -> str:
    """One CPTS as a plain line."""
    return (
        f"  {row.name} (T{row.taille}) : {row.demands} demandes, {row.appointments} rendez-vous, "
        f"{row.doctors} médecins, {euros(row.cents)}"
    )


def watcher(
    cast: Sequence[Cpts], urls: Mapping[str, str]
) -> Callable[[Chain, Progress, Recovery], "asyncio.Task[None]"]:
    """What starts the view beside a run; cancelled at its end."""

    def start(chain: Chain, progress: Progress, recovery: Recovery) -> "asyncio.Task[None]":
        show = _table if sys.stdout.isatty() else _lines

        async def view() -> None:
            async with Reader(urls) as reader:
                await show(lambda: _rows(chain, reader, cast), progress, recovery)

        return asyncio.create_task(view())

    return start


async def _rows(chain: Chain, reader: Reader, cast: Sequence[Cpts]) -> list[Row]:
    demands = await demands_by_cpts(chain)
    return list(await asyncio.gather(*(look(reader, cpts, demands[cpts.cpts_id]) for cpts in cast)))


async def _table(look_now: LookNow, progress: Progress, recovery: Recovery) -> None:
    before: dict[str, int] = {}
    with Live(console=Console(), auto_refresh=False) as live:
        is_last = False
        while not is_last:
            is_last = progress.is_over.is_set()
            rows = await look_now()
            live.update(table(rows, before, headline(progress, recovery)), refresh=True)
            before = {row.name: row.cents for row in rows}
            await _pause(progress, TABLE_EVERY_SECONDS)


async def _lines(look_now: LookNow, progress: Progress, recovery: Recovery) -> None:
    """The headline, then each CPTS of which something changed."""
    before: dict[str, Row] = {}
    is_last = False
    while not is_last:
        await _pause(progress, LINES_EVERY_SECONDS)
        is_last = progress.is_over.is_set()
        rows = await look_now()
        changed = [line(row) for row in rows if before.get(row.name) != row]
        print("\n".join((headline(progress, recovery), *changed)), flush=True)
        before = {row.name: row for row in rows}


async def _pause(progress: Progress, seconds: float) -> None:
    """Wait that long, or until the season is over."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(progress.is_over.wait(), seconds)
