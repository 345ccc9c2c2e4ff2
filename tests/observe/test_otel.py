"""Spans and metrics, as OpenTelemetry's own SDK gets them, by the names of its semantic conventions."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from typing import Any

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import oxide
from oxide import otel
from oxide.testing import Gate, MockServer, Reply

from ..ways import Way

with warnings.catch_warnings():
    # They have moved to a repository of their own, which has no package yet.
    warnings.simplefilter("ignore")
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
    from opentelemetry.semconv._incubating.attributes import openai_attributes as openai_names
    from opentelemetry.semconv._incubating.metrics import gen_ai_metrics as metric_names
    from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes

HI: dict[str, Any] = {"model": "gpt-5", "input": "Say hi"}
CHAT: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "Say hi"}]}


class Collected:
    """An SDK that keeps everything in memory."""

    def __init__(self, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.hooks = otel.instrument(
            tracer_provider=self.tracers, meter_provider=MeterProvider([self._reader]), **options
        )
        self.tracer = self.tracers.get_tracer("test")

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in ([] if data is None else data.resource_metrics)
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def sdk() -> Collected:
    return Collected()


async def test_a_response(way: Way, server: MockServer, sdk: Collected) -> None:
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    answer = await client.responses.create(**HI, temperature=0.5, max_output_tokens=99, top_p=0.9)
    span = sdk.span
    assert (span.name, span.kind) == ("chat gpt-5", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    common = {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_PROVIDER_NAME: "openai",
        names.GEN_AI_REQUEST_MODEL: "gpt-5",
        server_attributes.SERVER_ADDRESS: "127.0.0.1",
        server_attributes.SERVER_PORT: port,
    }
    assert dict(span.attributes or {}) == common | {
        names.GEN_AI_REQUEST_TEMPERATURE: 0.5,
        names.GEN_AI_REQUEST_TOP_P: 0.9,
        names.GEN_AI_REQUEST_MAX_TOKENS: 99,
        names.GEN_AI_RESPONSE_ID: answer.id,
        names.GEN_AI_RESPONSE_MODEL: answer.model,
        names.GEN_AI_RESPONSE_FINISH_REASONS: ("completed",),
        names.GEN_AI_USAGE_INPUT_TOKENS: answer.usage.input_tokens,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: answer.usage.output_tokens,
        openai_names.OPENAI_API_TYPE: "responses",
        openai_names.OPENAI_RESPONSE_SERVICE_TIER: answer.service_tier,
        http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
        "oxide.request_id": answer._request_id,
    }
    measured = common | {names.GEN_AI_RESPONSE_MODEL: answer.model}
    (duration,) = sdk.points(metric_names.GEN_AI_CLIENT_OPERATION_DURATION)
    assert (duration.count, dict(duration.attributes)) == (1, measured)
    assert duration.sum == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-6)  # type: ignore[operator]
    assert duration.explicit_bounds[0] == 0.01
    tokens = {
        point.attributes[names.GEN_AI_TOKEN_TYPE]: point for point in sdk.points(metric_names.GEN_AI_CLIENT_TOKEN_USAGE)
    }
    assert {kind: point.sum for kind, point in tokens.items()} == {
        "input": answer.usage.input_tokens,
        "output": answer.usage.output_tokens,
    }
    assert dict(tokens["input"].attributes) == measured | {names.GEN_AI_TOKEN_TYPE: "input"}
    assert tokens["input"].explicit_bounds[-1] == 67108864


async def test_a_stream(way: Way, server: MockServer, sdk: Collected) -> None:
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    stream = await client.chat.completions.create(
        **CHAT, stream=True, stream_options={"include_usage": True}, stop="x", n=2, seed=7
    )
    assert sdk.spans == []
    count = len([event async for event in stream])
    attributes = sdk.span.attributes or {}
    assert sdk.span.name == "chat gpt-5"
    assert attributes[names.GEN_AI_REQUEST_STREAM] is True
    assert attributes[names.GEN_AI_REQUEST_STOP_SEQUENCES] == ("x",)
    assert attributes[names.GEN_AI_REQUEST_CHOICE_COUNT] == 2
    assert attributes[names.GEN_AI_REQUEST_SEED] == 7
    assert attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] > 0  # type: ignore[operator]
    assert (
        attributes[names.GEN_AI_RESPONSE_FINISH_REASONS]
        == ("stop", "stop")[: len(attributes[names.GEN_AI_RESPONSE_FINISH_REASONS])]
    )  # type: ignore[arg-type,index]
    assert attributes[openai_names.OPENAI_API_TYPE] == "chat_completions"
    (first,) = sdk.points(metric_names.GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK)
    assert first.sum == pytest.approx(attributes[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK])
    (gaps,) = sdk.points(metric_names.GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK)
    assert gaps.count == count - 1


@pytest.mark.parametrize("how", ["closed", "dropped"])
async def test_a_stream_that_is_given_up(way: Way, server: MockServer, sdk: Collected, how: str) -> None:
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    stream = await client.responses.create(**HI, stream=True)
    await stream.__anext__()
    assert sdk.spans == []
    if how == "closed":
        await stream.close()
    del stream
    assert (sdk.span.attributes or {})["oxide.stream.end"] == "closed"
    assert sdk.span.status.status_code is StatusCode.UNSET


async def test_errors_and_retries(way: Way, server: MockServer, sdk: Collected) -> None:
    server.queue(Reply(status=429, headers={"retry-after-ms": "1"}), Reply(status=400))
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    with pytest.raises(oxide.BadRequestError) as caught:
        await client.embeddings.create(model="e", input="x", dimensions=3)
    span = sdk.span
    assert (span.name, span.status.status_code) == ("embeddings e", StatusCode.ERROR)
    assert span.status.description == str(caught.value)
    attributes = span.attributes or {}
    assert attributes[error_attributes.ERROR_TYPE] == "BadRequestError"
    assert attributes[names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT] == 3
    assert attributes[http_attributes.HTTP_RESPONSE_STATUS_CODE] == 400
    (event,) = span.events
    assert event.name == "retry"
    assert dict(event.attributes or {}) == {
        "oxide.attempt": 1,
        "oxide.retry.delay": 0.001,
        "oxide.retry.reason": "status 429",
    }
    (duration,) = sdk.points(metric_names.GEN_AI_CLIENT_OPERATION_DURATION)
    assert duration.attributes[error_attributes.ERROR_TYPE] == "BadRequestError"


async def test_parents(way: Way, server: MockServer, sdk: Collected) -> None:
    """Each call's span is the child of what its own thread or task was doing."""
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)

    async def one(name: str) -> None:
        with sdk.tracer.start_as_current_span(name):
            await client.responses.create(**HI)
            assert trace.get_current_span().name == name  # type: ignore[attr-defined]

    await way.gather(*[lambda name=f"task {number}": one(name) for number in range(4)])
    ours = [span for span in sdk.spans if span.name == "chat gpt-5"]
    tasks = {span.context.span_id: span for span in sdk.spans if span.name.startswith("task")}
    assert len(ours) == len(tasks) == 4
    assert {span.parent.span_id for span in ours if span.parent} == set(tasks)


