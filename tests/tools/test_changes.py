"""The summary of what a new version of the SDK brings."""

from __future__ import annotations

import pytest

from oxide._tools import files
from oxide._tools.changes import changes, type_change

TYPES = """module thing
    model Colour
        name: Literal['red', 'green']
        depth: Optional[int] = None
    alias Shade = Union[str, Literal['dark', 'light']]
    partial params ColourParams
        name: Required[str]
"""
RESOURCES = """resource colours Colours
    method create
        post /colours
        answers thing:Colour
        body name: str
        body depth: Optional[int] = omit
    async helper poll
        returns Colour
        other name: str
"""


def described(types: str = TYPES, resources: str = RESOURCES, version: str = "1.0.0") -> files.Description:
    return files.load_description(
        {"sdk.txt": f"version {version}\n", "types/root.txt": types, "resources/root.txt": resources}
    )


def test_nothing_changed() -> None:
    assert changes(described(), described()) == []


def test_another_version() -> None:
    assert changes(described(), described(version="2.0.0")) == ["openai 1.0.0 -> 2.0.0"]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("'green']\n", "'blue']\n", ["  ~ thing.Colour: ~ field name: values + 'blue', - 'green'"]),
        ("'dark', ", "", ["  ~ thing.Shade: values - 'dark'"]),
        (
            "Optional[int]",
            "Optional[float]",
            ["  ~ thing.Colour: ~ field depth: Optional[float] instead of Optional[int]"],
        ),
        ("        depth: Optional[int] = None\n", "", ["  ~ thing.Colour: - field depth: Optional[int]"]),
        (" = None", "", ["  ~ thing.Colour: ~ field depth: required instead of default None"]),
        ("depth:", 'depth as "deep":', ["  ~ thing.Colour: ~ field depth: called deep instead of depth"]),
        (
            "        name: Required",
            "        hue: int\n        name: Required",
            ["  ~ thing.ColourParams: + key hue: int"],
        ),
        ("    alias Shade", "    alias Tone", ["  - thing.Shade", "  + thing.Tone"]),
        ("partial params ColourParams", "model ColourParams", ["  ~ thing.ColourParams: model instead of params"]),
        (
            "        name: Literal['red', 'green']\n        depth",
            "        depths",
            [
                "  ~ thing.Colour",
                "      + field depths: Optional[int] = None",
                "      - field name: Literal['red', 'green']",
                "      - field depth: Optional[int]",
            ],
        ),
        ("model Colour\n", "model Colour(Base)\n", ["  ~ thing.Colour: made from ['Base'] instead of []"]),
    ],
)
def test_types(old: str, new: str, lines: list[str]) -> None:
    assert old in TYPES
    assert changes(described(), described(types=TYPES.replace(old, new))) == ["types:", *lines]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("post /colours", "put /colors", ["  ~ colours.create: PUT /colors instead of POST /colours"]),
        ("method create", "method make", ["  - colours.create  POST /colours", "  + colours.make  POST /colours"]),
        ("body name: str\n        body", "body", ["  ~ colours.create: - parameter name: str"]),
        ("answers thing:Colour", "answers none", ["  ~ colours.create: answers 'none' instead of 'thing:Colour'"]),
        ("returns Colour", "returns Shade", ["  ~ colours.poll: returns Shade instead of Colour"]),
        (
            "async helper poll\n        returns Colour\n        other",
            "method poll\n        get /colours/poll\n        answers none\n        query",
            ["  ~ colours.poll: makes one request now"],
        ),
    ],
)
def test_methods(old: str, new: str, lines: list[str]) -> None:
    assert old in RESOURCES
    assert changes(described(), described(resources=RESOURCES.replace(old, new))) == ["methods:", *lines]


def test_a_module_with_two_resources_names_them() -> None:
    more = RESOURCES + "resource colours Shades\n    method create\n        post /shades\n"
    assert changes(described(), described(resources=more)) == [
        "methods:",
        "  + colours.Colours.create  POST /colours",
        "  + colours.Colours.poll",
        "  + colours.Shades.create  POST /shades",
        "  - colours.create  POST /colours",
        "  - colours.poll",
    ]


def test_values_alone_are_told_from_other_changes() -> None:
    assert type_change("Literal['a']", "Optional[Literal['a', 'b']]") == (
        "Optional[Literal['a', 'b']] instead of Literal['a']"
    )
