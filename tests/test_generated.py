"""The generated types and resources against the official SDK: imported side by side, for everything in scope.

What is in scope comes from the description, so widening it in `oxide._tools.scope` widens these tests.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType, SimpleNamespace, UnionType
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

import openai
import pytest
import typing_extensions
from openai._base_client import AsyncPaginator
from openai._resource import AsyncAPIResource, SyncAPIResource
from openai._utils import PropertyInfo

from oxide._tools import sync
from oxide._tools.description import Alias, Description, Model, Params
from oxide._tools.scope import select
from oxide._tools.write_types import TypesWriter
from oxide.core.codec import Discriminator, decode
from oxide.core.operation import BODY, HEADER, QUERY, Operation

DESCRIPTION = sync.load_description(sync.committed(sync.DESCRIPTION, "*.txt"))
OPTIONS = {"extra_headers", "extra_query", "extra_body", "timeout"}
VIEWS = ("WithRawResponse", "WithStreamingResponse")

ITEMS = [(module.name, item.name) for module in DESCRIPTION.modules.values() for item in module.items]
MODELS = [(m.name, i.name) for m in DESCRIPTION.modules.values() for i in m.items if isinstance(i, Model)]
PARAMS = [(m.name, i.name) for m in DESCRIPTION.modules.values() for i in m.items if isinstance(i, Params)]
ALIASES = [(m.name, i.name) for m in DESCRIPTION.modules.values() for i in m.items if isinstance(i, Alias)]
METHODS = [(key, method) for key, resource in DESCRIPTION.resources.items() for method in resource.methods]
METHOD_IDS = [f"{key[0]}.{method.name}" for key, method in METHODS]


def both(module: str, name: str, kind: str = "types") -> tuple[Any, Any]:
    """The official object and ours."""
    return tuple(getattr(importlib.import_module(f"{root}.{kind}.{module}"), name) for root in ("openai", "oxide"))  # type: ignore[return-value]


def shape(annotation: Any) -> Any:
    """A type as plain data that is the same for theirs and ours: classes by the names under which they are found."""
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, TypeVar):
        return "a type variable"
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        notes = [note for note in args[1:] if isinstance(note, (PropertyInfo, Discriminator))]
        # The name is kept in an attribute of either.
        tags = [note.discriminator if isinstance(note, PropertyInfo) else note.name for note in notes]
        return ("annotated", shape(args[0]), *tags)
    if origin in (Union, UnionType):
        return ("union", frozenset(shape(arg) for arg in args))
    if origin in (Literal, typing_extensions.Literal):
        return ("literal", frozenset(args))
    if origin is not None:
        inner = tuple(shape(arg) for arg in args)
        # A generic class says the same with its own variable as without.
        return shape(origin) if set(inner) == {"a type variable"} else (shape(origin), *inner)
    if isinstance(annotation, type):
        module, _, rest = annotation.__module__.partition(".types.")
        return f"{rest}.{annotation.__qualname__}" if module in ("openai", "oxide") else annotation.__qualname__
    return repr(annotation)


def hints(thing: Any) -> dict[str, Any]:
    return typing_extensions.get_type_hints(thing, include_extras=True)


# In sync


def test_committed_files_are_what_would_be_generated() -> None:
    assert sync.check(from_description=False) == []


def test_code_is_written_without_the_sdk() -> None:
    script = (
        "import sys; sys.modules['openai'] = None\n"
        "from oxide._tools.sync import main\n"
        "raise SystemExit(main(['--check', '--from-description']))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_check_names_the_files_that_differ(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files = sync.committed_code()
    files["types/model.py"] += "\nEXTRA = 1\n"
    files["types/stray.py"] = "\n"
    del files["resources/models.py"]
    monkeypatch.setattr(sync, "committed_code", lambda: files)
    assert sync.main(["--check", "--from-description"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "resources/models.py: is missing",
        "types/model.py: differs",
        "types/stray.py: should not be there",
    ]


def test_layout_does_not_count_but_comments_do() -> None:
    assert sync.fingerprint("x = [1, 2]  # why\n") == sync.fingerprint("x = [\n    1,\n    2,\n]  # why\n")
    assert sync.fingerprint("x = 1  # why\n") != sync.fingerprint("x = 1\n")


def test_another_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert sync.main(["--check", "--version", "3.53.0"]) == 2
    assert "not 3.53.0" in capsys.readouterr().err


@pytest.fixture(scope="module")
def everything() -> Description:
    return select(sync.read_sdk(), None, None)


def test_everything_can_be_described(everything: Description) -> None:
    assert sync.load_description(sync.description_files(everything)) == everything


def test_no_method_of_the_sdk_is_overlooked(everything: Description) -> None:
    def below(parts: dict[str, tuple[str, str]]) -> Iterator[str]:
        for key in parts.values():
            resource = everything.resources[key]
            yield from (each.name for each in [*resource.methods, *resource.helpers])
            yield from below(resource.parts)

    assert len(list(below(everything.client))) == 436


# What no type in scope needs yet, but others do


def written(source: str) -> str:
    """The code of the module `thing` that a description has."""
    description = sync.load_description({"types/root.txt": source})
    return TypesWriter(description).module(description.modules["thing"])


def test_a_name_from_further_down_is_quoted() -> None:
    code = written(
        "module thing\n"
        "    model Node\n"
        "        below: List[Node]\n"
        "        next: Optional[Leaf] = None\n"
        "    model Leaf\n"
        "        id: str\n"
    )
    assert "    below: list['Node']\n" in code
    assert "    next: Optional['Leaf'] = None\n" in code
    assert "from typing import Optional\n" in code


def test_a_builtin_that_a_field_hides_is_named_in_full() -> None:
    code = written(
        "module thing\n    model A\n        list: str\n        object: Optional[str] = None\n        all: List[object]\n"
    )
    assert "import builtins\n" in code
    assert "    all: builtins.list[builtins.object]\n" in code


def test_wire_names_and_defaults_are_written_for_the_codec() -> None:
    code = written(
        "module thing\n"
        "    model A\n"
        '        async_ as "async": Optional[bool] = None\n'
        '        schema_ as "schema": str\n'
        "        tags: Dict[str, str] = dict()\n"
    )
    assert "    async_: bool | None = field(name='async', default=None)\n" in code
    assert "    schema_: str = field(name='schema')\n" in code
    assert "    tags: dict[str, str] = field(default_factory=dict)\n" in code
    assert "from oxide.core.codec import BaseModel, field\n" in code


def test_members_of_a_union_are_told_apart_by_a_field() -> None:
    code = written(
        "module thing\n"
        "    model A\n"
        "        kind: Literal['a']\n"
        "    model B\n"
        "        kind: Literal['b', 'c']\n"
        "    model C\n"
        "        kind: Literal['c']\n"
        "    alias Either = Union[A, B]\n"
    )
    assert "class A(BaseModel, tag_field='kind', tag='a'):" in code
    assert "class B(BaseModel, tag_field='kind'):" in code
    assert "class C(BaseModel):" in code


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("module a\n        too: deep\n", "line 2: unexpected indentation"),
        ("module a\n    what is this\n", "a: what is this"),
        ("module a\n    import A of b\n", "not an import: import A of b"),
        ("module a\n    model A\n        no field\n", "not a field: no field"),
        ("resource a A\n    part b\n", "not a part: b"),
        ("resource a A\n    method b\n        fetch /b\n", "b: fetch /b"),
        ("resource a A\n    method b\n        get /b\n        elsewhere c: str\n", "not a parameter: elsewhere c: str"),
        ("something else\n", "types/root.txt: something else"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        sync.load_description({"types/root.txt": source})


# Types


@pytest.mark.parametrize("name", DESCRIPTION.modules)
def test_module_defines_what_the_official_one_does(name: str) -> None:
    official = importlib.import_module(f"openai.types.{name}")
    ours = importlib.import_module(f"oxide.types.{name}")
    assert sorted(ours.__all__) == sorted(official.__all__)
    for each in ours.__all__:
        assert hasattr(ours, each)
    defined = {
        each
        for each, value in vars(official).items()
        if not each.startswith("_") and getattr(value, "__module__", None) == official.__name__
    }
    assert defined <= set(vars(ours))


def generated_bases(model: Any) -> list[Any]:
    """A model and the models it is made from, furthest first."""
    return [
        base for base in reversed(model.__mro__) if ".types." in base.__module__ and "_behaviour" not in base.__module__
    ]


def declared(ours: Any) -> tuple[dict[str, Any], set[str]]:
    """Fields with their types, and which of them have defaults, as the source has them.

    The codec keeps that, since the structs that it makes differ.
    """
    types: dict[str, Any] = {}
    defaults: set[str] = set()
    for base in generated_bases(ours):
        own = vars(base)["_ox_declared"]
        types |= own
        defaults = (defaults - set(own)) | set(vars(base)["_ox_defaults"])
    return types, defaults


@pytest.mark.parametrize(("module", "name"), MODELS)
def test_model_has_the_same_fields(module: str, name: str) -> None:
    official, ours = both(module, name)
    assert ours.__module__ == f"oxide.types.{module}"
    (mine, defaults), expected = declared(ours), official.model_fields
    theirs: dict[str, Any] = {}
    for base in generated_bases(official):
        theirs |= base.__annotations__
    assert {key: shape(value) for key, value in mine.items()} == {key: shape(theirs[key]) for key in expected}
    wire = dict(zip(ours.__struct_fields__, ours.__struct_encode_fields__, strict=True))
    assert {key: wire.get(key, key) for key in mine} == {key: field.alias or key for key, field in expected.items()}
    required = {key for key, field in expected.items() if field.is_required()}
    # The field that tells the members of a union apart is a constant here.
    assert set(mine) - defaults - {ours._ox_tag_field} == required - {ours._ox_tag_field}


@pytest.mark.parametrize(("module", "name"), MODELS)
def test_model_has_the_same_properties(module: str, name: str) -> None:
    official, ours = both(module, name)
    expected = {key for key, value in vars(official).items() if isinstance(value, property) and key[0] != "_"}
    assert {key for key in expected if not isinstance(getattr(ours, key), property)} == set()


@pytest.mark.parametrize(("module", "name"), PARAMS)
def test_params_have_the_same_keys(module: str, name: str) -> None:
    official, ours = both(module, name)
    assert ours.__module__ == f"oxide.types.{module}"
    assert ours.__total__ == official.__total__
    assert (ours.__required_keys__, ours.__optional_keys__) == (official.__required_keys__, official.__optional_keys__)
    mine, theirs = hints(ours), hints(official)
    assert {key: shape(value) for key, value in mine.items()} == {key: shape(value) for key, value in theirs.items()}


@pytest.mark.parametrize(("module", "name"), ALIASES)
def test_alias_is_the_same_type(module: str, name: str) -> None:
    official, ours = both(module, name)
    scope = [importlib.import_module(f"{root}.types.{module}") for root in ("openai", "oxide")]
    theirs, mine = (
        hints(SimpleNamespace(__annotations__={"it": it}, __globals__=vars(module)))
        for it, module in zip((official, ours), scope, strict=True)
    )
    assert shape(mine["it"]) == shape(theirs["it"])


@pytest.mark.parametrize("name", DESCRIPTION.packages)
def test_package_offers_what_the_official_one_does(name: str) -> None:
    official = importlib.import_module(f"openai.types.{name}".rstrip("."))
    ours = importlib.import_module(f"oxide.types.{name}".rstrip("."))
    offered = {
        key: value
        for key, value in vars(official).items()
        if not key.startswith("_") and not isinstance(value, ModuleType)
    }
    offered.pop("annotations", None)
    exports = DESCRIPTION.packages[name].exports
    assert sorted(ours.__all__) == sorted(exports)
    assert set(exports) <= set(offered)
    # What isn't offered is of a module that is out of scope.
    below = [module for module in DESCRIPTION.modules if module.startswith(f"{name}." if name else "")]
    modules = [importlib.import_module(f"openai.types.{module}") for module in below]
    within = {key for module in modules for key in module.__all__ if getattr(module, key) is offered.get(key)}
    assert within <= set(exports)
    for key, (module, original) in exports.items():
        assert key in dir(ours)
        assert getattr(ours, key) is getattr(importlib.import_module(f"oxide.types.{module}"), original)


def test_packages_taken_whole_offer_everything() -> None:
    for name in ("responses", "chat"):
        official = importlib.import_module(f"openai.types.{name}")
        offered = {key for key, value in vars(official).items() if key[0] != "_" and not isinstance(value, ModuleType)}
        assert set(DESCRIPTION.packages[name].exports) == offered - {"annotations"}


def test_a_package_has_its_modules_and_nothing_else() -> None:
    import oxide.types.responses as package

    assert package.response_usage is sys.modules["oxide.types.responses.response_usage"]
    with pytest.raises(AttributeError, match=r"'oxide\.types\.responses' has no attribute 'nothing'"):
        _ = package.nothing
    with pytest.raises(AttributeError, match="_nothing"):
        _ = package._nothing


def test_an_import_error_inside_a_module_is_not_hidden(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide._lazy import lazy

    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("")
    (tmp_path / "broken_package" / "broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    get, _, _ = lazy("broken_package", {})
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        get("broken")


# Behaviour


MESSAGE = {
    "id": "r",
    "output": [
        {"type": "reasoning", "id": "x", "summary": []},
        {"type": "something_new"},
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "one ", "annotations": []},
                {"type": "refusal", "refusal": "no"},
                {"type": "output_text", "text": None, "annotations": []},
                {"type": "output_text", "text": "two", "annotations": [], "parsed": {"n": 2}},
            ],
        },
    ],
}


def test_output_text_joins_the_text_of_all_messages() -> None:
    from oxide.types.responses import Response

    assert decode(Response, json.dumps(MESSAGE).encode()).output_text == "one two"
    assert decode(Response, b'{"output": []}').output_text == ""


def test_output_parsed_is_the_first_parsed_part() -> None:
    from oxide.types.responses import ParsedResponse

    response = decode(ParsedResponse[dict[str, int]], json.dumps(MESSAGE).encode())
    assert response.output_parsed == {"n": 2}
    assert response.output_text == "one two"
    assert decode(ParsedResponse[dict[str, int]], b'{"output": []}').output_parsed is None


# Resources


def client_of(official: type, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return official()


def at(client: Any, key: tuple[str, str]) -> Any:
    """The resource of a client, found by walking the attributes."""

    def walk(parts: dict[str, tuple[str, str]], thing: Any) -> Any:
        for attribute, target in parts.items():
            found = getattr(thing, attribute)
            if target == key:
                return found
            deeper = walk(DESCRIPTION.resources[target].parts, found)
            if deeper is not None:
                return deeper
        return None

    return walk(DESCRIPTION.client, client)


def operation(key: tuple[str, str], name: str) -> Operation:
    module = importlib.import_module(f"oxide.resources.{key[0]}")
    return vars(module)[f"_{name.upper()}"]  # type: ignore[no-any-return]


def official_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(inspect.unwrap(function)).parameters)
    return {name: each for name, each in parameters.items() if name != "self" and name not in OPTIONS}


@pytest.mark.parametrize("key", DESCRIPTION.resources, ids=".".join)
def test_resource_has_the_same_methods_and_parts(key: tuple[str, str]) -> None:
    resource = DESCRIPTION.resources[key]
    helpers = {helper.name for helper in resource.helpers}
    for prefix in ("", "Async"):
        official, ours = both(key[0], prefix + key[1], "resources")
        base = AsyncAPIResource if prefix else SyncAPIResource
        expected = {name for name in dir(official) if name[0] != "_" and not hasattr(base, name)}
        assert {name for name in dir(ours) if name[0] != "_"} == expected - helpers
        for name in expected - helpers:
            theirs, mine = inspect.getattr_static(official, name), inspect.getattr_static(ours, name)
            assert isinstance(mine, cached_property) == isinstance(theirs, cached_property)
            if not isinstance(theirs, cached_property):
                waits = inspect.iscoroutinefunction(inspect.unwrap(theirs))
                assert inspect.iscoroutinefunction(mine) == waits


@pytest.mark.parametrize("key", DESCRIPTION.resources, ids=".".join)
@pytest.mark.parametrize("prefix", ["", "Async"])
@pytest.mark.parametrize("view", VIEWS)
def test_views_have_the_same_methods_and_parts(
    key: tuple[str, str], prefix: str, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers = {helper.name for helper in DESCRIPTION.resources[key].helpers}
    official, ours = both(key[0], f"{prefix}{key[1]}{view}", "resources")
    resource = both(key[0], prefix + key[1], "resources")[1]
    client = client_of(getattr(openai, f"{prefix}OpenAI"), monkeypatch)
    theirs = official(at(client, key))
    mine = ours(resource(SimpleNamespace()))

    def public(thing: Any) -> set[str]:
        return {name for name in dir(thing) if name[0] != "_"}

    assert public(mine) == public(theirs) - helpers
    for part in DESCRIPTION.resources[key].parts:
        assert type(getattr(mine, part)).__name__ == type(getattr(theirs, part)).__name__
    attribute = "with_raw_response" if "Raw" in view else "with_streaming_response"
    assert type(getattr(resource(SimpleNamespace()), attribute)) is ours


@pytest.mark.parametrize(("key", "method"), METHODS, ids=METHOD_IDS)
def test_method_takes_the_same_parameters(key: tuple[str, str], method: Any) -> None:
    official, ours = both(*key, "resources")
    theirs = official_parameters(getattr(official, method.name))
    found = operation(key, method.name)
    mine = inspect.signature(inspect.unwrap(getattr(ours, method.name))).parameters
    assert {*found.path_params, *_own(found)} == set(theirs)
    for name in found.path_params:
        assert mine[name].kind == theirs[name].kind
    assert set(mine) == {"self", "params", *found.path_params}
    positional = [name for name, each in theirs.items() if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert list(mine)[1 : 1 + len(positional)] == positional
    required = {name for name, each in theirs.items() if each.default is inspect.Parameter.empty}
    sets = [set(names) for names in found.required] or [set[str]()]
    assert set.intersection(*sets) == required - set(found.path_params)


@pytest.mark.parametrize(("key", "method"), METHODS, ids=METHOD_IDS)
def test_typed_dict_of_a_method_has_its_parameters(key: tuple[str, str], method: Any) -> None:
    found = operation(key, method.name)
    for reference in method.params:
        module, _, name = reference.partition(":")
        params = getattr(importlib.import_module(f"oxide.types.{module}"), name)
        for each in get_args(params) or (params,):
            keys = hints(each)
            assert _own(found) - {"stream"} <= set(keys) <= _own(found)
            required = {key for key, value in keys.items() if get_origin(value) is typing_extensions.Required}
            assert any(set(names) <= required for names in found.required or [()])
    assert method.params or not _own(found)


def _own(found: Operation) -> set[str]:
    """A method's own parameters, without the options and those in the path."""
    return {name for name, (place, _) in found.places.items() if place in (BODY, QUERY, HEADER)}


