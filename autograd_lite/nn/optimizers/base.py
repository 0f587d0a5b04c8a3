"""What all optimizers share: theta, its groups, the rate, the state, and a step over blocks of the vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...node import is_tracing
from ...ops.shape import concatenate
from ...plan.record import Recording
from ...tree import leaves, map_leaves
from ..theta import Theta
from .groups import groups_of, rate_of, spread, theta_of
from .replay import Replay


class Optimizer:
    """Base: a subclass declares the vectors it remembers, and writes its equation as `update`.

    `update(theta, g, rate, k, *state, **options)` returns the new theta and state. It is a formula, like a row of
    the derivative table: operators and NumPy's functions, which compute with arrays as with Tensors; nothing is
    written in place, and nothing branches on values. k counts the updates before this one; the options are those of
    the parameter group. The first step records it, and each replays it on blocks of the vectors.

    Parameters
    ----------
    parameters: Tensors, such as `model.parameters()`, or groups with options of their own, as in PyTorch:
        `[{"params": model.layers[0].parameters(), "lr": 0.1}, {"params": model.layers[1].parameters()}]`.
    lr: the learning rate: a positive number; a schedule, called with the number of updates done so far; rates for
        each entry, an array of shape (entries of the group,); or a dict of any of these by parameter.

    Raises
    ------
    ArgumentError (a TypeError) for a rate that is not positive, an unknown option, a parameter in two groups.

    >>> import autograd_lite as ag
    >>> class SignDescent(ag.nn.Optimizer):
    ...     def update(self, theta, g, rate, k):
    ...         return (theta - rate * np.sign(g),)
    >>> w = ag.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignDescent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data, optimizer.updates
    (array([ 0.5, -1.5]), 1)
    """

    needs_closure: ClassVar[bool] = False

    def __init__(self, parameters: Any, lr: Any, state: tuple[str, ...] = (), **options: Any):
        self.param_groups = groups_of(parameters, {"lr": lr, **options}, self._name)
        self.theta = theta_of(self.param_groups)
        if self.theta.data.dtype.kind == "c":
            raise ArgumentError(f"{self._name}: complex parameters; make their real and imaginary parts parameters")
        self.updates = 0
        self._names = tuple(options)
        self._recorded_for: Any = None  # the options that these are for:
        self._merged: dict[str, Any] = {}
        self._vectors: list[Any] = []
        self._replay: Replay | None = None
        for group in self.param_groups:
            self.check(**{name: group[name] for name in options})
            rate_of(group, 0, self._name)
        self.state: dict[str, Any] = {}
        self._remember(*state)

    def _remember(self, *names: str) -> None:
        self.state.update({name: np.zeros_like(self.theta.data) for name in names})

    def _any(self, option: str) -> bool:
        """Whether a group has this option, such as a momentum, set to something."""
        return any(group[option] for group in self.param_groups)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def check(self, **options: Any) -> None:
        """Raise if a group has options that make no sense; a subclass says which."""

    # -- the rate ------------------------------------------------------------------------------------------------

    @property
    def lr(self) -> Any:
        """The learning rate as it was given (to the first group); setting it sets that of all groups."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr: Any) -> None:
        for group in self.param_groups:
            rate_of({**group, "lr": lr}, self.updates, self._name)
        for group in self.param_groups:
            group["lr"] = lr

    @property
    def rate(self) -> Any:
        """The rate of the next update: a number, or a vector like theta where it is not the same everywhere."""
        return self._rate(self.updates)

    def _rate(self, k: int) -> Any:
        """The rate of the update after k others."""
        if len(self.param_groups) == 1:
            lr = self.param_groups[0]["lr"]
            if type(lr) is float and 0 < lr < np.inf:  # the common case, in a tenth of the time
                return lr
            rate = rate_of(self.param_groups[0], k, self._name)
            if isinstance(rate, float):
                return rate
        rates: dict[Any, Any] = {}
        for group in self.param_groups:
            found = rate_of(group, k, self._name)
            each = found if isinstance(found, list) else [found] * len(group["params"])
            rates.update(zip(group["params"], each, strict=True))
        return self._spread("lr", [rates[parameter] for parameter in self.theta.parameters])

    def _spread(self, name: str, values: list[Any]) -> Any:
        sizes = [parameter.size for parameter in self.theta.parameters]
        return spread(values, sizes, self.theta.memory.dtype, name, self._name)

    def _options(self, *signature: Any) -> list[Any]:
        """The vectors among the options of the next update; the rule is recorded anew where any option has changed."""
        seen = [*signature, *[[group[name] for name in self._names] for group in self.param_groups]]
        if seen != self._recorded_for:
            group_of = {parameter: group for group in self.param_groups for parameter in group["params"]}
            groups = [group_of[parameter] for parameter in self.theta.parameters]
            self._merged = {name: self._spread(name, [group[name] for group in groups]) for name in self._names}
            self._vectors = [value for value in leaves(self._merged) if isinstance(value, np.ndarray)]
            self._recorded_for, self._replay = seen, None
        return self._vectors

    def _recorded(self, inputs: list[Any]) -> Replay:
        """The program of `update`, for inputs like these and the present options."""
        return Replay(self._rule, inputs, [0, *range(4, 4 + len(self.state))])

    def _rule(self, theta: Any, g: Any, rate: Any, k: Any, *others: Any) -> Any:
        """`update`, whose options that are vectors come last among the inputs."""
        vectors = iter(others[len(self.state) :])
        options = map_leaves(lambda x: next(vectors) if isinstance(x, np.ndarray) else x, self._merged)
        return self.update(theta, g, rate, k, *others[: len(self.state)], **options)

    # -- the step ------------------------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward pass."""
        self.theta.zero_grad()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move theta once, by the gradients that `backward` left.

        closure: computes and returns the loss; if given, the gradients are those of a backward pass from it, and the
            value of the loss before the step is returned.
        """
        loss = self._backward(closure) if closure is not None else None
        if traces := is_tracing():
            self._step_in(traces[-1])
            return loss
        theta, g, rate = self.theta.data, self.theta.grad, self.rate
        options = self._options(isinstance(rate, np.ndarray))
        inputs = [theta, g, rate, float(self.updates), *self.state.values(), *options]
        if self._replay is None:
            self._replay = self._recorded(inputs)
        self._replay(inputs)
        self._moved()
        return loss

    def _step_in(self, recording: Any) -> None:
        """The step inside of a function that is being compiled: what it writes is written when all is computed."""
        if not isinstance(recording, Recording):
            raise ArgumentError(
                f"{self._name}: step inside of vmap; call it outside, with the gradients that vmap gives"
            )
        recording.requires(
            lambda: [[type(group["lr"]), *[group[name] for name in self._names]] for group in self.param_groups]
        )
        recording.requires(lambda: (id(self.theta.memory), [p.node for p in self.theta.parameters]), rebuilt=True)
        theta, dtype, turn = self.theta.memory, self.theta.memory.dtype, recording.turn(self)
        vectors = self._options(isinstance(self.rate, np.ndarray))
        inputs = [
            recording.contents(theta),
            concatenate([recording.gradient_vector(leaf) for leaf in self.theta.leaves]),
            self.rate_in(recording, turn),
            recording.reads(lambda: float(self.updates + turn), dtype.type(self.updates), "updates so far", weak=True),
            *[recording.contents(vector) for vector in self.state.values()],
            *[recording.contents(vector) for vector in vectors],
        ]
        for memory, new in zip([theta, *self.state.values()], self._rule(*inputs), strict=True):
            recording.writes_to(memory, new, "theta" if memory is theta else "state of the optimizer")
        recording.then(self._moved)

    def rate_in(self, recording: Any, turn: int = 0) -> Any:
        """The rate as a Tensor, whatever it is when a replay begins, or `turn` updates after that."""
        rate, weak = self.rate, isinstance(self.rate, float)
        example = self.theta.memory.dtype.type(rate) if weak else rate
        return recording.reads(lambda: self._rate(self.updates + turn), example, "rate", weak)

    def _moved(self, _: Any = None) -> None:
        self.updates += 1
        self.theta.changed()

    def update(self, *vectors: Any, **options: Any) -> tuple[Any, ...]:
        raise NotImplementedError(f"{self._name} defines no update")

    def _backward(self, closure: Callable[[], Any]) -> Any:
        self.zero_grad()
        loss = closure()
        loss.backward()
        return loss if is_tracing() else float(loss.item())

    @property
    def source(self) -> str:
        """The Python that the last step ran on each block of the vectors, written from `update`."""
        return self._replay.source if self._replay else ""

    @property
    def diverged(self) -> bool:
        """Whether theta has an entry that is infinite or NaN: the learning rate was too large, or the data are bad."""
        with np.errstate(invalid="ignore", over="ignore"):
            return not np.isfinite(np.add.reduce(self.theta.data)) and not np.isfinite(self.theta.data).all()

    # -- saving, printing ------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that a later run needs to go on: the state's vectors (copies), the number of updates, and the groups
        with the places of their parameters in theta in the place of the parameters themselves."""
        place = {parameter: k for k, parameter in enumerate(self.theta.parameters)}
        groups = []
        for group in self.param_groups:
            saved = {**group, "params": [place[parameter] for parameter in group["params"]]}
            if isinstance(group["lr"], dict):
                saved["lr"] = [group["lr"][parameter] for parameter in group["params"]]
            groups.append(saved)
        state = {name: vector.copy() for name, vector in self.state.items()}
        return {"updates": self.updates, "state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, by an optimizer of the same kind for the same parameters.

        Raises
        ------
        ArgumentError (a TypeError) for other groups or other state, ShapeError (a ValueError) for another theta.
        """
        groups, state = state_dict["param_groups"], state_dict["state"]
        own = self.state_dict()
        for what, theirs, ours in (
            ("state", sorted(state), sorted(self.state)),
            ("groups of parameters", [g["params"] for g in groups], [g["params"] for g in own["param_groups"]]),
            ("options", [sorted(g) for g in groups], [sorted(g) for g in own["param_groups"]]),
        ):
            if theirs != ours:
                raise ArgumentError(f"{self._name}: the state_dict has the {what} {theirs}, this optimizer {ours}")
        for name, vector in state.items():
            if np.shape(vector) != self.state[name].shape:
                raise ShapeError(f"{self._name}: {name} of shape {np.shape(vector)} for theta of {len(self.theta)}")
        for name, vector in state.items():
            self.state[name][...] = vector
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update({key: value for key, value in saved.items() if key != "params"})
        self.updates = int(state_dict["updates"])

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "theta": self.theta.parameters, "_recorded_for": None, "_replay": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.theta = Theta(state["theta"])  # the vector of the copies

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            size = sum(parameter.size for parameter in group["params"])
            lines.append(f"{options}; parameters: {len(group['params'])}, entries: {size:,}")
        return f"{self._name}({lines[0]})" if len(lines) == 1 else "\n  ".join([f"{self._name}(", *lines]) + "\n)"
