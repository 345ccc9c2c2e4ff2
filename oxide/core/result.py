"""From a response to what the method returns."""

from __future__ import annotations

from typing import Any

from .codec import BaseModel, DecodeError, ModelMeta, decode, decoder, set_meta
from .errors import APIResponseValidationError
from .http import Response

__all__ = ["decode_body"]


def decode_body(response: Response, type_: Any, strict: bool) -> Any:
    """The body as a `type_`.

    Args:
        response: read to its end.
        type_: a response type, any other type that the codec knows, `str`, `bytes`, `Response` for the response itself,
            a class of content that is made of the response (marked by `__of_response__`), or `None` for nothing.
        strict: raise where the body does not fit the type.

    Raises:
        APIResponseValidationError: the body is not JSON, or with `strict` not of the type; the message has the JSON path.
    """
    if not isinstance(type_, ModelMeta):
        if type_ is None or type_ is type(None):
            return None
        if type_ is Response:
            return response
        if type_ is str:
            return response.text
        if type_ is bytes:
            return response.content
        if hasattr(type_, "__of_response__"):
            return type_(response)
    content = response.content
    try:
        result = decode(type_, content, strict=True) if strict else decoder(type_)(content)
    except DecodeError as error:
        failure = _invalid(response, type_, error)
    else:
        if isinstance(result, BaseModel):
            set_meta(result, response.meta)
        return result
    # Here and not where it was caught, so that it has no cause and context but what it is to have.
    raise failure


def _invalid(response: Response, type_: Any, error: Exception) -> APIResponseValidationError:
    from .secrets import gives_secrets

    request = response.request
    where = f"{request.method} {request.url.path}"
    if gives_secrets(request.url.path):
        # What can't be decoded has a key in it all the same, and the decoder's error has all of it.
        return APIResponseValidationError(response, None, message=f"the response of {where} can't be decoded")
    kind = response.headers.get("content-type", "")
    name = getattr(type_, "__name__", None) or str(type_)
    body: object = response.text
    if "json" not in kind:
        message = f"{where} answered with {kind or 'no content type'} where JSON was expected: {str(body)[:200]!r}"
    else:
        message = f"the response of {where} is not a valid {name}: {error}"
        try:
            body = response.json()
        except ValueError:
            pass
    failure = APIResponseValidationError(response, body, message=message)
    failure.__cause__ = error
    return failure
