"""Slow calls get a second request: `hedged_request`, `hedged_request_n` and `speculative`.

A client can hedge all its calls (`OpenAI(hedge=True)`, `client.with_options(hedge=Hedge(...))`); these functions are for single ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import iscoroutine
from typing import Any
from weakref import WeakKeyDictionary

from .core.call import perform
from .core.hedge import Hedge, first_of

__all__ = ["Hedge", "hedged_request", "hedged_request_n", "speculative"]

# What was learned about the calls of a transport, for clients that have no hedge of their own.
_learned: WeakKeyDictionary[Any, dict[int, Hedge]] = WeakKeyDictionary()


def hedged_request(target: Any, /, *, hedge_delay: float | None = None, **params: Any) -> Any:
    """Make a call, and a second time if the first request is slow; the first answer counts, the other request is cancelled.

    Args:
        target: a client, for `client.responses.create`; or a method of one, such as `client.chat.completions.create`.
        hedge_delay: seconds after which the second request goes out. `None` for the 95th percentile of the calls of that kind that
            were made in this way, for 5 % of them; until five are known there is one request only.
        params: those of the method.

    Returns: what the method does; to be awaited where it is one of `AsyncOpenAI`.

    Raises: what the method does. `TypeError` if `target` is neither a client nor a method of one.
    """
    return hedged_request_n(target, 2, hedge_delay=hedge_delay, **params)


def hedged_request_n(target: Any, n: int, /, *, hedge_delay: float | None = None, **params: Any) -> Any:
    """The same with up to `n` requests, each `hedge_delay` after the one before. Raises ValueError for less than 2."""
    client, resource, name = _method(target)
    if hedge_delay is None:
        hedge = _learned.setdefault(client._transport, {}).setdefault(n, Hedge(requests=n))
    else:
        # Who says when to ask again is to have it.
        hedge = Hedge(hedge_delay, requests=n, budget=None)
    return getattr(type(resource)(client.with_options(hedge=hedge)), name)(**params)


def speculative(target: Any, /, *requests: Mapping[str, Any], stagger: float = 0.0, **params: Any) -> Any:
    """Make several different calls at once, such as with a fast and with a careful model, and take the first good answer.

    Args:
        target: a client or a method, as for `hedged_request`.
        requests: what each call has of its own.
        stagger: seconds between the beginnings of two calls. One that fails has the next begin at once.
        params: what they have in common.

    Returns: what the method does for the call that won; the others are cancelled.

    Raises: what the first call raised, if none gave an answer. ValueError without requests.
    """
    if not requests:
        raise ValueError("speculative needs the parameters of at least one request")
    if stagger < 0:
        raise ValueError(f"stagger must be seconds, at least 0, not {stagger!r}")
    client, resource, name = _method(target)
    recorder = _AsyncRecorder(client) if client._asynchronous else _Recorder(client)
    method = getattr(type(resource)(recorder), name)
    calls = [_at_once(method(**{**params, **request})) for request in requests]
    flow = first_of(calls, stagger, perform)
    if client._asynchronous:
        return _result(client, flow)
    return client._told(*client._run(flow, client._io))


async def _result(client: Any, flow: Any) -> Any:
    return client._told(*await client._run(flow, client._io))


def _method(target: Any) -> tuple[Any, Any, str]:
    """The client, the resource and the name of a method."""
    resource, name = getattr(target, "__self__", None), getattr(target, "__name__", "")
    if resource is None:
        resource, name = getattr(target, "responses", None), "create"
    client = getattr(resource, "_client", None)
    if client is None or not hasattr(client, "_builder"):
        raise TypeError(f"expected a client or one of its methods, such as client.responses.create, not {target!r}")
    return client, resource, name


class _Recorder:
    """Stands where a method has its client, and gives what would be called."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def _call(self, operation: Any, params: Mapping[str, Any], *path_values: Any) -> Any:
        return self._client._builder.operation(operation, params, path_values)


class _AsyncRecorder(_Recorder):
    async def _call(self, operation: Any, params: Mapping[str, Any], *path_values: Any) -> Any:
        return super()._call(operation, params, *path_values)


def _at_once(value: Any) -> Any:
    """What a coroutine returns that has nothing to wait for; anything else as it is."""
    if not iscoroutine(value):
        return value
    try:
        value.send(None)
    except StopIteration as end:
        return end.value
    raise TypeError("speculative takes methods that make one request each")
