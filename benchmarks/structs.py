"""The parts of Response and its events that the canned replies have, as plain msgspec structs: what the floor decodes to.

Every field of the canned documents is typed and kept, so that the floor does the whole decode. It lacks what a client
has to do beyond that: no unknown field survives, no other event or item is understood.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec

Nothing = Union[Any, None]  # a field that is null in every canned document


class Base(msgspec.Struct, tag_field="type"):
    """A tagged member of a union."""


class Plain(msgspec.Struct):
    """An object without a tag."""


class URLCitation(Base, tag="url_citation"):
    start_index: int
    end_index: int
    title: str
    url: str


class OutputText(Base, tag="output_text"):
    annotations: list[URLCitation]
    logprobs: list[Any]
    text: str


class Message(Base, tag="message"):
    id: str
    status: str
    content: list[OutputText]
    role: str


class SummaryText(Base, tag="summary_text"):
    text: str


class Reasoning(Base, tag="reasoning"):
    id: str
    summary: list[SummaryText]
    encrypted_content: str
    status: str


class FunctionCall(Base, tag="function_call"):
    id: str
    call_id: str
    name: str
    arguments: str
    status: str


class FileSearchResult(Plain):
    file_id: str
    filename: str
    score: float
    attributes: dict[str, Union[str, float, bool]]
    text: str


class FileSearchCall(Base, tag="file_search_call"):
    id: str
    queries: list[str]
    status: str
    results: list[FileSearchResult]


class Search(Base, tag="search"):
    query: str
    queries: list[str]


class WebSearchCall(Base, tag="web_search_call"):
    id: str
    status: str
    action: Search


class Logs(Base, tag="logs"):
    logs: str


class CodeInterpreterCall(Base, tag="code_interpreter_call"):
    id: str
    status: str
    container_id: str
    code: str
    outputs: list[Logs]


Item = Union[Message, Reasoning, FunctionCall, FileSearchCall, WebSearchCall, CodeInterpreterCall]


class InputDetails(Plain):
    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(Plain):
    reasoning_tokens: int


class Usage(Plain):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ReasoningOptions(Plain):
    effort: Union[str, None]
    summary: Union[str, None]


class TextFormat(Base, tag="text"):
    pass


class TextOptions(Plain):
    format: TextFormat
    verbosity: str


class Response(Plain):
    id: str
    object: str
    created_at: float
    status: str
    background: bool
    error: Nothing
    incomplete_details: Nothing
    instructions: str
    max_output_tokens: int
    max_tool_calls: Union[int, None]
    model: str
    output: list[Item]
    parallel_tool_calls: bool
    previous_response_id: Union[str, None]
    prompt_cache_key: Union[str, None]
    reasoning: ReasoningOptions
    safety_identifier: Union[str, None]
    service_tier: str
    temperature: float
    text: TextOptions
    tool_choice: str
    tools: list[Any]
    top_logprobs: int
    top_p: float
    truncation: str
    usage: Union[Usage, None]
    user: Union[str, None]
    metadata: dict[str, str]


class Created(Base, tag="response.created"):
    response: Response
    sequence_number: int


class InProgress(Base, tag="response.in_progress"):
    response: Response
    sequence_number: int


class Completed(Base, tag="response.completed"):
    response: Response
    sequence_number: int


class ItemAdded(Base, tag="response.output_item.added"):
    output_index: int
    item: Item
    sequence_number: int


class ItemDone(Base, tag="response.output_item.done"):
    output_index: int
    item: Item
    sequence_number: int


class PartAdded(Base, tag="response.content_part.added"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText
    sequence_number: int


class PartDone(Base, tag="response.content_part.done"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText
    sequence_number: int


class TextDelta(Base, tag="response.output_text.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[Any]
    sequence_number: int


class TextDone(Base, tag="response.output_text.done"):
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[Any]
    sequence_number: int


Event = Union[Created, InProgress, Completed, ItemAdded, ItemDone, PartAdded, PartDone, TextDelta, TextDone]

decode_response = msgspec.json.Decoder(Response).decode
decode_event = msgspec.json.Decoder(Event).decode
