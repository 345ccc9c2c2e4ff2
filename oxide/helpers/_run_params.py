"""What `run_tools` takes: its own options, and the parameters of `create` that make sense for a run.

For type checkers only: a TypedDict can't take a key of another back, and `tools` is another here, so they are listed again. A test
compares the lists.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, Optional, Union

from typing_extensions import Required

from .._resource import CallOptions
from ..core.tools.budget import ContextBudget
from ..core.tools.run_events import Approval, TurnFinished
from ..core.tools.tool import OnError, Tool
from ..types._common import SequenceNotStr
from ..types.chat.chat_completion_audio_param import ChatCompletionAudioParam
from ..types.chat.chat_completion_message_param import ChatCompletionMessageParam
from ..types.chat.chat_completion_prediction_content_param import ChatCompletionPredictionContentParam
from ..types.chat.chat_completion_stream_options_param import ChatCompletionStreamOptionsParam
from ..types.chat.chat_completion_tool_choice_option_param import ChatCompletionToolChoiceOptionParam
from ..types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
from ..types.chat.completion_create_params import Moderation as ChatModeration
from ..types.chat.completion_create_params import PromptCacheOptions as ChatPromptCacheOptions
from ..types.chat.completion_create_params import WebSearchOptions
from ..types.responses.response_create_params import (
    AccessPrograms,
    ContextManagement,
    Conversation,
    Image,
    Moderation,
    PromptCacheOptions,
    StreamOptions,
    ToolChoice,
)
from ..types.responses.response_includable import ResponseIncludable
from ..types.responses.response_input_param import ResponseInputParam
from ..types.responses.response_prompt_param import ResponsePromptParam
from ..types.responses.response_text_config_param import ResponseTextConfigParam
from ..types.responses.service_tier import ServiceTier
from ..types.responses.tool_param import ToolParam
from ..types.shared.chat_model import ChatModel
from ..types.shared.reasoning_effort import ReasoningEffort
from ..types.shared_params.metadata import Metadata
from ..types.shared_params.reasoning import Reasoning
from ..types.shared_params.responses_model import ResponsesModel

__all__ = ["ChatRunParams", "ResponseRunParams", "RunOptions"]


class RunOptions(CallOptions, total=False):
    """See `Responses.run_tools`."""

    context: Any
    functions: Mapping[str, Callable[[Any], Any]]
    max_turns: int
    deadline: Optional[float]
    max_concurrent: Optional[int]
    early: Union[bool, list[str]]
    on_error: OnError
    approve: Optional[Callable[[Approval], Union[bool, Awaitable[Optional[bool]], None]]]
    approvals: Mapping[str, bool]
    outputs: Mapping[str, Any]
    stop_when: Optional[Callable[[TurnFinished[Any]], object]]
    save: Optional[Callable[[dict[str, Any]], object]]
    resume: Optional[Mapping[str, Any]]
    context_budget: Optional[ContextBudget]
    over: Any


class ResponseRunParams(RunOptions, total=False):
    """Of `responses.run_tools`."""

    tools: Required[Iterable[Union[Tool[..., Any], Callable[..., Any], ToolParam]]]
    carry_input: bool
    access_programs: AccessPrograms
    context_management: Optional[Iterable[ContextManagement]]
    conversation: Optional[Conversation]
    image: Image
    include: Optional[list[ResponseIncludable]]
    input: Union[str, ResponseInputParam]
    instructions: Optional[str]
    max_output_tokens: Optional[int]
    max_tool_calls: Optional[int]
    metadata: Optional[Metadata]
    model: ResponsesModel
    moderation: Optional[Moderation]
    parallel_tool_calls: Optional[bool]
    previous_response_id: Optional[str]
    prompt: Optional[ResponsePromptParam]
    prompt_cache_key: Optional[str]
    prompt_cache_options: PromptCacheOptions
    prompt_cache_retention: Optional[Literal["in_memory", "24h"]]
    reasoning: Optional[Reasoning]
    safety_identifier: Optional[str]
    service_tier: Optional[ServiceTier]
    store: Optional[bool]
    stream_options: Optional[StreamOptions]
    temperature: Optional[float]
    text: ResponseTextConfigParam
    tool_choice: ToolChoice
    top_logprobs: Optional[int]
    top_p: Optional[float]
    truncation: Optional[Literal["auto", "disabled"]]
    user: str


class ChatRunParams(RunOptions, total=False):
    """Of `chat.completions.run_tools`."""

    tools: Required[Iterable[Union[Tool[..., Any], Callable[..., Any], ChatCompletionToolUnionParam]]]
    messages: Iterable[ChatCompletionMessageParam]
    model: Required[Union[str, ChatModel]]
    audio: Optional[ChatCompletionAudioParam]
    frequency_penalty: Optional[float]
    logit_bias: Optional[dict[str, int]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    max_tokens: Optional[int]
    metadata: Optional[Metadata]
    modalities: Optional[list[Literal["text", "audio"]]]
    moderation: Optional[ChatModeration]
    parallel_tool_calls: bool
    prediction: Optional[ChatCompletionPredictionContentParam]
    presence_penalty: Optional[float]
    prompt_cache_key: Optional[str]
    prompt_cache_options: ChatPromptCacheOptions
    prompt_cache_retention: Optional[Literal["in_memory", "24h"]]
    reasoning_effort: Optional[ReasoningEffort]
    safety_identifier: Optional[str]
    seed: Optional[int]
    service_tier: Optional[Literal["auto", "default", "flex", "scale", "priority", "fast"]]
    stop: Union[str, SequenceNotStr[str], None]
    store: Optional[bool]
    stream_options: Optional[ChatCompletionStreamOptionsParam]
    temperature: Optional[float]
    tool_choice: ChatCompletionToolChoiceOptionParam
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: str
    verbosity: Optional[Literal["low", "medium", "high"]]
    web_search_options: WebSearchOptions
