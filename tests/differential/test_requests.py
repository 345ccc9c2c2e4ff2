"""Every method, with the least and with everything that it takes: the same request."""

from __future__ import annotations

from typing import Any

import pytest

from .generate import Generator, members
from .methods import METHODS, Method
from .sides import Sides, sdk

METHOD = pytest.mark.parametrize("method", METHODS, ids=repr)
SAMPLES = 4


def path_values(method: Method) -> list[str]:
    return [f"{name}_1" for name in method.path]


def test_methods_are_found() -> None:
    names = {method.name for method in METHODS}
    assert {"responses.create", "chat.completions.messages.list", "embeddings.create", "models.list"} <= names


@METHOD
def test_only_what_is_required(method: Method, sides: Sides) -> None:
    values = Generator(optional=False)
    params = {name: values.value(method.parameters[name]) for name in method.required}
    for theirs, mine in sides.same(lambda client: method.on(client)(*path_values(method), **params)):
        assert len(mine.sent) == 1
        assert bool(mine.error) == bool(theirs.error)


@pytest.mark.parametrize(
    ("method", "stream"),
    [(method, False) for method in METHODS] + [(method, True) for method in METHODS if method.streams],
    ids=repr,
)
def test_every_parameter(method: Method, stream: bool, sides: Sides) -> None:
    values = Generator()
    for sample in range(SAMPLES):
        params = {name: values.value(kind) for name, kind in method.parameters.items()}
        if method.streams:
            params["stream"] = stream
        outcomes = sides.same(
            lambda client, params=params: method.on(client)(*path_values(method), **params), asynchronous=sample == 0
        )
        assert all(len(mine.sent) == 1 for _, mine in outcomes)


@METHOD
def test_each_parameter_alone(method: Method, sides: Sides) -> None:
    # Each member of each union, at the top level; and null, which is sent, unlike what is left out.
    least = Generator(optional=False)
    required = {name: least.value(method.parameters[name]) for name in method.required}
    for name, kind in method.parameters.items():
        if name == "stream":
            continue
        for member in members(kind):
            params = {**required, name: Generator(optional=False).value(member)}
            sides.same(
                lambda client, params=params: method.on(client)(*path_values(method), **params), asynchronous=False
            )
        if name not in required:
            sides.same(
                lambda client, name=name: method.on(client)(*path_values(method), **required, **{name: None}),
                asynchronous=False,
            )


@METHOD
@pytest.mark.parametrize("sentinel", ["omit", "NOT_GIVEN"])
def test_what_is_left_out_is_not_sent(method: Method, sentinel: str, sides: Sides) -> None:
    least = Generator(optional=False)
    required = {name: least.value(method.parameters[name]) for name in method.required}
    optional = [name for name in method.parameters if name not in required]

    def call(client: Any) -> Any:
        left_out = dict.fromkeys(optional, getattr(sdk(client), sentinel))
        return method.on(client)(*path_values(method), **required, **left_out)

    for _, mine in sides.same(call):
        body = mine.sent[0].json or {}
        assert not set(body) & set(optional) - {"encoding_format"}
