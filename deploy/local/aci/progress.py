"""The same work for many, several at once, under a bar that moves."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.aci.asking import OrderRefused

AT_ONCE = 4
Item = TypeVar("Item")


def for_each(
    items: Sequence[Item],
    work: Callable[[Item], object],
    label: str,
    *,
    size: Callable[[Item], int] = lambda _: 1,
) -> list[tuple[Item, OrderRefused]]:
    """Do a work for each item; answers those that were refused, in the items' order, and why.

    What else goes wrong, Ctrl-C among it, stops at once what has not begun, waits for what has, and
    is raised. The bar moves by the `size` of what is done, on a terminal: elsewhere there is none.
    """
    refused: dict[int, OrderRefused] = {}
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        bar = progress.add_task(label, total=sum(map(size, items)))
        try:
            doing = {threads.submit(work, item): number for number, item in enumerate(items)}
            for done in as_completed(doing):
                try:
                    done.result()
                except OrderRefused as refusal:
                    refused[doing[done]] = refusal
                progress.advance(bar, size(items[doing[done]]))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return [(items[number], refused[number]) for number in sorted(refused)]
