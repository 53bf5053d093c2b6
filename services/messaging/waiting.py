"""How long to wait when it is not the moment: 1, 2, 4 … seconds, up to a limit."""

import asyncio


class Backoff:
    """Waits longer after each failure in a row."""

    def __init__(self, seconds_max: int) -> None:
        self._seconds_max = seconds_max
        self._failures = 0

    def succeeded(self) -> None:
        """Start again from the shortest wait."""
        self._failures = 0

    async def wait(self) -> None:
        """Wait for 1, 2, 4 … seconds."""
        seconds = min(2**self._failures, self._seconds_max)
        self._failures += 1
        await asyncio.sleep(seconds)
