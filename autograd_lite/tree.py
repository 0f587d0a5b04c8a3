"""Floor 1: nested tuples, lists and dicts of arrays, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> Iterator[Any]:
    """What stands in the containers, from left to right; dicts in the order of their keys' insertion."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(reversed(item.values()))
        elif isinstance(item, (list, tuple)):
            stack.extend(reversed(item))
        elif item is not None:
            yield item


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with `function` applied to what stands in them; named tuples stay what they are."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [map_leaves(function, item) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return None if tree is None else function(tree)


def rebuilt(tree: Any, values: Iterable[Any]) -> Any:
    """The same containers with `values`, one after another, for what stands in them."""
    each = iter(values)
    return map_leaves(lambda _: next(each), tree)


def leaf_paths(tree: Any, path: str) -> list[str]:
    """What leads to each leaf, in the order of `leaves`, such as `w['in'][0]` for a tree called w."""
    if isinstance(tree, dict):
        return [name for key, item in tree.items() for name in leaf_paths(item, f"{path}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        return [name for k, item in enumerate(tree) for name in leaf_paths(item, f"{path}[{k}]")]
    return [] if tree is None else [path]
