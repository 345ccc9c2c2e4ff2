"""The rows: what is measured, of whom, against which budget. A new row is an entry in `ROWS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from . import agent, floor, floor_h2, imports, payloads, peers, structs, websocket
from .checks import check_large
from .harness import AsyncioBatches, Batches, Budget, Row, SyncBatches, TrioBatches
from .server import Server

Start = Callable[[Server], Batches]
Operation = Callable[[Any], Callable[[int], Any]]


def create(client: Any) -> Callable[[int], Any]:
    """One small `responses.create` a call."""
    call: Callable[[int], Any] = client.create
    return call


def large_request(client: Any) -> Callable[[int], Any]:
    """One `responses.create` with many tools a call."""
    parameters = {"model": payloads.MODEL, **payloads.large_parameters()}
    return lambda lane: client.create(lane, parameters)


def stream(length: int, *, extra: bool = False) -> Operation:
    """One stream of so many events a call."""
    model = payloads.stream_model(length, extra=extra)
    return lambda client: lambda lane: client.stream(lane, model, length)


def helper(length: int, times: int = 1) -> Operation:
    """So many streams of the helper `responses.stream` a call."""
    model = payloads.stream_model(length)

    def operation(client: Any) -> Callable[[int], Any]:
        if times == 1:
            return lambda lane: client.helper(lane, model, length)

        def repeated(lane: int) -> None:
            for _ in range(times):
                client.helper(lane, model, length)

        return repeated

    return operation


def chat_helper(length: int) -> Operation:
    """One stream of the helper `chat.completions.stream` a call."""
    model = payloads.stream_model(length)
    return lambda client: lambda lane: client.chat_helper(lane, model, length)


def clients(contenders: dict[str, Start], *names: str) -> dict[str, Start]:
    """Some of the contenders."""
    return {name: contenders[name] for name in names}


def oxide(name: str) -> Callable[[Server], Any]:
    """A contender of `ours`, which is imported when it is measured."""

    def start(server: Server) -> Any:
        from . import ours

        return getattr(ours, name)(server)

    return start


def sync(operation: Operation, lanes: int = 1) -> dict[str, Start]:
    def start(opened: Callable[[Server], Any]) -> Start:
        def batches(server: Server) -> Batches:
            client = opened(server)
            return SyncBatches(operation(client), lanes, client.close)

        return batches

    return {
        "floor": start(floor.SyncFloor),
        "oxide": start(oxide("oxide_sync")),
        "httpcore": start(peers.SyncHTTPCore),
        "openai": start(peers.openai_sync),
    }


def concurrent(runner: type[AsyncioBatches] | type[TrioBatches], operation: Operation, lanes: int) -> dict[str, Start]:
    def start(opened: Callable[[Server], Any]) -> Start:
        return lambda server: runner(lambda: opened(server), operation, lanes)

    contenders = {
        "floor": start(floor.AsyncioFloor if runner is AsyncioBatches else floor.TrioFloor),
        "oxide": start(oxide("oxide_async")),
        "httpcore": start(peers.AsyncHTTPCore),
        "openai": start(peers.openai_async),
    }
    if runner is AsyncioBatches:
        contenders["openai aiohttp"] = start(peers.openai_aiohttp)
    return contenders


def on_asyncio(operation: Operation, lanes: int = 1) -> dict[str, Start]:
    return concurrent(AsyncioBatches, operation, lanes)


def on_trio(operation: Operation, lanes: int = 1) -> dict[str, Start]:
    return concurrent(TrioBatches, operation, lanes)


large = cache(payloads.large)


def decode_floor(data: bytes) -> None:
    response = structs.decode_response(data)
    check_large(len(response.output), response.output[-1].id)


def decode_openai(data: bytes) -> None:
    response = peers.decode_response(data)
    check_large(len(response.output), response.output[-1].id)


def decode_oxide(data: bytes) -> None:
    from .ours import decode_large

    decode_large(data)


def decoding(decode: Callable[[bytes], None], *, unknown: bool = False) -> Start:
    return lambda server: SyncBatches(lambda lane: decode(large(unknown=unknown)))


def loops(kind: Callable[[Callable[[], Any]], Start], contenders: str) -> dict[str, Start]:
    """Contenders of `agent`, which have servers of their own; imported when they are measured."""

    def start(name: str) -> Start:
        def batches(server: Server) -> Batches:
            return kind(getattr(agent, contenders)()[name])(server)

        return batches

    return {name: start(name) for name in agent.CONTENDERS[contenders]}


def sync_loop(opened: Callable[[], Any]) -> Start:
    def batches(server: Server) -> Batches:
        contender = opened()
        return SyncBatches(contender, 1, contender.close)

    return batches


def asyncio_loop(opened: Callable[[], Any]) -> Start:
    return lambda server: AsyncioBatches(opened, lambda contender: contender)


def trio_loop(opened: Callable[[], Any]) -> Start:
    return lambda server: TrioBatches(opened, lambda contender: contender)


def fan_out(length: int) -> Operation:
    """That many streams at once on one connection of HTTP/2 a call."""
    return lambda client: lambda lane: client.fan_out(peers.FAN, length)


def h2_sync(length: int) -> dict[str, Start]:
    def start(opened: Callable[[Server], Any]) -> Start:
        def batches(server: Server) -> Batches:
            client = opened(server)
            return SyncBatches(fan_out(length)(client), 1, client.close)

        return batches

    return {"floor": start(floor_h2.SyncH2Floor), "oxide": start(oxide("oxide_h2_sync"))}


def h2_asyncio(length: int) -> dict[str, Start]:
    def start(opened: Callable[[Server], Any]) -> Start:
        return lambda server: AsyncioBatches(lambda: opened(server), fan_out(length))

    return {
        "floor": start(floor_h2.AsyncioH2Floor),
        "oxide": start(oxide("oxide_h2_async")),
        "httpx2": start(peers.HTTPX2Fan),
        "openai": start(peers.openai_h2),
    }


def h2_trio(length: int) -> dict[str, Start]:
    # The floor is the one without tasks or an event loop, which is at least as fast as one on trio would be.
    return {
        "floor": h2_sync(length)["floor"],
        "oxide": lambda server: TrioBatches(lambda: oxide("oxide_h2_async")(server), fan_out(length)),
    }


def turns(kind: str, length: int) -> dict[str, Start]:
    """Turns of so many events on one WebSocket connection."""

    def sync_start(package: str) -> Start:
        def batches(server: Server) -> Batches:
            contender = websocket.sync_turns(package, server)
            return SyncBatches(lambda lane: contender.turn(length), 1, contender.close)

        return batches

    def async_start(package: str) -> Start:
        runner = TrioBatches if kind == "trio" else AsyncioBatches
        return lambda server: runner(
            lambda: websocket.async_turns(package, server), lambda contender: lambda lane: contender.turn(length)
        )

    start = sync_start if kind == "sync" else async_start
    # The official one runs on asyncio only.
    packages = ("oxide",) if kind == "trio" else ("oxide", "openai")
    return {package: start(package) for package in packages}


LOOP = (Budget(0.65, against="openai create"), Budget(1.0, against="openai eager runner"))
HELPER = (Budget(1 / 20, against="openai"),)
LINEAR = (Budget(1.25, contender="oxide, one long stream", against="oxide, ten streams"),)


def at_most(floor: float, *, faster: float | None = None) -> tuple[Budget, ...]:
    """`floor` times the floor's time; and so many times as fast as the official SDK."""
    return (Budget(floor), *([] if faster is None else [Budget(1 / faster, against="openai")]))


