"""Tests that run in Pyodide. Coroutine functions `test_*(world)` are awaited one after the other; plain ones need stack switching."""
