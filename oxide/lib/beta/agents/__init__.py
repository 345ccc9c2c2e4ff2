"""Helpers of the agents API."""

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
    "AgentResultArtifacts",
    "AsyncAgentResultArtifacts",
    "PreparedAgentFiles",
    "StagedAgentFile",
]
