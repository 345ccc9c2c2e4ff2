"""Every method, with the least and with everything that it takes: the same request."""

from __future__ import annotations

from typing import Any

import pytest

from .generate import Generator, members
from .methods import ELSEWHERE, HEADERS, METHODS, NAMES, Method
from .sides import Sides, sdk

# Some methods of the official SDK say that they are about to go.
pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

METHOD = pytest.mark.parametrize("method", METHODS, ids=repr)

# The types of these allow a mapping instead of a file, which both SDKs refuse.
REFUSED = ("videos.create", "videos.edit", "videos.extend")


def path_values(method: Method) -> list[str]:
    return [f"{name}_1" for name in method.path]


def test_no_method_is_skipped() -> None:
    assert len(NAMES) == 436
    assert set(ELSEWHERE) <= set(NAMES)
    assert len(METHODS) + len(ELSEWHERE) == len(NAMES)


@METHOD
def test_only_what_is_required(method: Method, sides: Sides) -> None:
    values = Generator(optional=False)
    params = {name: values.value(method.parameters[name]) for name in method.required}
    for theirs, mine in sides.same(lambda client: method.on(client)(*path_values(method), **params)):
        assert len(mine.sent) == 1
        assert bool(mine.error) == bool(theirs.error), (theirs.error, mine.error)


@pytest.mark.parametrize(
    ("method", "stream"),
    [(method, False) for method in METHODS] + [(method, True) for method in METHODS if method.streams],
    ids=repr,
)
def test_every_parameter(method: Method, stream: bool, sides: Sides) -> None:
    """Each member of each union at the top level; and once with the least, once with all that is inside of them."""
    choices = {name: members(kind) for name, kind in method.parameters.items() if name != "stream"}
    everything, least = Generator(), Generator(optional=False)
    for sample in range(max(2, *map(len, choices.values())) if choices else 1):
        values = least if sample % 2 else everything
        params = {name: values.value(kinds[sample % len(kinds)]) for name, kinds in choices.items()}
        if method.streams:
            params["stream"] = stream
        outcomes = sides.same(
            lambda client, params=params: method.on(client)(*path_values(method), **params), asynchronous=sample == 0
        )
        sent = {len(mine.sent) for _, mine in outcomes}
        assert sent == {1} or (sent == {0} and method.name in REFUSED)


@METHOD
def test_null_is_sent(method: Method, sides: Sides) -> None:
    """Unlike what is left out. No header field and no file is null."""
    least = Generator(optional=False)
    params = {name: least.value(method.parameters[name]) for name in method.required}
    for name, kind in method.parameters.items():
        if name not in (*params, *HEADERS, "stream") and bytes not in members(kind):
            params[name] = None
    if len(params) > len(method.required):
        sides.same(lambda client: method.on(client)(*path_values(method), **params), asynchronous=False)


@METHOD
@pytest.mark.parametrize("sentinel", ["omit", "NOT_GIVEN"])
def test_what_is_left_out_is_not_sent(method: Method, sentinel: str, sides: Sides) -> None:
    least = Generator(optional=False)
    required = {name: least.value(method.parameters[name]) for name in method.required}
    optional = [name for name in method.parameters if name not in required]

    def call(client: Any) -> Any:
        left_out = dict.fromkeys(optional, getattr(sdk(client), sentinel))
        return method.on(client)(*path_values(method), **required, **left_out)

    for _, mine in sides.same(call, asynchronous=sentinel == "omit"):
        body = mine.sent[0].content
        names = [part.name for part in body] if mine.sent[0].parts else body if isinstance(body, dict) else ()
        assert not set(names) & set(optional) - {"encoding_format"}
