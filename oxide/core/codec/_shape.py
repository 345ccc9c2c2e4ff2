"""What a declared type allows, worked out once for each type: the input to decoding, building and checking alike.

A `Shape` is any type as a union in normal form: which scalars, which list, which dict, which models. A `ModelInfo` is a
model class (or a parametrised generic one) with the shape of each field. Both form a graph, cyclic where types are
recursive; it is walked by whoever needs it, and built lazily, because most types of a process are never decoded.
"""

from __future__ import annotations

import sys
import types

# The lock of `threading`, without the module: nothing in core may wait, and this guards a few milliseconds of building.
from _thread import RLock
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ForwardRef, Generic, Literal, TypeVar, Union, get_args, get_origin

from ._meta import Discriminator, ModelMeta
from ._model import BaseModel

__all__ = ["ANY", "LOCK", "Field", "ModelInfo", "Scope", "Shape", "info_of", "shape_of"]

_TYPES: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float, "str": str}

# Held by whoever adds to the graph of types, or has msgspec read it.
LOCK = RLock()

_UNIONS = (Union, types.UnionType)
_MAPPINGS = (dict, Mapping)
_ITERABLES = (list, tuple, set, frozenset, Iterable)


class Shape:
    """A type as a union.

    Attributes:
        any: everything is allowed (beside the models, if there are any).
        scalars: the allowed ones of "null", "bool", "int", "float", "str".
        exact: the Python types that need no further look to be allowed.
        literals: values allowed beside `scalars`.
        items: the shapes that a list's items may have, one for each list type of the union.
        values: the shapes that a dict's values may have, one for each dict type of the union.
        models: the models of the union.
        discriminator: the declared name of the field that tells the models apart.
        tag_field, tags: where the models can be told apart by one field alone, its name and their tags.
        plain: no model can be in a value of this shape.
        mixed: it takes more than a look at one field to pick the alternative, so msgspec can't.
        learned: tags that no model has but that arrived, with the models that were made up for them.
        version: counts what was learned about this union itself.
    """

    __slots__ = (
        "any",
        "discriminator",
        "exact",
        "items",
        "learned",
        "literals",
        "mixed",
        "models",
        "plain",
        "scalars",
        "tag_field",
        "tags",
        "values",
        "version",
    )

    def __init__(self) -> None:
        self.any = False
        self.scalars: set[str] = set()
        self.exact: frozenset[type] = frozenset()
        self.literals: set[Any] = set()
        self.items: list[Shape] = []
        self.values: list[Shape] = []
        self.models: list[ModelInfo] = []
        self.discriminator: str | None = None
        self.tag_field: str | None = None
        self.tags: dict[str, ModelInfo] = {}
        self.plain = True
        self.mixed = False
        self.learned: dict[str, ModelInfo] = {}
        self.version = 0

    def finish(self) -> Shape:
        """Works out what follows from the parts."""
        self.exact = frozenset(_TYPES[name] for name in self.scalars)
        models = self.models
        if len(models) > 1:
            names = {model.tag_field for model in models}
            name = self.discriminator if self.discriminator in names else models[0].tag_field
            if names == {name} and name is not None:
                pairs = [(tag, model) for model in models for tag in model.tags]
                self.tags = dict(pairs)
                if len(self.tags) == len(pairs) and all(model.tags for model in models):
                    self.tag_field = name
        rich_items = [x for x in self.items if not x.plain]
        rich_values = [x for x in self.values if not x.plain]
        self.plain = not (models or rich_items or rich_values)
        self.mixed = bool(
            (len(models) > 1 and self.tag_field is None)
            or (models and (self.any or self.values))
            or (rich_items and (self.any or len(self.items) > 1))
            or (rich_values and (self.any or len(self.values) > 1))
        )
        return self


class Field:
    """A declared field: its attribute name, JSON key, shape, and whether the JSON has to have it."""

    __slots__ = ("key", "name", "plain", "required", "shape")

    def __init__(self, name: str, key: str, shape: Shape, required: bool) -> None:
        self.name = name
        self.key = key
        self.shape = shape
        self.required = required
        self.plain = shape.plain


