"""Functions that a model calls: `openai_tool` makes a tool of one, `run_tools` is the loop that calls them.

run = OpenAI().responses.run_tools(model="gpt-5", input="Is it nice in Paris?", tools=[get_weather])
print(run.get_final_response().output_text)
"""

from __future__ import annotations

from .core.streams.calls import FunctionCall
from .core.structured import FormatError
from .core.tools.budget import ContextBudget
from .core.tools.run_events import (
    Approval,
    ApprovalAnswered,
    ChatRunEvent,
    ChunkReceived,
    ResponseRunEvent,
    RunFinished,
    StopReason,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from .core.tools.state import RunError
from .core.tools.tool import OnError, Tool, ToolContext, ToolError, openai_tool
from .helpers.tool_run import AsyncToolRun, ToolRun

__all__ = [
    "Approval",
    "ApprovalAnswered",
    "AsyncToolRun",
    "ChatRunEvent",
    "ChunkReceived",
    "ContextBudget",
    "FormatError",
    "FunctionCall",
    "OnError",
    "ResponseRunEvent",
    "RunError",
    "RunFinished",
    "StopReason",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFinished",
    "ToolRun",
    "ToolStarted",
    "TurnFinished",
    "TurnStarted",
    "openai_tool",
]
