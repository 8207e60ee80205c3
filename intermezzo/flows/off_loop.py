"""Work on expressions, in threads of its own: it would hold up the event loop, and with it every other run."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import ParamSpec, TypeVar

from intermezzo.pipelines.cel_processes import PROCESSES

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something in a thread; returns what it returns."""
    loop = asyncio.get_running_loop()
    context = copy_context()
    return await loop.run_in_executor(_threads(), lambda: context.run(work, *args, **kwargs))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PROCESSES, thread_name_prefix="expressions")


os.register_at_fork(after_in_child=_threads.cache_clear)
