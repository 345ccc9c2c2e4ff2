"""Calling a function with many items at the same time: in tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anyio

__all__ = ["map_concurrently"]


async def map_concurrently(function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> list[Any]:
    """What the coroutine function returns for each item, in their order.

    Args:
        function: called in tasks.
        items: drawn one by one in the calling task, as there is room.
        limit: how many calls there may be at the same time, at least 1.

    Raises:
        ValueError: the limit is less than 1.
        Exception: the first that the function or the items raised. No further call is begun then; those under way are
            cancelled.
    """
    if limit < 1:
        raise ValueError("the limit must be at least 1")
    results: dict[int, Any] = {}
    errors: list[Exception] = []
    async with anyio.create_task_group() as group:
        slots = anyio.Semaphore(limit)

        async def one(index: int, item: Any) -> None:
            try:
                results[index] = await function(item)
            except Exception as error:  # noqa: BLE001 (raised in the calling task)
                errors.append(error)
                group.cancel_scope.cancel()
            finally:
                slots.release()

        try:
            await slots.acquire()
            for index, item in enumerate(items):
                group.start_soon(one, index, item)
                await slots.acquire()
        except Exception as error:  # noqa: BLE001 (the items raised)
            errors.append(error)
            group.cancel_scope.cancel()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(results))]
