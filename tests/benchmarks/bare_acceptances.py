"""P7's baseline, bare asyncpg: the statements that an acceptance executes, and nothing else.

They were written down while the service carried the same orders out: each order is one transaction
of the same statements with the same arguments. The number of connections, what a connection does
between uses, the event loop and the collector's threshold are the service's. First at a rate (an
open loop, Poisson; latency counts from the instants drawn), then as fast as it goes. One process:

    python -m tests.benchmarks.bare_acceptances URL TRANSACTIONS RATED RATE SEED CONCURRENCY ANSWER
"""

import asyncio
import gc
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from tests.benchmarks.bare_loop import GC_THRESHOLD, replay
from tests.benchmarks.pacing import all_when_due

POOL_SIZE = 10


class Measured(msgspec.Struct, kw_only=True):
    """Latencies at the rate, and orders a second at saturation."""

    milliseconds: list[float]
    per_second: float


async def keep(_connection: Any) -> None:
    """Nothing to reset between uses."""


async def at_rate(pool: Any, orders: list[Any], rate: float, seed: int) -> list[float]:
    """Milliseconds of each order from when it was due."""
    latencies = [0.0] * len(orders)

    async def carry_out(number: int, due_at: float) -> None:
        async with pool.acquire() as connection:
            await replay(connection, orders[number])
        latencies[number] = 1000 * (time.time() - due_at)

    await all_when_due(len(orders), rate, seed, carry_out)
    return latencies


async def saturating(pool: Any, orders: list[Any], concurrency: int) -> float:
    """Orders a second, so many at once."""
    left = iter(orders)

    async def carry_out() -> None:
        for statements in left:
            async with pool.acquire() as connection:
                await replay(connection, statements)

    begun = time.monotonic()
    await asyncio.gather(*(carry_out() for _ in range(concurrency)))
    return len(orders) / (time.monotonic() - begun)


async def main(
    url: str, orders: list[Any], rated: int, rate: float, seed: int, concurrency: int
) -> Measured:
    """Both measures on one database."""
    pool = await asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE, reset=keep)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    milliseconds = await at_rate(pool, orders[:rated], rate, seed)
    per_second = await saturating(pool, orders[rated:], concurrency)
    await pool.close()
    return Measured(milliseconds=milliseconds, per_second=per_second)


if __name__ == "__main__":
    url, transactions, rated, rate, seed, concurrency, answer = sys.argv[1:]
    orders = [statements for _, statements in pickle.loads(Path(transactions).read_bytes())]
    numbers = int(rated), float(rate), int(seed), int(concurrency)
    measured = uvloop.run(main(url, orders, *numbers))
    partial = Path(f"{answer}.partial")
    partial.write_bytes(msgspec.json.encode(measured))
    partial.rename(answer)
