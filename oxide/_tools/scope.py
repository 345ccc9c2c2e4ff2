"""What of the SDK is generated: the one place to widen it."""

from __future__ import annotations

from .description import Description, Package

__all__ = ["RESOURCES", "TYPE_PACKAGES", "VERSION", "select"]

# The version of `openai` that everything is read from.
VERSION = "3.54.0"

# Attributes of the client, with everything below them. `None` is all of them.
RESOURCES: frozenset[str] | None = frozenset({"responses", "chat", "embeddings", "models"})

# Packages of types that are taken whole, methods or not. Of the others comes what these and the methods reach.
TYPE_PACKAGES: frozenset[str] | None = frozenset({"responses", "chat"})


def select(
    everything: Description,
    resources: frozenset[str] | None = RESOURCES,
    type_packages: frozenset[str] | None = TYPE_PACKAGES,
) -> Description:
    """The part of a description that is in scope, with every type that it reaches."""
    chosen = Description(everything.version)
    chosen.client = {
        name: target for name, target in everything.client.items() if resources is None or name in resources
    }
    waiting = list(chosen.client.values())
    while waiting:
        key = waiting.pop()
        if key not in chosen.resources:
            chosen.resources[key] = everything.resources[key]
            waiting += everything.resources[key].parts.values()
    modules = {name for name in everything.modules if type_packages is None or name.partition(".")[0] in type_packages}
    for resource in chosen.resources.values():
        for method in resource.methods:
            references = [*method.params, method.answers, method.streams or ""]
            modules |= {reference.partition(":")[0] for reference in references if ":" in reference}
    reached: set[str] = set()
    while modules - reached:
        name = min(modules - reached)
        reached.add(name)
        modules |= {module for module, _ in everything.modules[name].imports.values()}
    for name, module in everything.modules.items():
        # These only pass on what is there anyway.
        if not module.items and {source for source, _ in module.imports.values()} <= reached:
            reached.add(name)
    chosen.modules = {name: everything.modules[name] for name in sorted(reached)}
    chosen.packages = _within(everything.packages, reached)
    chosen.resource_packages = _within(everything.resource_packages, {module for module, _ in chosen.resources})
    chosen.resources = dict(sorted(chosen.resources.items()))
    return chosen


def _within(packages: dict[str, Package], modules: set[str]) -> dict[str, Package]:
    """The packages that have any of the modules, offering only what is in these."""
    found = {}
    for name, package in sorted(packages.items()):
        if not name or any(module.startswith(f"{name}.") for module in modules):
            exports = {local: target for local, target in package.exports.items() if target[0] in modules}
            found[name] = Package(name, exports)
    return found
