// Starts Pyodide, installs oxide as a user would, and runs the tests. Node and the browser do the same.

export async function main(loadPyodide, { control, indexURL, baseUrl, nobody, deaf, elsewhere, modules, only, browser, wheel, tools }) {
  const tell = (order) => fetch(`${control}/control`, { method: "POST", body: JSON.stringify(order) });
  let result;
  try {
    const bytes = async (path) => new Uint8Array(await (await fetch(`${control}${path}`)).arrayBuffer());
    // Packages come from our own index alone, so what is not named as a dependency is not there.
    const lock = JSON.parse(new TextDecoder().decode(await bytes("/pyodide/pyodide-lock.json")));
    lock.packages = {};
    const python = await loadPyodide({ ...(indexURL && { indexURL }), lockFileContents: JSON.stringify(lock), packageBaseUrl: `${control}/pyodide/` });
    for (const tool of tools) {
      python.unpackArchive(await bytes(`/wheels/${tool}`), "wheel");
    }
    python.unpackArchive(await bytes("/tests.zip"), "zip", { extractDir: "/tests" });
    python.globals.set("say", (line) => tell({ do: "say", line }));
    python.globals.set("given", python.toPy({ control, baseUrl, nobody, deaf, elsewhere, modules, only, browser, wheel }));
    const text = await python.runPythonAsync(`
import sys, json
sys.path.insert(0, "/tests")
import micropip
await micropip.install(given["control"] + "/wheels/" + given["wheel"], index_urls=given["control"] + "/simple")
from tests.wasm import inside
inside.watch_imports()
from pyodide.ffi import can_run_sync
from tests.wasm.world import World
world = World(given["baseUrl"], given["nobody"], given["deaf"], given["elsewhere"], given["control"], given["browser"], can_run_sync())
counts = await inside.run(world, given["modules"], given["only"], say)
counts["packages"] = sorted(micropip.list())
counts["switching"] = world.switching
json.dumps(counts)
`);
    result = JSON.parse(text);
  } catch (error) {
    // A megabyte of source stands before the message in some of these.
    result = { failed: 1, passed: 0, skipped: 0, failures: [`could not run: ${String(error.stack ?? error).slice(-4000)}`] };
  }
  await tell({ do: "finish", result });
}
