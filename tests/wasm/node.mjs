// `node node.mjs PYODIDE OPTIONS`: the tests, under Node.

import { pathToFileURL } from "node:url";

import { main } from "./start.mjs";

const [folder, options] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
await main(loadPyodide, JSON.parse(options));
process.exit(0);
