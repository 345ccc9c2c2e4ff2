"""JSON to objects and back: `decode`, `encode`, and the `BaseModel` that the response types derive from.

Decoding is one pass of msgspec over the text. It never refuses or loses what a type does not declare:

- a field the type does not have is an attribute like others, in `model_extra` and in `to_dict()`;
- a member of a union with an unknown tag is a `GenericObject`;
- an unknown enum value, a null, a wrong type stay as they came, a missing required field reads as `None`;
  `strict=True` raises `DecodeError` for these, with the JSON path;
- null and absent stay apart, and `to_dict()` gives the JSON that came.
"""

from __future__ import annotations

from msgspec import field

from ._decode import batch_decoder, construct, decode, decoder
from ._encode import encode
from ._errors import DecodeError
from ._meta import Discriminator, ModelMeta
from ._model import BaseModel, GenericObject
from ._state import get_meta, set_meta

__all__ = [
    "BaseModel",
    "DecodeError",
    "Discriminator",
    "GenericObject",
    "ModelMeta",
    "batch_decoder",
    "construct",
    "decode",
    "decoder",
    "encode",
    "field",
    "get_meta",
    "set_meta",
]
