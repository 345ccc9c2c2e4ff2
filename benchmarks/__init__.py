"""Measurements of oxide beside the official SDK, httpcore and the raw floor: `python -m benchmarks --help`."""
