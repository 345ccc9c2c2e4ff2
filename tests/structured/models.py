"""Pydantic models for the comparison with the official SDK: a feature each. Models that it can't make a schema of are not here."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar, Union

import pydantic
import pydantic.dataclasses
from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Color(enum.Enum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Flat(BaseModel):
    a: str
    b: int
    c: float
    d: bool
    e: None


class Described(BaseModel):
    """A docstring
    of two lines."""

    city: str = Field(description="Where")
    when: str = Field(title="The time", examples=["noon"])


class Inner(BaseModel):
    x: int = Field(description="An x")
    y: Optional[str] = None


class Nested(BaseModel):
    inner: Inner
    others: list[Inner]
    by_name: dict[str, Inner]


class RefWithSiblings(BaseModel):
    one: Inner = Field(description="The one")
    two: Inner = Field(description="The other", title="Two")
    color: Color = Field(description="Of the car")
    default: Inner = Field(default=Inner(x=3), description="Has a default")
    maybe: Optional[Inner] = Field(default=None, description="May be null")


class LaterRef(BaseModel):
    deep: Middle = Field(description="Refers to what is defined later")


class Middle(BaseModel):
    inner: Inner = Field(description="Siblings again")
    optional: Optional[Inner]


class Tree(BaseModel):
    value: int
    children: list[Tree] = []
    parent: Optional[Tree] = None


class Linked(BaseModel):
    """Mutual recursion."""

    name: str
    chain: Optional[Chain] = Field(default=None, description="On")


class Chain(BaseModel):
    links: list[Linked]


class Unions(BaseModel):
    a: Union[int, str]
    b: Union[Inner, Flat, None]
    c: Optional[list[Union[int, None]]] = None
    d: Union[Annotated[int, Field(ge=1)], Annotated[str, Field(min_length=2)]]


class Choices(BaseModel):
    a: Literal["x"]
    b: Literal["x", "y", 1, None]
    c: Color
    d: Level
    e: list[Color] = [Color.RED]
    f: Color = Color.BLUE


class Constraints(BaseModel):
    a: int = Field(ge=1, le=10, multiple_of=2)
    b: float = Field(gt=0, lt=1.5)
    c: str = Field(min_length=2, max_length=5, pattern="^[a-z]{2,5}$")
    d: list[int] = Field(min_length=1, max_length=3)
    e: set[str]
    f: tuple[int, str]
    g: tuple[int, ...]
    h: frozenset[int]


class Defaults(BaseModel):
    a: int = 3
    b: Optional[int] = None
    c: list[str] = Field(default_factory=list)
    d: str = "x"
    e: dict[str, int] = {}
    f: Optional[str] = "y"


class Aliases(BaseModel):
    a: int = Field(alias="theA")
    b: int = Field(validation_alias="theB")
    c: int = Field(serialization_alias="theC")
    model_config = ConfigDict(populate_by_name=True)


class Box(BaseModel, Generic[T]):
    item: T
    more: list[T]


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool = True


class Discriminated(BaseModel):
    pet: Annotated[Union[Cat, Dog], Field(discriminator="kind")]
    pets: list[Annotated[Union[Cat, Dog], Field(discriminator="kind")]]


class Times(BaseModel):
    a: dt.datetime
    b: dt.date
    c: dt.time
    d: dt.timedelta
    e: uuid.UUID
    f: Decimal
    g: Decimal = Field(gt=0, max_digits=5, decimal_places=2)
    h: bytes
    i: pydantic.AnyUrl


class Loose(BaseModel):
    a: Any
    b: object
    c: dict[str, Any]
    d: list[Any]
    e: dict[str, list[int]]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow", title="Another title", json_schema_extra={"examples": [{"a": 1}]})
    a: int


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    a: int
    """What a is."""


class Base(BaseModel):
    a: int


class Derived(Base):
    b: Annotated[str, Field(description="b")]


class Root(pydantic.RootModel[dict[str, Inner]]):
    pass


class RootOfModel(pydantic.RootModel[Inner]):
    pass


class Computed(BaseModel):
    a: int

    @pydantic.computed_field
    def twice(self) -> int:
        return 2 * self.a


class Empty(BaseModel):
    pass


class Deprecated(BaseModel):
    a: int = Field(deprecated=True)
    b: Annotated[Optional[Inner], Field(description="nullable ref", examples=[None])]
    c: list[Annotated[Inner, Field(description="an item with siblings")]]


class AllOf(BaseModel):
    a: int = Field(json_schema_extra={"allOf": [{"type": "object", "properties": {"z": {"type": "string"}}}]})
    b: int = Field(json_schema_extra={"allOf": [{"minimum": 1}, {"maximum": 5}]})


@pydantic.dataclasses.dataclass
class Data:
    a: int
    b: Optional[Inner] = None


@pydantic.dataclasses.dataclass
class NestedData:
    """With a docstring."""

    data: Data
    many: list[Data]


for model in (LaterRef, Tree, Linked, Chain):
    model.model_rebuild()

MODELS: list[Any] = [
    *[
        value
        for value in list(globals().values())
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value.__module__ == __name__
        and value is not Box
    ],
    Box[int],
    Box[Inner],
    Box[Box[str]],
    Data,
    NestedData,
]
