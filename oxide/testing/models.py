"""`/models`: the names that the server knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .exchange import Answer
from .problem import Problem

if TYPE_CHECKING:
    from .call import Call

__all__ = ["ROUTES", "Models"]

_NAMES = """
gpt-6.2-astra gpt-6.2-sol gpt-6.1-sol gpt-6.1-terra gpt-6-astra gpt-6-sol gpt-6-luna gpt-5.6-sol gpt-5.6-terra
gpt-5.6-luna gpt-5.5 gpt-5.5-pro gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.2 gpt-5.2-pro gpt-5.1 gpt-5.1-mini
gpt-5.1-codex gpt-5 gpt-5-mini gpt-5-nano gpt-5-pro gpt-5-codex gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-4o gpt-4o-mini
gpt-4o-audio-preview gpt-4-turbo gpt-4 gpt-3.5-turbo o1 o1-pro o3 o3-mini o3-pro o3-deep-research o4-mini
chatgpt-4o-latest computer-use-preview codex-mini-latest
text-embedding-3-small text-embedding-3-large text-embedding-ada-002
ft:gpt-4o-mini:oxide::example
"""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_SINCE = 1_715_367_049


class Models:
    """The known models, in a fixed order.

    A dated snapshot (`-YYYY-MM-DD`) of a known model is known too, without being listed.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self.names = list(_NAMES.split() if names is None else names)

    def check(self, name: str) -> None:
        """
        Raises:
            Problem: 404, the model is not known.
        """
        if name not in self.names and _SNAPSHOT.sub("", name) not in self.names:
            raise Problem(
                404,
                f"The model `{name}` does not exist or you do not have access to it.",
                param="model",
                code="model_not_found",
            )

    def describe(self, name: str) -> dict[str, Any]:
        """The object that stands for a model."""
        owner = "oxide" if name.startswith("ft:") else "system"
        return {"id": name, "object": "model", "created": _SINCE, "owned_by": owner}


def _list(call: Call) -> Answer:
    models = call.models
    return Answer.json({"object": "list", "data": [models.describe(name) for name in models.names]})


def _retrieve(call: Call) -> Answer:
    (name,) = call.params
    call.models.check(name)
    return Answer.json(call.models.describe(name))


def _delete(call: Call) -> Answer:
    (name,) = call.params
    call.models.check(name)
    if not name.startswith("ft:"):
        raise Problem(403, "You have insufficient permissions for this operation.", code="missing_scope")
    call.models.names.remove(name)
    return Answer.json({"id": name, "object": "model", "deleted": True})


ROUTES = (
    ("GET", "/models", _list),
    ("GET", "/models/{model}", _retrieve),
    ("DELETE", "/models/{model}", _delete),
)
