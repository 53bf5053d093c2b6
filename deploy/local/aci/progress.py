"""The same work for many, several at once, under a bar that moves."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.aci.asking import OrderRefused

if TYPE_CHECKING:
    from types import FrameType

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

    What else goes wrong, Ctrl-C among it, begins nothing more, waits for what has begun, and is
    raised. The bar moves by the `size` of what is done, on a terminal: elsewhere there is none.
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
            with signals_held() as take_signals:
                doing = {threads.submit(work, item): number for number, item in enumerate(items)}
                for done in as_completed(doing):
                    take_signals()
                    try:
                        done.result()
                    except OrderRefused as refusal:
                        refused[doing[done]] = refusal
                    progress.advance(bar, size(items[doing[done]]))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return [(items[number], refused[number]) for number in sorted(refused)]


@contextmanager
def signals_held() -> Iterator[Callable[[], None]]:
    """In the block, what SIGINT and SIGTERM do waits until the block calls what it is given.

    An exception out of a signal may fall between a lock and its `with`, in the main thread: the
    lock is then never given back, and a thread that waits for it never ends.
    """
    came: list[tuple[int, FrameType | None]] = []

    def take() -> None:
        while came:
            number, frame = came.pop(0)
            before[number](number, frame)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        before = {one: handler for one, handler in handlers.items() if callable(handler)}
    for one in before:
        signal.signal(one, lambda number, frame: came.append((number, frame)))
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    take()
