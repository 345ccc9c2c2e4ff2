"""Calling a function with many items at the same time: in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any

__all__ = ["map_concurrently"]


def map_concurrently(function: Callable[[Any], Any], items: Iterable[Any], limit: int) -> list[Any]:
    """What the function returns for each item, in their order.

    Args:
        function: called in threads.
        items: drawn one by one in the calling thread, as there is room.
        limit: how many calls there may be at the same time, at least 1.

    Raises:
        ValueError: the limit is less than 1.
        Exception: the first that the function or the items raised. No further call is begun then; those under way are
            awaited.
    """
    results: dict[int, Any] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(limit) as pool:
        slots = Semaphore(limit)

        def one(index: int, item: Any) -> None:
            try:
                results[index] = function(item)
            except BaseException as error:  # noqa: BLE001 (raised in the calling thread)
                errors.append(error)
            finally:
                slots.release()

        slots.acquire()
        for index, item in enumerate(items):
            pool.submit(one, index, item)
            slots.acquire()
            if errors:
                break
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(results))]
