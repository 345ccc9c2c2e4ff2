"""Embeddings travel as base64 by default: a quarter of the bytes, and a fraction of the time to decode.

Imported with the first call of the endpoint. (Annotations are evaluated here: the codec reads them.)
"""

import sys
from array import array
from base64 import b64decode
from typing import Any, List, Union  # noqa: UP035

from ..types import create_embedding_response, embedding
from .errors import OpenAIError

__all__ = ["Embeddings"]


class Embedding(embedding.Embedding):
    """The public type, but that the vector may be text."""

    embedding: Union[List[float], str]  # type: ignore[assignment]  # noqa: UP006


class CreateEmbeddingResponse(create_embedding_response.CreateEmbeddingResponse):
    """The public type, of vectors that may be text."""

    data: List[Embedding]  # type: ignore[assignment]  # noqa: UP006


class Embeddings:
    """The adapter of `POST /embeddings`."""

    response = CreateEmbeddingResponse

    def prepare(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for base64 where the caller did not choose a format."""
        body.setdefault("encoding_format", "base64")
        return body

    def finish(self, result: Any, params: Any, response: Any) -> Any:
        """Turn base64 vectors into lists of floats, unless the caller asked for base64.

        Raises:
            OpenAIError: there are no embeddings in the response, or one is not base64 of 32-bit floats.
        """
        if params.get("encoding_format"):
            return result
        if not result.data:
            raise OpenAIError("the response has no embedding data")
        for item in result.data:
            vector = item.embedding
            if isinstance(vector, str):
                item.embedding = floats(vector)
        return result


def floats(text: str) -> list[float]:
    """Base64 of little-endian 32-bit floats as a list."""
    try:
        data = b64decode(text)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            return numpy.frombuffer(data, dtype="<f4").tolist()  # type: ignore[no-any-return]
        values = array("f", data)
    except ValueError as error:
        raise OpenAIError(f"an embedding is not base64 of 32-bit floats: {error}") from error
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()
