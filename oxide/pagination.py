"""Pages of list endpoints: iterate over one and the following pages are fetched as they are needed.

How each kind of page finds the next one is written once; the `Sync` and `Async` classes only differ in how they wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Generic, List, Optional, TypeVar  # noqa: UP035

from .core.codec import BaseModel, get_meta
from .core.errors import OpenAIError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "AsyncConversationCursorPage",
    "AsyncCursorPage",
    "AsyncNextCursorPage",
    "AsyncPage",
    "AsyncTokenPage",
    "SyncConversationCursorPage",
    "SyncCursorPage",
    "SyncNextCursorPage",
    "SyncPage",
    "SyncTokenPage",
]

T = TypeVar("T")
PageT = TypeVar("PageT")


class PageInfo:
    """What has to be asked for to get the next page.

    Attributes:
        params: the parameters that differ from those of this page.
    """

    __slots__ = ("params",)

    def __init__(self, *, params: dict[str, object]) -> None:
        self.params = params

    def __repr__(self) -> str:
        return f"PageInfo(params={self.params!r})"


class _Paging(Generic[T]):
    """What a page of either side can say without fetching anything."""

    __slots__ = ()

    def _get_page_items(self) -> list[T]:
        return getattr(self, "data", None) or []

    def has_next_page(self) -> bool:
        """Whether there is another page, as far as this one tells."""
        if getattr(self, "has_more", None) is False or not self._get_page_items():
            return False
        return self.next_page_info() is not None

    def next_page_info(self) -> PageInfo | None:
        """What the next page has to be asked for with; `None` at the end."""
        raise NotImplementedError

    def _fetch_next(self) -> Any:
        info = self.next_page_info()
        if info is None:
            raise OpenAIError("there is no next page: ask has_next_page() before get_next_page()")
        fetch = getattr(get_meta(self), "fetch", None)
        if fetch is None:
            raise OpenAIError("this page was not returned by a client, so it can't fetch the next one")
        return fetch(info.params)


class _SyncPaging(_Paging[T]):
    __slots__ = ()

    def __iter__(self) -> Iterator[T]:
        """Every item of this page and of all that follow."""
        for page in self.iter_pages():
            yield from page._get_page_items()

    def iter_pages(self) -> Iterator[Self]:
        """This page and all that follow."""
        page = self
        while True:
            yield page
            if not page.has_next_page():
                return
            page = page.get_next_page()

    def get_next_page(self) -> Self:
        """Fetch the next page. Raises OpenAIError if there is none, and what the list method raises."""
        return self._fetch_next()  # type: ignore[no-any-return]


class _AsyncPaging(_Paging[T]):
    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Every item of this page and of all that follow."""
        async for page in self.iter_pages():
            for item in page._get_page_items():
                yield item

    async def iter_pages(self) -> AsyncIterator[Self]:
        """This page and all that follow."""
        page = self
        while True:
            yield page
            if not page.has_next_page():
                return
            page = await page.get_next_page()

    async def get_next_page(self) -> Self:
        """Fetch the next page. Raises OpenAIError if there is none, and what the list method raises."""
        return await self._fetch_next()  # type: ignore[no-any-return]


# --- the kinds ------------------------------------------------------------------------------------------------------


def _cursor(data: list[Any] | None) -> PageInfo | None:
    last = getattr(data[-1], "id", None) if data else None
    return PageInfo(params={"after": last}) if last is not None else None


class _Page(_Paging[T]):
    """A list that the API gives in one piece."""

    __slots__ = ()

    def next_page_info(self) -> None:
        return None


class _CursorPage(_Paging[T]):
    """The next page begins after the last item's `id`."""

    __slots__ = ()

    def next_page_info(self) -> PageInfo | None:
        return _cursor(self._get_page_items())


class _ConversationCursorPage(_Paging[T]):
    """The next page begins after `last_id`."""

    __slots__ = ()

    def next_page_info(self) -> PageInfo | None:
        last = getattr(self, "last_id", None)
        return PageInfo(params={"after": last}) if last else None


class _NextCursorPage(_Paging[T]):
    """The next page begins after `next`."""

    __slots__ = ()

    def next_page_info(self) -> PageInfo | None:
        following = getattr(self, "next", None)
        return PageInfo(params={"after": following}) if following else None


class _TokenPage(_Paging[T]):
    """The next page is the one called `next`."""

    __slots__ = ()

    def next_page_info(self) -> PageInfo | None:
        following = getattr(self, "next", None)
        return PageInfo(params={"page": following}) if following else None


# Field types are evaluated when the decoder is built, on 3.10 too.


class SyncPage(_SyncPaging[T], _Page[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    object: str


class AsyncPage(_AsyncPaging[T], _Page[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    object: str


class SyncCursorPage(_SyncPaging[T], _CursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None


class AsyncCursorPage(_AsyncPaging[T], _CursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None


class SyncConversationCursorPage(_SyncPaging[T], _ConversationCursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    last_id: Optional[str] = None


class AsyncConversationCursorPage(_AsyncPaging[T], _ConversationCursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    last_id: Optional[str] = None


class SyncNextCursorPage(_SyncPaging[T], _NextCursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    next: Optional[str] = None


class AsyncNextCursorPage(_AsyncPaging[T], _NextCursorPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    next: Optional[str] = None


class SyncTokenPage(_SyncPaging[T], _TokenPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    next: Optional[str] = None


class AsyncTokenPage(_AsyncPaging[T], _TokenPage[T], BaseModel, Generic[T]):
    data: List[T]  # noqa: UP006
    has_more: Optional[bool] = None
    next: Optional[str] = None


class AsyncPaginator(Generic[T, PageT]):
    """What asynchronous list methods return: await it for the first page, or iterate over every item of all pages."""

    def __init__(self, fetch: Callable[[], Awaitable[PageT]]) -> None:
        self._fetch = fetch

    def __await__(self) -> Generator[Any, None, PageT]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        page: Any = await self._fetch()
        async for item in page:
            yield item