HTTP2 = (Budget(1.5),)
CREATE = at_most(2, faster=7)
STREAM = at_most(2, faster=22)
LARGE_REQUEST = at_most(2, faster=25)
SHORT, LONG, HUGE = payloads.SHORT_STREAM, payloads.LONG_STREAM, payloads.HUGE_STREAM
IMPORT = {"bare interpreter": imports.process(imports.BARE), "floor": imports.process(imports.FLOOR)}

ROWS = [
    Row("create, sync", sync(create), CREATE),
    Row("create, asyncio", on_asyncio(create), CREATE),
    Row("create, trio", on_trio(create), CREATE),
    Row(f"stream of {SHORT} events, sync", sync(stream(SHORT)), STREAM),
    Row(f"stream of {SHORT} events, asyncio", on_asyncio(stream(SHORT)), STREAM),
    Row(f"stream of {SHORT} events, trio", on_trio(stream(SHORT)), STREAM),
    Row(
        f"stream of {SHORT} events with an unknown field in each delta, sync",
        sync(stream(SHORT, extra=True)),
        STREAM,
    ),
    Row(f"stream of {LONG} events, sync", sync(stream(LONG)), STREAM),
    Row(f"stream of {LONG} events, asyncio", on_asyncio(stream(LONG)), STREAM),
    Row(f"stream of {LONG} events, trio", on_trio(stream(LONG)), STREAM),
    Row("190 KB request with 42 tools, sync", sync(large_request), LARGE_REQUEST),
    Row("190 KB request with 42 tools, asyncio", on_asyncio(large_request), LARGE_REQUEST),
    Row("190 KB request with 42 tools, trio", on_trio(large_request), LARGE_REQUEST),
    Row(f"helper's stream of {SHORT} events, sync", clients(sync(helper(SHORT)), "oxide", "openai"), HELPER),
    Row(f"helper's stream of {SHORT} events, asyncio", clients(on_asyncio(helper(SHORT)), "oxide", "openai"), HELPER),
    Row(f"helper's stream of {SHORT} events, trio", clients(on_trio(helper(SHORT)), "oxide")),
    Row(f"chat helper's stream of {SHORT} chunks, sync", clients(sync(chat_helper(SHORT)), "oxide", "openai"), HELPER),
    Row(
        f"chat helper's stream of {SHORT} chunks, asyncio",
        clients(on_asyncio(chat_helper(SHORT)), "oxide", "openai"),
        HELPER,
    ),
    Row(
        f"helper's streams of {HUGE} events in all, sync",
        {
            "oxide, ten streams": sync(helper(LONG, HUGE // LONG))["oxide"],
            "oxide, one long stream": sync(helper(HUGE))["oxide"],
        },
        LINEAR,
    ),
    *(
        Row(f"{what} over a WebSocket, {kind}", turns(kind, length), () if kind == "trio" else (budget,))
        for what, length, budget in (
            (f"turn of {websocket.TURN} events", websocket.TURN, Budget(1 / 4, against="openai")),
            (f"{LONG} events", LONG, Budget(1 / 5, against="openai")),
        )
        for kind in ("sync", "asyncio", "trio")
    ),
    Row("64 threads, sync", sync(create, 64), at_most(2, faster=10), lanes=64),
    Row("100 concurrent, asyncio", on_asyncio(create, 100), at_most(2, faster=18), lanes=100),
    Row("100 concurrent, trio", on_trio(create, 100), at_most(2), lanes=100),
    Row(
        "1000 concurrent, asyncio",
        on_asyncio(create, 1000) | {"oxide, 100 of them": on_asyncio(create, 100)["oxide"]},
        (*at_most(2, faster=30), Budget(1.5, against="oxide, 100 of them")),
        lanes=1000,
        hopeless=frozenset({"httpcore"}),
    ),
    Row(
        f"50 streams of {SHORT} events at once, HTTP/2, asyncio",
        h2_asyncio(SHORT),
        (*HTTP2, Budget(1 / 3, against="httpx2"), Budget(1 / 3, against="openai")),
    ),
    Row(f"50 streams of {SHORT} events at once, HTTP/2, trio", h2_trio(SHORT), HTTP2),
    Row(f"50 streams of {SHORT} events at once, HTTP/2, threads", h2_sync(SHORT), HTTP2),
    Row(
        "import and construct",
        IMPORT
        | {
            "oxide": imports.process(imports.OXIDE),
            "httpcore": imports.process(imports.HTTPCORE),
            "openai": imports.process(imports.OPENAI),
            "openai aiohttp": imports.process(imports.OPENAI_AIOHTTP),
        },
        (Budget(0.1, against="openai"),),
        single=True,
        baseline="bare interpreter",
    ),
    Row(
        "import, construct and first create",
        IMPORT
        | {
            "oxide": imports.process(imports.OXIDE + imports.CREATE),
            "openai": imports.process(imports.OPENAI + imports.CREATE),
        },
        single=True,
        baseline="bare interpreter",
    ),
    Row(
        "decode of 600 KB",
        {
            "floor": decoding(decode_floor),
            "oxide": decoding(decode_oxide),
            "oxide, unknown fields": decoding(decode_oxide, unknown=True),
            "openai": decoding(decode_openai),
        },
        (Budget(2.0), Budget(2.0, contender="oxide, unknown fields", against="oxide")),
    ),
    Row("agent loop of 10 steps, sync", loops(sync_loop, "sync_contenders"), LOOP, single=True, long=True),
    Row("agent loop of 10 steps, asyncio", loops(asyncio_loop, "asyncio_contenders"), LOOP, single=True, long=True),
    Row("agent loop of 10 steps, trio", loops(trio_loop, "trio_contenders"), LOOP, single=True, long=True),
]
