"""The synchronous shell: blocking sockets, usable from any number of threads."""
