"""A thread that lost its race ends wherever it waits: not only on a connection, but on the way to one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import oxide
from oxide.core.http import HeadBlock
from oxide.io.abort import Abort, Aborted
from oxide.io.sync.race import RacingTransport

from .h2_peer import h2_context, serving
from .peer import LIMIT, Connection, Event, Peer, reply
from .test_http2 import options
from .tls import client_context


@contextmanager
def sending(transport: oxide.HTTPTransport, base_url: str) -> Iterator[Callable[[], None]]:
    """A thread that sends a request without any limit of time; what is given has it end, and looks at how."""
    abort = Abort()
    outcome: list[BaseException] = []

    def work() -> None:
        request = oxide.Request("GET", oxide.URL(f"{base_url}/x"), HeadBlock(()), timeout=oxide.Timeout(None))
        try:
            RacingTransport(transport, abort).send(request, stream=False)
        except BaseException as error:  # noqa: BLE001 (looked at below)
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()

    def give_up() -> None:
        assert thread.is_alive()
        abort.abort()
        thread.join(LIMIT)
        assert not thread.is_alive()
        assert isinstance(outcome[0], Aborted)

    yield give_up
    assert not thread.is_alive()
    assert transport.stats()["in_use"] == 0


def test_while_it_connects() -> None:
    with socket.socket() as listener, socket.socket() as other, socket.socket() as third:
        # A backlog that is full: what comes now is neither taken nor refused.
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (other, third):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        transport = oxide.HTTPTransport()
        with sending(transport, f"http://127.0.0.1:{listener.getsockname()[1]}") as give_up:
            give_up()
        transport.close()


@pytest.mark.parametrize("http2", [False, True], ids=["http11", "http2"])
def test_while_it_shakes_hands(http2: bool) -> None:
    begun = Event()

    def script(connection: Connection) -> None:
        connection.sock.recv(65536)
        begun.set()
        connection.wait_closed()

    with Peer(script) as peer:
        transport = oxide.HTTPTransport(ssl_context=client_context(), http2=options() if http2 else False)
        with sending(transport, peer.base_url.replace("http:", "https:")) as give_up:
            begun.wait()
            give_up()
        transport.close()


def test_while_it_looks_up_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered, real = Event(), Event(), socket.getaddrinfo

    def slow(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "slow.test" and not kwargs.get("flags"):
            asked.set()
            answered.wait()
            raise OSError("no such name")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    transport = oxide.HTTPTransport(trust_env=False)
    with sending(transport, "http://slow.test") as give_up:
        asked.wait()
        give_up()
    answered.set()
    transport.close()


def test_while_it_waits_for_the_pool() -> None:
    taken, gate = Event(), Event()

    def script(connection: Connection) -> None:
        while connection.receive():
            taken.set()
            gate.wait()
            connection.send(reply(b"1"))

    with Peer(script) as peer:
        transport = oxide.HTTPTransport(limits=oxide.Limits(max_connections=1))
        request = oxide.Request("GET", oxide.URL(f"{peer.base_url}/x"), HeadBlock(()))
        first = threading.Thread(target=transport.send, args=(request,), kwargs={"stream": False})
        first.start()
        taken.wait()
        with sending(transport, peer.base_url) as give_up:
            while not transport.stats()["waiting"]:
                threading.Event().wait(0.001)
            give_up()
            assert transport.stats()["waiting"] == 0
            gate.set()
            first.join(LIMIT)
        transport.close()


def test_others_wait_for_the_connection_that_it_was_making() -> None:
    """Who gives up is not why a shared connection could not be made: those who waited for it make one."""
    begun = Event()

    def script(connection: Connection) -> None:
        if connection.number == 0:
            connection.sock.recv(65536)
            begun.set()
            connection.wait_closed()
        else:
            served(connection)

    context = h2_context()
    answer = serving()

    def served(connection: Connection) -> None:
        with context.wrap_socket(connection.sock, server_side=True) as connection.sock:
            answer(connection)

    with Peer(script) as peer:
        transport = oxide.HTTPTransport(ssl_context=client_context(), http2=options())
        base_url = peer.base_url.replace("http:", "https:")
        answers: list[bytes] = []

        def other() -> None:
            request = oxide.Request("GET", oxide.URL(f"{base_url}/other"), HeadBlock(()))
            answers.append(transport.send(request, stream=False).read())

        with sending(transport, base_url) as give_up:
            begun.wait()
            waiting = threading.Thread(target=other)
            waiting.start()
            while not transport.stats()["waiting"]:
                threading.Event().wait(0.001)
            give_up()
            waiting.join(LIMIT)
        assert answers == [b'"other"']
        transport.close()
