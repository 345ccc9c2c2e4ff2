"""The official SDK and oxide side by side: the same call on both, and what came of it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import httpx2
import openai

import oxide

from .recorder import Answer, Recorder, Sent

# Headers that differ, and why. Every other one has to be the same.
DIFFERENT_HEADERS = {
    "user-agent": "says which client it is",
    "x-stainless-lang": "telemetry about the official SDK's generator",
    "x-stainless-package-version": "telemetry: the official SDK's version",
    "x-stainless-os": "telemetry about the machine, which costs time to find out",
    "x-stainless-arch": "telemetry about the machine, which costs time to find out",
    "x-stainless-runtime": "telemetry about the interpreter",
    "x-stainless-runtime-version": "telemetry about the interpreter",
    "x-stainless-async": "telemetry: says whether the client is asynchronous and on which event loop",
    "x-stainless-raw-response": "an internal mark of the official SDK that it also puts on the wire",
    "x-stainless-helper-method": "telemetry: which of the SDK's helpers made the call",
    "x-stainless-stream-helper": "telemetry: which of the SDK's helpers made the call",
    "x-stainless-custom-event-handler": "telemetry: whether the caller has an event handler",
    "connection": "keep-alive is what HTTP/1.1 means without it (RFC 9112, section 9.3)",
    "content-length": "JSON of equal value can differ in length: number formats, the order of keys",
}

# What the official SDK raises where we raise something else, by the end of its message, and why.
DIFFERENT_ERRORS = {
    "#file-uploads": ("TypeError", "a value that is no file is of a wrong type; the official SDK has a RuntimeError"),
}


class Outcome:
    """What a call came to.

    Attributes:
        sent: the requests it made.
        result: what it returned; `None` if it raised.
        error: what it raised, or `None`.
    """

    def __init__(self, sent: list[Sent], result: Any, error: Exception | None) -> None:
        self.sent = sent
        self.result = result
        self.error = error

    def __repr__(self) -> str:
        return f"<Outcome {self.sent} {self.result!r} {self.error!r}>"


class Side:
    """One SDK, one way.

    Attributes:
        name: such as `"official, asynchronous"`.
        module: `openai` or `oxide`.
        asynchronous: which client it is.
    """

    def __init__(self, module: Any, asynchronous: bool, recorder: Recorder, loop: asyncio.AbstractEventLoop) -> None:
        self.module = module
        self.asynchronous = asynchronous
        self.name = (
            f"{'official' if module is openai else 'oxide'}, {'asynchronous' if asynchronous else 'synchronous'}"
        )
        self.recorder = recorder
        self.loop = loop
        self.made: list[Any] = []
        # Constructing one takes the official SDK 30 ms, for TLS that is not used here.
        self._http: Any = None
        self.client: Any = self.make()

    def __repr__(self) -> str:
        return self.name

    @property
    def is_oxide(self) -> bool:
        return self.module is oxide

    def make(self, **arguments: Any) -> Any:
        """A client of the recorder with these arguments."""
        arguments.setdefault("api_key", "sk-test")
        arguments.setdefault("admin_api_key", "sk-admin")
        arguments.setdefault("base_url", self.recorder.url + "/v1")
        if self.module is openai:
            arguments.setdefault("http_client", self.http)
        client = (self.module.AsyncOpenAI if self.asynchronous else self.module.OpenAI)(**arguments)
        self.made.append(client)
        return client

    @property
    def http(self) -> Any:
        """What the official SDK's clients of this side send with."""
        if self._http is None:
            self._http = (httpx2.AsyncClient if self.asynchronous else httpx2.Client)(follow_redirects=True)
        return self._http

    def wait(self, value: Any) -> Any:
        """The value, awaited if need be."""
        return self.loop.run_until_complete(_await(value)) if inspect.isawaitable(value) else value

    def close(self) -> None:
        """Close the clients."""
        for client in self.made:
            self.wait(client.close())

    def call(self, function: Callable[[Any], Any], client: Any = None, answers: tuple[Answer, ...] = ()) -> Outcome:
        """Call `function(client)`, await what it gives, and say what happened. Streams are read to their end."""
        self.recorder.take()
        self.recorder.answers.extend(answers)
        result, error = None, None
        try:
            result = self.wait(function(self.client if client is None else client))
            if isinstance(result, (self.module.Stream, self.module.AsyncStream)):
                result = self.drain(result)
        except Exception as caught:  # noqa: BLE001 - any error is an outcome, compared with the other side's
            error = caught
        return Outcome(self.recorder.take(), result, error)

    def drain(self, stream: Any) -> list[Any]:
        """All that an iterable or asynchronous iterable gives."""
        if hasattr(stream, "__aiter__"):
            return self.loop.run_until_complete(_collect(stream))  # type: ignore[no-any-return]
        return list(stream)


