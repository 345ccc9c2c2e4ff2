"""The one exception of the codec."""

from __future__ import annotations

__all__ = ["DecodeError"]


class DecodeError(ValueError):
    """Text that is not JSON, or, under `strict=True`, JSON that is not of the declared type.

    Attributes:
        message: what is wrong.
        path: where, as a JSON path such as `$.output[0].type`; empty where the text is not JSON at all.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{message} - at `{path}`" if path else message)
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        return DecodeError, (self.message, self.path)
