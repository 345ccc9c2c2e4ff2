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

__all__ = [
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AgentOutputParseError",
    "AgentResultArtifacts",
    "AgentToolError",
    "AgentTurnResult",
    "AgentTurnResultError",
    "AsyncAgentResultArtifacts",
    "PreparedAgentFiles",
    "StagedAgentFile",
]
