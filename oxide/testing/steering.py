"""`response.steer`: input for a response that is being written."""

from __future__ import annotations

from typing import Any

from .store import Store

__all__ = ["Steering"]

JSON = dict[str, Any]
_FIELDS = {"type", "previous_response_id", "input"}
_PARTS = {"input_text", "input_image", "input_file"}


class Steering:
    """What was steered on one connection and is not part of a response yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self._queued: dict[str, list[tuple[JSON, str | list[Any]]]] = {}
        self._active: set[str] = set()
        self._over: set[str] = set()

    def began(self, response_id: str) -> None:
        """A response is being written, and may be steered."""
        self._active.add(response_id)

    def submit(self, event: JSON) -> JSON:
        """The answer to a `response.steer` event: accepted, or failed."""
        target, given = event.get("previous_response_id"), event.get("input")
        problem = self._problem(event, target, given)
        if problem is not None:
            code, message = problem
            return self._event(
                "response.steer.failed",
                steer={"previous_response_id": target, "input": given},
                error={"type": "invalid_request_error", "code": code, "message": message},
            )
        assert isinstance(target, str)
        assert given is not None
        steer = {"id": self._store.id("steer_"), "previous_response_id": target}
        self._queued.setdefault(target, []).append((steer, given))
        return self._event("response.steer.accepted", steer=steer)

    def _problem(self, event: JSON, target: Any, given: Any) -> tuple[str, str] | None:
        unknown = sorted(event.keys() - _FIELDS)
        if unknown:
            return "invalid_input", f"Unknown parameter: '{unknown[0]}'."
        if not (isinstance(given, str) or (isinstance(given, list) and given and all(map(_allowed, given)))):
            return "invalid_input", "The input must be a text, or messages of the user."
        if target in self._over:
            return "response_already_completed", "The response is complete."
        if target not in self._active:
            return "response_not_found", f"There is no response '{target}' on this connection."
        return None

    def ended(self, response: JSON) -> tuple[list[JSON], list[JSON] | None]:
        """A response is complete.

        Returns:
            Events that say what becomes of the steered input, and the input of the response that follows by itself; `None`
            where none does.
        """
        name = response["id"]
        self._active.discard(name)
        self._over.add(name)
        queued = self._queued.get(name)
        if not queued:
            return [], None
        required = [stub for item in response["output"] if (stub := _stub(item)) is not None]
        if required:
            return [
                self._event(
                    "response.steer.pending",
                    steer=steer,
                    reason="waiting_for_required_input",
                    required_input=required,
                )
                for steer, _ in queued
            ], None
        return [], self.take(name)

    def take(self, response_id: str | None) -> list[JSON]:
        """The input that was steered to a response, for the one that continues it."""
        queued = self._queued.pop(response_id or "", ())
        return [item for _, given in queued for item in as_items(given)]

    def _event(self, kind: str, **fields: Any) -> JSON:
        self._count += 1
        return {"type": kind, "sequence_number": self._count - 1, **fields}


def as_items(given: str | list[Any] | None) -> list[Any]:
    """Input as a list of items."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(given or ())


def _allowed(item: Any) -> bool:
    if not isinstance(item, dict) or item.keys() - {"type", "role", "content"}:
        return False
    if item.get("type", "message") != "message" or item.get("role") != "user":
        return False
    content = item.get("content")
    return isinstance(content, str) or (
        isinstance(content, list) and all(isinstance(part, dict) and part.get("type") in _PARTS for part in content)
    )


def _stub(item: JSON) -> JSON | None:
    """What the client has to supply for an output item."""
    kind = item["type"]
    if kind == "function_call":
        return {"type": "function_call_output", "call_id": item["call_id"], "name": item["name"]}
    if kind == "custom_tool_call":
        return {"type": "custom_tool_call_output", "call_id": item["call_id"]}
    if kind == "mcp_approval_request":
        return {"type": "mcp_approval_response", "approval_request_id": item["id"]}
    return None
