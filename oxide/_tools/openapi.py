"""The operations against the OpenAPI specification: `python -m oxide._tools.openapi`.

The specification and the official SDK are published apart and need not agree; what differs is reported and fails nothing.
It is found by the environment variable `OXIDE_OPENAPI` (a path or a URL), beside the project, or on the network.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from .description import Description, Method
from .files import committed_description

__all__ = ["Specification", "check", "find", "main"]

_BESIDE = Path(__file__).parents[3] / "shared" / "openapi" / "openapi.json"
_PUBLISHED = "https://raw.githubusercontent.com/openai/openai-openapi/master/openapi.yaml"


class Specification:
    """An OpenAPI 3 document.

    Args:
        document: as parsed.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.operations: dict[tuple[str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        for path, item in document["paths"].items():
            for verb in ("get", "post", "put", "patch", "delete"):
                if verb in item:
                    self.operations[verb, _shape(path)] = (item, item[verb])

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def parameters(self, verb: str, path: str) -> dict[str, bool]:
        """The query parameters of an operation: name to whether it is required."""
        item, operation = self.operations[verb, _shape(path)]
        nodes = [self._resolved(node) for node in [*item.get("parameters", ()), *operation.get("parameters", ())]]
        # An array may be written with its brackets.
        return {n["name"].removesuffix("[]"): bool(n.get("required")) for n in nodes if n["in"] == "query"}

    def body(self, verb: str, path: str) -> set[str] | None:
        """The properties of an operation's body; `None` if it may have any."""
        _, operation = self.operations[verb, _shape(path)]
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        found: set[str] = set()
        for kind in content.values():
            names = self._properties(kind.get("schema", {}), ())
            if names is None:
                return None
            found |= names
        return found

    def _properties(self, schema: Mapping[str, Any], above: tuple[str, ...]) -> set[str] | None:
        reference = str(schema.get("$ref", ""))
        if reference in above:
            return set()
        schema, above = self._resolved(schema), (*above, reference) if reference else above
        found = {name.removesuffix("[]") for name in schema.get("properties", ())}
        parts = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
        if not found and not parts and schema.get("additionalProperties", schema.get("type") != "object"):
            return None
        for part in parts:
            names = self._properties(part, above)
            if names is not None:
                found |= names
        return found


def _shape(path: str) -> str:
    """A path whatever its parameters are called."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def check(description: Description, specification: Specification) -> Iterator[str]:
    """What our operations have and the specification has not."""
    for resource in description.resources.values():
        for method in resource.methods:
            label = f"{resource.module}.{method.name}: {method.verb.upper()} {method.path}"
            if (method.verb, _shape(method.path)) not in specification.operations:
                yield f"{label} is not in the specification"
            else:
                yield from (f"{label}: {problem}" for problem in _parameters(method, specification))


def _parameters(method: Method, specification: Specification) -> Iterator[str]:
    query = specification.parameters(method.verb, method.path)
    body = specification.body(method.verb, method.path)
    ours = {p.wire or p.name: p for p in method.parameters if p.place in {"query", "body"}}
    for name, parameter in ours.items():
        if parameter.place == "query" and name not in query:
            yield f"query parameter {name} is not in the specification"
        if parameter.place == "body" and body is not None and name not in body:
            yield f"body parameter {name} is not in the specification"
    yield from (f"query parameter {name} is only in the specification" for name in query if name not in ours)
    yield from (
        f"body parameter {name} is only in the specification" for name in sorted(body or ()) if name not in ours
    )


def find() -> Specification:
    """The specification.

    Raises:
        OSError: it is nowhere to be found.
        ValueError: it is neither JSON nor, with PyYAML installed, YAML.
    """
    place = os.environ.get("OXIDE_OPENAPI") or (str(_BESIDE) if _BESIDE.exists() else _PUBLISHED)
    if place.startswith(("http://", "https://")):
        try:
            with urlopen(place, timeout=60) as response:
                source = response.read()
        except URLError as error:
            raise OSError(
                f"{place} can't be had ({error.reason}); set OXIDE_OPENAPI to where the specification is"
            ) from error
    else:
        source = Path(place).read_bytes()
    try:
        return Specification(json.loads(source))
    except json.JSONDecodeError:
        try:
            import yaml
        except ModuleNotFoundError:
            raise ValueError(f"{place} is not JSON; to read YAML, PyYAML has to be installed") from None
        return Specification(yaml.safe_load(source))


def main() -> int:
    try:
        specification = find()
    except (OSError, ValueError) as error:
        print(f"not checked against the OpenAPI specification: {error}", file=sys.stderr)
        return 0
    description = committed_description()
    print("\n".join(check(description, specification)))
    methods = [method for resource in description.resources.values() for method in resource.methods]
    known = sum((method.verb, _shape(method.path)) in specification.operations for method in methods)
    print(f"{known} of {len(methods)} operations are in the specification")
    return 0


if __name__ == "__main__":
    sys.exit(main())
