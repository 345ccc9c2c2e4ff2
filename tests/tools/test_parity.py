"""The generated code against the official SDK, and whether the comparison would notice."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from oxide._tools import compare, compare_methods, files, parity
from oxide._tools.description import Description, Method, Model, Params, Resource
from oxide.core.operation import Operation
from oxide.types.responses import ResponseUsage
from oxide.types.responses.response_create_params import ResponseCreateParamsBase

pytestmark = pytest.mark.exhaustive

DESCRIPTION = files.committed_description()
RESPONSES = DESCRIPTION.resources["responses.responses", "Responses"]
CREATE = next(method for method in RESPONSES.methods if method.name == "create")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # Modules of the official SDK for what it gave up say so when they are imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def test_types_are_those_of_the_sdk() -> None:
    counts = parity.types(DESCRIPTION)
    assert [count.problems for count in counts] == [[]] * len(counts)
    assert {count.what: count.present for count in counts}["models"] == 2738


def test_resources_are_those_of_the_sdk() -> None:
    assert parity.resources(DESCRIPTION).problems == []


def test_methods_of_one_request_are_those_of_the_sdk() -> None:
    problems = parity.methods(DESCRIPTION).problems
    assert [problem for problem in problems if not problem.endswith(" is not written")] == []


def test_packages_export_the_same_names() -> None:
    counts = {count.what: count for count in parity.names(DESCRIPTION)}
    assert [count.problems for what, count in counts.items() if what != "names of openai"] == [[]] * 4


def test_everything_is_there() -> None:
    counts = {count.what: count for count in parity.everything()}
    assert [count.problems for count in counts.values()] == [[]] * 3
    assert counts["models in all"].present == counts["models in all"].total == 2748
    assert counts["fields of models in all"].present == 11196
    # Three of them are about what only the official SDK has inside.
    assert (counts["TypedDicts in all"].present, counts["TypedDicts in all"].total) == (1598, 1601)


def test_the_report_counts_and_says_what_is_missing() -> None:
    count = parity.Count("things")
    count.add([])
    count.add(["a is wrong", "a is late"])
    count.excuse("b", "nobody wants it")
    assert list(count.lines()) == [
        "things: 1 of 3",
        "  MISSING  a is wrong",
        "  MISSING  a is late",
        "  b: nobody wants it",
    ]


# Would a difference be noticed?


def test_a_field_too_few_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = dict(vars(ResponseUsage)["_ox_declared"])
    del declared["input_tokens"]
    monkeypatch.setattr(ResponseUsage, "_ox_declared", declared)
    assert next(compare.compare_model("responses.response_usage", "ResponseUsage")) == (
        "responses.response_usage.ResponseUsage: field input_tokens is missing"
    )


def test_a_field_of_another_type_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {**vars(ResponseUsage)["_ox_declared"], "input_tokens": str}
    monkeypatch.setattr(ResponseUsage, "_ox_declared", declared)
    assert list(compare.compare_model("responses.response_usage", "ResponseUsage")) == [
        "responses.response_usage.ResponseUsage: field input_tokens: 'str' instead of 'int'"
    ]


def test_a_key_that_is_not_required_any_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    optional = ResponseCreateParamsBase.__optional_keys__ | {"sparkle"}
    monkeypatch.setattr(ResponseCreateParamsBase, "__optional_keys__", optional)
    assert list(compare.compare_params("responses.response_create_params", "ResponseCreateParamsBase")) == [
        "responses.response_create_params.ResponseCreateParamsBase: optional key sparkle should not be there"
    ]


def changed(**arguments: Any) -> Operation:
    """`responses.create`, with something else about it."""
    right = compare_methods.operation_of(DESCRIPTION, RESPONSES, CREATE)
    body = tuple(wire for name, (place, wire) in right.places.items() if place == 0)
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/responses",
        "body": body,
        "response": "oxide.types.responses:Response",
        "stream": "oxide.types.responses:ResponseStreamEvent",
    }
    return Operation(**{**given, **arguments})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"method": "PUT"}, "responses.responses.create: method: 'PUT' instead of 'POST'"),
        ({"path": "/answers"}, "responses.responses.create: path: '/answers' instead of '/responses'"),
        ({"query": ("q",)}, "responses.responses.create: query q should not be there"),
        ({"aliases": {"top_p": "top"}}, "responses.responses.create: body top_p is missing"),
        ({"multipart": True}, "responses.responses.create: is sent as application/json"),
        ({"sends": (("OpenAI-Beta", "x"),)}, "responses.responses.create: header openai-beta should not be there"),
        (
            {"security": ("admin_api_key_auth",)},
            "responses.responses.create: key: 'Bearer sk-admin' instead of 'Bearer sk-test'",
        ),
    ],
)
def test_another_request_is_noticed(arguments: dict[str, Any], problem: str) -> None:
    assert problem in compare_methods.compare_request(DESCRIPTION, RESPONSES, CREATE, changed(**arguments))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"response": "oxide.types.responses:ResponseUsage"},
            "responses.responses.create: returns responses.response.Response is missing",
        ),
        ({"stream": None}, "responses.responses.create: stream of: [] instead of "),
        ({"chooses": ("model", {"x": "builtins:str"})}, None),
    ],
)
def test_another_result_is_noticed(arguments: dict[str, Any], problem: str | None) -> None:
    found = list(compare_methods.compare_result(RESPONSES, CREATE, changed(**arguments)))
    # A choice that the description doesn't make is never asked for.
    assert found == [] if problem is None else any(each.startswith(problem) for each in found)


def test_another_signature_is_noticed() -> None:
    found = compare_methods.compare_parameters(RESPONSES, CREATE, changed(required=(("model",),)))
    assert "responses.responses.create: required model should not be there" in found
    found = compare_methods.compare_parameters(RESPONSES, CREATE, changed(body=("model",)))
    assert "responses.responses.create: parameter input is missing" in found
    found = compare_methods.compare_params_of(RESPONSES, CREATE, changed(body=("model", "colour")))
    assert "responses.responses.create: key colour is missing" in found


def test_a_missing_method_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide.resources.responses.responses import Responses

    monkeypatch.delattr(Responses, "cancel")
    assert list(compare_methods.compare_resource(RESPONSES)) == ["responses.responses.Responses: cancel is missing"]


def test_a_description_of_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parity, "committed_description", lambda: Description("3.53.0"))
    assert parity.main([]) == 2
    assert "run the sync first" in capsys.readouterr().err


def test_every_kind_of_type_is_counted() -> None:
    items = [item for module in DESCRIPTION.modules.values() for item in module.items]
    assert sum(isinstance(item, Model) for item in items) == 2738
    assert sum(isinstance(item, Params) for item in items) == 1590
    methods = [each for resource in DESCRIPTION.resources.values() for each in resource.methods]
    assert isinstance(RESPONSES, Resource)
    assert all(isinstance(each, Method) for each in methods)
    assert len(methods) == 390
