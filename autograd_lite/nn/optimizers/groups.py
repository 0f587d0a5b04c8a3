"""Parameter groups, as PyTorch writes them: parts of theta that have rates and other options of their own.

What differs between groups, or between parameters, becomes a vector like theta; so an update stays a few operations
on whole vectors, however many groups there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...node import Leaf
from ...runtime import address
from ...tensor import Tensor
from ..theta import Theta


def groups_of(parameters: Any, defaults: dict[str, Any], caller: str) -> list[dict[str, Any]]:
    """`parameters`, Tensors or a list of groups, as a list of groups in which nothing is left open.

    Raises
    ------
    ArgumentError (a TypeError) for what is no list of Tensors or groups, an option that the optimizer has not, or a
    parameter in two groups.
    """
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        raise ArgumentError(f"{caller}: parameters are a list of Tensors, such as model.parameters(), or of groups")
    given = list(parameters)
    grouped = [isinstance(item, dict) for item in given]
    if any(grouped) and not all(grouped):
        raise ArgumentError(f"{caller}: parameters are Tensors or groups (dicts), not some of each")
    groups = [{**defaults, **group} for group in given] if any(grouped) else [{"params": given, **defaults}]
    owner: dict[Tensor, int] = {}
    for number, group in enumerate(groups):
        unknown = sorted(set(group) - {"params", *defaults})
        if unknown or "params" not in group:
            what = f"has the unknown key {unknown[0]!r}" if unknown else "has no 'params'"
            raise ArgumentError(f"{caller}: group {number} {what}; it may have params, {', '.join(defaults)}")
        params = group["params"]
        group["params"] = list(dict.fromkeys([params] if isinstance(params, Tensor) else params))
        for parameter in group["params"]:
            if owner.setdefault(parameter, number) != number:
                name = getattr(parameter, "name", None) or f"of shape {parameter.shape}"
                raise ArgumentError(
                    f"{caller}: the parameter {name} is in groups {owner[parameter]} and {number}; it may be in one"
                )
    return groups


def theta_of(groups: list[dict[str, Any]]) -> Theta:
    """The vector of all parameters; in the order of a model's vector, whose parts they are, and not of the groups."""
    parameters = [parameter for group in groups for parameter in group["params"]]
    data = [parameter.node.data for parameter in parameters if isinstance(getattr(parameter, "node", None), Leaf)]
    bases = {id(getattr(values, "base", None)) for values in data}
    if len(data) == len(parameters) and len(bases) == 1 and isinstance(data[0].base, np.ndarray):
        parameters.sort(key=lambda parameter: address(parameter.node.data))
    return Theta(parameters)


def rate_of(group: dict[str, Any], k: int, caller: str) -> Any:
    """The rate of a group's update after k others: a number, or a list with one for each of its parameters.

    Raises
    ------
    ArgumentError (a TypeError) for a rate that is no positive number (a schedule may reach 0), ShapeError (a
    ValueError) for rates of a shape that the group has not.
    """
    lr, params = group["lr"], group["params"]
    if isinstance(lr, (Real, np.generic)) or callable(lr):
        return _number(lr, k, caller)
    if isinstance(lr, dict):
        missing = [parameter for parameter in params if parameter not in lr]
        if missing or len(lr) > len(params):
            raise ArgumentError(f"{caller}: lr has rates for {len(lr)} parameters, its group has {len(params)} others")
        lr = [lr[parameter] for parameter in params]
    if isinstance(lr, (list, tuple)) and len(lr) == len(params):
        return [_rates(rate, parameter, k, caller) for rate, parameter in zip(lr, params, strict=True)]
    size = sum(parameter.size for parameter in params)
    if np.shape(lr) != (size,):
        raise ShapeError(
            f"{caller}: lr of shape {np.shape(lr)} for a group of {len(params)} parameters; it is a number, a"
            f" schedule, a dict by parameter, or an array of shape ({size},)"
        )
    ends = np.cumsum([parameter.size for parameter in params])[:-1]
    return [_positive(part, caller) for part in np.split(np.asarray(lr), ends)]


def _number(lr: Any, k: int, caller: str) -> float:
    scheduled = callable(lr)
    rate = float(lr(k) if scheduled else lr)
    if not (0 < rate < math.inf or (scheduled and rate == 0)):
        source = f"{lr!r} gives for k = {k}" if scheduled else "is"
        raise ArgumentError(f"{caller}: the learning rate {source} {rate}; it must be positive and finite")
    return rate


def _rates(lr: Any, parameter: Tensor, k: int, caller: str) -> Any:
    """The rates of one parameter: a number, or its entries in one row."""
    if not np.ndim(lr):
        return _number(lr, k, caller)
    if np.shape(lr) != parameter.shape:
        raise ShapeError(f"{caller}: lr of shape {np.shape(lr)} for a parameter of shape {parameter.shape}")
    return _positive(np.ravel(lr), caller)


def _positive(rates: Any, caller: str) -> Any:
    if not (np.all(rates > 0) and np.all(np.isfinite(rates))):
        raise ArgumentError(f"{caller}: learning rates between {rates.min()} and {rates.max()}; all must be positive")
    return rates


def spread(values: list[Any], sizes: list[int], dtype: Any, name: str, caller: str) -> Any:
    """The value that all parameters have in common; else a vector, in which each stands for its parameter's entries."""
    first = values[0]
    if all(value is first for value in values):
        return first
    if isinstance(first, tuple):
        parts = zip(*values, strict=True)
        return tuple(spread(list(part), sizes, dtype, name, caller) for part in parts)
    if not any(isinstance(value, np.ndarray) for value in values):
        if all(value == first for value in values):
            return first
        if not all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
            raise ArgumentError(f"{caller}: {name} must be the same in all groups; it is {first!r} in the first")
        return np.repeat(np.array(values, dtype), sizes)
    return np.concatenate([np.broadcast_to(value, size) for value, size in zip(values, sizes, strict=True)]).astype(
        dtype
    )
