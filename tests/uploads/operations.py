"""Operations with files in them, one for each way in which an endpoint of the API takes or gives them."""

from __future__ import annotations

from oxide._resource import Operation
from oxide.resources.files import _CONTENT as CONTENT
from oxide.resources.files import _CREATE as FILE
from oxide.resources.images import _EDIT as EDIT

__all__ = ["CONTENT", "EDIT", "FILE", "TREE"]

# No endpoint has files this deep, yet.
TREE = Operation(
    "POST",
    "/tree",
    body=("files", "plan"),
    response="builtins:dict",
    multipart=True,
    files=("files[][file]", "plan[cover]"),
)
