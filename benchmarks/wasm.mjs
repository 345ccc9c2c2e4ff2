// `node wasm.mjs PYODIDE OPTIONS`: a stream of events by oxide in Pyodide, beside the same in plain JavaScript, taking turns. Prints JSON.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, text] = process.argv.slice(2);
const { baseUrl, wheels, streams, rounds } = JSON.parse(text);

async function plain(model) {
  const begun = performance.now();
  const response = await fetch(`${baseUrl}/responses`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ model, input: "hi", stream: true }),
  });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let count = 0;
  let first = 0;
  let last = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const at = part.startsWith("data: ") ? 6 : part.indexOf("\ndata: ") + 7;
      if (at === 6 && !part.startsWith("data: ")) continue;
      const data = part.slice(at);
      if (data === "[DONE]") continue;
      last = JSON.parse(data).type;
      count += 1;
      first ||= performance.now() - begun;
    }
  }
  if (last !== "response.completed") throw new Error(`the last event was ${last}`);
  return [first, performance.now() - begun, count];
}

async function main() {
  const begun = performance.now();
  const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
  const python = await loadPyodide();
  const loaded = performance.now();
  for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
  const unpacked = performance.now();
  const measured = await python.runPythonAsync(`
from js import performance
import oxide

def make(base_url):
    client = oxide.AsyncOpenAI(api_key="sk-test", base_url=base_url)
    async def measured(model):
        begun = performance.now()
        first, count = 0.0, 0
        stream = await client.responses.create(model=model, input="hi", stream=True)
        async for event in stream:
            if not count:
                first = performance.now() - begun
            count += 1
        assert event.type == "response.completed", event.type
        return [first, performance.now() - begun, count]
    return measured
make
`);
  const run = measured(baseUrl);
  const oxide = async (model) => {
    const result = await run(model);
    const values = result.toJs();
    result.destroy();
    return values;
  };
  await oxide(streams[0].model);
  const ready = performance.now();

  const results = [];
  for (const { model, events } of streams) {
    const times = { plain: [], oxide: [] };
    for (let round = 0; round < rounds + 3; round += 1) {
      for (const [name, contender] of Object.entries({ plain, oxide })) {
        const [first, all, count] = await contender(model);
        if (count !== events) throw new Error(`${name} got ${count} events of ${events}`);
        if (round >= 3) times[name].push([first, all]);
      }
    }
    results.push({ events, ...times });
  }
  console.log(JSON.stringify({ start: { pyodide: loaded - begun, unpack: unpacked - loaded, import: ready - unpacked }, results }));
}

try {
  await main();
  process.exit(0);
} catch (error) {
  // Left to Node, a megabyte of source comes before the message.
  console.error(String(error.stack ?? error).slice(-3000));
  process.exit(1);
}
