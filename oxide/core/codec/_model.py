"""`BaseModel`: what every response type derives from, with the methods users know from pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import astuple
from typing_extensions import Self, dataclass_transform

from ._meta import ModelMeta
from ._state import (
    EXTRA,
    META,
    Extra,
    copy_values,
    declared_names,
    extras_of,
    get_meta,
    public_class,
    request_id_of,
    set_fields,
    set_request_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["BaseModel", "GenericObject"]

# The class has a method of the name `dict`.
_Dict: TypeAlias = dict[str, Any]
_ObjectDict: TypeAlias = dict[str, object]


@dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class BaseModel(Struct, metaclass=ModelMeta, dict=True, forbid_unknown_fields=True, eq=False):
    """An object of the API: fields are attributes, and nothing that came off the wire is lost.

    Objects are mutable. Reading a field that was absent gives its default, `None` where it has none; `model_fields_set`
    tells an absent field from a null one. Fields that the type does not know are attributes too, and in `model_extra`.
    """

    if not TYPE_CHECKING:
        _ox: Extra = UNSET

    _ox_tag_field: ClassVar[str | None] = None
    _ox_tag: ClassVar[str | None] = None
    _ox_declared: ClassVar[_Dict]
    _ox_defaults: ClassVar[_Dict]
    _ox_public: ClassVar[type[BaseModel]]
    _ox_generic: ClassVar[bool] = False
    # Fields that are ours and not the API's: `encode` leaves them out, `to_dict` does not.
    _ox_unsent: ClassVar[frozenset[str]] = frozenset()
    # Twins only: the `ModelInfo` that they were made from.
    _ox_info: ClassVar[Any] = None
    # Learned subclasses only: JSON key to slot of the fields that the public class does not declare.
    _ox_learned: ClassVar[Mapping[str, str]] = {}

    # --- what is there ---------------------------------------------------------------------------------------------

    @property
    def model_extra(self) -> _Dict:
        """The fields that came and that the type does not declare, by their JSON keys."""
        return extras_of(self)

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the declared fields that are there, null ones included."""
        return {name for name, value in set_fields(self)}

    @property
    def _request_id(self) -> str | None:
        """The `x-request-id` of the response; on objects that a call returned, not on those inside them."""
        return request_id_of(self)

    @_request_id.setter
    def _request_id(self, value: str | None) -> None:
        set_request_id(self, value)

    @property
    def _retries_taken(self) -> int:
        """How often the request was repeated; on objects that a call returned, not on those inside them."""
        return getattr(get_meta(self), "retries_taken", 0)

    # --- out -------------------------------------------------------------------------------------------------------

    def to_dict(
        self,
        *,
        mode: Literal["json", "python"] = "python",
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> _ObjectDict:
        """The object and everything in it as dicts and lists: by default exactly the JSON that came.

        Args:
            mode: `"json"` turns values that JSON lacks (only users put them in, such as a `datetime`) into text.
            use_api_names: the keys of the JSON rather than the names of the attributes.
            exclude_unset: without the fields that did not come; with False they appear with their defaults.
            exclude_defaults: without the fields that equal their defaults.
            exclude_none: without the fields that are null.
            warnings: accepted for compatibility, without effect.
        """
        from ._dump import dump

        return dump(
            self,
            json=mode == "json",
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )

    def to_json(
        self,
        *,
        indent: int | None = 2,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> str:
        """`to_dict` as JSON text, indented by `indent` spaces, compact for `None`."""
        from ._dump import dump_json

        return dump_json(
            self,
            indent=indent,
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool | Literal["none", "warn", "error"] = True,
    ) -> _Dict:
        """As `to_dict`, with pydantic's defaults: attribute names, and absent fields with their defaults.

        Args:
            include: names of the only attributes of this object (not of those inside) to appear.
            exclude: names of attributes of this object to leave out.
            mode, by_alias, exclude_unset, exclude_defaults, exclude_none, warnings: see `to_dict`.
        """
        from ._dump import dump

        return dump(
            self,
            json=mode == "json",
            by_alias=bool(by_alias),
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
            include=include,
            exclude=exclude,
        )

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool | Literal["none", "warn", "error"] = True,
    ) -> str:
        """`model_dump` as JSON text, compact unless `indent` gives a number of spaces."""
        from ._dump import dump_json

        return dump_json(
            self,
            indent=indent,
            by_alias=bool(by_alias),
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
            include=include,
            exclude=exclude,
        )

    def __iter__(self) -> Iterator[Any]:
        """Pairs of attribute name and value, absent fields with their defaults, unknown fields last."""
        for name in declared_names(type(self)):
            yield name, getattr(self, name)
        yield from extras_of(self).items()

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        yield from set_fields(self)
        yield from extras_of(self).items()

    def __repr__(self) -> str:
        from ..secrets import shown_attributes

        name = public_class(self).__name__
        shown = (f"{key}={value!r}" for key, value in shown_attributes(name, self.__repr_args__()))
        return f"{name}({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        from ..secrets import shown_attributes

        return shown_attributes(public_class(self).__name__, self.__repr_args__())

    def dict(self, **wishes: Any) -> _Dict:
        """`model_dump` under its older name."""
        return self.model_dump(**wishes)

    def json(self, **wishes: Any) -> str:
        """`model_dump_json` under its older name."""
        return self.model_dump_json(**wishes)

    # --- in --------------------------------------------------------------------------------------------------------

    @classmethod
    def model_validate(cls, obj: Any, *, strict: bool | None = None) -> Self:
        """An object of this type from parsed JSON (or from an object of this type, which is returned as it is).

        Raises:
            DecodeError: `obj` is not of this type. Unlike what arrives from the API, which is never refused, this is
                checked, as pydantic does.
        """
        from ._decode import construct

        return construct(cls, obj, strict=True)  # type: ignore[no-any-return]

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, *, strict: bool | None = None) -> Self:
        """`model_validate` of JSON text."""
        from ._decode import decode

        return decode(cls, json_data, strict=True)  # type: ignore[no-any-return]

    @classmethod
    def model_construct(cls, /, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """An object of this type from keyword arguments (JSON keys or attribute names), nothing checked."""
        from ._build import from_keywords

        return from_keywords(cls, values, checked=False)  # type: ignore[no-any-return]

    @classmethod
    def construct(cls, /, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """`model_construct` under its older name."""
        return cls.model_construct(_fields_set, **values)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with the fields of `update` set; `deep` copies what is inside as well."""
        copy = self.__deepcopy__({}) if deep else self.__copy__()
        for name, value in (update or {}).items():
            setattr(copy, name, value)
        return copy

    def copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """`model_copy` under its older name."""
        return self.model_copy(update=update, deep=deep)

    # --- protocol --------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        values = self.__dict__
        if name in values:
            if name == type(self)._ox_tag_field and value == type(self)._ox_tag:
                del values[name]
            else:
                # Neither a slot nor a property: kept as an unknown field is.
                super().__setattr__("_ox", EXTRA)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, BaseModel) or public_class(self) is not public_class(other):
            return NotImplemented
        return dict(set_fields(self)) == dict(set_fields(other)) and extras_of(self) == extras_of(other)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        copy: Self = super().__copy__()  # type: ignore[misc]
        copy_values(copy, self)
        return copy

    def __deepcopy__(self, memo: Any) -> Self:
        from copy import deepcopy

        copy = self.__copy__()
        memo[id(self)] = copy
        for name, value in zip(self.__struct_fields__, astuple(self), strict=True):
            if isinstance(value, (list, dict, BaseModel)):
                setattr(copy, name, deepcopy(value, memo))
        values: Any = copy.__dict__
        for key, value in list(values.items()):
            if key is not META:
                values[key] = deepcopy(value, memo)
        return copy

    def __replace__(self, /, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def __reduce__(self) -> tuple[Any, ...]:
        # Twins and learned subclasses exist in this process only, so objects travel as public class and values.
        return _restore, (public_class(self), dict(set_fields(self)), extras_of(self), self._request_id)


class GenericObject(BaseModel):
    """A member of a union whose tag this version does not know.

    All its fields are attributes. Objects inside it are plain dicts.
    """

    _ox_generic = True


def _restore(cls: type[BaseModel], fields: _Dict, extras: _Dict, request_id: str | None) -> BaseModel:
    from ._build import from_values

    obj: BaseModel = from_values(cls, fields, extras)
    if request_id is not None:
        obj._request_id = request_id
    return obj
