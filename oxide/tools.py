"""Functions that a model calls: `openai_tool` makes a tool of one, `run_tools` is the loop that calls them.

from oxide import OpenAI, openai_tool

@openai_tool
def get_weather(city: str) -> str:
    \"\"\"The weather of a city.\"\"\"
    return "sunny"

run = OpenAI().responses.run_tools(model="gpt-5", input="Is it nice in Paris?", tools=[get_weather])
print(run.get_final_response().output_text)
"""

from __future__ import annotations

from .core.structured import FormatError
from .core.tools.tool import OnError, Tool, ToolContext, ToolError, openai_tool

__all__ = ["FormatError", "OnError", "Tool", "ToolContext", "ToolError", "openai_tool"]
