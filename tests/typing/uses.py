"""What type checkers are to make of typical uses. `nox -s types` runs mypy --strict and basedpyright on it; nothing here
is executed.

A `type: ignore` marks what has to be an error: both complain about the comment where it is not one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Optional

from typing_extensions import assert_type

import oxide
from oxide import AsyncOpenAI, AsyncStream, OpenAI, Stream, openai_tool
from oxide.auth import WorkloadIdentity, k8s_service_account_token_provider, x509_workload_identity
from oxide.lib.streaming.calls import FunctionCall
from oxide.lib.streaming.responses import ResponseStream
from oxide.pagination import (
    AsyncConversationCursorPage,
    AsyncCursorPage,
    SyncConversationCursorPage,
    SyncCursorPage,
    SyncPage,
)
from oxide.providers import bedrock, vertex
from oxide.quick import Client as Quick
from oxide.tools import Approval, StopReason, ToolContext, ToolFinished
from oxide.types import (
    Batch,
    Completion,
    ContainerListResponse,
    ContentProvenanceCheck,
    CreateEmbeddingResponse,
    Decision,
    EvalCreateResponse,
    FileObject,
    ImageEditStreamEvent,
    ImageGenStreamEvent,
    ImagesResponse,
    Model,
    ModerationCreateResponse,
    Skill,
    Upload,
    VectorStore,
    VectorStoreSearchResponse,
    Video,
)
from oxide.types.admin.organization import Project
from oxide.types.audio import Transcription, TranscriptionStreamEvent, TranscriptionVerbose, VoiceConsent
from oxide.types.beta import Agent, Assistant, AssistantStreamEvent, BetaResponse, Thread
from oxide.types.beta.threads import Message, Run
from oxide.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
    ParsedChatCompletion,
)
from oxide.types.chat.chat_completion_chunk import Choice
from oxide.types.conversations import Conversation, ConversationItem
from oxide.types.fine_tuning import FineTuningJob
from oxide.types.live import ForkServerEvent
from oxide.types.realtime import ClientSecretCreateResponse, RealtimeServerEvent
from oxide.types.responses import (
    FunctionToolParam,
    ParsedResponse,
    Response,
    ResponseItem,
    ResponseStreamEvent,
    ToolParam,
)
from oxide.types.safety import SafetyAlert
from oxide.types.skills import SkillVersion
from oxide.types.uploads import UploadPart
from oxide.types.vector_stores import VectorStoreFile, VectorStoreFileBatch
from oxide.types.webhooks import WebhookEndpoint


def responses(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-5", input="Say hi")
    assert_type(response, Response)
    assert_type(response.id, str)
    assert_type(response.output_text, str)
    stream = client.responses.create(model="gpt-5", input="Say hi", stream=True)
    assert_type(stream, Stream[ResponseStreamEvent])
    for event in stream:
        if event.type == "response.output_text.delta":
            assert_type(event.delta, str)
    tools: list[ToolParam] = [{"type": "function", "name": "f", "parameters": {}, "strict": True}]
    client.responses.create(model="gpt-5", input=[{"role": "user", "content": "x"}], tools=tools, timeout=5)
    client.responses.create(model="gpt-5", input="x", extra_headers={"a": "b"}, extra_body={"c": 1}, strict=True)
    client.responses.create(modle="gpt-5")  # type: ignore[call-overload]
    client.responses.create(model=5)  # type: ignore[call-overload]
    assert_type(client.responses.retrieve("resp_1"), Response)
    client.responses.retrieve()  # type: ignore[call-overload]
    assert_type(client.responses.delete("resp_1"), None)


def lists(client: OpenAI) -> None:
    page = client.responses.input_items.list("resp_1", limit=2)
    assert_type(page, SyncCursorPage[ResponseItem])
    models = client.models.list()
    assert_type(models, SyncPage[Model])
    for model in models:
        assert_type(model, Model)


def chat(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hi"}]
    completion = client.chat.completions.create(model="gpt-5", messages=messages)
    assert_type(completion, ChatCompletion)
    assert_type(completion.choices[0].message.content, str | None)
    chunks = client.chat.completions.create(model="gpt-5", messages=messages, stream=True)
    assert_type(chunks, Stream[ChatCompletionChunk])
    for chunk in chunks:
        assert_type(chunk.choices, list[Choice])
    client.chat.completions.create(model="gpt-5")  # type: ignore[call-overload]
    client.chat.completions.create(model="gpt-5", messages=messages, temprature=1)  # type: ignore[call-overload]


def embeddings(client: OpenAI) -> None:
    result = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert_type(result, CreateEmbeddingResponse)
    assert_type(result.data[0].embedding, list[float])
    client.embeddings.create(model="text-embedding-3-small")  # type: ignore[call-arg]


def completions(client: OpenAI, either: bool) -> None:
    assert_type(client.completions.create(model="m", prompt="x"), Completion)
    assert_type(client.completions.create(model="m", prompt=["x"], stream=False), Completion)
    assert_type(client.completions.create(model="m", prompt="x", stream=True), Stream[Completion])
    assert_type(client.completions.create(model="m", prompt="x", stream=either), Completion | Stream[Completion])
    client.completions.create(model="m")  # type: ignore[call-overload]
    client.completions.create(model="m", prompt="x", steam=True)  # type: ignore[call-overload]


def images(client: OpenAI) -> None:
    assert_type(client.images.generate(prompt="a cat"), ImagesResponse)
    assert_type(client.images.generate(prompt="a cat", stream=True), Stream[ImageGenStreamEvent])
    assert_type(client.images.edit(image=Path("a.png"), prompt="a hat"), ImagesResponse)
    edits = client.images.edit(image=[b"a", ("b.png", b"b")], prompt="a hat", stream=True)
    assert_type(edits, Stream[ImageEditStreamEvent])
    assert_type(client.images.create_variation(image=b"png"), ImagesResponse)
    client.images.generate(prompt="a cat", quality="best")  # type: ignore[call-overload]
    client.images.edit(image=5, prompt="a hat")  # type: ignore[call-overload]


def audio(client: OpenAI) -> None:
    with open("speech.wav", "rb") as file:
        assert_type(client.audio.transcriptions.create(file=file, model="m").text, str)
        verbose = client.audio.transcriptions.create(file=file, model="m", response_format="verbose_json")
        assert_type(verbose, TranscriptionVerbose)
        assert_type(client.audio.transcriptions.create(file=file, model="m", response_format="srt"), str)
        stream = client.audio.transcriptions.create(file=file, model="m", stream=True)
        assert_type(stream, Stream[TranscriptionStreamEvent])
        assert_type(client.audio.translations.create(file=file, model="m").text, str)
    speech = client.audio.speech.create(input="hi", model="tts", voice="alloy")
    assert_type(speech.read(), bytes)
    assert_type(client.audio.voice_consents.list(), SyncCursorPage[VoiceConsent])
    client.audio.speech.create(input="hi", model="tts", voice="alloy", sped=2)  # type: ignore[call-arg]


def files(client: OpenAI) -> None:
    assert_type(client.files.create(file=("a.jsonl", b"{}"), purpose="batch"), FileObject)
    assert_type(client.files.list(purpose="batch"), SyncCursorPage[FileObject])
    assert_type(client.files.content("file_1").text, str)
    client.files.create(file="a.jsonl", purpose="batch")  # type: ignore[arg-type]
    client.files.create(file=b"", purpose="fun")  # type: ignore[arg-type]
    upload = client.uploads.create(bytes=5, filename="a", mime_type="text/plain", purpose="batch")
    assert_type(upload, Upload)
    assert_type(client.uploads.parts.create(upload.id, data=b"12345"), UploadPart)
    assert_type(client.uploads.complete(upload.id, part_ids=["part_1"]), Upload)


def vector_stores(client: OpenAI) -> None:
    store = client.vector_stores.create(name="n", chunking_strategy={"type": "auto"})
    assert_type(store, VectorStore)
    assert_type(client.vector_stores.files.create(store.id, file_id="file_1"), VectorStoreFile)
    batch = client.vector_stores.file_batches.create(store.id, file_ids=["file_1"])
    assert_type(batch, VectorStoreFileBatch)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert_type(listed, SyncCursorPage[VectorStoreFile])
    assert_type(client.vector_stores.search(store.id, query="q"), SyncPage[VectorStoreSearchResponse])
    client.vector_stores.file_batches.list_files(batch.id)  # type: ignore[call-arg]
    client.vector_stores.search(store.id)  # type: ignore[call-arg]


def jobs(client: OpenAI) -> None:
    batch = client.batches.create(completion_window="24h", endpoint="/v1/responses", input_file_id="file_1")
    assert_type(batch, Batch)
    job = client.fine_tuning.jobs.create(model="m", training_file="file_1", seed=5)
    assert_type(job, FineTuningJob)
    for each in client.fine_tuning.jobs.list(limit=2):
        assert_type(each, FineTuningJob)
    grader = client.fine_tuning.alpha.graders.validate(
        grader={"type": "string_check", "name": "n", "input": "a", "reference": "a", "operation": "eq"}
    )
    assert_type(grader.grader is None, bool)
    evaluation = client.evals.create(
        data_source_config={"type": "custom", "item_schema": {}},
        testing_criteria=[
            {"type": "string_check", "name": "n", "input": "a", "reference": "a", "operation": "eq"},
        ],
    )
    assert_type(evaluation, EvalCreateResponse)
    client.evals.runs.retrieve("run_1")  # type: ignore[call-arg]
    client.batches.create(completion_window="1h", endpoint="/v1/responses", input_file_id="f")  # type: ignore[arg-type]


def smaller_resources(client: OpenAI) -> None:
    assert_type(client.moderations.create(input="x"), ModerationCreateResponse)
    conversation = client.conversations.create(metadata={"a": "b"})
    assert_type(conversation, Conversation)
    items = client.conversations.items.list(conversation.id)
    assert_type(items, SyncConversationCursorPage[ConversationItem])
    assert_type(client.containers.list(), SyncCursorPage[ContainerListResponse])
    assert_type(client.containers.files.content.retrieve("f", container_id="c").content, bytes)
    assert_type(client.videos.create(prompt="a cat", seconds="4"), Video)
    assert_type(client.videos.list(), SyncConversationCursorPage[Video])
    assert_type(client.videos.download_content("video_1", variant="thumbnail").content, bytes)
    assert_type(client.skills.create(files=[("SKILL.md", b"# A skill")]), Skill)
    assert_type(client.skills.versions.list("skill_1"), SyncCursorPage[SkillVersion])
    assert_type(client.webhooks.list(), SyncCursorPage[WebhookEndpoint])
    assert_type(client.safety.alerts.retrieve("alert_1"), SafetyAlert)
    assert_type(client.content_provenance_checks.create(file=b"png"), ContentProvenanceCheck)
    decision = client.decisions.create(
        input="x", model="m", questions=[{"type": "predicate", "instructions": "Is it?"}]
    )
    assert_type(decision, Decision)
    secret = client.realtime.client_secrets.create(session={"type": "realtime"})
    assert_type(secret, ClientSecretCreateResponse)
    assert_type(client.realtime.calls.hangup("call_1"), None)
    assert_type(client.live.sessions.hangup("session_1"), None)
    client.moderations.create()  # type: ignore[call-arg]
    client.videos.create(prompt="a cat", second="4")  # type: ignore[call-arg]
    client.conversations.items.retrieve("item_1")  # type: ignore[call-arg]


def beta(client: OpenAI) -> None:
    assert_type(client.beta.assistants.create(model="m"), Assistant)
    thread = client.beta.threads.create()
    assert_type(thread, Thread)
    assert_type(client.beta.threads.messages.list(thread.id), SyncCursorPage[Message])
    assert_type(client.beta.threads.runs.create(thread.id, assistant_id="a"), Run)
    events = client.beta.threads.runs.create(thread.id, assistant_id="a", stream=True)
    assert_type(events, Stream[AssistantStreamEvent])
    run = client.beta.threads.runs.submit_tool_outputs(
        "run_1", thread_id=thread.id, tool_outputs=[{"tool_call_id": "call_1", "output": "5"}]
    )
    assert_type(run, Run)
    assert_type(client.beta.responses.retrieve("resp_1"), BetaResponse)
    assert_type(client.beta.agents.retrieve("agent_1"), Agent)
    client.beta.threads.runs.create(thread.id)  # type: ignore[call-overload]
    client.beta.threads.runs.retrieve("run_1")  # type: ignore[call-arg]


def admin(client: OpenAI) -> None:
    project = client.admin.organization.projects.create(name="n")
    assert_type(project, Project)
    for each in client.admin.organization.projects.list(include_archived=True):
        assert_type(each.id, str)
    usage = client.admin.organization.usage.completions(start_time=1, group_by=["model"])
    assert_type(usage.has_more, bool)
    client.admin.organization.usage.completions()  # type: ignore[call-arg]


async def asynchronous_resources(client: AsyncOpenAI) -> None:
    assert_type(await client.images.generate(prompt="a cat"), ImagesResponse)
    assert_type(await client.images.generate(prompt="a cat", stream=True), AsyncStream[ImageGenStreamEvent])
    assert_type(await client.completions.create(model="m", prompt="x", stream=True), AsyncStream[Completion])
    assert_type(await client.audio.transcriptions.create(file=b"wav", model="m"), Transcription)
    assert_type(await client.files.create(file=b"", purpose="batch"), FileObject)
    async for file in client.files.list():
        assert_type(file, FileObject)
    assert_type(await client.videos.list(), AsyncConversationCursorPage[Video])
    assert_type(await client.batches.retrieve("batch_1"), Batch)
    assert_type(await client.vector_stores.files.retrieve("f", vector_store_id="v"), VectorStoreFile)
    assert_type(await client.fine_tuning.jobs.cancel("job_1"), FineTuningJob)
    assert_type((await client.moderations.create(input="x")).id, str)
    assert_type(await client.conversations.retrieve("conv_1"), Conversation)
    assert_type(await client.beta.threads.runs.create("t", assistant_id="a"), Run)
    events = await client.beta.threads.create_and_run(assistant_id="a", stream=True)
    assert_type(events, AsyncStream[AssistantStreamEvent])
    assert_type(await client.admin.organization.projects.retrieve("proj_1"), Project)
    assert_type(await client.realtime.calls.reject("call_1"), None)
    await client.images.generate(promt="a cat")  # type: ignore[call-overload]
    await client.vector_stores.files.retrieve("f")  # type: ignore[call-arg]


async def asynchronous(client: AsyncOpenAI) -> None:
    assert_type(await client.responses.create(model="gpt-5", input="x"), Response)
    stream = await client.responses.create(model="gpt-5", input="x", stream=True)
    assert_type(stream, AsyncStream[ResponseStreamEvent])
    async for event in stream:
        assert_type(event, ResponseStreamEvent)
    assert_type(await client.responses.input_items.list("resp_1"), AsyncCursorPage[ResponseItem])
    async for model in client.models.list():
        assert_type(model, Model)


def raw(client: OpenAI) -> None:
    response = client.models.with_raw_response.retrieve("gpt-5")
    assert_type(response.parse(), Model)
    assert_type(response.request_id, str | None)
    with client.models.with_streaming_response.retrieve("gpt-5") as unread:
        assert_type(unread.parse(), Model)


def errors(client: OpenAI) -> None:
    try:
        client.models.retrieve("x")
    except oxide.RateLimitError as error:
        assert_type(error.status_code, Literal[429])
        assert_type(error.response.headers.get("x"), str | None)
    except oxide.APIConnectionError as error:
        assert_type(error.request, oxide.Request)


@openai_tool
def get_weather(city: str, days: int = 3) -> str:
    return f"{days} days of sun in {city}"


@openai_tool(name="search", on_error="raise", needs_approval=True)
async def search_things(query: str, ctx: ToolContext[dict[str, int]]) -> list[int]:
    return [ctx.context[query]]


class Shop:
    @openai_tool
    def take(self, count: int) -> int:
        return count


def tools(client: OpenAI) -> None:
    assert_type(get_weather("Paris"), str)
    get_weather(5)  # type: ignore
    assert_type(get_weather.to_responses(), FunctionToolParam)
    assert_type(get_weather.to_chat(), ChatCompletionFunctionToolParam)
    assert_type(get_weather.parse("{}"), dict[str, Any])
    assert_type(Shop().take(5), int)
    client.responses.create(model="gpt-5", input="hi", tools=[get_weather.to_responses()])
    with client.responses.run_tools(
        model="gpt-5", input="hi", tools=[get_weather, Shop().take, len], max_turns=3
    ) as run:
        for event in run:
            if event.type == "response.output_text.delta":
                assert_type(event.delta, str)
            elif event.type == "tool.finished":
                assert_type(event, ToolFinished)
            elif event.type == "turn.finished":
                assert_type(event.response, Response)
    assert_type(run.get_final_response(), Response)
    assert_type(run.reason, Optional[StopReason])
    typed = client.responses.run_tools(model="gpt-5", input="hi", tools=[get_weather], text_format=Shop)
    assert_type(typed.get_final_response().output_parsed, Optional[Shop])
    web: ToolParam = {"type": "web_search"}
    client.responses.run_tools(model="gpt-5", input="hi", tools=[web], approve=lambda approval: approval.kind == "mcp")
    client.responses.run_tools(model="gpt-5", input="hi", tools=[web], max_turn=5)  # type: ignore
    chat = client.chat.completions.run_tools(
        model="gpt-5", messages=[{"role": "user", "content": "hi"}], tools=[get_weather]
    )
    for chat_event in chat:
        if chat_event.type == "chunk":
            assert_type(chat_event.chunk, ChatCompletionChunk)
    assert_type(chat.get_final_response(), ChatCompletion)


async def asynchronous_tools(client: AsyncOpenAI) -> None:
    async def approve(approval: Approval) -> bool:
        return approval.name == "search"

    assert_type(await search_things("x", ToolContext({"x": 1})), list[int])
    run = client.responses.run_tools(model="gpt-5", input="hi", tools=[search_things], context={}, approve=approve)
    assert_type(await run, Response)
    async with client.chat.completions.run_tools(model="gpt-5", messages=[], tools=[search_things]) as chat:
        async for event in chat:
            if event.type == "tool.started":
                assert_type(event.call.name, str)
    assert_type(await chat.get_final_response(), ChatCompletion)


def objects(response: Response) -> None:
    assert_type(response.to_dict(), dict[str, object])
    assert_type(response.model_extra, dict[str, Any])
    response.no_such_field  # type: ignore[attr-defined]
    Model(id="m", created=1, object="model", owned_by="me")


def module() -> None:
    oxide.api_key = "sk"
    assert_type(oxide.responses.create(model="gpt-5", input="x"), Response)


def endpoints(client: OpenAI) -> None:
    assert_type(client.get("/models", cast_to=Model), Model)
    assert_type(client.get("/models", cast_to=object), object)
    assert_type(client.post("/x", cast_to=str, body={"a": 1}, options={"timeout": 3, "max_retries": 0}), str)
    assert_type(client.put("/x", cast_to=bytes, content=b"x"), bytes)
    assert_type(client.delete("/x", cast_to=Model, options={"follow_redirects": False}), Model)
    stream = client.post("/x", cast_to=object, stream=True, stream_cls=Stream[ResponseStreamEvent])
    assert_type(stream, Stream[ResponseStreamEvent])
    client.get("/x", cast_to=Model, options={"retries": 1})  # type: ignore


async def async_endpoints(client: AsyncOpenAI) -> None:
    assert_type(await client.get("/models", cast_to=Model), Model)
    stream = await client.post("/x", cast_to=object, stream=True, stream_cls=AsyncStream[ResponseStreamEvent])
    assert_type(stream, AsyncStream[ResponseStreamEvent])


def azure(config: oxide.AzureConfig) -> None:
    client = oxide.AzureOpenAI(azure_endpoint="https://e.example", api_version="v", azure_ad_token_provider=lambda: "t")
    assert_type(client.models.retrieve("m"), Model)
    assert_type(client.with_options(api_version="w", timeout=3), oxide.AzureOpenAI)
    assert_type(OpenAI.azure(config), oxide.AzureOpenAI)
    assert_type(AsyncOpenAI.azure(config), oxide.AsyncAzureOpenAI)
    oxide.AzureOpenAI(api_version=1)  # type: ignore


def platforms() -> None:
    client = OpenAI(provider=bedrock(region="us-east-1", api_key="k"))
    assert_type(client.responses.create(model="m", input="x"), Response)
    OpenAI(provider=vertex(project="p", location="global"))
    assert_type(oxide.BedrockOpenAI(aws_region="us-east-1").copy(aws_profile="p"), oxide.BedrockOpenAI)


def workloads() -> None:
    identity: WorkloadIdentity = {
        "identity_provider_id": "idp",
        "service_account_id": "sa",
        "provider": k8s_service_account_token_provider(),
    }
    OpenAI(workload_identity=identity)
    AsyncOpenAI(workload_identity=x509_workload_identity(identity_provider_id="i", service_account_id="s"))
    OpenAI(workload_identity={"identity_provider_id": "i"})  # type: ignore


class _Answer:
    x: int


def helper_streams(client: OpenAI) -> None:
    with client.responses.stream(model="m", input="x", text_format=_Answer) as responding:
        assert_type(responding, ResponseStream[_Answer])
        for event in responding:
            if event.type == "response.output_text.delta":
                event.delta.upper()
        assert_type(responding.get_final_response().output_parsed, _Answer | None)
    with client.chat.completions.stream(model="m", messages=[], response_format=_Answer) as chatting:
        for part in chatting:
            if part.type == "content.delta":
                assert_type(part.snapshot, str)
            elif part.type == "content.done":
                assert_type(part.parsed, _Answer | None)
        assert_type(chatting.get_final_completion(), ParsedChatCompletion[_Answer])
    with client.responses.stream(response_id="r", starting_after=3) as stored:
        assert_type(stored, ResponseStream[None])
    with client.responses.create_stream_fc(model="m", input="x") as calls:
        for call in calls:
            assert_type(call, FunctionCall)
        assert_type(calls.get_final_response(), ParsedResponse[Any])
    client.responses.stream(model="m", input="x", temprature=1)  # type: ignore

    class Handler(oxide.AssistantEventHandler):
        found = 0

    with client.beta.threads.runs.stream(thread_id="t", assistant_id="a", event_handler=Handler()) as run:
        assert_type(run.found, int)


async def async_helper_streams(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model="m", input="x") as responding:
        async for piece in responding.text_deltas:
            assert_type(piece, str)
        assert_type(await responding.get_final_response(), ParsedResponse[None])
    async for call in client.chat.completions.create_stream_fc(model="m", messages=[]):
        assert_type(call.arguments, str)
    chatting = await client.chat.completions.create_stream_fc(model="m", messages=[])
    assert_type(await chatting.get_final_completion(), ParsedChatCompletion[Any])


def connections(client: OpenAI) -> None:
    with client.realtime.connect(model="m", on_reconnecting=lambda event: {"abort": event.attempt > 2}) as realtime:
        assert_type(realtime.recv(), RealtimeServerEvent)
        assert_type(realtime.parse_event(realtime.recv_bytes()), RealtimeServerEvent)
        realtime.session.update(session={"type": "realtime"})
        realtime.conversation.item.create(item={"type": "message", "role": "user", "content": []})
        realtime.send({"type": "response.cancel"})
        for event in realtime:
            assert_type(event, RealtimeServerEvent)
        realtime.conversation.item.create()  # type: ignore
        realtime.send({"type": "no.such"})  # type: ignore
    connection = client.responses.connect(websocket_connection_options={"max_size": None, "ping_interval": 5}).enter()
    connection.response.create(model="m", input="x", stream_id="lane")
    turn = connection.recv()
    if turn.type == "response.output_text.delta":
        assert_type(turn.delta, str)
    connection.on("error", print).dispatch_events()
    connection.close(code=1000, reason="done")
    client.live.sideband.connect(graceful_close=True)  # type: ignore


async def async_connections(client: AsyncOpenAI) -> None:
    async with client.live.forks.connect(session_id="s", extra_headers={"X": "y"}) as live:
        await live.session.input_audio.append(audio="AAAA")
        async for event in live:
            assert_type(event, ForkServerEvent)
    async with client.realtime.translations.connect("m") as connection:
        assert_type(await connection.recv_bytes(), bytes)
        await connection.session.close()


def websocket_sessions(client: OpenAI) -> None:
    with client.ws_session(model="gpt-5", instructions="x", max_age=None) as session:
        assert_type(session, oxide.WsSession)
        assert_type(session.send("Hi", store=False), Response)
        assert_type(session.send(input=[{"role": "user", "content": "x"}], timeout=3.0).output_text, str)
        with session.lane("a") as lane:
            assert_type(lane, oxide.WsLane)
            with lane.send_stream("Hi") as events:
                for event in events:
                    if event.type == "response.output_text.delta":
                        assert_type(event.delta, str)
                assert_type(events.response, Optional[Response])
            assert_type(lane.create(input="x"), Response)
            assert_type(lane.create(input="x", stream=True), oxide.ResponseEvents)
            for call in lane.create_stream_fc("Hi"):
                assert_type(call, FunctionCall)
            assert_type(lane.run_tools(model="m", input="x", tools=[]).get_final_response(), Response)
            assert_type(
                lane.run_tools(input="x", tools=[], text_format=Shop).get_final_response().output_parsed,
                Optional[Shop],
            )
            assert_type(lane.parse("Hi", text_format=Shop).output_parsed, Optional[Shop])
        session.send("Hi", modle="gpt-5")  # type: ignore[call-arg]
    with client.ws_pool(max_sessions=2) as pool, pool.session() as pooled:
        assert_type(pooled, oxide.WsSession)
        assert_type(pool.send("Hi"), Response)


async def async_websocket_sessions(client: AsyncOpenAI) -> None:
    async with client.ws_session(model="gpt-5") as session:
        assert_type(await session.send("Hi"), Response)
        async for event in await session.lane().send_stream("Hi"):
            if event.type == "response.output_text.delta":
                assert_type(event.delta, str)
        assert_type(await session.create(input="x", stream=True), oxide.AsyncResponseEvents)
        assert_type(await session.run_tools(model="m", input="x", tools=[]), Response)
        assert_type((await session.parse("Hi", parse_as=Shop)).output_parsed, Optional[Shop])
    async with client.ws_pool() as pool, pool.session() as pooled:
        assert_type(pooled, oxide.AsyncWsSession)
    async with Quick() as quick, await quick.ws_session() as small:
        assert_type(await quick.create_text("gpt-5", "Hi"), str)
        assert_type(await small.send("gpt-5", "Hi"), Response)


async def many_connections() -> None:
    limits = oxide.Limits(max_connections=10, max_connections_per_origin=None)
    client = OpenAI(http2=True)
    client.warmup(2)
    assert_type(client.stats(), dict[str, int])
    async_client = AsyncOpenAI(http2=oxide.HTTP2(prior_knowledge=True, window=1 << 20, ping_interval=None))
    await async_client.warmup()
    OpenAI(http_client=oxide.HTTPTransport(http2=True, limits=limits))
    OpenAI(http2="yes")  # type: ignore


def watched() -> None:
    class Mine(oxide.Hooks):
        def on_response(self, event: oxide.hooks.ResponseEvent, /) -> None:
            assert_type(event.status, int)
            assert_type(event.timings.connect, Optional[float])

        def on_request(self, event: oxide.hooks.RequestEvent, /) -> dict[str, str]:
            return {"X-Attempt": str(event.attempt)}

    OpenAI(hooks=Mine())
    OpenAI(hooks=[Mine(), oxide.otel.instrument(propagate=True)]).with_options(hooks=None)
    AsyncOpenAI(hooks=oxide.Hooks(on_call_end=lambda event: print(event.outcome, event.result.usage)))
    oxide.Hooks(on_hedge=lambda event: print(event.place))  # type: ignore[attr-defined]
    with oxide.pickle_secrets():
        pass


def retries_and_limits() -> None:
    policy = oxide.RetryPolicy(3, statuses=(429, 503), budget=oxide.Budget(0.1), idempotency_keys=True)
    limiter = oxide.RateLimiter(requests_per_minute=50)
    client = OpenAI(retry=policy, limiter=limiter)
    assert_type(client.retry, oxide.RetryPolicy)
    assert_type(client.with_options(retry=policy.replace(jitter=0), limiter=None), OpenAI)
    assert_type(client.with_options(max_retries=1).max_retries, int)
    client.get("/x", cast_to=object, options={"retry": policy})
    OpenAI(retry=3)  # type: ignore[arg-type]
    try:
        client.models.list()
    except oxide.APIError as error:
        assert_type(error.retries_taken, int)
