"""Floor 5: which derivatives are zero whatever the values are, and how few passes the others take.

A graph says which inputs each entry of each value depends on (ops/reach.py), at about the cost of a pass over sets of
bits. Where no entry of a value depends on the inputs that move, its tangent is zero, and nothing is computed. Where the
outputs divide the inputs into groups so that no output depends on two of a group, a group moves as one: in

    J (e_1 + e_4 + e_7 + ...)

each entry has one term, and so is an entry of J. (An output that all inputs meet in would keep them apart, and has a
pass back of its own.) A tridiagonal Jacobian takes three passes, not n (Curtis, Powell and
Reid, "On the estimation of sparse Jacobian matrices", 1974); groups are colours of the graph in which inputs that meet
are neighbours, found greedily (Coleman and Moré, 1983; Gebremedhin, Manne and Pothen, "What color is your Jacobian?",
SIAM Review, 2005).

Only shapes, statics and the facts of rows are asked, never values: so the same holds for all values.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .node import Node, last_uses
from .ops.reach import together, union
from .several import SEVERAL

FEWEST = 32  # inputs; what is found out about fewer does not pay for the search
LARGEST = 2**22  # words in the sets of one value
MANY = 128  # tangents; to record a pass back costs as much
SEARCHED = 2**19  # entries of a Jacobian; of more no colours are searched for
ALIKE = 6  # of which part of the nodes neighbours may differ in, to be moved together
_WORD = 64


class Dependence:
    """What a graph's `roots` depend on among the entries of the nodes `wanted`, by way of `nodes`, oldest first.

    It is `known` where there are enough entries for that to matter, and few enough to hold it.
    """

    def __init__(self, nodes: list[Node], wanted: list[Any], roots: list[Node], fewest: int = FEWEST):
        self.offsets: dict[Any, int] = {}
        total = 0
        for node in wanted:
            self.offsets[node] = total
            total += math.prod(node.shape)
        self.words = -(-total // _WORD)
        self.reached: dict[Node, Any] = {}  # for each node the union of its entries' sets
        self.sets: dict[Node, Any] = {}  # of the entries of each root that depends on anything, flat
        largest = max([math.prod(node.shape) for node in nodes if node.dtype is not SEVERAL], default=0)
        self.known = total >= max(fewest, 1) and self.words * largest <= LARGEST
        if self.known:
            self._follow(nodes, wanted, roots)

    def _follow(self, nodes: list[Node], wanted: list[Any], roots: list[Node]) -> None:
        sets: dict[Node, Any] = {}
        for node, offset in self.offsets.items():
            sets[node], self.reached[node] = self._units(node.shape, offset)
        done_with = last_uses(nodes, [*roots, *wanted])
        for node in nodes:
            if node in sets or not node.requires_grad:
                continue
            moving = [sets.get(i) if isinstance(i, Node) else None for i in node.inputs]
            if all(s is None for s in moving):
                continue
            self.reached[node], sets[node] = self._through(node, moving)
            for i in done_with[node]:
                sets.pop(i, None)
        self.sets = {root: sets[root].reshape(self.words, -1) for root in roots if root in sets}

    def _units(self, shape: tuple[int, ...], offset: int) -> tuple[Any, Any]:
        """Sets of one entry each, and their union."""
        numbers = np.arange(offset, offset + math.prod(shape))
        bits = np.left_shift(np.uint64(1), (numbers % _WORD).astype(np.uint64))
        sets = np.zeros((self.words, len(numbers)), np.uint64)
        sets[numbers // _WORD, np.arange(len(numbers))] = bits
        return sets.reshape(self.words, *shape), union(sets, 1)

    def _through(self, node: Node, moving: list[Any]) -> tuple[Any, Any]:
        """The union of the sets of the node's entries, and these."""
        op, elementwise = node.op, node.op.elementwise and not node.op.variadic
        if elementwise and not node.shape:
            both = together(moving, ())
            return both, both
        everything, entries = None, 0
        for i, s in zip(node.inputs, moving, strict=True):
            if s is not None:
                arrived = self.reached[i]
                everything = arrived if everything is None or everything is arrived else everything | arrived
                entries += s[0].size
        if node.dtype is SEVERAL:
            return everything, everything
        if elementwise:
            return everything, together(moving, node.shape)
        found = op.reach(node, moving) if op.reach is not None else NotImplemented
        if found is NotImplemented:
            return everything, together([everything], node.shape)
        if found[0].size < entries:  # it may have left some out
            everything = union(found.reshape(self.words, -1), 1)
        return everything, found

    def reach_of(self, node: Any) -> Any:
        """Which nodes, in the order of `reached`, depend on which entries of `node`, one of those wanted; booleans."""
        words = np.stack([*self.reached.values()])
        offset = self.offsets[node]
        return _bits(words.reshape(-1)).reshape(len(words), -1)[:, offset : offset + math.prod(node.shape)]

    def pairs(self, node: Any, root: Node) -> tuple[Any, Any]:
        """Where entries of `root` depend on entries of `node`: the numbers of the former and of the latter, by rows."""
        sets, offset = self.sets[root].T, self.offsets[node]
        row, word = np.nonzero(sets)
        which, bit = np.nonzero(_bits(sets[row, word]))
        row, column = row[which], word[which] * _WORD + bit - offset
        here = (column >= 0) & (column < math.prod(node.shape))
        return row[here], column[here]

    def groups(self, node: Any) -> Groups | None:
        """How the derivatives by the entries of `node` are found in few passes; None where that takes half as many as
        there are entries, or more."""
        size = math.prod(node.shape)
        if not (self.known and self.sets and size):
            return None
        _, mask = self._units((size,), self.offsets[node])
        counts = [np.bitwise_count(s.T & mask).sum(1, dtype=np.intp) for s in self.sets.values()]
        most = _best_limit(np.concatenate(counts), size)
        if most is None:
            return None
        rows, columns, start, alone = [], [], 0, {}
        for root, count in zip(self.sets, counts, strict=True):
            row, column = self.pairs(node, root)
            shared = count[row] <= most
            rows.append(row[shared] + start)
            columns.append(column[shared])
            alone[root] = np.flatnonzero(count > most)
            start += len(count)
        left = size // 2 - sum(map(len, alone.values()))
        colours = coloured(np.concatenate(rows), np.concatenate(columns), (start, size), left)
        return None if colours is None else Groups(colours, alone)


