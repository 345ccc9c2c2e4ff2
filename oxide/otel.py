"""OpenTelemetry: spans and metrics for calls, as the semantic conventions for generative AI have them.

    from oxide import OpenAI, otel

    client = OpenAI(hooks=otel.instrument())

It needs `opentelemetry-api` (`pip install 'openai-oxide[otel]'`); where things go to is for the application to say, by its providers.
The conventions are those of https://github.com/open-telemetry/semantic-conventions-genai, whose names are still marked as in development.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .core.hooks import (
    CallEndEvent,
    CallEvent,
    CallInfo,
    HedgeEvent,
    Hooks,
    RequestEvent,
    RetryEvent,
    StreamEndEvent,
    StreamEventEvent,
)

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImportError("oxide.otel needs the package opentelemetry-api: pip install 'openai-oxide[otel]'") from error

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["Instrumentation", "instrument"]

_OPERATIONS = {
    "responses.create": "chat",
    "responses.parse": "chat",
    "chat.completions.create": "chat",
    "chat.completions.parse": "chat",
    "beta.responses.create": "chat",
    "completions.create": "text_completion",
    "embeddings.create": "embeddings",
    "vector_stores.search": "retrieval",
}
"""The conventions' names for methods. Others keep their own."""

_INFERENCE = ("chat", "text_completion", "embeddings")

_PROVIDERS = {
    "openai": "openai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
}

_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "dimensions": "gen_ai.embeddings.dimension.count",
}

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    propagate: bool | TextMapPropagator = False,
    chunk_times: bool = True,
) -> Instrumentation:
    """Hooks that make a span of each call, and measure it.

    What was asked and answered is not recorded.

    Args:
        tracer_provider, meter_provider: instead of OpenTelemetry's global ones.
        propagate: whether requests carry the span's context as `traceparent` (W3C Trace Context), for a gateway that takes part in the
            trace; or what is to write it.
        chunk_times: whether the time between each two events of a stream is measured.

    Returns: what goes into `OpenAI(hooks=...)` or `AsyncOpenAI(hooks=...)`; one for any number of clients.
    """
    return Instrumentation(tracer_provider, meter_provider, propagate, chunk_times)