async def _await(value: Any) -> Any:
    return await value


async def _collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


class Sides:
    """Both SDKs, both ways."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.loop = asyncio.new_event_loop()
        self.official = Side(openai, False, recorder, self.loop)
        self.official_async = Side(openai, True, recorder, self.loop)
        self.oxide = Side(oxide, False, recorder, self.loop)
        self.oxide_async = Side(oxide, True, recorder, self.loop)
        self.all = (self.official, self.official_async, self.oxide, self.oxide_async)
        self.pairs = ((self.official, self.oxide), (self.official_async, self.oxide_async))

    def close(self) -> None:
        """Close every client, and the event loop."""
        for side in self.all:
            side.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def same(
        self,
        call: Callable[[Any], Any],
        *,
        client: dict[str, Any] | None = None,
        answers: Callable[[], tuple[Answer, ...]] = tuple,
        asynchronous: bool = True,
    ) -> list[tuple[Outcome, Outcome]]:
        """Make the call on both SDKs (both ways, unless `asynchronous` is False), and see that they send the same.

        Args:
            call: takes a client.
            client: arguments of a client of its own for this call.
            answers: gives what the requests are answered with.

        Returns: the outcomes, the official SDK's and oxide's, of each way.
        """
        outcomes = []
        for official, ours in self.pairs if asynchronous else self.pairs[:1]:
            theirs = official.call(call, client and official.make(**client), answers())
            mine = ours.call(call, client and ours.make(**client), answers())
            assert_same_requests(theirs, mine)
            outcomes.append((theirs, mine))
        return outcomes

    def same_refusal(self, call: Callable[[Any], Any]) -> list[tuple[Outcome, Outcome]]:
        """Make the call on both SDKs and see that neither sends anything. Returns the outcomes of the synchronous way."""
        outcomes = [side.call(call) for side in (self.official, self.oxide)]
        assert not any(outcome.sent for outcome in outcomes)
        return [(outcomes[0], outcomes[1])]


def assert_same_requests(theirs: Outcome, mine: Outcome) -> None:
    """The same requests in the same order, or both refused to send with the same kind of exception."""
    if theirs.sent or mine.sent:
        context = f"official {theirs!r}\noxide {mine!r}"
        assert len(mine.sent) == len(theirs.sent), context
        for there, here in zip(theirs.sent, mine.sent, strict=True):
            assert here.method == there.method, context
            assert here.path == there.path, context
            # httpx moves parameters of one name together, which tears lists of objects apart; ours stay in order.
            assert sorted(here.pairs, key=itemgetter(0)) == sorted(there.pairs, key=itemgetter(0)), context
            assert sorted(here.query.split("&")) == sorted(there.query.split("&")), context
            assert significant(here.headers) == significant(there.headers), context
            assert here.content == there.content, context
            assert int(here.headers.get("content-length", 0)) == len(here.body)
    else:
        assert theirs.error is not None
        assert mine.error is not None, f"official refuses: {theirs.error!r}"
        expected = next(
            (ours for end, (ours, _) in DIFFERENT_ERRORS.items() if str(theirs.error).endswith(end)), kind(theirs.error)
        )
        assert kind(mine.error) == expected, f"official {theirs.error!r}\noxide {mine.error!r}"


def significant(headers: dict[str, str]) -> dict[str, str]:
    """The header fields that have to be the same."""
    found = {name: value for name, value in headers.items() if name not in DIFFERENT_HEADERS}
    if found.get("content-type", "").startswith("multipart/form-data; boundary="):
        # Drawn by lot.
        found["content-type"] = "multipart/form-data; boundary=…"
    return found


def kind(error: BaseException) -> str:
    """The name of an error's class, which is what the two SDKs have in common."""
    return type(error).__name__


def sdk(client: Any) -> Any:
    """The module that a client is of, for its sentinels and types."""
    return oxide if type(client).__module__.startswith("oxide") else openai
