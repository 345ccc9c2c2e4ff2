"""What the official SDK has and oxide has not, each with the reason. Whatever is missing and not here makes `parity` fail."""

from __future__ import annotations

__all__ = ["METHODS", "MODULES", "MORE", "NAMES", "OUTSIDE"]

_BEFORE_1 = "a name of the interface before 1.0, which there too can only be told to be gone"

# Names that packages export.
NAMES: dict[str, str] = {
    f"openai.{name}": _BEFORE_1
    for name in (
        "Audio",
        "ChatCompletion",
        "Completion",
        "Customer",
        "Deployment",
        "Edit",
        "Embedding",
        "Engine",
        "ErrorObject",
        "File",
        "FineTune",
        "FineTuningJob",
        "Image",
        "Model",
        "Moderation",
    )
} | {"openai.override": "of typing_extensions, left over there from how the module is written"}

# Methods, as a user writes them: `audio.speech.create`.
METHODS: dict[str, str] = {}

# Models and TypedDicts outside of `openai.types`: `openai.pagination.SyncPage`.
OUTSIDE: dict[str, str] = {}

# Keys and fields of these that only oxide has.
MORE: dict[str, dict[str, str]] = {
    "oxide.RequestOptions": {"strict": "for one call what `strict` is for a client"},
}

_SOUND = "plays and records sound through the library sounddevice, which does so without an API client"

# Public modules beside `openai.types` and `openai.resources`.
MODULES: dict[str, str] = {
    "openai.helpers": _SOUND,
    "openai.helpers.local_audio_player": _SOUND,
    "openai.helpers.microphone": _SOUND,
    "openai.lib.beta.agents": (
        "`AgentSessionEventStream` is `oxide.Stream`; `FunctionTool`, `function_tool`, `pydantic_function_tool` and"
        " `agent_text_format` are not written: a handler is a function, a definition the dict that the API takes"
    ),
    "openai.lib.live": (
        "`TranscriptGrouper`, which makes segments of the transcript events of `client.live.connect()`, is not written"
    ),
    "openai.lib.realtime_translation": (
        "`client.realtime.translations.connect()` is there; the session around it that waits for the last events is not written"
    ),
    "openai.lib.responses_tool_runner": (
        "the loop is `client.responses.run_tools`, whose state is plain JSON where the runner has checkpoints and ledgers"
    ),
    "openai.lib.browser": (
        "a second toolset beside `openai.lib.computer`, found only under this path: thirty tools over as many optional driver"
        " methods; a browser is driven by `ComputerToolset`, or by tools of one's own"
    ),
    "openai.version": "`oxide.VERSION` has it",
}