async def test_hedged(way: Way, server: MockServer) -> None:
    sdk = Collected(propagate=True)
    gate = Gate()
    server.queue(Reply(until=gate))
    client = way.client(base_url=server.base_url, hooks=sdk.hooks, hedge=oxide.Hedge(0.01))
    with sdk.tracer.start_as_current_span("parent") as parent:
        await client.responses.create(**HI)
    gate.open()
    for thread in threading.enumerate():
        if thread.name.startswith("oxide race"):
            thread.join(10)
    (span,) = [span for span in sdk.spans if span.name == "chat gpt-5"]
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id
    assert [event.name for event in span.events] == ["hedge begun", "hedge won"]
    server.wait_for_requests(2)
    sent = {dict(request.headers)[b"traceparent"].decode() for request in server.requests}
    assert sent == {f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"}


async def test_nothing_is_propagated_unasked(way: Way, server: MockServer, sdk: Collected) -> None:
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    await client.models.list()
    assert b"traceparent" not in dict(server.requests[0].headers)
    assert sdk.span.name == "models.list"
    # The metrics are about inference.
    assert sdk.points(metric_names.GEN_AI_CLIENT_OPERATION_DURATION) == []


async def test_cancelled(way: Way, server: MockServer, sdk: Collected) -> None:
    if way.is_sync:
        pytest.skip("there is no cancelling a thread")
    gate = Gate()
    server.queue(Reply(until=gate))
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    with anyio.move_on_after(0.05):
        await client.responses.create(**HI)
    gate.open()
    assert (sdk.span.attributes or {})[error_attributes.ERROR_TYPE] == "cancelled"


def test_azure(server: MockServer, sdk: Collected) -> None:
    with (
        oxide.AzureOpenAI(
            azure_endpoint=server.base_url, api_version="v", api_key="sk-test", hooks=sdk.hooks, max_retries=0
        ) as client,
        pytest.raises(oxide.APIStatusError),
    ):
        client.chat.completions.create(**CHAT)
    assert (sdk.span.attributes or {})[names.GEN_AI_PROVIDER_NAME] == "azure.ai.openai"


async def test_content_is_not_recorded(way: Way, server: MockServer, sdk: Collected) -> None:
    client = way.client(base_url=server.base_url, hooks=sdk.hooks)
    await client.responses.create(model="gpt-5", input="a private question", instructions="a private instruction")
    assert "private" not in sdk.span.to_json()


def test_nothing_is_imported_unasked() -> None:
    code = "import sys, oxide; oxide.OpenAI(api_key='k'); assert not [name for name in sys.modules if 'opentelemetry' in name or name.endswith(('core.hooks', 'core.watch'))]"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=30)
