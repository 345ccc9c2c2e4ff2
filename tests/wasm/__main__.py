"""`python -m tests.wasm FOLDER`: the tests in Pyodide, with what they need installed in a folder that is kept.

They run under Node, with and without stack switching, and in headless Chromium. `--where` chooses; `--only TEXT` runs the tests whose names have it.
Where npm, Node or Chromium is missing, that part is skipped, and the last line says so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from .host import Control

PYODIDE = "314.0.7"
PLATFORM = "pyemscripten_2026_0_wasm32"
PACKAGES = ("msgspec==0.22.0", "anyio", "idna", "typing_extensions", "micropip", "packaging")
"""What oxide's wheel names as its dependencies there, with theirs; and what installs it."""

TOOLS = ("micropip", "packaging")
MODULES = tuple(
    f"tests.wasm.cases.{name}" for name in ("calls", "faults", "uploads", "sockets", "settings", "blocking")
)
ROOT = Path(__file__).parents[2]
LIMIT = 900.0

WHERE = ("node", "node-switching", "chromium", "page")
"""`page` is the example in the docs, in Chromium."""

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)

PAGE = b"""<!doctype html><meta charset="utf-8"><title>oxide</title><script type="module">
import { loadPyodide } from "/pyodide/pyodide.mjs";
import { main } from "/start.mjs";
await main(loadPyodide, await (await fetch("/options.json")).json());
</script>"""


# Does what a reader of the example would, and tells what came of it.
READER = b"""<script type="module">
const element = (id) => document.getElementById(id);
const until = async (what, condition) => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1200) throw new Error(`${what}: ${element("state").textContent} ${element("talk").textContent}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const { baseUrl } = await (await fetch("/options.json")).json();
const result = { passed: 0, skipped: 0, failed: 0, failures: [] };
const ask = async (base, text, expected) => {
  element("base").value = base;
  element("key").value = "sk-test";
  element("input").value = text;
  await until("ready", () => !element("send").disabled);
  element("form").requestSubmit();
  await until(expected, () => element("talk").lastChild?.textContent.includes(expected) && !element("send").disabled);
  result.passed += 1;
};
try {
  await until("start", () => window.ready);
  await ask(baseUrl, "Say hi", "You said: Say hi");
  await ask(baseUrl, "And again", "You said: And again (turn 2)");
  await ask(baseUrl.replace("/v1", "/nothing"), "Where am I?", "Invalid URL");
} catch (error) {
  result.failed = 1;
  result.failures.push(String(error.message).slice(-2000));
}
await fetch("/control", { method: "POST", body: JSON.stringify({ do: "finish", result }) });
</script>"""


class Missing(Exception):
    """Something is not on this machine."""


def find(*names: str) -> str:
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    raise Missing(f"there is no {' or '.join(names)} on this machine")


