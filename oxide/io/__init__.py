"""The shells: they move bytes and wait, and decide nothing. `sync` is over sockets and threads, `aio` over anyio.

Both packages have the same files with the same methods in the same order, so that a diff of the two shows the waiting.
"""
