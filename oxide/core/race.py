"""Several flows for one result: the first that returns wins, the others are cancelled.

`Contest` decides who starts when and who has won; a shell runs the flows of a `Race` beside one another and tells it
what became of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .flow import Flow

__all__ = ["Contest", "Race"]


class Race:
    """Run flows at the same time; the result is that of the first to return, and its place among them.

    Args:
        flows: made one by one, each when its turn comes.
        delays: seconds after the beginning of the one before at which each of the others begins. One that ended in an
            error makes the next one begin at once only if `on_error` says so.
        may_begin: asked before any but the first begins; where it says no, the race goes on with those that run.
        on_error: whether an error makes the next one begin, or is where the race ends if nobody else runs.
        late: is called with the result of one that came in after the winner; it must not wait.

    Raises (where it is yielded): what the first of them raised, where none returned.
    """

    __slots__ = ("delays", "flows", "late", "may_begin", "on_error")

    def __init__(
        self,
        flows: Sequence[Callable[[], Flow[Any]]],
        delays: Sequence[float],
        *,
        may_begin: Callable[[], bool] = lambda: True,
        on_error: bool = True,
        late: Callable[[Any], Flow[None]],
    ) -> None:
        self.flows = flows
        self.delays = delays
        self.may_begin = may_begin
        self.on_error = on_error
        self.late = late

    def perform(self, io: Any) -> Any:
        return io.race(self)


class Contest:
    """The books of one race. No clock and no waiting: times are given in, in seconds of any clock that only goes forward.

    Attributes:
        over: whether it is decided; what runs is to be cancelled then.
        winner: the place of the one that won, `None` where none did.
    """

    __slots__ = ("_errors", "_last", "_next", "_race", "_running", "_value", "over", "winner")

    def __init__(self, race: Race) -> None:
        self._race = race
        self._next = 0
        self._last = 0.0
        self._running = 0
        self._errors: list[BaseException] = []
        self._value: Any = None
        self.winner: int | None = None
        self.over = False

    def begin(self, now: float) -> int | None:
        """The place of one that is to begin now, if there is one; it counts as running from here on."""
        if self.over or self._next >= len(self._race.flows):
            return None
        due = self._due()
        if due is not None and now < due:
            return None
        place = self._next
        if place and not self._race.may_begin():
            # Nobody else begins, either.
            self._next = len(self._race.flows)
            self._settle()
            return None
        self._next += 1
        self._last = now
        self._running += 1
        return place

    def _due(self) -> float | None:
        """When the next one begins; `None` for at once."""
        if self._next == 0 or (self._running == 0 and self._errors):
            return None
        return self._last + self._race.delays[self._next - 1]

    def wait(self, now: float) -> float | None:
        """Seconds until the next one is to begin; `None` where nobody is left to begin."""
        if self.over or self._next >= len(self._race.flows):
            return None
        due = self._due()
        return 0.0 if due is None else max(due - now, 0.0)

    def returned(self, place: int, value: Any) -> bool:
        """One came to its end with a result. Whether it has won; if not, its result is to be given up."""
        self._running -= 1
        if self.over:
            return False
        self.over = True
        self.winner = place
        self._value = value
        return True

    def raised(self, error: BaseException) -> None:
        """One came to its end in an error."""
        self._running -= 1
        if self.over:
            return
        self._errors.append(error)
        if not self._race.on_error:
            self._next = len(self._race.flows)
        self._settle()

    def _settle(self) -> None:
        self.over = self._running == 0 and self._next >= len(self._race.flows)

    def result(self) -> tuple[int, Any]:
        """The winner's place and result; raises the first error where there is no winner."""
        if self.winner is None:
            raise self._errors[0]
        return self.winner, self._value
