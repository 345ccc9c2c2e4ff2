"""Workload identity: who a program is to the platform that it runs on, instead of an API key.

    from oxide import OpenAI
    from oxide.auth import k8s_service_account_token_provider

    client = OpenAI(
        workload_identity={
            "identity_provider_id": "idp_...",
            "service_account_id": "sa_...",
            "provider": k8s_service_account_token_provider(),
        }
    )

Names, parameters and the exchange are those of the official SDK's `openai.auth`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from .identities import (
        SubjectTokenProvider as SubjectTokenProvider,
    )
    from .identities import (
        SubjectTokenWorkloadIdentity as SubjectTokenWorkloadIdentity,
    )
    from .identities import (
        WorkloadIdentity as WorkloadIdentity,
    )
    from .identities import (
        X509WorkloadIdentity as X509WorkloadIdentity,
    )
    from .identities import (
        x509_workload_identity as x509_workload_identity,
    )
    from .platforms import (
        azure_managed_identity_token_provider as azure_managed_identity_token_provider,
    )
    from .platforms import (
        gcp_id_token_provider as gcp_id_token_provider,
    )
    from .platforms import (
        k8s_service_account_token_provider as k8s_service_account_token_provider,
    )
    from .tokens import WorkloadIdentityAuth as WorkloadIdentityAuth

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "SubjectTokenProvider": "identities",
        "SubjectTokenWorkloadIdentity": "identities",
        "WorkloadIdentity": "identities",
        "WorkloadIdentityAuth": "tokens",
        "X509WorkloadIdentity": "identities",
        "azure_managed_identity_token_provider": "platforms",
        "gcp_id_token_provider": "platforms",
        "k8s_service_account_token_provider": "platforms",
        "x509_workload_identity": "identities",
    },
)
