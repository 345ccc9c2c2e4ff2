"""httpx clients with the official SDK's defaults: what code that was written for it makes and passes as `http_client=`.

The classes are made when somebody asks for them, from `httpx2` if that is installed, else from `httpx`: neither is a dependency.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..core.timeouts import DEFAULT_TIMEOUT

__all__ = [
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "DefaultHttpx2Client",
    "DefaultHttpxClient",
    "ProxiesTypes",
]

if TYPE_CHECKING:
    from httpx2 import URL, AsyncClient, Client, Proxy

    DefaultHttpxClient = Client
    DefaultAsyncHttpxClient = AsyncClient
    DefaultAioHttpClient = AsyncClient
    ProxiesTypes = str | Proxy | dict[str | URL, str | URL | Proxy | None]


def DefaultHttpx2Client(**kwargs: Any) -> Client:
    """An `httpx2.Client` with the official SDK's defaults for what is not given. Raises RuntimeError if it is not installed."""
    module = _module("httpx2")
    client: Client = module.Client(**_with_defaults(module, kwargs))
    return client


def DefaultAsyncHttpx2Client(**kwargs: Any) -> AsyncClient:
    """An `httpx2.AsyncClient` with the official SDK's defaults for what is not given. Raises RuntimeError if it is not installed."""
    module = _module("httpx2")
    client: AsyncClient = module.AsyncClient(**_with_defaults(module, kwargs))
    return client


def _module(*names: str) -> Any:
    for name in names:
        if find_spec(name) is not None:
            return import_module(name)
    raise RuntimeError(f"this needs the package {' or '.join(names)}, which oxide does without: pip install {names[0]}")


def _with_defaults(module: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The official SDK's timeout and limits, and redirects followed; values that were made for the other httpx are converted."""
    timeout = kwargs.get("timeout", DEFAULT_TIMEOUT)
    if all(hasattr(timeout, part) for part in ("connect", "read", "write", "pool")):
        timeout = module.Timeout(connect=timeout.connect, read=timeout.read, write=timeout.write, pool=timeout.pool)
    limits = kwargs.get("limits")
    names = ("max_connections", "max_keepalive_connections", "keepalive_expiry")
    if limits is None:
        limits = module.Limits(max_connections=1000, max_keepalive_connections=100)
    elif all(hasattr(limits, name) for name in names):
        limits = module.Limits(**{name: getattr(limits, name) for name in names})
    return {"follow_redirects": True, **kwargs, "timeout": timeout, "limits": limits}


def _make(name: str, packages: tuple[str, ...], base: str, doc: str) -> type[Any]:
    try:
        module = _module(*packages)
    except RuntimeError as error:
        message = str(error)

        def refuse(self: Any, **kwargs: Any) -> None:
            raise RuntimeError(f"{name}: {message}")

        return type(name, (), {"__init__": refuse, "__doc__": doc, "__module__": "oxide"})
    cls: type[Any] = getattr(module, base)
    # The one whose Timeout and Limits the client takes.
    library = sys.modules[
        next(c.__module__.partition(".")[0] for c in cls.__mro__ if c.__name__ in ("Client", "AsyncClient"))
    ]

    def initialize(self: Any, **kwargs: Any) -> None:
        cls.__init__(self, **_with_defaults(library, kwargs))

    return type(name, (cls,), {"__init__": initialize, "__doc__": doc, "__module__": "oxide"})


_CLASSES = {
    "DefaultHttpxClient": (("httpx2", "httpx"), "Client", "An httpx client with the official SDK's defaults."),
    "DefaultAsyncHttpxClient": (
        ("httpx2", "httpx"),
        "AsyncClient",
        "An asynchronous httpx client with the official SDK's defaults.",
    ),
    "DefaultAioHttpClient": (
        ("httpx_aiohttp",),
        "HttpxAiohttpClient",
        "An httpx client whose transport is aiohttp, with the official SDK's defaults.",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _CLASSES:
        value: Any = _make(name, *_CLASSES[name])
    elif name == "ProxiesTypes":
        from typing import Union

        module = _module("httpx2", "httpx")
        # For the type checker, what is made at runtime is no type.
        union: Any = Union
        mapping: Any = dict
        url, proxy = module.URL, module.Proxy
        value = union[str, proxy, mapping[union[str, url], union[str, url, proxy, None]]]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