@pytest.mark.parametrize(("key", "method"), METHODS, ids=METHOD_IDS)
def test_method_makes_the_same_request(key: tuple[str, str], method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official method is called, and what it would send is compared with what the operation says."""
    import httpx2

    sent: list[httpx2.Request] = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(418, json={})

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    client = openai.OpenAI(http_client=httpx2.Client(transport=httpx2.MockTransport(refuse)), max_retries=0)
    found = operation(key, method.name)
    function = getattr(at(client, key), method.name)
    values = {name: f"<{name}>" for name in official_parameters(function) if name != "stream"}
    with pytest.raises(openai.APIStatusError):
        function(**values)
    request = sent[0]
    path = request.url.path.removeprefix("/v1")
    assert request.method == found.method
    assert path == found.path.replace("{", "<").replace("}", ">")
    body = set(json.loads(request.content)) if request.content else set()
    assert body == {wire for place, wire in found.places.values() if place == BODY} - {"stream"}
    query = {wire for place, wire in found.places.values() if place == QUERY} - {"stream"}
    assert set(request.url.params) == query


@pytest.mark.parametrize(("key", "method"), METHODS, ids=METHOD_IDS)
def test_method_returns_the_same_type(key: tuple[str, str], method: Any) -> None:
    found = operation(key, method.name)
    for prefix in ("", "Async"):
        official = both(key[0], prefix + key[1], "resources")[0]
        returns = hints(inspect.unwrap(getattr(official, method.name)))["return"]
        if get_origin(returns) is AsyncPaginator:
            returns = get_args(returns)[1]
        parts = get_args(returns) if get_origin(returns) in (Union, UnionType) else (returns,)
        streams = [part for part in parts if (get_origin(part) or part).__name__.endswith("Stream")]
        plain = [part for part in parts if part not in streams]
        assert [shape(get_args(part)[0]) for part in streams] == ([shape(found.stream)] if found.stream else [])
        if found.page:
            page = plain[0].__pydantic_generic_metadata__
            assert page["origin"].__name__ == f"{prefix or 'Sync'}{found.page}"
            assert shape(page["args"][0]) == shape(found.response)
        else:
            assert [shape(part) for part in plain] == [shape(type(None) if found.response is None else found.response)]


@pytest.mark.parametrize("word", ["Sync", "Async"])
def test_clients_have_the_resources(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide.resources import _attach

    name = {"Sync": "OpenAI", "Async": "AsyncOpenAI"}[word]
    official = client_of(getattr(openai, name), monkeypatch)
    ours = type("Client", (getattr(_attach, f"{word}Resources"),), {})()
    views = {"with_raw_response": "WithRawResponse", "with_streaming_response": "WithStreamingResponse"}
    for attribute in DESCRIPTION.client:
        assert type(getattr(ours, attribute)).__name__ == type(getattr(official, attribute)).__name__
        assert getattr(ours, attribute) is getattr(ours, attribute)
        for view, suffix in views.items():
            mine = getattr(_attach, f"{word}Resources{suffix}")(ours)
            theirs = getattr(official, view)
            assert type(getattr(mine, attribute)).__name__ == type(getattr(theirs, attribute)).__name__


@pytest.mark.parametrize("name", DESCRIPTION.resource_packages)
def test_resource_package_offers_what_the_official_one_does(name: str) -> None:
    official = importlib.import_module(f"openai.resources.{name}".rstrip("."))
    ours = importlib.import_module(f"oxide.resources.{name}".rstrip("."))
    within = {module for module, _ in DESCRIPTION.resources}
    offered = {
        key for key in official.__all__ if getattr(official, key).__module__.removeprefix("openai.resources.") in within
    }
    assert set(ours.__all__) == offered
    for key in offered:
        assert getattr(ours, key).__name__ == key


# Laziness


def loaded(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sorted(name for name in sys.modules if name.startswith('oxide')))"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_a_package_of_types_loads_no_type() -> None:
    names = ", ".join(f"oxide.types.{name}".rstrip(".") for name in DESCRIPTION.packages)
    modules = {f"oxide.types.{name}" for name in DESCRIPTION.modules}
    assert loaded(f"import {names}") & modules == set()


def test_importing_a_type_loads_only_what_it_needs() -> None:
    modules = loaded("from oxide.types.responses import ResponseUsage")
    assert {name for name in modules if name.startswith("oxide.types.responses.")} == {
        "oxide.types.responses.response_usage"
    }


def test_importing_resources_loads_no_types() -> None:
    names = ", ".join(f"oxide.resources.{module}" for module, _ in DESCRIPTION.resources)
    modules = loaded(f"import {names}, oxide.resources._attach")
    assert {name for name in modules if name.startswith("oxide.types")} == set()


def test_attaching_resources_loads_none() -> None:
    modules = loaded("import oxide.resources._attach")
    assert {name for name in modules if name.startswith("oxide.resources.")} == {"oxide.resources._attach"}
