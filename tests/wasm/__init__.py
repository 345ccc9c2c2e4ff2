"""oxide under WebAssembly: what is in `cases` runs in Pyodide, against the embedded server on this machine. `python -m tests.wasm` runs it."""
