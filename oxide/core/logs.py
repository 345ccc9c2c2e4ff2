"""Logging: everything goes to the logger `oxide`; `OPENAI_LOG=debug` (or `info`) shows it on stderr."""

from __future__ import annotations

import logging

__all__ = ["set_up"]

_LEVELS = ("debug", "info", "warning", "error", "critical")


def set_up(level: str) -> None:
    """Show messages from `level` up; any other text than a level's name changes nothing."""
    if level not in _LEVELS:
        return
    logging.basicConfig(
        format="[%(asctime)s - %(name)s:%(lineno)d - %(levelname)s] %(message)s", datefmt="%Y-%m-%d %H:%M:%S"
    )
    logging.getLogger("oxide").setLevel(level.upper())
