"""The check against an OpenAPI specification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oxide._tools import files, openapi

DESCRIPTION = files.load_description(
    {
        "resources/root.txt": "resource colours Colours\n"
        "    method create\n"
        "        post /colours/{colour_id}\n"
        "        path colour_id: str\n"
        "        query include: List[str] = omit\n"
        "        body name: str\n"
        '        body async_ as "async": bool = omit\n'
    }
)


def specification(query: str = "include[]", body: Any = None, path: str = "/colours/{id}") -> openapi.Specification:
    schema = (
        {"allOf": [{"$ref": "#/components/schemas/Named"}, {"properties": {"async": {}}}]} if body is None else body
    )
    return openapi.Specification(
        {
            "paths": {
                path: {
                    "parameters": [{"in": "path", "name": "id"}],
                    "post": {
                        "parameters": [{"$ref": "#/components/parameters/Q"}],
                        "requestBody": {"content": {"application/json": {"schema": schema}}},
                    },
                }
            },
            "components": {
                "schemas": {"Named": {"properties": {"name": {}}, "anyOf": [{"$ref": "#/components/schemas/Named"}]}},
                "parameters": {"Q": {"in": "query", "name": query}},
            },
        }
    )


def test_agreement() -> None:
    assert list(openapi.check(DESCRIPTION, specification())) == []


def test_differences_are_named() -> None:
    label = "colours.create: POST /colours/{colour_id}"
    assert list(openapi.check(DESCRIPTION, specification(path="/colors/{id}"))) == [
        f"{label} is not in the specification"
    ]
    assert list(openapi.check(DESCRIPTION, specification("limit", {"properties": {"name": {}, "size": {}}}))) == [
        f"{label}: query parameter include is not in the specification",
        f"{label}: body parameter async is not in the specification",
        f"{label}: query parameter limit is only in the specification",
        f"{label}: body parameter size is only in the specification",
    ]


def test_a_body_that_may_have_anything_is_not_compared() -> None:
    assert list(openapi.check(DESCRIPTION, specification(body={"type": "object", "additionalProperties": True}))) == []


def test_found_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"paths": {"/responses": {"post": {}}}}))
    monkeypatch.setenv("OXIDE_OPENAPI", str(path))
    assert openapi.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 390 operations are in the specification"


@pytest.mark.parametrize(
    ("place", "complaint"),
    [("/nowhere/openapi.json", "No such file"), ("http://127.0.0.1:1/openapi.json", "can't be had")],
)
def test_not_found(
    place: str, complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OXIDE_OPENAPI", place)
    assert openapi.main() == 0
    assert complaint in capsys.readouterr().err
