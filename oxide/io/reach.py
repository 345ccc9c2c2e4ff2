"""From a transport's arguments to the `Reach` of its network."""

from __future__ import annotations

import os

from ..core.dial import Reach
from ..core.proxies import Proxy, ProxyRules, environment_rules

__all__ = ["make_reach"]


def make_reach(
    proxy: str | Proxy | None,
    trust_env: bool,
    uds: str | os.PathLike[str] | None,
    local_address: str | None,
    server_hostname: str | None,
    max_expansion: float | None,
) -> Reach:
    """See `HTTPTransport`. Raises TypeError, ValueError."""
    if isinstance(proxy, str):
        proxy = Proxy(proxy)
    elif proxy is not None and not isinstance(proxy, Proxy):
        raise TypeError(f"proxy must be a URL or a Proxy, not {type(proxy).__name__}")
    if uds is not None:
        if proxy is not None:
            raise ValueError("pass either proxy or uds, not both")
        rules = ProxyRules({})
    elif proxy is not None:
        rules = ProxyRules({"all": proxy})
    else:
        rules = environment_rules() if trust_env else ProxyRules({})
    if max_expansion is not None and not max_expansion >= 1:
        raise ValueError(f"max_expansion must be at least 1, or None for no bound, not {max_expansion!r}")
    return Reach(rules, None if uds is None else os.fspath(uds), local_address, server_hostname, max_expansion)
