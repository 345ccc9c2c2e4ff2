"""`client.responses.parse`: a response whose text is an object of a type that the caller names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._resource import AsyncAPIResource, Operation, SyncAPIResource
from ..core.sentinels import Omit, omit

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Unpack

    from .._resource import CallOptions
    from ..types.responses.parsed_response import ParsedResponse
    from ..types.responses.response_create_params import ResponseCreateParamsNonStreaming

    class _Parse(ResponseCreateParamsNonStreaming, CallOptions, total=False):
        verbosity: Literal["low", "medium", "high"] | None


__all__ = ["AsyncResponsesHelpers", "ResponsesHelpers"]

T = TypeVar("T")


@cache
def _operation() -> Operation:
    # The resource imports this module, and most programs never parse.
    from ..core.parsing import parsing
    from ..resources.responses.responses import _CREATE

    return parsing(_CREATE, "oxide.core.parsing:ResponseParsing", "verbosity", "text_format", "parse_as")


def _arguments(text_format: Any, parse_as: Any, params: Any) -> dict[str, Any]:
    from ..core.parsing import response_arguments

    return response_arguments({**params, "text_format": text_format, "parse_as": parse_as})


class ResponsesHelpers(SyncAPIResource):
    """What `Responses` does beyond the request."""

    @overload
    def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: type[T], **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: None, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    @overload
    def parse(self, *, text_format: type[T], parse_as: Omit = omit, **params: Unpack[_Parse]) -> ParsedResponse[T]: ...

    @overload
    def parse(
        self, *, text_format: Mapping[str, Any], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[Any]: ...

    @overload
    def parse(
        self, *, text_format: Omit = omit, parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    def parse(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[_Parse],
    ) -> ParsedResponse[Any]:
        """Create a response, and read its text and the arguments of strict functions as objects.

        The text's object is `response.output_parsed` (`None` beside a refusal), that of a call's arguments its `parsed_arguments`.

        Args:
            text_format: a pydantic model or dataclass, a msgspec struct, dataclass, attrs class or TypedDict, whose strict schema
                is sent; or a JSON schema, for plain values.
            parse_as: what to read the text as, if that is not `text_format`; `None` for no object. Nothing is sent for it.
            params: those of `create`.

        Raises:
            TypeError: there is no strict schema for the type, or arguments exclude each other; or as `create`.
            LengthFinishReasonError, ContentFilterFinishReasonError: the text is not whole because the response is incomplete; the error has it.
            StructuredOutputError: the text is not JSON, or does not fit the type; the error has it.
            APIError: the request failed, after any retries.
        """
        result: ParsedResponse[Any] = self._client._call(_operation(), _arguments(text_format, parse_as, params))
        return result


class AsyncResponsesHelpers(AsyncAPIResource):
    """What `AsyncResponses` does beyond the request."""

    @overload
    async def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: type[T], **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    async def parse(
        self, *, text_format: type | Mapping[str, Any] | Omit = omit, parse_as: None, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    @overload
    async def parse(
        self, *, text_format: type[T], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[T]: ...

    @overload
    async def parse(
        self, *, text_format: Mapping[str, Any], parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[Any]: ...

    @overload
    async def parse(
        self, *, text_format: Omit = omit, parse_as: Omit = omit, **params: Unpack[_Parse]
    ) -> ParsedResponse[None]: ...

    async def parse(
        self,
        *,
        text_format: type | Mapping[str, Any] | Omit = omit,
        parse_as: type | Mapping[str, Any] | Omit | None = omit,
        **params: Unpack[_Parse],
    ) -> ParsedResponse[Any]:
        """Create a response, and read it as objects; see `Responses.parse`."""
        result: ParsedResponse[Any] = await self._client._call(_operation(), _arguments(text_format, parse_as, params))
        return result
