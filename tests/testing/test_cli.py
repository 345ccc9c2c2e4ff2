"""The command line, run as a user runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from oxide import __version__
from oxide.cli import main
from oxide.cli.demo import demo
from oxide.testing import MockServer, Reply, Stream


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "oxide.cli", *arguments], capture_output=True, text=True, timeout=60
    )


def test_demo() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for line in (
        "You said: Hello!  (",
        "You said: Hello from trio!  (",
        "The result of add is 42.  (",
        "AuthenticationError 401, code invalid_api_key  (",
        "10 answers on 10 connections  (",
        "All six as they should be.",
    ):
        assert line in done.stdout
    assert len(re.findall(r"\(\d+\.\d ms", done.stdout)) == 7


@pytest.mark.parametrize(
    ("options", "script", "wrong"),
    [
        ({}, Reply(400), ["400"]),
        ({}, Reply(json={"id": "r", "object": "response", "output": []}), ["the answer should be"]),
        ({"api_key": None}, None, ["a wrong key was accepted"]),
        ({"models": ["other"]}, None, ["NotFoundError"] * 5),
    ],
)
def test_a_demo_that_goes_wrong(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], script: Reply | None, wrong: list[str]
) -> None:
    server = MockServer(**{"api_key": "sk-demo", **options})
    if script is not None:
        server.queue(script)
    assert demo(server) == 1
    found = re.findall(r"WRONG: (.*)", capsys.readouterr().out)
    assert all(text in line for text, line in zip(wrong, found, strict=True)), found


def test_a_demo_with_a_broken_stream(capsys: pytest.CaptureFixture[str]) -> None:
    server = MockServer(api_key="sk-demo")
    server.queue(Reply(), Reply(), Stream(cut_after=6))
    assert demo(server) == 1
    assert "WRONG: " in capsys.readouterr().out


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "oxide.cli", "serve", "--port", "0", "--api-key", "sk-served"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(serving: subprocess.Popen[str], number: signal.Signals) -> None:
    assert serving.stdout is not None
    assert serving.stderr is not None
    first = serving.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/v1", first)
    assert found, first
    with OpenAI(base_url=found[0], api_key="sk-served") as client:
        assert client.responses.create(model="gpt-5", input="hi").output_text == "You said: hi"
        # With a connection open, too.
        serving.send_signal(number)
        rest = serving.stdout.read()
    assert serving.wait(10) == 0
    assert rest.endswith("\nstopped\n")
    assert f'base_url="{found[0]}", api_key="sk-served"' in rest
    assert serving.stderr.read() == ""


def test_serve_on_a_taken_port() -> None:
    with MockServer() as server:
        port = server.port
        done = run("serve", "--port", str(port))
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize(("command", "module"), [("demo", "trio"), ("demo", "uvicorn"), ("serve", "uvicorn")])
def test_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main([command]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"This needs {module},")
    assert "pip install 'openai-oxide[server]'" in complaint


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"oxide {__version__}\n"


def test_help_when_nothing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert "serve" in out
    assert "demo" in out


def test_the_command_line_starts_light() -> None:
    code = (
        "import sys\n"
        "from oxide.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('asyncio', 'msgspec', 'ssl', 'uvicorn', 'oxide.testing', 'oxide.types') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["[]"]


def test_a_server_without_uvicorn_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['uvicorn'] = None\n"
        "from oxide.testing import MockServer\n"
        "try: MockServer().start()\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "the embedded server needs uvicorn: pip install 'openai-oxide[server]'\n"
    assert done.stderr == ""
