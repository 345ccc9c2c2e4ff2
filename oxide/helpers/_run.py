"""Running a flow with a client's means."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .._client import AsyncOpenAI, OpenAI
    from ..core.flow import Flow

__all__ = ["arun", "run"]

T = TypeVar("T")


def run(client: OpenAI, flow: Flow[T]) -> T:
    """Run a flow to its end, and return what it does."""
    result: T = client._run(flow, client._io)
    return result


async def arun(client: AsyncOpenAI, flow: Flow[T]) -> T:
    """The same for an asynchronous client."""
    result: T = await client._run(flow, client._io)
    return result
