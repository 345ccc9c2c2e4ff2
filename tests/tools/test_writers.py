"""What the writers make of methods, where no method of the SDK shows it plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxide._tools import files, helpers
from oxide._tools.write_resources import ResourcesWriter

TYPES = """module thing
    model Thing
        id: str
    model Full
        id: str
    params Inner
        async_ as "async": bool
        again: Iterable[Inner]
    alias Either = Union[Inner, Iterable[Inner]]
    partial params ThingParams
        thing_id: Required[str]
        kind: str
        inner: Either
"""
RESOURCE = """client
    part things: Things from things
resource things Things
    wrapped make wait
    method make
        post /things/{thing_id}
        params thing:ThingParams
        answers thing:Thing
        security bearer_auth
        path thing_id: str
        body kind: str = omit
        body inner: Either = omit
"""


def written(resource: str = RESOURCE, types: str = TYPES) -> str:
    """The module `things`, its layout taken out."""
    description = files.load_description(
        {
            "sdk.txt": resource.partition("resource")[0],
            "types/root.txt": types,
            "resources/root.txt": "resource" + resource.partition("resource")[2],
        }
    )
    code = dict(ResourcesWriter(description).files())["things.py"]
    return " ".join(code.split())


def test_keys_inside_the_body_are_renamed() -> None:
    assert "renames={'inner': {'async_': 'async'}}" in written()


def test_a_parameter_of_its_own_is_no_keyword_again() -> None:
    code = written()
    assert "class _Make(CallOptions, total=False): kind: str inner: Either" in code
    assert "def make(self, *, thing_id: str, **params: Unpack[_Make]) -> Thing:" in code


def test_a_key_that_is_required_without_saying_so_is_refused() -> None:
    with pytest.raises(ValueError, match="kind is required without saying so"):
        written(types=TYPES.replace("partial params ThingParams", "params ThingParams").replace("Required[str]", "str"))


def test_a_format_that_nobody_writes_is_refused() -> None:
    with pytest.raises(ValueError, match="in the format iso8601 are not written"):
        written(types=TYPES.replace("again:", "at in iso8601: str\n        again:"))


def test_what_comes_back_may_depend_on_a_parameter() -> None:
    resource = (
        RESOURCE.replace("thing_id}", "")
        .replace("/{", "")
        .replace("        path thing_id: str\n", "")
        .replace("        path", "        body")
    )
    types = TYPES.replace("        thing_id: Required[str]\n", "")
    code = written(
        resource
        + "        chooses kind\n"
        + "        choice full: thing:Full\n"
        + "        overload Thing\n            body kind: Literal['plain'] = omit\n"
        + "        overload Full\n            body kind: Literal['full']\n"
        + "        overload Thing | Full\n",
        types,
    )
    assert "response='oxide.types.thing:Thing', chooses=('kind', {'full': 'oxide.types.thing:Full'})" in code
    assert "class _Make1(ThingParams, CallOptions, total=False): kind: Required[Literal['full']]" in code
    assert "def make(self, **params: Unpack[_Make1]) -> Full: ..." in code
    assert "def make(self, **params: Unpack[_Make2]) -> Thing | Full: ..." in code


@pytest.mark.parametrize(
    ("fact", "argument"),
    [
        ("sends OpenAI-Beta: things=v1", "sends=(('OpenAI-Beta', 'things=v1'),)"),
        ("sends Content-Type: multipart/form-data", "multipart=True"),
        ("uploads file files[][file]", "files=('file', 'files[][file]')"),
        ("encodes sdp: application/sdp", "encodings={'sdp': 'application/sdp'}"),
        ("raw_part sdp", "raw_part='sdp'"),
        ("events named", "events='named'"),
        ("always streams thing:Thing", "stream='oxide.types.thing:Thing', always_streams=True"),
        ("answers bytes", "response='oxide._response:HttpxBinaryResponseContent', binary=True"),
        ("page Page", "page='Page', page_via='body'"),
    ],
)
def test_facts_are_arguments_of_the_operation(fact: str, argument: str) -> None:
    assert argument in written(RESOURCE.replace("        security bearer_auth", f"        {fact}"))


def mixins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str) -> None:
    (tmp_path / "oxide" / "helpers").mkdir(parents=True)
    (tmp_path / "oxide" / "helpers" / "things.py").write_text(source)
    monkeypatch.setattr(helpers, "_ROOT", tmp_path)
    monkeypatch.setitem(helpers.HELPERS, ("things", "Things"), "oxide.helpers.things")


METHODS = "    def wait(self): ...\n    def make(self): ...\n    def _inner(self): ...\n"


def test_hand_written_methods_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mixins(monkeypatch, tmp_path, f"class ThingsHelpers:\n{METHODS}class AsyncThingsHelpers:\n{METHODS}")
    code = written()
    assert "from oxide.helpers.things import AsyncThingsHelpers, ThingsHelpers" in code
    assert "class Things(ThingsHelpers, SyncAPIResource):" in code
    assert "class AsyncThings(AsyncThingsHelpers, AsyncAPIResource):" in code
    # What would be in its way makes the request for it.
    assert "def _make(self" in code
    assert "def make(self" not in code
    # The views have both, under their own names.
    assert "self.make = to_raw_response_wrapper(things.make)" in code
    assert "self.wait = async_to_streamed_response_wrapper(things.wait)" in code


def test_mixins_must_be_a_pair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mixins(
        monkeypatch, tmp_path, f"class ThingsHelpers:\n{METHODS}class AsyncThingsHelpers:\n    def wait(self): ...\n"
    )
    with pytest.raises(ValueError, match="must have the same methods in the same order"):
        written()
    (tmp_path / "oxide" / "helpers" / "things.py").write_text("class ThingsHelpers:\n    pass\n")
    with pytest.raises(ValueError, match="must have the classes ThingsHelpers and AsyncThingsHelpers"):
        written()
