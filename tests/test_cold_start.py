"""What is imported when: nothing before it is needed. Each case has a Python of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from oxide.testing import MockServer

ROOT = Path(__file__).parent.parent

UNNEEDED = ("h2", "httpcore", "pydantic", "trio", "wsproto")
ASYNCHRONOUS_OR_TLS = ("anyio", "asyncio", "ssl")
OTHERS = tuple(
    f"oxide.{kind}.{name}" for kind in ("types", "resources") for name in ("admin", "beta", "evals", "realtime")
)

CREATE = "client.responses.create(model='gpt-5', input='hi')"
SYNC = "client = oxide.OpenAI(api_key='sk-test', base_url={url!r})\n"
CALLS = {
    "create": f"{SYNC}assert {CREATE}.output_text\n",
    "stream": f"{SYNC}events = list({CREATE[:-1]}, stream=True))\nassert events[-1].type == 'response.completed'\n",
    "chat": f"{SYNC}messages = [{{'role': 'user', 'content': 'hi'}}]\n"
    "assert client.chat.completions.create(model='gpt-5', messages=messages).choices\n",
    "asyncio": "import asyncio\nasync def main():\n"
    "    async with oxide.AsyncOpenAI(api_key='sk-test', base_url={url!r}) as client:\n"
    f"        assert (await {CREATE}).output_text\nasyncio.run(main())\n",
}


def modules(code: str) -> set[str]:
    """The modules that are there after a Python process has run `code`."""
    code += "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def below(found: set[str], packages: tuple[str, ...]) -> list[str]:
    """Those of the modules that are, or are inside of, one of the packages."""
    return sorted(name for name in found if f"{name}.".startswith(tuple(f"{package}." for package in packages)))


def test_importing_oxide_imports_nothing_else() -> None:
    found = modules("import oxide") - modules("")
    assert "oxide" in found
    assert below(found, (*UNNEEDED, *ASYNCHRONOUS_OR_TLS, "httptools", "msgspec")) == []
    assert below(found, ("oxide.io", "oxide.resources", "oxide.types")) == []


def test_a_synchronous_client_is_imported_without_the_asynchronous_one() -> None:
    found = modules("from oxide import APIStatusError, OpenAI, Stream")
    assert below(found, (*UNNEEDED, *ASYNCHRONOUS_OR_TLS)) == []
    assert below(found, OTHERS) == []


@pytest.mark.parametrize("call", CALLS)
def test_a_call_imports_what_it_needs(call: str, server: MockServer) -> None:
    found = modules("import oxide\n" + CALLS[call].replace("{url!r}", repr(server.base_url)))
    assert below(found, OTHERS) == []
    # That this is about names that exist.
    assert below(found, ("oxide.types.chat" if call == "chat" else "oxide.types.responses",))
    assert below(found, UNNEEDED if call == "asyncio" else (*UNNEEDED, *ASYNCHRONOUS_OR_TLS)) == []


@pytest.mark.parametrize("package", OTHERS)
def test_the_others_are_there(package: str) -> None:
    assert package in modules(f"import {package}")
