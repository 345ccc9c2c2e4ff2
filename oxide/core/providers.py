"""Other companies' platforms that speak OpenAI's protocol: what `OpenAI(provider=...)` takes."""

from __future__ import annotations

from typing import Any, Protocol

from .credentials import Credentials
from .errors import OpenAIError
from .url import URL

__all__ = ["Definition", "Provider", "check_provider", "set_up"]


class Definition(Protocol):
    """What a function like `oxide.providers.bedrock` was told."""

    @property
    def name(self) -> str:
        """The function's name."""

    def set_up(self) -> tuple[URL, Credentials]:
        """Where the API is, and what authorises the requests of one client and its copies. Raises OpenAIError."""


class Provider:
    """A platform with the means to be authorised there. What these are is not to be seen; make one with `oxide.providers`."""

    __slots__ = ("_definition",)

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def __getstate__(self) -> Any:
        from .secrets import check_carried

        check_carried("a provider")
        return None, {"_definition": self._definition}

    def __copy__(self) -> Provider:
        return self

    def __deepcopy__(self, memo: Any) -> Provider:
        return self

    @property
    def name(self) -> str:
        """Whose platform it is, such as `bedrock`."""
        return self._definition.name

    def __repr__(self) -> str:
        return f"<Provider {self._definition.name}>"


def check_provider(provider: Any, **others: Any) -> None:
    """Refuse what is no provider, and arguments that say the same as one does. Raises OpenAIError."""
    if not isinstance(provider, Provider):
        raise OpenAIError(
            f"provider must come from a function of oxide.providers, such as bedrock(), not {type(provider).__name__}"
        )
    conflicts = [name for name, value in others.items() if value is not None]
    if conflicts:
        raise OpenAIError(
            f"pass either provider or {', '.join(conflicts)}, not both: how to authorise and where to is told to"
            f" {provider._definition.name}(...)"
        )


def set_up(provider: Provider) -> tuple[URL, Credentials]:
    """Where the API is, and what authorises requests. Raises OpenAIError."""
    return provider._definition.set_up()
