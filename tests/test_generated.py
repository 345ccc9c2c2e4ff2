"""The generated types and resources: how they are imported, and what was written by hand among them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import openai
import pytest

from oxide._tools import files
from oxide.core.codec import decode

DESCRIPTION = files.committed_description()


def client_of(official: type, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return official()


def test_a_package_has_its_modules_and_nothing_else() -> None:
    import oxide.types.responses as package

    assert package.response_usage is sys.modules["oxide.types.responses.response_usage"]
    with pytest.raises(AttributeError, match=r"'oxide\.types\.responses' has no attribute 'nothing'"):
        _ = package.nothing
    with pytest.raises(AttributeError, match="_nothing"):
        _ = package._nothing


def test_an_import_error_inside_a_module_is_not_hidden(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide._lazy import lazy

    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("")
    (tmp_path / "broken_package" / "broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    get, _, _ = lazy("broken_package", {})
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        get("broken")


# Behaviour


MESSAGE = {
    "id": "r",
    "output": [
        {"type": "reasoning", "id": "x", "summary": []},
        {"type": "something_new"},
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "one ", "annotations": []},
                {"type": "refusal", "refusal": "no"},
                {"type": "output_text", "text": None, "annotations": []},
                {"type": "output_text", "text": "two", "annotations": [], "parsed": {"n": 2}},
            ],
        },
    ],
}


def test_output_text_joins_the_text_of_all_messages() -> None:
    from oxide.types.responses import Response

    assert decode(Response, json.dumps(MESSAGE).encode()).output_text == "one two"
    assert decode(Response, b'{"output": []}').output_text == ""


def test_output_parsed_is_the_first_parsed_part() -> None:
    from oxide.types.responses import ParsedResponse

    response = decode(ParsedResponse[dict[str, int]], json.dumps(MESSAGE).encode())
    assert response.output_parsed == {"n": 2}
    assert response.output_text == "one two"
    assert decode(ParsedResponse[dict[str, int]], b'{"output": []}').output_parsed is None


def test_output_text_of_an_agent_message_joins_its_parts() -> None:
    from oxide.types.beta import AgentSessionMessage

    parts = [{"type": "output_text", "text": "one "}, {"type": "new"}, {"type": "output_text", "text": "two"}]
    assert (
        decode(AgentSessionMessage, json.dumps({"type": "message", "content": parts}).encode()).output_text == "one two"
    )
    assert decode(AgentSessionMessage, b'{"type": "message"}').output_text == ""


def test_what_is_known_when_a_connection_is_made_again() -> None:
    from oxide import ReconnectingEvent, types

    event = ReconnectingEvent(1, 5, 0.5, 1006, {}, {})
    assert (event.attempt, event.close_code) == (1, 1006)
    assert types.ReconnectingEvent is ReconnectingEvent
    assert types.websocket_reconnection.is_recoverable_close(1006)
    assert not types.websocket_reconnection.is_recoverable_close(1000)


# Clients


@pytest.mark.parametrize("word", ["Sync", "Async"])
def test_clients_have_the_resources(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide.resources import _attach

    name = {"Sync": "OpenAI", "Async": "AsyncOpenAI"}[word]
    official = client_of(getattr(openai, name), monkeypatch)
    ours = type("Client", (getattr(_attach, f"{word}Resources"),), {})()
    views = {"with_raw_response": "WithRawResponse", "with_streaming_response": "WithStreamingResponse"}
    for attribute in DESCRIPTION.client:
        assert type(getattr(ours, attribute)).__name__ == type(getattr(official, attribute)).__name__
        assert getattr(ours, attribute) is getattr(ours, attribute)
        for view, suffix in views.items():
            mine = getattr(_attach, f"{word}Resources{suffix}")(ours)
            theirs = getattr(official, view)
            assert type(getattr(mine, attribute)).__name__ == type(getattr(theirs, attribute)).__name__


# Laziness


def loaded(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sorted(name for name in sys.modules if name.startswith('oxide')))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_a_package_of_types_loads_no_type() -> None:
    names = ", ".join(f"oxide.types.{name}".rstrip(".") for name in DESCRIPTION.packages)
    modules = {f"oxide.types.{name}" for name in DESCRIPTION.modules}
    assert loaded(f"import {names}") & modules == set()


def test_importing_a_type_loads_only_what_it_needs() -> None:
    modules = loaded("from oxide.types.responses import ResponseUsage")
    assert {name for name in modules if name.startswith("oxide.types.responses.")} == {
        "oxide.types.responses.response_usage"
    }


def test_importing_resources_loads_no_types() -> None:
    names = ", ".join(f"oxide.resources.{module}" for module, _ in DESCRIPTION.resources)
    modules = loaded(f"import {names}, oxide.resources._attach")
    assert {name for name in modules if name.startswith("oxide.types")} == set()


def test_attaching_resources_loads_none() -> None:
    modules = loaded("import oxide.resources._attach")
    assert {name for name in modules if name.startswith("oxide.resources.")} == {"oxide.resources._attach"}


ANSWERING = """
import json, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
import oxide
with oxide.OpenAI(api_key="sk-test", base_url=f"http://127.0.0.1:{server.server_port}/v1") as client:
    CALL
server.shutdown()
server.server_close()
"""


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("client.responses.create(model='m', input='i')", {"id": "r", "object": "response", "output": []}),
        (
            "client.chat.completions.create(model='m', messages=[])",
            {"id": "c", "object": "chat.completion", "choices": [], "created": 1, "model": "m"},
        ),
    ],
)
def test_a_call_loads_only_what_it_needs(call: str, answer: dict[str, Any]) -> None:
    modules = loaded(ANSWERING.replace("ANSWER)", f"{answer!r})").replace("CALL", call))
    resource = call.split(".")[1]
    assert any(name.startswith(f"oxide.types.{resource}.") for name in modules)
    for other in {*DESCRIPTION.client} - {resource}:
        found = {
            name for name in modules if f"{name}.".startswith((f"oxide.resources.{other}.", f"oxide.types.{other}."))
        }
        # Models of one resource may be made of those of another.
        assert {name for name in found if name.startswith("oxide.resources.")} == set()
        if other in {"admin", "beta", "evals", "realtime"}:
            assert found == set()
