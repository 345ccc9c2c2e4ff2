"""How many requests there may be beyond one for each call: extra ones of hedges, and retries."""

from __future__ import annotations

__all__ = ["Budget", "as_budget"]


class Budget:
    """A share of all calls, saved up to `burst`. The first extra request is there from the beginning.

    Args:
        share: extra requests per call, 0 to 1.
        burst: the most that can be saved, in requests.
        head_start: the calls whose share is there from the beginning, where that is more than one request.

    Raises:
        TypeError, ValueError: an argument is no number, or one outside of its range.
    """

    def __init__(self, share: float = 0.05, burst: float = 10.0, head_start: int = 0) -> None:
        self.share = _number("share", share)
        self.burst = _number("burst", burst)
        if not 0 <= share <= 1:
            raise ValueError(f"the budget's share must be from 0 to 1 extra requests per call, not {share!r}")
        if not burst >= 1:
            raise ValueError(f"the budget's burst must be at least 1 request, not {burst!r}")
        self._saved = min(max(head_start * share, 1.0), burst)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share!r}, burst={self.burst!r})"

    @property
    def scarcity(self) -> float:
        """0 as long as half of what can be saved is there, up to 1 for nothing left."""
        return max(1 - 2 * self._saved / self.burst, 0.0)

    def earn(self) -> None:
        """A call was made."""
        self._saved = min(self._saved + self.share, self.burst)

    def spend(self) -> bool:
        """Whether there may be one more request, which is taken off then."""
        # Rounding must not make twenty shares of a twentieth less than one.
        if self._saved < 1 - 1e-9:
            return False
        self._saved -= 1
        return True

    def give_back(self, part: float) -> None:
        """So much of an extra request is not counted, since it was worth it."""
        self._saved = min(self._saved + part, self.burst)


def as_budget(name: str, value: Budget | float | None, head_start: int = 0) -> Budget | None:
    """What the argument `name` says: a `Budget`, its share, or `None` for no bound. Raises as `Budget`."""
    if value is None or isinstance(value, Budget):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a Budget, a share from 0 to 1, or None, not {value!r}")
    return Budget(value, head_start=head_start)


def _number(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"the budget's {name} must be a number, not {value!r}")
    return value
