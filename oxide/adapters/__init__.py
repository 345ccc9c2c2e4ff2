"""Transports on other people's connections: an `httpx` or `httpx2` client, an `httpcore` pool, a function.

Passing one of the first three as `http_client=` is enough; `adapt` finds out what it is without importing anything.
"""

from __future__ import annotations

from typing import Any

__all__ = ["adapt"]

# By the package and the class: which library's calls it takes, and whether they are to be awaited.
_KNOWN = {
    **{(package, "Client"): ("httpx", False) for package in ("httpx", "httpx2")},
    **{(package, "AsyncClient"): ("httpx", True) for package in ("httpx", "httpx2")},
    **{(package, "ConnectionPool"): ("httpcore", False) for package in ("httpcore", "httpcore2")},
    **{(package, "AsyncConnectionPool"): ("httpcore", True) for package in ("httpcore", "httpcore2")},
}

_EXPECTED = {
    False: (
        "a synchronous transport (an object with send(request, *, stream) and close()), an httpx.Client or httpx2.Client,"
        " or an httpcore.ConnectionPool"
    ),
    True: (
        "an asynchronous transport (an object with async send(request, *, stream) and aclose()), an httpx.AsyncClient or"
        " httpx2.AsyncClient, or an httpcore.AsyncConnectionPool"
    ),
}


def adapt(http_client: Any, asynchronous: bool) -> Any:
    """The transport for what the user passed as `http_client`.

    Raises:
        TypeError: it is neither a transport nor something that can be made one, or is for the other kind of client.
    """
    known = next(
        (
            found
            for cls in type(http_client).__mro__
            if (found := _KNOWN.get((cls.__module__.partition(".")[0], cls.__name__))) is not None
        ),
        None,
    )
    if known is not None:
        library, is_asynchronous = known
        if is_asynchronous == asynchronous:
            return _adapter(library, http_client, asynchronous)
    else:
        from ..core.transport import AsyncTransport, Transport

        # A class has its methods, too.
        if isinstance(http_client, AsyncTransport if asynchronous else Transport) and not isinstance(http_client, type):
            return http_client
    got = f"the class {http_client}" if isinstance(http_client, type) else type(http_client)
    raise TypeError(f"Invalid `http_client` argument; expected {_EXPECTED[asynchronous]}, but got {got}")


def _adapter(library: str, http_client: Any, asynchronous: bool) -> Any:
    if library == "httpx":
        from .httpx import HTTPX as Library
    else:
        from .httpcore import HTTPCore as Library  # type: ignore[assignment]
    if asynchronous:
        from .aio import AsyncAdapter

        return AsyncAdapter(Library(http_client))
    from .sync import Adapter

    return Adapter(Library(http_client))
