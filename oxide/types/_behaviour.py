"""What models can do beside holding data: mixins that the generator puts under the classes that have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Optional, TypeVar

__all__ = ["AgentSessionMessageBehaviour", "ParsedResponseBehaviour", "ResponseBehaviour"]

ContentType = TypeVar("ContentType")


def _texts(response: Any) -> Iterator[Any]:
    """The `output_text` parts of a response's messages. Items of unknown kinds may lack any attribute."""
    for item in response.output or ():
        if item.type == "message":
            for part in item.content or ():
                if part.type == "output_text":
                    yield part


class ResponseBehaviour:
    """For `oxide.types.responses.Response`."""

    __slots__ = ()

    @property
    def output_text(self) -> str:
        """The text of all `output_text` parts of all messages, joined; empty if there is none."""
        return "".join(part.text for part in _texts(self) if part.text is not None)


class ParsedResponseBehaviour(Generic[ContentType]):
    """For `oxide.types.responses.ParsedResponse`."""

    __slots__ = ()

    @property
    def output_parsed(self) -> Optional[ContentType]:
        """The first `output_text` part that has been parsed, as the object it was parsed to; `None` if there is none."""
        for part in _texts(self):
            parsed: Optional[ContentType] = getattr(part, "parsed", None)
            if parsed:
                return parsed
        return None


class AgentSessionMessageBehaviour:
    """For `oxide.types.beta.AgentSessionMessage`."""

    __slots__ = ()

    content: Any

    @property
    def output_text(self) -> str:
        """The text of all `output_text` parts, joined; empty if there is none."""
        parts = (part for part in self.content or () if part.type == "output_text")
        return "".join(part.text for part in parts if part.text is not None)
