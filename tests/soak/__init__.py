"""Many calls of all kinds, and what of them is left in memory: `python -m tests.soak`."""
