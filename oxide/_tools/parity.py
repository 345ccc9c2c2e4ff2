"""How much of the official SDK is there: `python -m oxide._tools.parity`. Fails if anything is missing without a reason.

Everything is imported side by side and compared: methods with their parameters, requests and results; models with
their fields; TypedDicts with their keys; the names that `openai` and its packages export.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import reasons
from .compare import compare_alias, compare_model, compare_module, compare_package, compare_params, offered, unequal
from .compare_connections import compare_connection
from .compare_methods import (
    compare_deprecation,
    compare_parameters,
    compare_params_of,
    compare_request,
    compare_resource,
    compare_result,
    compare_views,
    missing_helpers,
    operation_of,
)
from .coverage import walk
from .description import Alias, ByHand, Description, Method, Model, Params, Resource
from .files import committed_description
from .outside import compare_outside, fields, modules, public, whole
from .sdk import read_sdk

__all__ = ["Count", "compare_method", "everything", "lib", "main", "methods", "names", "outside", "resources", "types"]


@dataclass
class Count:
    """One line of the report.

    Attributes:
        what: what was counted.
        total: how many the official SDK has.
        present: how many of these are here and the same.
        problems: what is missing or different.
        excused: what is missing, with the reason.
    """

    what: str
    total: int = 0
    present: int = 0
    problems: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)

    def add(self, problems: list[str], number: int = 1) -> None:
        """Counts `number` more, present if there is no problem."""
        self.total += number
        self.present += 0 if problems else number
        self.problems += problems

    def excuse(self, name: str, reason: str) -> None:
        """Counts one that is missing for a reason."""
        self.total += 1
        self.excused.append(f"{name}: {reason}")

    def lines(self) -> Iterator[str]:
        yield f"{self.what}: {self.present} of {self.total}"
        yield from (f"  MISSING  {problem}" for problem in self.problems)
        yield from (f"  {excuse}" for excuse in self.excused)


def compare_method(description: Description, resource: Resource, method: Method) -> list[str]:
    """Everything about one method that differs."""
    operation = operation_of(description, resource, method)
    return [
        *compare_parameters(resource, method, operation),
        *compare_params_of(resource, method, operation),
        *compare_result(resource, method, operation),
        *compare_request(description, resource, method, operation),
    ]


def methods(description: Description) -> Count:
    """The methods, those that are more than one request too."""
    count = Count("methods")
    for path, resource, name in walk(description):
        method = next((each for each in resource.methods if each.name == name), None)
        if method is not None:
            deprecation = compare_deprecation(resource, name)
            count.add([*compare_method(description, resource, method), *deprecation])
        elif name == "connect":
            count.add(list(compare_connection(resource)))
        elif name not in missing_helpers(resource):
            count.add([*compare_deprecation(resource, name)])
        elif path in reasons.METHODS:
            count.excuse(path, reasons.METHODS[path])
        else:
            count.add([f"{path} is not written"])
    return count


def resources(description: Description) -> Count:
    """The classes of methods, their parts and views, and what their packages offer."""
    count = Count("resources and packages of resources")
    for resource in description.resources.values():
        count.add([*compare_resource(resource), *compare_views(description, resource)])
    for name in description.resource_packages:
        official = importlib.import_module(f"openai.resources.{name}".rstrip("."))
        ours = importlib.import_module(f"oxide.resources.{name}".rstrip("."))
        count.add(list(unequal(f"{ours.__name__}:", set(official.__all__), set(ours.__all__))))
    return count


def types(description: Description) -> list[Count]:
    """The modules of types, and what is in them."""
    modules, models, fields = Count("modules of types"), Count("models"), Count("fields of models")
    params, aliases = Count("TypedDicts"), Count("aliases and other definitions")
    for name, module in description.modules.items():
        modules.add(list(compare_module(name)))
        for item in module.items:
            if isinstance(item, Model):
                problems = list(compare_model(name, item.name))
                models.add(problems)
                official = getattr(importlib.import_module(f"openai.types.{name}"), item.name)
                wrong = [problem for problem in problems if " field " in problem]
                fields.total += len(official.model_fields)
                fields.present += len(official.model_fields) - len(wrong)
            elif isinstance(item, Params):
                params.add(list(compare_params(name, item.name)))
            elif isinstance(item, Alias):
                aliases.add(list(compare_alias(name, item.name)))
            elif isinstance(item, ByHand) and item.name.startswith("_"):
                continue
            else:
                ours = vars(importlib.import_module(f"oxide.types.{name}"))
                aliases.add([] if item.name in ours else [f"{name}.{item.name} is missing"])
    return [modules, models, fields, params, aliases]


def outside() -> list[Count]:
    """The models and TypedDicts that users meet outside of `openai.types`."""
    models, fields_, params = (
        Count(f"{what} outside of openai.types") for what in ("models", "fields of models", "TypedDicts")
    )
    for kind, place, name in public():
        count = models if kind == "model" else params
        reason = reasons.OUTSIDE.get(f"{place}.{name}")
        problems = list(compare_outside(place, name))
        if reason:
            count.excuse(f"{place}.{name}", reason)
        else:
            count.add(problems)
        if kind == "model":
            number = len(fields(place, name))
            fields_.total += number
            fields_.present += 0 if problems else number
    return [models, fields_, params]


def lib() -> Count:
    """The public modules beside `openai.types` and `openai.resources`, with their names."""
    count = Count("other public modules")
    for name, problems in modules():
        if problems and name in reasons.MODULES:
            count.excuse(name, reasons.MODULES[name])
        else:
            count.add(problems)
    return count


def everything() -> list[Count]:
    """All models and TypedDicts of the official package but for its `lib`, by name, in one figure each."""
    models, fields_, params = (Count(f"{what} in all") for what in ("models", "fields of models", "TypedDicts"))
    for kind, name, number, is_here, is_internal in whole():
        count = models if kind == "model" else params
        if not is_here and is_internal:
            count.excuse(name, "internal: how the official SDK is made")
            continue
        count.add([] if is_here else [f"{name} is missing"])
        if kind == "model":
            fields_.total += number
            fields_.present += number if is_here else 0
    return [models, fields_, params]


def names(description: Description) -> list[Count]:
    """The names that the packages export."""
    found = []
    packages = Count("packages of types")
    for name in description.packages:
        packages.add(list(compare_package(name)))
    found.append(packages)
    for name in ("openai", "openai.types", "openai.pagination", "openai.resources"):
        official = importlib.import_module(name)
        ours = importlib.import_module(name.replace("openai", "oxide", 1))
        count = Count(f"names of {name}")
        said = set(getattr(official, "__all__", ()))
        for each in sorted(said if name in ("openai.pagination", "openai.resources") else said | offered(official)):
            if f"{name}.{each}" in reasons.NAMES:
                count.excuse(f"{name}.{each}", reasons.NAMES[f"{name}.{each}"])
            else:
                count.add([] if hasattr(ours, each) else [f"{name}.{each}"])
        found.append(count)
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m oxide._tools.parity", description=__doc__)
    parser.add_argument("--without-names", action="store_true", help="leave out the names of `openai` itself")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", DeprecationWarning)
    # The official SDK logs a warning for the made-up values that it is called with.
    logging.getLogger("openai").setLevel(logging.ERROR)
    description = read_sdk()
    if committed_description() != description:
        print("The generated code is not of this version: run the sync first.", file=sys.stderr)
        return 2
    counts = [methods(description), resources(description), *types(description), *outside(), lib(), *everything()]
    counts += [each for each in names(description) if not (options.without_names and each.what == "names of openai")]
    for count in counts:
        print("\n".join(count.lines()))
    return 1 if any(count.problems for count in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