class ModelInfo:
    """A model class, or a generic one with its parameters.

    Attributes:
        cls: the class that instances are of, or are twins of.
        tag_field, tags: the discriminating field, and the values it may have in this class.
        extras: names of the unknown fields that were learned.
        lax: a required field was found missing, so none is required any more.
        version: counts what was learned about this class.
    """

    __slots__ = ("_fields", "_params", "_required", "cls", "extras", "lax", "tag_field", "tags", "version")

    def __init__(self, cls: type[BaseModel], params: dict[Any, Any]) -> None:
        self.cls = cls
        self.tag_field = cls._ox_tag_field
        self.tags: tuple[str, ...] = ()
        self.extras: dict[str, None] = {}
        self.lax = False
        self.version = 0
        self._params = params
        self._fields: dict[str, Field] | None = None
        self._required: tuple[str, ...] = ()
        if self.tag_field is not None:
            self.tags = (cls._ox_tag,) if cls._ox_tag is not None else _declared_tags(cls, self.tag_field)

    def __repr__(self) -> str:
        return f"<ModelInfo {self.cls.__name__}>"

    @property
    def fields(self) -> dict[str, Field]:
        """The declared fields by JSON key, the tag field included."""
        if self._fields is None:
            self._load()
        return self._fields  # type: ignore[return-value]

    @property
    def required(self) -> tuple[str, ...]:
        """Attribute names of the fields that have to be there."""
        if self._fields is None:
            self._load()
        return self._required

    def _load(self) -> None:
        with LOCK:
            if self._fields is None:
                fields = self._declared_fields()
                self._required = tuple(field.name for field in fields.values() if field.required)
                self._fields = fields

    def _declared_fields(self) -> dict[str, Field]:
        cls = self.cls
        keys = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        fields: dict[str, Field] = {}
        for base, params in _scopes(cls, self._params)[1:]:  # `BaseModel` declares the hidden slot only
            declared: dict[str, Any] = base.__dict__["_ox_declared"]
            defaults = base.__dict__["_ox_defaults"]
            tag_field = base._ox_tag_field
            scope = Scope(base, params)
            for name, annotation in declared.items():
                if name == tag_field:
                    shape = scope.shape(annotation)
                    fields[name] = Field(name, name, shape, "null" not in shape.scalars)
                elif name in keys:
                    key = keys[name]
                    fields[key] = Field(name, key, scope.shape(annotation), name not in defaults)
        return fields


class Scope:
    """Where the names in a class's annotations mean something."""

    __slots__ = ("cls", "params", "portable")

    def __init__(self, cls: type[BaseModel] | None, params: dict[Any, Any]) -> None:
        self.cls = cls
        self.params = params
        self.portable = True

    def shape(self, annotation: Any) -> Shape:
        """The shape of an annotation. Shapes that mean the same everywhere are made once."""
        try:
            found = _shapes.get(annotation)
        except TypeError:  # unhashable: a Literal or Annotated with unhashable metadata
            found = None
        if found is not None:
            return found
        outer, self.portable = self.portable, True
        shape = Shape()
        self.collect(annotation, shape)
        shape.finish()
        if self.portable:
            try:
                # Two threads may get here at once; both have to go on with the same object, for what is learned about it.
                shape = _shapes.setdefault(annotation, shape)
            except TypeError:
                pass
        self.portable = self.portable and outer
        return shape

    def collect(self, tp: Any, shape: Shape) -> None:
        """Adds what `tp` allows to `shape`."""
        scalars = _SCALARS.get(tp) if isinstance(tp, type) or tp is None else None
        if scalars is not None:
            shape.scalars.update(scalars)
            return
        if isinstance(tp, ModelMeta):
            _add_model(shape, info_of(tp))
            return
        if isinstance(tp, (str, ForwardRef)):
            self.portable = False
            self.collect(self.evaluate(tp if isinstance(tp, str) else tp.__forward_arg__), shape)
            return
        if isinstance(tp, TypeVar):
            self.portable = False
            argument = self.params.get(tp, tp)
            if isinstance(argument, TypeVar):  # a generic class that was given no argument
                shape.any = True
            else:
                self.collect(argument, shape)
            return
        origin = get_origin(tp)
        if origin is None:
            self._collect_bare(tp, shape)
        elif origin is Literal:
            shape.literals.update(value for value in get_args(tp) if value is not None)
            if None in get_args(tp):
                shape.scalars.add("null")
        elif origin is Annotated:
            inner, *metadata = get_args(tp)
            for item in metadata:
                if isinstance(item, Discriminator):
                    shape.discriminator = item.name
            self.collect(inner, shape)
        elif origin in _UNIONS:
            for part in get_args(tp):
                self.collect(part, shape)
        elif isinstance(origin, ModelMeta):
            _add_model(shape, self._generic(origin, get_args(tp)))
        elif isinstance(origin, type) and issubclass(origin, _MAPPINGS):
            args = get_args(tp)
            shape.values.append(self.shape(args[1]) if len(args) > 1 else ANY)
        elif isinstance(origin, type) and issubclass(origin, _ITERABLES):
            shape.items.append(self.shape(get_args(tp)[0]) if get_args(tp) else ANY)
        elif getattr(origin, "__name__", "") in ("Required", "NotRequired", "ReadOnly", "ClassVar", "Final"):
            self.collect(get_args(tp)[0], shape)
        else:
            shape.any = True

    def _collect_bare(self, tp: Any, shape: Shape) -> None:
        if isinstance(tp, type) and issubclass(tp, dict):  # dict itself, and TypedDict classes
            shape.values.append(ANY)
        elif isinstance(tp, type) and issubclass(tp, (list, tuple, set, frozenset)):
            shape.items.append(ANY)
        elif hasattr(tp, "__value__"):  # a TypeAliasType
            self.collect(tp.__value__, shape)
        elif hasattr(tp, "__supertype__"):  # a NewType
            self.collect(tp.__supertype__, shape)
        elif isinstance(tp, type) and tp.__name__ in _TEXTUAL:
            shape.scalars.update(("str", "int", "float"))
        else:
            shape.any = True

    def _generic(self, origin: Any, args: tuple[Any, ...]) -> ModelInfo:
        resolved = tuple(self._resolved(arg) for arg in args)
        return _parametrised(origin, resolved)

    def _resolved(self, arg: Any) -> Any:
        if isinstance(arg, TypeVar):
            self.portable = False
            return self.params.get(arg, arg)
        if isinstance(arg, (str, ForwardRef)):
            self.portable = False
            return self.evaluate(arg if isinstance(arg, str) else arg.__forward_arg__)
        return arg

    def evaluate(self, text: str) -> Any:
        """The type that a forward reference names, in the module (or class) that wrote it."""
        cls = self.cls
        module = sys.modules.get(cls.__module__) if cls is not None else None
        names = {cls.__name__: cls} if cls is not None else {}
        return eval(text, vars(module) if module else {}, names)


