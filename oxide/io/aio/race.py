"""Running the flows of a race: in tasks."""

from __future__ import annotations

from time import monotonic
from typing import Any

import anyio

from ...core.race import Contest, Race
from .events import wait_event
from .run import run

__all__ = ["run_race"]


async def run_race(race: Race, io: Any) -> tuple[int, Any]:
    """The place and the result of the first flow to return; see `core.race.Race`. The others are cancelled.

    Raises: what the first of them raised, where none returned.
    """
    contest = Contest(race)
    ended = anyio.Event()

    async def one(place: int) -> None:
        nonlocal ended
        try:
            value = await run(race.flows[place](), io)
        except Exception as error:  # noqa: BLE001 (the contest keeps it)
            contest.raised(error)
        else:
            if not contest.returned(place, value):
                with anyio.CancelScope(shield=True):
                    await run(race.late(value), io)
        ended.set()

    async with anyio.create_task_group() as group:
        while not contest.over:
            ended = anyio.Event()
            while (place := contest.begin(monotonic())) is not None:
                group.start_soon(one, place)
            if contest.over:
                break
            await wait_event(ended, contest.wait(monotonic()))
        group.cancel_scope.cancel()
    return contest.result()
