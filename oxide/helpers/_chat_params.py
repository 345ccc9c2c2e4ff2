"""What `chat.completions.parse` takes beside `response_format`: the parameters of `create` that every completion has.

For type checkers only: a TypedDict can't take a key of another back, so they are listed again. A test compares the lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Optional, Union

from typing_extensions import Required

from .._resource import CallOptions
from ..types._common import SequenceNotStr
from ..types.chat.chat_completion_audio_param import ChatCompletionAudioParam
from ..types.chat.chat_completion_message_param import ChatCompletionMessageParam
from ..types.chat.chat_completion_prediction_content_param import ChatCompletionPredictionContentParam
from ..types.chat.chat_completion_stream_options_param import ChatCompletionStreamOptionsParam
from ..types.chat.chat_completion_tool_choice_option_param import ChatCompletionToolChoiceOptionParam
from ..types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
from ..types.chat.completion_create_params import (
    Function,
    FunctionCall,
    Moderation,
    PromptCacheOptions,
    WebSearchOptions,
)
from ..types.shared.chat_model import ChatModel
from ..types.shared.reasoning_effort import ReasoningEffort
from ..types.shared_params.metadata import Metadata

__all__ = ["ChatParams"]


class ChatParams(CallOptions, total=False):
    """See the module's docstring."""

    messages: Required[Iterable[ChatCompletionMessageParam]]
    model: Required[Union[str, ChatModel]]
    audio: Optional[ChatCompletionAudioParam]
    frequency_penalty: Optional[float]
    function_call: FunctionCall
    functions: Iterable[Function]
    logit_bias: Optional[dict[str, int]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    max_tokens: Optional[int]
    metadata: Optional[Metadata]
    modalities: Optional[list[Literal["text", "audio"]]]
    moderation: Optional[Moderation]
    n: Optional[int]
    parallel_tool_calls: bool
    prediction: Optional[ChatCompletionPredictionContentParam]
    presence_penalty: Optional[float]
    prompt_cache_key: Optional[str]
    prompt_cache_options: PromptCacheOptions
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
    tools: Iterable[ChatCompletionToolUnionParam]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: str
    verbosity: Optional[Literal["low", "medium", "high"]]
    web_search_options: WebSearchOptions