_NUMBER = ("int", "float")
_SCALARS: dict[Any, tuple[str, ...]] = {
    None: ("null",),
    type(None): ("null",),
    bool: ("bool",),
    int: ("int",),
    float: _NUMBER,
    str: ("str",),
    bytes: ("str",),
}
_TEXTUAL = frozenset({"datetime", "date", "time", "timedelta", "UUID", "Decimal"})

ANY = Shape()
ANY.any = True

_shapes: dict[Any, Shape] = {Any: ANY, object: ANY}
_infos: dict[Any, ModelInfo] = {}


def shape_of(type_: Any) -> Shape:
    """The shape of a type. Forward references in it (not in the classes it names) can't be resolved."""
    return Scope(None, {}).shape(type_)


def info_of(cls: Any) -> ModelInfo:
    """What is known about a model class; twins share what is known about theirs."""
    if cls._ox_generic:
        cls = cls._ox_public
    if cls._ox_info is not None:
        return cls._ox_info  # type: ignore[no-any-return]
    found = _infos.get(cls)
    if found is None:
        found = _infos.setdefault(cls, ModelInfo(cls, {}))
    return found


def _parametrised(origin: Any, args: tuple[Any, ...]) -> ModelInfo:
    key = (origin, args)
    found = _infos.get(key)
    if found is None:
        # A class of its own, because its fields decode into other types than those of the bare class.
        cls: Any = ModelMeta(
            origin.__name__,
            (origin,),
            {"__module__": origin.__module__, "__qualname__": origin.__qualname__, "_ox_public": origin},
            twin=True,
        )
        found = cls._ox_info = ModelInfo(cls, dict(zip(origin.__parameters__, args, strict=True)))
        found = _infos.setdefault(key, found)
    return found


def _add_model(shape: Shape, info: ModelInfo) -> None:
    if info not in shape.models:
        shape.models.append(info)


def _declared_tags(cls: type[BaseModel], name: str) -> tuple[str, ...]:
    for base in cls.__mro__:
        declared = base.__dict__.get("_ox_declared", {})
        if name in declared:
            literals = Scope(base, {}).shape(declared[name]).literals
            return tuple(sorted(value for value in literals if isinstance(value, str)))
    return ()


def _scopes(cls: type[BaseModel], params: dict[Any, Any]) -> list[tuple[Any, dict[Any, Any]]]:
    """The classes whose declarations make up `cls`, bases first, each with what its type variables stand for."""
    known: dict[Any, dict[Any, Any]] = {}

    def visit(base: Any, own: dict[Any, Any]) -> None:
        known.setdefault(base, own)
        for parent in base.__dict__.get("__orig_bases__", base.__bases__):
            origin: Any = get_origin(parent) or parent
            if origin is Generic or not isinstance(origin, ModelMeta):
                continue
            args = get_args(parent)
            if args:
                names: Any = origin.__parameters__  # type: ignore[attr-defined]
                visit(origin, dict(zip(names, [own.get(arg, arg) for arg in args], strict=True)))
            else:
                # The subclass that stands for `Page[Item]` has no parameters of its own: they are its base's.
                visit(origin, own)

    visit(cls, params)
    return [(base, known[base]) for base in reversed(cls.__mro__) if base in known and "_ox_declared" in base.__dict__]
