"""The HTTP API alone in a process of its own, for a test to kill: its argument is the port."""

import asyncio
import sys

from intermezzo.server import listening
from intermezzo.store import open_store


async def main() -> None:
    """Serve until killed."""
    async with listening(open_store(), port=int(sys.argv[1])):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