def prepare(folder: Path) -> dict[str, Path]:
    """Pyodide, the wheels of the dependencies, and oxide's own, newly built."""
    npm = find("npm")
    find("node")
    folder.mkdir(parents=True, exist_ok=True)
    pyodide = folder / "node_modules" / "pyodide"
    manifest = pyodide / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != PYODIDE:
        done = subprocess.run(
            [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"pyodide@{PYODIDE}"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Missing(f"npm could not install pyodide: {done.stderr.strip()[-300:]}")
    wheels = folder / "wheels"
    if not all(list(wheels.glob(f"{name.partition('=')[0]}-*.whl")) for name in PACKAGES):
        pip("download", "--only-binary", ":all:", "--no-deps", "-d", str(wheels), *PACKAGES, platform=True)
    for old in wheels.glob("openai_oxide-*.whl"):
        old.unlink()
    pip("wheel", "--no-deps", "-w", str(wheels), str(ROOT))
    return {"pyodide": pyodide, "wheels": wheels}


def pip(command: str, *arguments: str, platform: bool = False) -> None:
    options = []
    if platform:
        options = ["--platform", PLATFORM, "--platform", "any", "--python-version", "3.14"]
        options += ["--implementation", "cp", "--abi", "cp314", "--abi", "none"]
    subprocess.run([sys.executable, "-m", "pip", "--quiet", command, *options, *arguments], check=True)


def tests_archive() -> bytes:
    """What the tests in Pyodide consist of: no other tests, and not oxide."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("tests/__init__.py", "")
        for path in sorted((ROOT / "tests" / "wasm").rglob("*.py")):
            zipped.write(path, str(path.relative_to(ROOT)))
    return archive.getvalue()


def run(where: str, parts: dict[str, Path], only: str) -> dict[str, Any]:
    """Run the tests in one place; what came of it."""
    here = Path(__file__).parent
    [wheel] = (path.name for path in parts["wheels"].glob("openai_oxide-*.whl"))
    files: dict[str, Path | bytes] = {
        "/pyodide": parts["pyodide"],
        "/wheels": parts["wheels"],
        "/tests.zip": tests_archive(),
        "/start.mjs": here / "start.mjs",
        "/index.html": PAGE,
    }
    with Control(files, lambda line: print(f"  {line}", flush=True)) as control:
        options = {
            "control": control.url,
            "baseUrl": control.server.base_url,
            "nobody": control.nobody,
            "deaf": control.deaf,
            "elsewhere": control.elsewhere.url,
            "modules": MODULES,
            "only": only,
            "browser": where in ("chromium", "page"),
            "wheel": wheel,
            "tools": [path.name for tool in TOOLS for path in parts["wheels"].glob(f"{tool}-*.whl")],
        }
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            if options["browser"]:
                page = "index.html"
                options["indexURL"] = f"{control.url}/pyodide/"
                files["/options.json"] = json.dumps(options).encode()
                if where == "page":
                    files["/wasm-chat.html"] = (ROOT / "docs" / "wasm-chat.html").read_bytes() + READER
                    # Before the folder that the original is in.
                    control.files = {"/pyodide/pyodide-lock.json": lock(parts), **tools(parts), **files}
                    page = f"wasm-chat.html?pyodide={control.url}/pyodide/&index={control.url}/simple"
                    page += f"&wheel={control.url}/wheels/{wheel}"
                command = [find("chromium", "chromium-browser", "google-chrome"), *CHROMIUM]
                command += [f"--user-data-dir={profile}", f"{control.url}/{page}"]
            else:
                switches = ["--experimental-wasm-stack-switching"] if where == "node-switching" else []
                command = [find("node"), *websocket_switch(), *switches, str(here / "node.mjs")]
                command += [str(parts["pyodide"]), json.dumps(options)]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                wait(control, process)
            finally:
                # With its children; a browser has many.
                stop(process)
            if control.result is None:
                output = process.stdout.read().decode(errors="replace")[-3000:] if process.stdout else ""
                raise SystemExit(f"{where}: it ended without a result\n{output}")
            return control.result


def tools(parts: dict[str, Path]) -> dict[str, Path | bytes]:
    """micropip, where Pyodide looks for it."""
    wheels = [path for tool in TOOLS for path in parts["wheels"].glob(f"{tool}-*.whl")]
    return {f"/pyodide/{path.name}": path for path in wheels}


def lock(parts: dict[str, Path]) -> bytes:
    """Pyodide's list of packages, with micropip in it and nothing else: what oxide needs is to come from the index."""
    known = json.loads((parts["pyodide"] / "pyodide-lock.json").read_text())
    known["packages"] = {name: known["packages"][name] for name in TOOLS}
    for name, package in known["packages"].items():
        [wheel] = parts["wheels"].glob(f"{name}-*.whl")
        package.update(file_name=wheel.name, sha256=sha256(wheel.read_bytes()).hexdigest())
        package["depends"] = [other for other in package["depends"] if other in TOOLS]
    return json.dumps(known).encode()


def websocket_switch() -> list[str]:
    """Node has a WebSocket from version 22; before, if it is asked for."""
    version = subprocess.run([find("node"), "--version"], capture_output=True, text=True, check=True).stdout
    return ["--experimental-websocket"] if int(version.strip().lstrip("v").partition(".")[0]) < 22 else []


def wait(control: Control, process: subprocess.Popen[bytes]) -> None:
    left = LIMIT
    while left > 0 and not control.done.wait(0.5) and process.poll() is None:
        left -= 0.5


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
    process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where Pyodide and the wheels are kept")
    parser.add_argument("--where", choices=WHERE, action="append")
    parser.add_argument("--only", default="", metavar="TEXT")
    chosen = parser.parse_args()
    try:
        parts = prepare(chosen.folder.resolve())
    except Missing as missing:
        print(f"skipped: {missing}")
        return 0
    failed = False
    summary = []
    for where in chosen.where or WHERE:
        print(f"{where}:", flush=True)
        try:
            result = run(where, parts, chosen.only)
        except Missing as missing:
            summary.append(f"{where}: skipped, {missing}")
            continue
        for failure in result["failures"]:
            print(f"\n{failure}")
        failed = failed or bool(result["failed"]) or not result["passed"]
        switching = "with" if result.get("switching") else "without"
        counts = ", ".join(f"{result[kind]} {kind}" for kind in ("passed", "skipped", "failed"))
        summary.append(f"{where}: {counts}; {switching} stack switching; {', '.join(result.get('packages', ()))}")
    print("\n".join(summary))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
