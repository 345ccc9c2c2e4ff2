"""The shell for WebAssembly (Pyodide): `fetch` and `WebSocket` of the JavaScript engine instead of sockets.

`transport` and `websocket` are asynchronous, on the event loop that Pyodide has; `blocking` has the synchronous client wait for them where the
engine can switch stacks. What JavaScript leaves to be decided is in `core.fetch` and `core.ws_browser`.
"""

PLACES = {"AsyncHTTPTransport": "io.web.compatible", "HTTPTransport": "io.web.compatible"}
"""Where `oxide` finds these names under WebAssembly."""
