"""The JSON schema of a Python type that msgspec decodes: structs, dataclasses, attrs classes, TypedDicts and what is in them.

msgspec writes schemas, too, but leaves out what the API's strict mode wants to know: the type of an enumeration, the format
of a datetime without a time zone, a form for decimals and base64 that a model can keep to.
"""

from __future__ import annotations

from typing import Any

from msgspec import NODEFAULT, UNSET, inspect, to_builtins

__all__ = ["type_schema"]

Schema = dict[str, Any]

_DECIMAL = r"^-?\d+(\.\d+)?$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

_PLAIN: dict[type, Schema] = {
    inspect.AnyType: {},
    inspect.RawType: {},
    inspect.NoneType: {"type": "null"},
    inspect.BoolType: {"type": "boolean"},
    inspect.IntType: {"type": "integer"},
    inspect.FloatType: {"type": "number"},
    inspect.StrType: {"type": "string"},
    inspect.BytesType: {"type": "string", "pattern": _BASE64},
    inspect.ByteArrayType: {"type": "string", "pattern": _BASE64},
    inspect.MemoryViewType: {"type": "string", "pattern": _BASE64},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.TimeType: {"type": "string", "format": "time"},
    inspect.TimeDeltaType: {"type": "string", "format": "duration"},
    inspect.UUIDType: {"type": "string", "format": "uuid"},
    inspect.DecimalType: {"type": "string", "pattern": _DECIMAL},
}
_ARRAYS = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType, inspect.CollectionType)
_OBJECTS = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)

# Constraints, by what msgspec calls them.
_BOUNDS = (
    ("ge", "minimum"),
    ("gt", "exclusiveMinimum"),
    ("le", "maximum"),
    ("lt", "exclusiveMaximum"),
    ("multiple_of", "multipleOf"),
    ("pattern", "pattern"),
)
_JSON_TYPES = {str: "string", int: "integer", bool: "boolean", float: "number", type(None): "null"}


def type_schema(type_: Any) -> Schema:
    """The schema of an object type, its definitions under `$defs`; not strict yet.

    Raises:
        TypeError: it is not an object type, or there is a type in it that has no schema.
    """
    info = inspect.type_info(type_)
    if not isinstance(info, _OBJECTS):
        raise TypeError(f"{type_!r} is not written as a JSON object: wrap it in a class with one field")
    writer = _Writer()
    reference = writer.schema(info)["$ref"]
    name = reference.rpartition("/")[2]
    # The API wants the object itself at the top. Its definition stays where the type is within itself.
    root = writer.definitions[name]
    if not writer.references[name] - 1:
        del writer.definitions[name]
    return {**root, "$defs": writer.definitions} if writer.definitions else dict(root)


class _Writer:
    """Writes the schemas of the types in one type."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self.references: dict[str, int] = {}
        self._names: dict[Any, str] = {}

    def schema(self, info: inspect.Type) -> Schema:
        if isinstance(info, inspect.Metadata):
            extra = dict(info.extra_json_schema or {})
            return {**self.schema(info.type), **extra}
        plain = _PLAIN.get(type(info))
        if plain is not None:
            return self._bounded({**plain}, info, "Length")
        if isinstance(info, _ARRAYS):
            result: Schema = {"type": "array", "items": self.schema(info.item_type)}
            if isinstance(info, (inspect.SetType, inspect.FrozenSetType)):
                result["uniqueItems"] = True
            return self._bounded(result, info, "Items")
        if isinstance(info, inspect.TupleType):
            size = len(info.item_types)
            items = [self.schema(item) for item in info.item_types]
            return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}
        if isinstance(info, inspect.DictType):
            result = {"type": "object", "additionalProperties": self.schema(info.value_type)}
            return self._bounded(result, info, "Properties")
        if isinstance(info, inspect.LiteralType):
            return _choice(list(info.values))
        if isinstance(info, inspect.EnumType):
            return self._reference(info.cls, lambda: {"title": info.cls.__name__, **_choice(_values(info.cls))})
        if isinstance(info, inspect.UnionType):
            return {"anyOf": [self.schema(part) for part in info.types]}
        if isinstance(info, _OBJECTS):
            if isinstance(info, inspect.StructType) and info.array_like:
                raise TypeError(f"{info.cls.__name__} is written as an array, for which there is no strict schema")
            object_info = info
            # Two specialisations of one generic class are two types.
            key = (info.cls, repr([field.type for field in info.fields])) if _is_generic(info.cls) else info.cls
            return self._reference(key, lambda: self._object(object_info))
        raise TypeError(f"there is no JSON schema for {getattr(info, 'cls', type(info).__name__)!r}")

    def _object(self, info: Any) -> Schema:
        cls = info.cls
        properties: dict[str, Schema] = {}
        if getattr(info, "tag_field", None) is not None:
            properties[info.tag_field] = _choice([info.tag])
        for field in info.fields:
            schema = self.schema(field.type)
            if field.default is not NODEFAULT and field.default is not UNSET:
                schema = {**schema, "default": to_builtins(field.default, str_keys=True)}
            properties[field.encode_name] = schema
        required = [field.encode_name for field in info.fields if field.required]
        result: Schema = {"title": cls.__name__, "type": "object", "properties": properties, "required": required}
        text = cls.__doc__
        # A dataclass without a docstring is given its signature for one.
        if text and not text.startswith(f"{cls.__name__}("):
            from inspect import cleandoc

            result["description"] = cleandoc(text)
        return result

    def _reference(self, key: Any, write: Any) -> Schema:
        name = self._names.get(key)
        if name is None:
            first = (key[0] if isinstance(key, tuple) else key).__name__
            name, number = first, 1
            while name in self.definitions:
                number += 1
                name = f"{first}{number}"
            self._names[key] = name
            self.references[name] = 0
            self.definitions[name] = {}
            self.definitions[name] = write()
        self.references[name] += 1
        return {"$ref": f"#/$defs/{name}"}

    def _bounded(self, schema: Schema, info: Any, size: str) -> Schema:
        for name, keyword in (*_BOUNDS, ("min_length", f"min{size}"), ("max_length", f"max{size}")):
            value = getattr(info, name, None)
            if value is not None:
                schema[keyword] = value
        return schema


def _is_generic(cls: Any) -> bool:
    return bool(getattr(cls, "__parameters__", ()))


def _values(enum: Any) -> list[Any]:
    return [member.value for member in enum]


def _choice(values: list[Any]) -> Schema:
    types = list(dict.fromkeys(_JSON_TYPES[type(value)] for value in values))
    return {"type": types[0] if len(types) == 1 else types, "enum": values}
