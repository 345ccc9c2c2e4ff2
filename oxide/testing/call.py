"""One request to an endpoint, and checks of its parameters that several endpoints make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from .models import Models
from .problem import Problem, invalid_type, missing
from .record import RecordedRequest
from .store import Store

__all__ = ["Call"]


@dataclass
class Call:
    """What an endpoint gets to answer.

    Attributes:
        request: the request as it arrived.
        path: the path below the base, such as `/responses/resp_1`.
        params: the parts of the path that the route leaves open.
        store: the server's state.
        models: the models it knows.
        deployment: the model named by an Azure deployment's path.
    """

    request: RecordedRequest
    path: str
    params: tuple[str, ...]
    store: Store
    models: Models
    deployment: str | None = None

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the body.

        Raises:
            Problem: it is of another content type, is not JSON, or not an object.
        """
        kind = (self.request.header("content-type") or "").partition(";")[0].strip().lower()
        if kind and kind != "application/json":
            raise Problem(
                400,
                f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.",
                code="unsupported_content_type",
            )
        try:
            value = self.request.json() if self.request.body else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Problem(
                400, "We could not parse the JSON body of your request: the API expects a JSON payload."
            ) from None
        if not isinstance(value, dict):
            raise Problem(400, "Invalid body: expected an object.", code="invalid_type")
        if self.deployment is not None:
            value.setdefault("model", self.deployment)
        return value

    def get(self, name: str, expected: type | tuple[type, ...], default: Any = None) -> Any:
        """A parameter of the body; `default` where it is absent or null.

        Raises:
            Problem: it is of another type.
        """
        value = self.body.get(name)
        if value is None:
            return default
        types = expected if isinstance(expected, tuple) else (expected,)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise invalid_type(name, " or ".join(_EXPECTED[kind] for kind in types), value)
        return value

    def model(self) -> str:
        """The `model` parameter.

        Raises:
            Problem: it is missing or not known.
        """
        name = self.get("model", str)
        if name is None:
            raise missing("model")
        self.models.check(name)
        return str(name)

    def integer(self, name: str, minimum: int, maximum: int | None = None) -> int | None:
        """A bounded integer parameter, or `None`.

        Raises:
            Problem: it is out of bounds, or not an integer.
        """
        value = self.get(name, int)
        if value is not None and value < minimum:
            raise Problem(
                400,
                f"Invalid '{name}': integer below minimum value. "
                f"Expected a value >= {minimum}, but got {value} instead.",
                param=name,
                code="integer_below_min_value",
            )
        if value is not None and maximum is not None and value > maximum:
            raise Problem(
                400,
                f"Invalid '{name}': integer above maximum value. "
                f"Expected a value <= {maximum}, but got {value} instead.",
                param=name,
                code="integer_above_max_value",
            )
        return None if value is None else int(value)

    def number(self, name: str, minimum: float, maximum: float) -> float | None:
        """A bounded number parameter, or `None`.

        Raises:
            Problem: it is out of bounds, or not a number.
        """
        value = self.get(name, (int, float))
        if value is not None and not minimum <= value <= maximum:
            below = value < minimum
            raise Problem(
                400,
                f"Invalid '{name}': decimal {'below minimum' if below else 'above maximum'} value. "
                f"Expected a value {'>=' if below else '<='} {minimum if below else maximum}, but got {value} instead.",
                param=name,
                code=f"decimal_{'below_min' if below else 'above_max'}_value",
            )
        return None if value is None else float(value)


_EXPECTED = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
}
