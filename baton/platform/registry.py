"""Finds the plug-ins of a folder: one feature, one file, no list to keep."""

import importlib
import pkgutil
from functools import cache
from inspect import isabstract
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


@cache
def discover(folder: str, base: type[T]) -> dict[str, type[T]]:
    """The subclasses of `base` defined in the modules of package `folder`, by their `key`, in file order.

    Raises ValueError when two plug-ins have the same key.
    """
    found: dict[str, type[T]] = {}
    package: ModuleType = importlib.import_module(folder)
    for info in pkgutil.iter_modules(package.__path__, f"{folder}."):
        for item in vars(importlib.import_module(info.name)).values():
            if isinstance(item, type) and issubclass(item, base) and item.__module__ == info.name and not isabstract(item):
                key: str = item.key  # type: ignore[attr-defined]
                if key in found:
                    raise ValueError(f"{info.name}: the key {key!r} is taken by {found[key].__module__}")
                found[key] = item
    return found
