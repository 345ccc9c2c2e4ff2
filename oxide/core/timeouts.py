"""How long each part of a call may take."""

from __future__ import annotations

from typing import Any, Union

from .sentinels import NotGiven, not_given

__all__ = ["DEFAULT_TIMEOUT", "Timeout", "TimeoutTypes", "as_timeout"]

_PARTS = ("connect", "read", "write", "pool")


class Timeout:
    """Limits in seconds; `None` is no limit.

    Args:
        timeout: the default of `connect`, `read`, `write` and `pool`, or another `Timeout` (or anything with these
            attributes, such as `httpx.Timeout`) to take them from.
        connect: for the connection to be made, TLS included.
        read: the longest silence: between the request and the response, and between two pieces of it.
        write: the longest time in which the server takes in nothing of the request.
        pool: the wait for a free connection where the pool is at its limit.
        total: for the whole call: retries, the waits between them, and reading the response included. It has no
            default but `None`.

    Raises:
        ValueError: for a negative number or NaN.
        TypeError: for anything that is no number.
    """

    __slots__ = ("connect", "pool", "read", "total", "write")

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None
    total: float | None

    def __init__(
        self,
        timeout: Any = None,
        *,
        connect: float | NotGiven | None = not_given,
        read: float | NotGiven | None = not_given,
        write: float | NotGiven | None = not_given,
        pool: float | NotGiven | None = not_given,
        total: float | NotGiven | None = not_given,
    ) -> None:
        base: Any = timeout if hasattr(timeout, "connect") else None
        given = {"connect": connect, "read": read, "write": write, "pool": pool}
        for name in _PARTS:
            value: Any = given[name]
            if isinstance(value, NotGiven):
                value = getattr(base, name) if base is not None else timeout
            object.__setattr__(self, name, _seconds(name, value))
        if isinstance(total, NotGiven):
            total = getattr(base, "total", None)
        object.__setattr__(self, "total", _seconds("total", total))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Timeout is immutable: make a new one with {name}={value!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.connect, self.read, self.write, self.pool, self.total)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeout):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.connect, self.read, self.write, self.pool, self.total))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in (*_PARTS, "total"))
        return f"Timeout({values})"


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout {name!r} must be a number of seconds or None, not {value!r}")
    if not value >= 0:
        raise ValueError(f"timeout {name!r} must be at least 0 seconds, not {value!r}")
    # Clocks overflow at a few hundred years, and who writes infinity means no limit.
    return value if value < 1e9 else None


def _restore(
    connect: float | None, read: float | None, write: float | None, pool: float | None, total: float | None
) -> Timeout:
    return Timeout(connect=connect, read=read, write=write, pool=pool, total=total)


TimeoutTypes = Union[float, Timeout, None]

DEFAULT_TIMEOUT = Timeout(600, connect=5.0)
"""The official SDK's: ten minutes, and five seconds to connect."""


def as_timeout(value: Any) -> Timeout:
    """`value` as a `Timeout`: a number of seconds for every part but `total`, `None` for no limit at all."""
    return value if type(value) is Timeout else Timeout(value)
