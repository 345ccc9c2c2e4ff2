"""Who reads a connection that several calls share.

No thread and no task belongs to a connection: of the calls that wait for it, one reads, for all of them, until it has what it
waits for; then the turn goes to the next. The same with writing what the socket did not take at once.
"""

from __future__ import annotations

__all__ = ["Turn"]


class Turn:
    """One thing that one of the callers does for all. The caller holds the connection's lock around each method.

    Attributes:
        holder: whose turn it is. It may have been given the turn in its sleep.
    """

    __slots__ = ("_sleeping", "holder")

    def __init__(self) -> None:
        self.holder: object | None = None
        self._sleeping: dict[object, None] = {}

    def take(self, who: object) -> bool:
        """Take the turn, if nobody has it; whether it is ours. Who asks is not asleep."""
        self._sleeping.pop(who, None)
        if self.holder is None:
            self.holder = who
        return self.holder is who

    def sleep(self, who: object) -> None:
        """Be one of those whom the turn may go to."""
        self._sleeping[who] = None

    def leave(self, who: object) -> object | None:
        """Have no part in it any more. Returns who has the turn instead and is to be woken, if there is one."""
        self._sleeping.pop(who, None)
        if self.holder is not who:
            return None
        self.holder = next(iter(self._sleeping), None)
        return self.holder