class Instrumentation(Hooks):
    """What `instrument` makes."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        propagate: bool | TextMapPropagator,
        chunk_times: bool,
    ) -> None:
        super().__init__(
            on_request=self._inject if propagate else None, on_stream_event=self._chunk if chunk_times else None
        )
        self._propagator: TextMapPropagator = (
            TraceContextTextMapPropagator() if isinstance(propagate, bool) else propagate
        )
        self._tracer = trace.get_tracer("oxide", __version__, tracer_provider)
        meter = metrics.get_meter("oxide", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "How long a call took, its retries included",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that a call took",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "How long it took until the first event of a stream",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._next_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_per_output_chunk",
            "s",
            "How long it took from one event of a stream to the next",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._open: dict[CallInfo, _Open] = {}

    def on_call_start(self, event: CallEvent, /) -> None:
        call = event.call
        operation = _OPERATIONS.get(call.operation, call.operation)
        common: dict[str, Any] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": _PROVIDERS.get(call.provider, call.provider),
            "server.address": call.host,
            "server.port": call.port,
        }
        if call.model is not None:
            common["gen_ai.request.model"] = call.model
        begun = time_ns()
        # What samplers decide by has to be there when the span begins.
        span = self._tracer.start_span(
            f"{operation} {call.model}" if call.model is not None else operation,
            kind=SpanKind.CLIENT,
            attributes=common | _request_attributes(call),
            start_time=begun,
        )
        self._open[call] = _Open(span, common, operation in _INFERENCE, begun)

    def on_retry(self, event: RetryEvent, /) -> None:
        attributes = {
            "oxide.attempt": event.attempt,
            "oxide.retry.delay": event.delay,
            "oxide.retry.reason": event.reason,
        }
        if event.hedge:
            attributes["oxide.hedge"] = event.hedge
        self._event(event.call, "retry", attributes)

    def on_hedge(self, event: HedgeEvent, /) -> None:
        self._event(event.call, f"hedge {event.kind}", {"oxide.hedge": event.hedge, "oxide.requests": event.requests})

    def on_stream_end(self, event: StreamEndEvent, /) -> None:
        known = self._open.get(event.call)
        if known is None:
            return
        known.span.set_attribute("oxide.stream.end", event.how)
        if event.first_event is not None:
            known.span.set_attribute("gen_ai.response.time_to_first_chunk", event.first_event)
            if known.inference:
                self._first_chunk.record(event.first_event, known.measured(event.result.model), known.context)

    def on_call_end(self, event: CallEndEvent, /) -> None:
        known = self._open.pop(event.call, None)
        if known is None:
            return
        span, result = known.span, event.result
        measured = known.measured(result.model)
        failure = _error_type(event)
        span.set_attributes(_response_attributes(event))
        if failure is not None:
            span.set_attribute("error.type", failure)
            span.set_status(Status(StatusCode.ERROR, None if event.error is None else str(event.error)))
        if known.inference:
            usage = result.usage
            if usage is not None:
                for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
                    if count is not None:
                        self._tokens.record(count, measured | {"gen_ai.token.type": kind}, known.context)
            if failure is not None:
                measured = measured | {"error.type": failure}
            self._duration.record(event.total, measured, known.context)
        # A stream that was dropped may be told of later than it ended.
        span.end(known.begun + int(event.total * 1e9))

    def _event(self, call: CallInfo, name: str, attributes: Mapping[str, Any]) -> None:
        known = self._open.get(call)
        if known is not None:
            known.span.add_event(name, attributes)

    def _inject(self, event: RequestEvent) -> dict[str, str]:
        known = self._open.get(event.call)
        fields: dict[str, str] = {}
        if known is not None:
            self._propagator.inject(fields, known.context)
        return fields

    def _chunk(self, event: StreamEventEvent) -> None:
        known = self._open.get(event.call)
        if known is not None and known.inference and event.number > 1:
            self._next_chunk.record(event.gap, known.common, known.context)


class _Open:
    """A call under way.

    Attributes:
        span: of the call.
        common: the attributes that its metrics have, too.
        inference: whether it is one that the metrics are about.
        context: the span's, for exemplars and for what is sent along.
        begun: nanoseconds since the epoch.
    """

    __slots__ = ("begun", "common", "context", "inference", "span")

    def __init__(self, span: Span, common: dict[str, Any], inference: bool, begun: int) -> None:
        self.span = span
        self.common = common
        self.inference = inference
        self.context = trace.set_span_in_context(span)
        self.begun = begun

    def measured(self, model: str | None) -> dict[str, Any]:
        """The attributes of a measurement."""
        return self.common if model is None else self.common | {"gen_ai.response.model": model}


def _request_attributes(call: CallInfo) -> dict[str, Any]:
    settings = call.settings
    attributes = {
        attribute: settings[name]
        for name, attribute in _SETTINGS.items()
        if isinstance(settings.get(name), (int, float))
    }
    stop = settings.get("stop")
    if stop is not None:
        attributes["gen_ai.request.stop_sequences"] = (stop,) if isinstance(stop, str) else tuple(stop)
    if settings.get("n", 1) != 1:
        attributes["gen_ai.request.choice.count"] = settings["n"]
    if "encoding_format" in settings:
        attributes["gen_ai.request.encoding_formats"] = (settings["encoding_format"],)
    if call.stream:
        attributes["gen_ai.request.stream"] = True
    tier = settings.get("service_tier")
    if tier is not None and tier != "auto":
        attributes["openai.request.service_tier"] = tier
    kind = call.operation.partition(".")[0]
    if kind in ("responses", "chat"):
        attributes["openai.api.type"] = "responses" if kind == "responses" else "chat_completions"
    return attributes


def _response_attributes(event: CallEndEvent) -> dict[str, Any]:
    result, usage = event.result, event.result.usage
    attributes: dict[str, Any] = {
        "gen_ai.response.id": result.id,
        "gen_ai.response.model": result.model,
        "gen_ai.response.finish_reasons": result.finish_reasons or None,
        "openai.response.service_tier": result.service_tier,
        "http.response.status_code": event.status,
        "oxide.request_id": event.request_id,
        "oxide.retries": event.retries or None,
    }
    if usage is not None:
        attributes |= {
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
        }
    return {name: value for name, value in attributes.items() if value is not None}


def _error_type(event: CallEndEvent) -> str | None:
    if event.outcome == "cancelled":
        return "cancelled"
    return None if event.error is None else type(event.error).__qualname__
