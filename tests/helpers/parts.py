"""What is in a multipart body, as the standard library reads it."""

from __future__ import annotations

from email import message_from_bytes

__all__ = ["content", "parts"]


def parts(content_type: str, body: bytes) -> list[tuple[str | None, str | None, str, bytes]]:
    """Name, file name, content type and content of each part."""
    message = message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    found = []
    for part in message.get_payload():
        disposition = dict(part.get_params(header="content-disposition"))
        payload = part.get_payload(decode=True)
        found.append((disposition.get("name"), disposition.get("filename"), part.get_content_type(), payload))
    return found


def content(content_type: str, body: bytes) -> dict[str | None, bytes]:
    """The content of each part by its name."""
    return {name: data for name, _, _, data in parts(content_type, body)}
