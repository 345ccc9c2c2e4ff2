"""Running the flows of a race: in threads."""

from __future__ import annotations

import threading
from contextvars import copy_context
from time import monotonic
from typing import Any

from ...core.http import Request, Response
from ...core.race import Contest, Race
from ..abort import Abort, Aborted, GateSwitch
from .run import IO, run

__all__ = ["run_race"]


def run_race(race: Race, io: Any) -> tuple[int, Any]:
    """The place and the result of the first flow to return; see `core.race.Race`. The others are cancelled.

    Raises: what the first of them raised, where none returned.
    """
    contest = Contest(race)
    changed = threading.Condition()
    aborts: list[Abort] = []

    def one(place: int) -> None:
        try:
            value = run(race.flows[place](), RacingIO(io, aborts[place]))
        except Aborted:
            return
        except BaseException as error:  # noqa: BLE001 (the contest keeps it)
            with changed:
                contest.raised(error)
                changed.notify()
            return
        with changed:
            won = contest.returned(place, value)
            changed.notify()
        if not won:
            run(race.late(value), io)

    try:
        with changed:
            while not contest.over:
                while (place := contest.begin(monotonic())) is not None:
                    aborts.append(Abort())
                    # A thread that is stuck in a name look-up must not keep the program from ending.
                    threading.Thread(
                        target=copy_context().run, args=(one, place), name=f"oxide race {place}", daemon=True
                    ).start()
                if not contest.over:
                    changed.wait(contest.wait(monotonic()))
    finally:
        contest.over = True
        for place, abort in enumerate(aborts):
            if place != contest.winner:
                abort.abort()
    return contest.result()


class RacingTransport:
    """A transport whose requests end when their flow has lost."""

    __slots__ = ("_abort", "_transport")

    def __init__(self, transport: Any, abort: Abort) -> None:
        self._transport = transport
        self._abort = abort

    def send(self, request: Request, *, stream: bool) -> Response:
        request.abort = self._abort
        response: Response = self._abort.guard(self._transport.send, request, stream=stream)
        return response

    def close(self) -> None:
        raise NotImplementedError("a flow does not close the transport that it is run on")


class RacingIO(IO):
    """An `IO` whose commands end when their flow has lost."""

    __slots__ = ("_abort",)

    def __init__(self, io: IO, abort: Abort) -> None:
        super().__init__(RacingTransport(io.transport, abort))
        self._abort = abort

    def read(self, response: Response) -> bytes:
        return self._abort.guard(super().read, response)

    def read_some(self, response: Response) -> bytes:
        return self._abort.guard(super().read_some, response)

    def sleep(self, seconds: float) -> None:
        self._abort.sleep(seconds)

    def wait(self, gate: Any, seconds: float | None) -> bool:
        self._abort.attach(GateSwitch(gate))
        opened = super().wait(gate, seconds)
        self._abort.detach()
        self._abort.check()
        return opened
