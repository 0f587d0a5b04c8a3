"""Paths through a web of numbers: how many there are, the sum of their products, and which products are largest.

A path's product is the product of the weights of its edges. The sum over all paths needs no list of them (that is
what makes backpropagation cheap): one pass along the edges finds it, and another one counts the paths.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import heappop, heappush, nsmallest
from typing import Any, NamedTuple

# Sizes are compared as logarithms, so that a product of 1,000 weights neither overflows nor becomes 0. A weight of 0
# puts a path behind all others, one that is not finite before them.
_ZERO, _INFINITE = -1e15, 1e15


class _Candidate(NamedTuple):
    """A path that leaves the best one from some vertex by the edge `turn`, after the turns of the path `before`."""

    loss: float  # how much smaller than the largest, as a logarithm
    number: int
    before: _Candidate | None
    turn: int


class Web:
    """Edges `tails[e] -> heads[e]` with `weights`, in an order such that all edges into a vertex come before those
    out of it, and the paths along them from vertex `first` to vertex `last`; `size` vertices."""

    def __init__(self, tails: list[int], heads: list[int], weights: list[float], first: int, last: int, size: int):
        self.tails, self.heads, self.weights = tails, heads, weights
        self.first, self.last, self.size = first, last, size

    def count(self) -> int:
        """The number of paths, exact."""
        counts = [0] * self.size
        counts[self.first] = 1
        for tail, head in zip(self.tails, self.heads, strict=True):
            if counts[tail]:
                counts[head] += counts[tail]
        return counts[self.last]

    def total(self) -> float:
        """The sum of the products of all paths; 0 if there is none."""
        sums = [0.0] * self.size
        reached = [False] * self.size
        sums[self.first], reached[self.first] = 1.0, True
        for tail, head, weight in zip(self.tails, self.heads, self.weights, strict=True):
            if reached[tail]:  # inf * 0 elsewhere would be NaN
                sums[head] += sums[tail] * weight
                reached[head] = True
        return sums[self.last]

    def largest(self, k: int) -> list[list[int]]:
        """The edges of the k paths with the largest products in absolute value, largest first.

        The best continuation from every vertex is known; any other path is that with some turns taken elsewhere, and
        each turn tells how much it loses (Eppstein, "Finding the k shortest paths", 1998).
        """
        best, along, out = self._best()
        if k < 1 or best[self.first] is None:
            return []
        found: list[list[int]] = []
        waiting, number = [_Candidate(0.0, 0, None, -1)], 0
        while waiting and len(found) < k:
            candidate = heappop(waiting)
            path, last_turn = self._edges(candidate, along)
            found.append(path)
            turns = nsmallest(k - len(found), self._turns(path[last_turn + 1 :], best, along, out))
            for loss, turn in turns:
                number += 1
                heappush(waiting, _Candidate(candidate.loss + loss, number, candidate, turn))
        return found

    def _best(self) -> tuple[list[float | None], list[int], list[list[int]]]:
        """For each vertex the logarithm of the largest product from there on (None where no path goes on), the edge
        that it begins with, and all edges that go on."""
        best: list[Any] = [None] * self.size
        along, out = [-1] * self.size, [[] for _ in range(self.size)]  # type: list[int], list[list[int]]
        best[self.last] = 0.0
        for e in range(len(self.tails) - 1, -1, -1):
            onward = best[self.heads[e]]
            if onward is None:
                continue
            tail, length = self.tails[e], _logarithm(self.weights[e]) + onward
            out[tail].append(e)
            if best[tail] is None or length >= best[tail]:  # of equals, the edge that was recorded first
                best[tail], along[tail] = length, e
        return best, along, out

    def _edges(self, candidate: _Candidate, along: list[int]) -> tuple[list[int], int]:
        """The path of a candidate, and the place of its last turn in it, -1 if it has none."""
        turns, each = [], candidate
        while each.before is not None:
            turns.append(each.turn)
            each = each.before
        vertex, path, place = self.first, [], -1  # type: int, list[int], int
        while turns or vertex != self.last:
            e = along[vertex]
            if turns and self.tails[turns[-1]] == vertex:
                e, place = turns.pop(), len(path)
            path.append(e)
            vertex = self.heads[e]
        return path, place

    def _turns(self, path: list[int], best: Any, along: Any, out: Any) -> Iterator[tuple[float, int]]:
        """What each turn from the end of a path loses, and its edge."""
        for e in path:
            tail = self.tails[e]
            for turn in out[tail]:
                if turn != along[tail]:
                    loss = best[tail] - (_logarithm(self.weights[turn]) + best[self.heads[turn]])
                    yield max(loss, 0.0), turn


def _logarithm(weight: float) -> float:
    if weight == 0:
        return _ZERO
    return math.log(abs(weight)) if math.isfinite(weight) else _INFINITE
