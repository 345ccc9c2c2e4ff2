"""Nothing is left behind, as in the client's own tests."""

from ..client.conftest import _ends, _leaves_nothing

__all__ = ["_ends", "_leaves_nothing"]
