"""Helpers of the agents API."""

from ....core.streams.agent_result import AgentOutputParseError, AgentTurnResult, AgentTurnResultError
from ....core.streams.agents import AgentToolError
from ....helpers.agent_artifacts import AgentResultArtifacts, AsyncAgentResultArtifacts
from ....helpers.agent_files import (
    AgentFilePreparationError,
    AgentFileStagingError,
    PreparedAgentFiles,
    StagedAgentFile,
)
from ...streaming.agents import AgentSessionEventStream, AsyncAgentSessionEventStream

__all__ = [
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AgentOutputParseError",
    "AgentResultArtifacts",
    "AgentSessionEventStream",
    "AgentToolError",
    "AgentTurnResult",
    "AgentTurnResultError",
    "AsyncAgentResultArtifacts",
    "AsyncAgentSessionEventStream",
    "PreparedAgentFiles",
    "StagedAgentFile",
]
