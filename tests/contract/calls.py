"""The calls: every method of one request with generated arguments, on each SDK both ways, and what Steady finds wrong."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

from ..differential.generate import Generator, members
from ..differential.methods import METHODS, Method
from .steady import Mistake, mistakes

TIMEOUT = 20.0

# How often each method is called with everything.
SAMPLES = 3


class Call:
    """A method with arguments.

    Attributes:
        method: which.
        label: which of its calls, such as `"required"`.
    """

    def __init__(self, method: Method, label: str, params: dict[str, Any]) -> None:
        self.method = method
        self.label = label
        self.params = params

    def __repr__(self) -> str:
        return f"{self.method} ({self.label})"

    def on(self, client: Any) -> Any:
        """Make it; the raw response, or what awaits it."""
        path = [f"{name}_1" for name in self.method.path]
        return self.method.on(client, "with_raw_response")(*path, **self.params)


def calls() -> Iterator[Call]:
    """Every method with what is required, and a few times with everything, so that other members of unions have their turn."""
    for method in METHODS:
        least = Generator(optional=False)
        yield Call(method, "required", {name: least.value(method.parameters[name]) for name in method.required})
        choices = {name: members(kind) for name, kind in method.parameters.items() if name != "stream"}
        everything = Generator()
        for sample in range(SAMPLES if choices else 0):
            params = {name: everything.value(kinds[sample % len(kinds)]) for name, kinds in choices.items()}
            if method.streams:
                params["stream"] = sample % 2 == 1
            yield Call(method, f"all, {sample + 1}", params)


class Verdict:
    """What came of a call.

    Attributes:
        mistakes: what Steady found wrong with the request.
        problem: why there was no request, or no answer of Steady's; empty if there was.
    """

    def __init__(self, found: list[Mistake], problem: str = "") -> None:
        self.mistakes = found
        self.problem = problem

    @property
    def good(self) -> bool:
        """Whether the request was sent, and fits the specification."""
        return not (self.mistakes or self.problem)

    def __str__(self) -> str:
        return self.problem or "; ".join(map(str, self.mistakes))


class Side:
    """A client of one SDK, synchronous or asynchronous.

    Attributes:
        name: such as `"oxide, synchronous"`.
    """

    def __init__(self, module: Any, asynchronous: bool, url: str) -> None:
        self.name = f"{module.__name__}, {'asynchronous' if asynchronous else 'synchronous'}"
        self._status_error = module.APIStatusError
        self._asynchronous = asynchronous
        self._loop = asyncio.new_event_loop()
        make = module.AsyncOpenAI if asynchronous else module.OpenAI
        self.client = make(api_key="sk", admin_api_key="sk-admin", base_url=url, max_retries=0, timeout=TIMEOUT)

    def make(self, call: Call) -> Verdict:
        """Make a call."""
        try:
            response = self._wait(call.on(self.client)).http_response
        except self._status_error as error:
            # It was sent. Steady knows no such operation, or the specification has an error as its answer.
            response = error.response
        except Exception as error:  # noqa: BLE001 - whatever keeps a client from sending is compared with the other one's
            return Verdict([], f"{type(error).__name__}: {error}")
        # A stream that nobody reads.
        self._wait(response.aclose() if self._asynchronous else response.close())
        try:
            return Verdict(mistakes(response.headers))
        except ValueError:
            return Verdict([], f"Steady did not look at it: status {response.status_code}")

    def close(self) -> None:
        """Close the client."""
        self._wait(self.client.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _wait(self, value: Any) -> Any:
        return self._loop.run_until_complete(_await(value)) if inspect.isawaitable(value) else value


async def _await(value: Any) -> Any:
    return await value
