"""oxide: an OpenAI client that adds almost nothing to the time a call takes, for sync code, asyncio and trio.

    from oxide import OpenAI

    client = OpenAI()
    response = client.responses.create(model="gpt-5", input="Say hi")
    print(response.output_text)

Names, parameters and types are those of the official SDK. Nothing is imported before it is used: `import oxide` only
makes the names below known.

The module itself is a client, too, configured by its attributes: set `oxide.api_key` (or `OPENAI_API_KEY`), and call
`oxide.responses.create(...)`.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from typing import TYPE_CHECKING, Any

from ._lazy import lazy as _lazy
from ._version import __title__, __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from . import hooks, otel, pagination, resources, tools, types
    from ._client import AsyncClient, AsyncOpenAI, Client, OpenAI
    from ._files import file_from_path
    from ._module_client import (
        admin,
        audio,
        batches,
        beta,
        chat,
        completions,
        containers,
        content_provenance_checks,
        conversations,
        decisions,
        embeddings,
        evals,
        files,
        fine_tuning,
        images,
        live,
        models,
        moderations,
        realtime,
        responses,
        safety,
        skills,
        uploads,
        vector_stores,
        videos,
        webhooks,
    )
    from ._response import APIResponse, AsyncAPIResponse, HttpxBinaryResponseContent
    from ._types import RequestOptions
    from .adapters.defaults import (
        DefaultAioHttpClient,
        DefaultAsyncHttpx2Client,
        DefaultAsyncHttpxClient,
        DefaultHttpx2Client,
        DefaultHttpxClient,
        ProxiesTypes,
    )
    from .adapters.mock import AsyncMockTransport, MockTransport
    from .core.azure import AzureConfig
    from .core.budget import Budget
    from .core.codec import BaseModel
    from .core.config import ClientConfig, DataResidency
    from .core.errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConflictError,
        ConnectError,
        ConnectTimeout,
        ContentFilterFinishReasonError,
        InternalServerError,
        InvalidWebhookSignatureError,
        LengthFinishReasonError,
        NotFoundError,
        OAuthError,
        OpenAIError,
        PermissionDeniedError,
        PoolTimeout,
        ProtocolError,
        ProxyError,
        RateLimitError,
        ReadError,
        ReadTimeout,
        ResponseNotCompletedError,
        StreamEndedError,
        StreamOrderError,
        StructuredOutputError,
        TotalTimeout,
        TransportError,
        TransportTimeout,
        UnprocessableEntityError,
        WebSocketConnectionClosedError,
        WebSocketQueueFullError,
        WriteError,
        WriteTimeout,
    )
    from .core.function_tools import pydantic_function_tool, pydantic_responses_function_tool
    from .core.headers import Headers
    from .core.hooks import Hooks
    from .core.http import Body, RateLimit, Request, Response
    from .core.http2_options import HTTP2
    from .core.proxies import Proxy
    from .core.retry import DEFAULT_MAX_RETRIES, RetryPolicy
    from .core.secrets import pickle_secrets
    from .core.sentinels import NOT_GIVEN, NotGiven, Omit, not_given, omit
    from .core.timeouts import DEFAULT_TIMEOUT, Timeout
    from .core.tools.tool import openai_tool
    from .core.transport import AsyncTransport, Transport
    from .core.url import URL
    from .core.ws_router import (
        ResponsesWebSocketBufferError,
        ResponsesWebSocketError,
        ResponsesWebSocketLimits,
    )
    from .hedging import Hedge, hedged_request, hedged_request_n, speculative
    from .io.aio.transport import AsyncHTTPTransport
    from .io.pool import DEFAULT_CONNECTION_LIMITS, Limits
    from .io.sync.transport import HTTPTransport
    from .io.web.blocking import FetchTransport
    from .io.web.transport import AsyncFetchTransport
    from .lib.azure import AsyncAzureOpenAI, AzureOpenAI
    from .lib.bedrock import AsyncBedrockOpenAI, BedrockOpenAI
    from .lib.computer import AsyncComputerDriver, AsyncComputerToolset, ComputerDriver, ComputerToolset
    from .lib.streaming import AssistantEventHandler, AsyncAssistantEventHandler
    from .limiting import RateLimiter
    from .sessions import AsyncResponseEvents, AsyncWsLane, AsyncWsSession, ResponseEvents, WsLane, WsSession
    from .streaming import AsyncStream, Stream
    from .types.websocket_reconnection import ReconnectingEvent, ReconnectingOverrides
    from .ws_pool import AsyncWsPool, WsPool

NoneType = type(None)
VERSION = __version__

# --- the module as a client: its settings -----------------------------------------------------------------------------

api_key: str | Callable[[], str] | None = None
admin_api_key: str | None = None
organization: str | None = None
project: str | None = None
webhook_secret: str | None = None
base_url: str | URL | None = None
timeout: float | Timeout | NotGiven | None
max_retries: int = 2
default_headers: Mapping[str, str] | None = None
default_query: Mapping[str, object] | None = None
http_client: Transport | None = None
api_type: Literal["openai", "azure", "amazon-bedrock"] | None = _os.environ.get("OPENAI_API_TYPE")  # type: ignore[assignment]
api_version: str | None = _os.environ.get("OPENAI_API_VERSION")
azure_endpoint: str | None = _os.environ.get("AZURE_OPENAI_ENDPOINT")
azure_ad_token: str | None = None
azure_ad_token_provider: Callable[[], str] | None = None
bedrock_token_provider: Callable[[], str] | None = None

# --- where the names come from ----------------------------------------------------------------------------------------

_EXPORTS = {
    "_client": ("AsyncClient", "AsyncOpenAI", "Client", "OpenAI"),
    "_files": ("file_from_path",),
    "_response": ("APIResponse", "AsyncAPIResponse", "HttpxBinaryResponseContent"),
    "_types": ("RequestOptions",),
    "core.azure": ("AzureConfig",),
    "adapters.defaults": (
        "DefaultAioHttpClient",
        "DefaultAsyncHttpx2Client",
        "DefaultAsyncHttpxClient",
        "DefaultHttpx2Client",
        "DefaultHttpxClient",
        "ProxiesTypes",
    ),
    "adapters.mock": ("AsyncMockTransport", "MockTransport"),
    "core.codec": ("BaseModel",),
    "core.config": ("ClientConfig", "DataResidency"),
    "core.errors": (
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "ConnectError",
        "ConnectTimeout",
        "ContentFilterFinishReasonError",
        "InternalServerError",
        "InvalidWebhookSignatureError",
        "LengthFinishReasonError",
        "NotFoundError",
        "OAuthError",
        "OpenAIError",
        "PermissionDeniedError",
        "PoolTimeout",
        "ProtocolError",
        "ProxyError",
        "RateLimitError",
        "ReadError",
        "ReadTimeout",
        "ResponseNotCompletedError",
        "StreamEndedError",
        "StreamOrderError",
        "StructuredOutputError",
        "TotalTimeout",
        "TransportError",
        "TransportTimeout",
        "UnprocessableEntityError",
        "WebSocketConnectionClosedError",
        "WebSocketQueueFullError",
        "WriteError",
        "WriteTimeout",
    ),
    "core.function_tools": ("pydantic_function_tool", "pydantic_responses_function_tool"),
    "core.headers": ("Headers",),
    "core.hooks": ("Hooks",),
    "hedging": ("Hedge", "hedged_request", "hedged_request_n", "speculative"),
    "core.http": ("Body", "RateLimit", "Request", "Response"),
    "core.proxies": ("Proxy",),
    "core.budget": ("Budget",),
    "core.retry": ("DEFAULT_MAX_RETRIES", "RetryPolicy"),
    "core.secrets": ("pickle_secrets",),
    "core.sentinels": ("NOT_GIVEN", "NotGiven", "Omit", "not_given", "omit"),
    "core.timeouts": ("DEFAULT_TIMEOUT", "Timeout"),
    "core.tools.tool": ("openai_tool",),
    "core.transport": ("AsyncTransport", "Transport"),
    "core.url": ("URL",),
    "io.aio.transport": ("AsyncHTTPTransport",),
    "core.http2_options": ("HTTP2",),
    "io.pool": ("DEFAULT_CONNECTION_LIMITS", "Limits"),
    "io.sync.transport": ("HTTPTransport",),
    "io.web.blocking": ("FetchTransport",),
    "io.web.transport": ("AsyncFetchTransport",),
    "lib.azure": ("AsyncAzureOpenAI", "AzureOpenAI"),
    "lib.bedrock": ("AsyncBedrockOpenAI", "BedrockOpenAI"),
    "lib.streaming": ("AssistantEventHandler", "AsyncAssistantEventHandler"),
    "lib.computer": ("AsyncComputerDriver", "AsyncComputerToolset", "ComputerDriver", "ComputerToolset"),
    "limiting": ("RateLimiter",),
    "streaming": ("AsyncStream", "Stream"),
    "core.ws_router": (
        "ResponsesWebSocketBufferError",
        "ResponsesWebSocketError",
        "ResponsesWebSocketLimits",
    ),
    "sessions": (
        "AsyncResponseEvents",
        "AsyncWsLane",
        "AsyncWsSession",
        "ResponseEvents",
        "WsLane",
        "WsSession",
    ),
    "ws_pool": ("AsyncWsPool", "WsPool"),
    "_module_client": (
        "admin",
        "audio",
        "batches",
        "beta",
        "chat",
        "completions",
        "containers",
        "content_provenance_checks",
        "conversations",
        "decisions",
        "embeddings",
        "evals",
        "files",
        "fine_tuning",
        "images",
        "live",
        "models",
        "moderations",
        "realtime",
        "responses",
        "safety",
        "skills",
        "uploads",
        "vector_stores",
        "videos",
        "webhooks",
    ),
    "types.websocket_reconnection": ("ReconnectingEvent", "ReconnectingOverrides"),
}
_places = {name: module for module, names in _EXPORTS.items() for name in names}
if _sys.platform == "emscripten":
    # No sockets there: the transports are those on `fetch`, which know the same settings, and say so where one can't be had.
    from .io.web import PLACES as _WEB_PLACES

    _places.update(_WEB_PLACES)
_get, __dir__, _ = _lazy(__name__, _places)

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "HTTP2",
    "NOT_GIVEN",
    "URL",
    "VERSION",
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AssistantEventHandler",
    "AsyncAPIResponse",
    "AsyncAssistantEventHandler",
    "AsyncAzureOpenAI",
    "AsyncBedrockOpenAI",
    "AsyncClient",
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "AsyncFetchTransport",
    "AsyncHTTPTransport",
    "AsyncMockTransport",
    "AsyncOpenAI",
    "AsyncResponseEvents",
    "AsyncStream",
    "AsyncTransport",
    "AsyncWsLane",
    "AsyncWsPool",
    "AsyncWsSession",
    "AuthenticationError",
    "AzureConfig",
    "AzureOpenAI",
    "BadRequestError",
    "BaseModel",
    "BedrockOpenAI",
    "Body",
    "Budget",
    "Client",
    "ClientConfig",
    "ComputerDriver",
    "ComputerToolset",
    "ConflictError",
    "ConnectError",
    "ConnectTimeout",
    "ContentFilterFinishReasonError",
    "DataResidency",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "DefaultHttpx2Client",
    "DefaultHttpxClient",
    "FetchTransport",
    "HTTPTransport",
    "Headers",
    "Hedge",
    "Hooks",
    "HttpxBinaryResponseContent",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "Limits",
    "MockTransport",
    "NoneType",
    "NotFoundError",
    "NotGiven",
    "OAuthError",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "PermissionDeniedError",
    "PoolTimeout",
    "ProtocolError",
    "ProxiesTypes",
    "Proxy",
    "ProxyError",
    "RateLimit",
    "RateLimitError",
    "RateLimiter",
    "ReadError",
    "ReadTimeout",
    "ReconnectingEvent",
    "ReconnectingOverrides",
    "Request",
    "RequestOptions",
    "Response",
    "ResponseEvents",
    "ResponseNotCompletedError",
    "ResponsesWebSocketBufferError",
    "ResponsesWebSocketError",
    "ResponsesWebSocketLimits",
    "RetryPolicy",
    "Stream",
    "StreamEndedError",
    "StreamOrderError",
    "StructuredOutputError",
    "Timeout",
    "TotalTimeout",
    "Transport",
    "TransportError",
    "TransportTimeout",
    "UnprocessableEntityError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "WriteError",
    "WriteTimeout",
    "WsLane",
    "WsPool",
    "WsSession",
    "__title__",
    "__version__",
    "admin",
    "audio",
    "batches",
    "beta",
    "chat",
    "completions",
    "containers",
    "content_provenance_checks",
    "conversations",
    "decisions",
    "embeddings",
    "evals",
    "file_from_path",
    "files",
    "fine_tuning",
    "hedged_request",
    "hedged_request_n",
    "hooks",
    "images",
    "live",
    "models",
    "moderations",
    "not_given",
    "omit",
    "openai_tool",
    "otel",
    "pagination",
    "pickle_secrets",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "realtime",
    "resources",
    "responses",
    "safety",
    "skills",
    "speculative",
    "tools",
    "types",
    "uploads",
    "vector_stores",
    "videos",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    # The default is not imported before somebody asks for it.
    return _get("DEFAULT_TIMEOUT" if name == "timeout" else name)


if "OPENAI_LOG" in _os.environ:
    from .core.logs import set_up as _set_up_logging

    _set_up_logging(_os.environ["OPENAI_LOG"])
