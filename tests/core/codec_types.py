"""Small types with every trait that the generated ones have."""

from typing import Annotated, Any, Generic, Literal, Optional, TypeAlias, TypeVar, Union

from oxide.core.codec import BaseModel, Discriminator, field

T = TypeVar("T")


class Usage(BaseModel):
    tokens: int
    seconds: Optional[float] = None


class Text(BaseModel, tag_field="type", tag="text"):
    type: Literal["text"]
    text: str
    notes: Optional[list[Usage]] = None


class Image(BaseModel, tag_field="type", tag="image"):
    type: Literal["image"]
    url: str
    detail: Literal["low", "high"]


class Search(BaseModel, tag_field="type"):
    type: Literal["search", "search_preview"]
    query: str


Item: TypeAlias = Annotated[Union[Text, Image, Search], Discriminator("type")]


class Plain(BaseModel):
    """Members of `Either` have nothing that tells them apart."""

    text: str


class Verbose(BaseModel):
    text: str
    duration: float


Either: TypeAlias = Union[Plain, Verbose]


class Easy(BaseModel, tag_field="type", tag="message"):
    """Shares its tag with `Full`, and may do without it."""

    content: str
    role: Literal["user", "system"]
    type: Optional[Literal["message"]] = None


class Full(BaseModel, tag_field="type", tag="message"):
    content: list[Text]
    role: Literal["assistant"]
    type: Literal["message"]


Message: TypeAlias = Annotated[Union[Easy, Full, Image], Discriminator("type")]


class Anything(BaseModel, tag_field="type"):
    """Its discriminator can be any text."""

    type: str
    name: str


Open: TypeAlias = Annotated[Union[Text, Anything], Discriminator("type")]


class Document(BaseModel):
    id: str
    created: float
    items: list[Item]
    status: Literal["done", "failed"]
    usage: Optional[Usage] = None
    choice: Union[Literal["auto"], Text, None] = None
    anything: Optional[object] = None
    by_name: Optional[dict[str, Usage]] = None
    nested: Optional[list[list[Usage]]] = None
    labels: Optional[dict[str, str]] = None
    async_: Optional[bool] = field(name="async", default=None)
    threat: Optional[bool] = field(name="hate/threat", default=None)
    options: dict[str, object] = field(default_factory=dict)
    level: Literal["info", "debug"] = "info"
    input: Union[str, list[Message], None] = None
    either: Optional[Either] = None
    child: Optional["Document"] = None

    @property
    def all_text(self) -> str:
        return "".join(item.text for item in self.items if item.type == "text")


class Page(BaseModel, Generic[T]):
    data: list[T]
    has_more: Optional[bool] = None

    def __iter__(self) -> Any:
        yield from self.data


class NumberedPage(Page[T], Generic[T]):
    number: int


class UsagePage(Page[Usage]):
    total: Optional[int] = None


DOCUMENT: dict[str, Any] = {
    "id": "doc_1",
    "created": 1700000000,
    "items": [
        {"type": "text", "text": "hello ", "notes": [{"tokens": 1}, {"tokens": 2, "seconds": None}]},
        {"type": "image", "url": "u", "detail": "low"},
        {"type": "search_preview", "query": "q"},
        {"type": "text", "text": "world"},
    ],
    "status": "done",
    "usage": {"tokens": 3, "seconds": 0.5},
    "choice": {"type": "text", "text": "chosen"},
    "anything": {"a": [1, {"b": None}]},
    "by_name": {"first": {"tokens": 4}},
    "nested": [[{"tokens": 5}], []],
    "labels": None,
    "async": True,
    "hate/threat": False,
    "options": {"x": 1},
    "input": [
        {"role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "t"}]},
        {"type": "image", "url": "u", "detail": "high"},
    ],
    "either": {"text": "t", "duration": 1.5},
    "child": {"id": "doc_2", "created": 0.5, "items": [], "status": "failed", "level": "debug"},
}
