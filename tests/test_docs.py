"""Every Python example of the README and the docs runs, against the embedded server."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from oxide.testing import MockServer

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[1]
EXAMPLES = [
    pytest.param(match[1], id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, match in enumerate(re.finditer(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE), 1)
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.filterwarnings("ignore:unclosed client:ResourceWarning")
@pytest.mark.parametrize("source", EXAMPLES)
def test_example(source: str, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    import oxide
    from oxide import _module_client

    # Some examples set attributes of the module, and some define types whose annotations are looked up in theirs.
    for name in _module_client._SETTINGS:
        monkeypatch.setattr(oxide, name, getattr(oxide, name))
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(source, "example", "exec"), module.__dict__)
    # Examples leave closing to the collector, which is to do it here, where the warning about it is expected.
    module.__dict__.clear()
    gc.collect()
    if _module_client._current is not None:
        _module_client._current[1].close()
        _module_client._current = None
