"""The synchronous client, which needs stack switching."""

from __future__ import annotations

import io
from pathlib import Path

import oxide

from ..world import World, raises, script
from .calls import WEATHER, Answer


def order(world: World, *scripts: object, **options: object) -> None:
    from pyodide.ffi import run_sync

    run_sync(world.server.queue(*scripts, **options))


def test_create(world: World) -> None:
    response = world.blocking_client().responses.create(model="gpt-5", input="Say hi")
    assert response.output_text == "You said: Say hi"


def test_stream(world: World) -> None:
    kinds = [event.type for event in world.blocking_client().responses.create(model="gpt-5", input="hi", stream=True)]
    assert kinds[-1] == "response.completed"


def test_retried(world: World) -> None:
    order(world, script("Reply", status=503, headers={"retry-after-ms": "1"}))
    assert world.blocking_client().responses.create(model="gpt-5", input="hi").output_text == "You said: hi"


def test_timeout(world: World) -> None:
    order(world, script("Fault.stall_before"))
    with raises(oxide.APITimeoutError, "timeout.read"):
        world.blocking_client(max_retries=0, timeout=0.2).responses.create(model="gpt-5", input="hi")


def test_hedging(world: World) -> None:
    order(world, script("Fault.stall_before"))
    client = world.blocking_client(hedge=0.05)
    assert client.responses.create(model="gpt-5", input="hi").output_text == "You said: hi"


def test_structured(world: World) -> None:
    response = world.blocking_client().responses.parse(model="gpt-5", input="How warm is it?", text_format=Answer)
    assert isinstance(response.output_parsed, Answer)


def test_early_calls(world: World) -> None:
    client = world.blocking_client()
    with client.responses.create_stream_fc(
        model="gpt-5", input="What is the weather in Paris?", tools=[WEATHER]
    ) as stream:
        calls = [call.name for call in stream]
    assert calls == ["get_weather"]


def test_tool_loop(world: World) -> None:
    asked = []

    @oxide.openai_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    client = world.blocking_client()
    run = client.responses.run_tools(model="gpt-5", input="What is the weather in Paris?", tools=[get_weather])
    assert run.get_final_response().output_text
    assert len(asked) == 1


def test_upload(world: World) -> None:
    from .uploads import FILE

    path = Path("/tmp/upload-sync.txt")
    path.write_bytes(b"from a file")
    client = world.blocking_client()
    for file in (path, ("x.txt", io.BytesIO(b"from a file")), ("x.txt", b"from a file")):
        order(world, script("Reply", json=FILE), path="/v1/files")
        assert client.files.create(file=file, purpose="assistants").id == "file-1"


def test_pages(world: World) -> None:
    assert "gpt-5" in [model.id for model in world.blocking_client().models.list()]


def test_streamed_response(world: World) -> None:
    with world.blocking_client().responses.with_streaming_response.create(model="gpt-5", input="hi") as response:
        assert b"You said" in b"".join(response.iter_bytes())


def test_module_client(world: World) -> None:
    oxide.api_key, oxide.base_url = "sk-test", world.base_url
    try:
        assert oxide.responses.create(model="gpt-5", input="hi").output_text == "You said: hi"
    finally:
        from oxide import _module_client

        oxide.api_key = oxide.base_url = None
        if _module_client._current is not None:
            _module_client._current[1].close()
            _module_client._current = None
