"""`client.chat.completions.parse`: a completion whose content is an object of a type that the caller names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, Operation, SyncAPIResource
from ..core.sentinels import Omit, omit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types.chat.parsed_chat_completion import ParsedChatCompletion
    from ._chat_params import ChatParams

__all__ = ["AsyncCompletionsHelpers", "CompletionsHelpers"]

T = TypeVar("T")


@cache
def _operation() -> Operation:
    # The resource imports this module, and most programs never parse.
    from ..core.parsing import parsing
    from ..resources.chat.completions.completions import _CREATE

    return parsing(_CREATE, "oxide.core.parsing:ChatParsing")


def _arguments(response_format: Any, params: Any) -> dict[str, Any]:
    from ..core.parsing import chat_arguments

    return chat_arguments({**params, "response_format": response_format})


class CompletionsHelpers(SyncAPIResource):
    """What `Completions` does beyond the request."""

    @overload
    def parse(self, *, response_format: type[T], **params: Unpack[ChatParams]) -> ParsedChatCompletion[T]: ...

    @overload
    def parse(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]: ...

    @overload
    def parse(self, *, response_format: Omit = omit, **params: Unpack[ChatParams]) -> ParsedChatCompletion[None]: ...

    def parse(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]:
        """Create a completion, and read its content and the arguments of strict functions as objects.

        The content's object is `message.parsed` (`None` beside a refusal), that of a function's arguments `function.parsed_arguments`.

        Args:
            response_format: a pydantic model or dataclass, a msgspec struct, dataclass, attrs class or TypedDict, whose strict schema
                is sent; or a JSON schema, for plain values. The API's own parameter is sent as it is, and nothing parsed.
            params: those of `create`; all tools have to be strict functions.

        Raises:
            TypeError: there is no strict schema for the type; or as `create`.
            ValueError: a tool is not a function, or not strict.
            LengthFinishReasonError, ContentFilterFinishReasonError: the completion was cut off; the error has it.
            StructuredOutputError: the text is not JSON, or does not fit the type; the error has it.
            APIError: the request failed, after any retries.
        """
        result: ParsedChatCompletion[Any] = self._client._call(_operation(), _arguments(response_format, params))
        return result


class AsyncCompletionsHelpers(AsyncAPIResource):
    """What `AsyncCompletions` does beyond the request."""

    @overload
    async def parse(self, *, response_format: type[T], **params: Unpack[ChatParams]) -> ParsedChatCompletion[T]: ...

    @overload
    async def parse(
        self, *, response_format: Mapping[str, Any], **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]: ...

    @overload
    async def parse(
        self, *, response_format: Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[None]: ...

    async def parse(
        self, *, response_format: type | Mapping[str, Any] | Omit = omit, **params: Unpack[ChatParams]
    ) -> ParsedChatCompletion[Any]:
        """Create a completion, and read it as objects; see `Completions.parse`."""
        result: ParsedChatCompletion[Any] = await self._client._call(_operation(), _arguments(response_format, params))
        return result
