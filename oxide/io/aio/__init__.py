"""The asynchronous shell: non-blocking sockets on whichever event loop anyio finds, asyncio or trio."""