class Groups(NamedTuple):
    """`colours` of the inputs, as numbers from 0, and those outputs of each root that are found `alone`, going back."""

    colours: Any
    alone: dict[Node, Any]


def _best_limit(counts: Any, size: int) -> int | None:
    """Outputs that depend on more inputs than this are best found alone, where the `counts` are on how many each does;
    None if all together take more passes than half of the inputs. One output that all inputs meet in, such as the
    derivative by what all terms of a sum share, would else keep them apart."""
    falling = np.sort(counts)[::-1][: len(counts) // 2 + 1]
    passes = falling + np.arange(len(falling))
    best = int(np.argmin(passes))
    if passes[0] - passes[best] < MANY:
        best = 0
    return int(falling[best]) if passes[best] <= size // 2 else None


def _bits(words: Any) -> Any:
    """The bits of each word, lowest first, as booleans."""
    return np.unpackbits(words.astype("<u8").view(np.uint8).reshape(len(words), -1), 1, bitorder="little").view(bool)


def coloured(row: Any, column: Any, shape: tuple[int, int], most: int) -> Any:
    """A number for each column of a matrix with entries at these rows and columns, so that no row has two columns of
    one number; None if that takes more than `most`, or long to find.

    In turn, as suits a band, where no row has more entries than that; else for each column the lowest number that none
    of its neighbours has.
    """
    fullest = int(np.bincount(row, minlength=1).max())
    if fullest == 0:
        return np.zeros(shape[1], np.intp)
    if fullest > most:
        return None
    if np.bincount(row * fullest + column % fullest).max() == 1:
        return np.arange(shape[1]) % fullest
    if len(row) > SEARCHED:
        return None
    order = np.argsort(column, kind="stable")
    rows, ends = row[order].tolist(), np.searchsorted(column[order], np.arange(shape[1] + 1)).tolist()
    taken, colours = [0] * shape[0], []  # for each row the colours of its columns so far, as bits
    for start, end in pairwise(ends):
        mine, others = rows[start:end], 0
        for k in mine:
            others |= taken[k]
        bit = ~others & (others + 1)
        for k in mine:
            taken[k] |= bit
        colours.append(bit.bit_length() - 1)
    return np.array(colours, np.intp) if max(colours) < most else None


def batches(known: Dependence, node: Any, step: int) -> list[tuple[int, int, frozenset[Node] | None]]:
    """The entries of `node` in parts of about `step`, each with the nodes that move with it; None stands for all.

    A part ends where a long run of entries ends that move much the same nodes. Parts with the same nodes are recorded
    once; where there are so many that recording costs more than is saved, all nodes move in each.
    """
    size = math.prod(node.shape)
    whole: list[tuple[int, int, frozenset[Node] | None]]
    whole = [(k, min(k + step, size), None) for k in range(0, max(size, 1), step)]
    if len(whole) == 1 or not known.known or len(known.reached) * known.words > LARGEST / _WORD:
        return whole
    reach, sets = known.reach_of(node), dict[bytes, frozenset[Node]]()
    parts: list[tuple[int, int, frozenset[Node] | None]] = []
    for start, stop in _long_runs(reach, step):
        number = max(round((stop - start) / step), 1)
        ends = [start + (stop - start) * k // number for k in range(number + 1)]
        in_any = reach[:, start:stop].any(1)
        for a, b in pairwise(ends):
            moves = reach[:, a:b].any(1)
            if (moves != in_any).sum() * ALIKE <= in_any.sum():
                moves = in_any  # one recording more costs more
            key = moves.tobytes()
            if key not in sets:
                sets[key] = frozenset([n for n, m in zip(known.reached, moves.tolist(), strict=True) if m])
            parts.append((a, b, sets[key]))
    cost = sum([len(nodes or ()) for _, _, nodes in parts]) + sum(map(len, sets.values()))
    return parts if cost < (len(whole) + 1) * len(known.reached) else whole


def _long_runs(reach: Any, step: int) -> list[tuple[int, int]]:
    """Runs of columns that are as long as `step` and differ little from each to the next, and what lies between those:
    a weight matrix and its bias are one, and the layer above is another."""
    size = reach.shape[1]
    differ = np.count_nonzero(reach[:, 1:] != reach[:, :-1], 0)
    ends, cuts = {0, size}, [0, *(np.flatnonzero(differ * ALIKE > len(reach)) + 1).tolist(), size]
    for start, stop in pairwise(cuts):
        if stop - start >= step:
            ends |= {start, stop}
    return list(pairwise(sorted(ends)))
