"""Methods that are more than one request: mixins that we wrote, and the resources that the generator puts them under.

A resource `Files` gets `FilesHelpers`, `AsyncFiles` gets `AsyncFilesHelpers`. The generator reads from the source of
the mixin which methods it has. Where it has one that the generator would make, its own comes first, and the
generated one, which makes the request, is called with an underscore: `create` finds it as `self._create`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from .description import Resource

__all__ = ["HELPERS", "Mixin", "mixin_of"]

# Resource (module and class below `oxide.resources`) to the module of its mixins.
HELPERS: dict[tuple[str, str], str] = {
    ("beta.agents.environments.files", "Files"): "oxide.helpers.agent_files",
    ("beta.agents.sessions.sessions", "Sessions"): "oxide.helpers.agent_sessions",
    ("beta.agents.sessions.artifacts", "Artifacts"): "oxide.helpers.agent_artifacts",
    ("beta.threads.runs.runs", "Runs"): "oxide.helpers.runs",
    ("beta.threads.threads", "Threads"): "oxide.helpers.threads",
    ("chat.completions.completions", "Completions"): "oxide.helpers.chat_completions",
    ("files", "Files"): "oxide.helpers.files",
    ("responses.responses", "Responses"): "oxide.helpers.responses",
    ("uploads.uploads", "Uploads"): "oxide.helpers.uploads",
    ("vector_stores.file_batches", "FileBatches"): "oxide.helpers.vector_store_file_batches",
    ("vector_stores.files", "Files"): "oxide.helpers.vector_store_files",
    ("videos", "Videos"): "oxide.helpers.videos",
    ("webhooks.webhooks", "Webhooks"): "oxide.helpers.webhooks",
}

_ROOT = Path(__file__).parents[2]


class Mixin:
    """The two hand-written classes of a resource.

    Attributes:
        module: where they are.
        methods: their public methods, in the order of the source.

    Raises:
        ValueError: the classes are not there, or differ in their methods.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = f"{name}Helpers"
        path = _ROOT / f"{module.replace('.', '/')}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        if not {self.name, f"Async{self.name}"} <= set(classes):
            raise ValueError(f"{module} must have the classes {self.name} and Async{self.name}")
        self.methods = _public(classes[self.name])
        if self.methods != _public(classes[f"Async{self.name}"]):
            raise ValueError(f"{module}: {self.name} and Async{self.name} must have the same methods in the same order")


def mixin_of(resource: Resource) -> Mixin | None:
    """The mixins of a resource, if it has any."""
    module = HELPERS.get((resource.module, resource.name))
    return Mixin(module, resource.name) if module else None


def _public(node: ast.ClassDef) -> list[str]:
    names = [each.name for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return list(dict.fromkeys(name for name in names if not name.startswith("_")))
