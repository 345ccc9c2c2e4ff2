"""Access tokens for a workload identity, without a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.timeouts import DEFAULT_TIMEOUT
from ..core.url import URL
from ..core.workload import MAX_RETRIES, TOKEN_EXCHANGE_URL, SubjectToken

if TYPE_CHECKING:
    from .identities import WorkloadIdentity

__all__ = ["WorkloadIdentityAuth"]


class WorkloadIdentityAuth:
    """Gets access tokens and keeps them; a client does so by itself. Threads and tasks may share one.

    Args:
        workload_identity: who this is.
        token_exchange_url: where tokens are exchanged.
    """

    def __init__(self, *, workload_identity: WorkloadIdentity, token_exchange_url: str = TOKEN_EXCHANGE_URL) -> None:
        self.workload_identity = workload_identity
        self.token_exchange_url = token_exchange_url
        self._tokens = SubjectToken(workload_identity)

    def _flow(self) -> Any:
        self._tokens.url = URL(self.token_exchange_url)
        return self._tokens.get(DEFAULT_TIMEOUT, None, MAX_RETRIES)

    def get_token(self) -> str:
        """A token that works for now. Raises OpenAIError."""
        from .. import HTTPTransport
        from ..io.sync.run import IO, run

        transport = HTTPTransport()
        try:
            return run(self._flow(), IO(transport))  # type: ignore[no-any-return]
        finally:
            transport.close()

    async def get_token_async(self) -> str:
        """As `get_token`, on asyncio or trio."""
        from .. import AsyncHTTPTransport
        from ..io.aio.run import IO, run

        transport = AsyncHTTPTransport()
        try:
            return await run(self._flow(), IO(transport))  # type: ignore[no-any-return]
        finally:
            await transport.aclose()

    def invalidate_token(self, token: str | None = None) -> None:
        """Use this token no more; whichever it is, if none is named."""
        self._tokens.forget(token)
