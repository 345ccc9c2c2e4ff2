"""The description as text, the code that is written from it, and the command line."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from oxide._tools import files, sync
from oxide._tools.sdk import fetched, installed, read_sdk
from oxide._tools.write_types import TypesWriter

pytestmark = pytest.mark.exhaustive


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
    sources = files.committed_code()
    sources["types/model.py"] += "\nEXTRA = 1\n"
    sources["types/stray.py"] = "\n"
    del sources["resources/models.py"]
    monkeypatch.setattr(files, "committed_code", lambda: sources)
    assert sync.main(["--check", "--from-description"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "resources/models.py: is missing",
        "types/model.py: differs",
        "types/stray.py: should not be there",
    ]


def test_layout_does_not_count_but_comments_do() -> None:
    assert files.fingerprint("x = [1, 2]  # why\n") == files.fingerprint("x = [\n    1,\n    2,\n]  # why\n")
    assert files.fingerprint("x = 1  # why\n") != files.fingerprint("x = 1\n")


def test_a_check_against_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync, "version_of", lambda root: "3.53.0")
    assert sync.main(["--check"]) == 2
    assert "openai 3.53.0 is installed, not 3.54.0" in capsys.readouterr().err


def test_a_version_that_is_installed_is_not_fetched() -> None:
    with fetched(files.committed_description().version) as root:
        assert root == installed()


def test_a_version_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # No index to ask.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert sync.main(["--version", "0.0.0"]) == 2
    assert "pip could not install openai==0.0.0" in capsys.readouterr().err


def test_coverage_is_complete_but_for_helpers(capsys: pytest.CaptureFixture[str]) -> None:
    assert sync.main(["--coverage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    totals = dict(line.split(": ") for line in lines if not line.startswith(" "))
    assert totals["methods"].endswith(" of 436")
    for what in ("types", "fields and keys"):
        there, total = totals[what].split(" of ")
        assert there == total
    helpers_of = {each.name for resource in read_sdk().resources.values() for each in resource.helpers}
    missing = [line.rpartition(".")[2] for line in lines if line.startswith("  missing: ")]
    assert set(missing) <= helpers_of


def test_everything_can_be_described() -> None:
    everything = read_sdk()
    assert files.load_description(files.description_files(everything)) == everything


def written(source: str) -> str:
    """The code of the module `thing` that a description has."""
    description = files.load_description({"types/root.txt": source})
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
        files.load_description({"types/root.txt": source})
