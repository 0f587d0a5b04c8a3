"""Products of matrices: tiles of the result are kept in registers while the inner index runs.

A tile has a few rows and as many columns as fill a few vectors. For each inner index it takes one row of B as vectors
and one column of A entry by entry: rows x vectors multiply-adds for rows + vectors loads. Rows of B must lie side by
side for that; where they do not, the product is turned round, (A B)^T = B^T A^T, or B is copied first: whatever costs
least. Large products are left to NumPy's BLAS, which also packs for the caches and uses all cores. A plan has no BLAS
of its own, so there is one pool of threads at most.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from ...ops import OPS
from ..program import Value
from .forms import kind_of
from .memory import View
from .registers import I64, Kind, Register, fma
from .writer import Writer

# Multiply-adds up to which a product is computed here.
SMALL = 1 << 18

# How many rows a tile may have, for one to four vectors in a row of it: with B's row they fit in 32 registers.
ROWS = ((8, 7, 6), (8, 7, 6), (6, 5, 7), (6, 5, 4))


def is_product(value: Value) -> bool:
    """Whether `value` is a product of two matrices or vectors, or of a stack of them, of one floating dtype."""
    if value.op is not OPS["matmul"] or len(value.operands) != 2:
        return False
    a, b = value.operands
    kind = kind_of(value.dtype)
    axes = sorted((len(a.shape), len(b.shape)))
    plain = (axes[0] >= 1 and axes[1] <= 2) or (axes[0] >= 2 and axes[1] == 3)
    plain = plain and a.dtype == b.dtype == value.dtype
    return plain and kind is not None and kind.floating and a.size > 0 and b.size > 0


def multiply_adds(value: Value) -> int:
    """How many multiplications a product takes; of a stack, one product of it."""
    a, b = (i.shape[-2:] for i in value.operands)
    return int(prod(a)) * (b[1] if len(b) == 2 else 1)


def stack_of(value: Value) -> int:
    """How many products there are."""
    return int(value.shape[0]) if max(len(i.shape) for i in value.operands) == 3 else 1


class Matrix(NamedTuple):
    """Entry (i, j) at base + offset + i * row + j * column, in entries."""

    base: str
    offset: int
    rows: int
    columns: int
    row: int
    column: int

    @property
    def turned(self) -> Matrix:
        """The transposed matrix."""
        return Matrix(self.base, self.offset, self.columns, self.rows, self.column, self.row)


def as_matrix(view: View, base: str, vector_is_row: bool) -> Matrix:
    """A view of one or two axes as a matrix."""
    if len(view.shape) >= 2:  # of a stack, the first matrix
        return Matrix(base, view.offset, *view.shape[-2:], *view.strides[-2:])
    if len(view.shape) == 0:
        return Matrix(base, view.offset, 1, 1, 1, 1)
    (n,), (stride,) = view.shape, view.strides
    return Matrix(base, view.offset, 1, n, n, stride) if vector_is_row else Matrix(base, view.offset, n, 1, stride, 1)


def cost(a: Matrix, b: Matrix, c: Matrix, width: int) -> float:
    """About how many cycles `product` takes this way."""
    vectors = -(-b.columns // width)
    cycles = 0.75 * a.rows * a.columns * vectors
    if b.column != 1:
        cycles += b.rows * b.columns
    if c.column != 1:
        cycles += 3 * c.rows * c.columns
    return cycles


class Products:
    """Writes products with vectors of `width` entries; `packed` is the address of memory for copies of B."""

    def __init__(self, writer: Writer, kind: Kind, width: int, packed: str):
        self.writer, self.kind, self.width, self.packed = writer, kind, width, packed

    def write(self, a: Matrix, b: Matrix, c: Matrix) -> None:
        """c = a b."""
        if cost(b.turned, a.turned, c.turned, self.width) < cost(a, b, c, self.width):
            a, b, c = b.turned, a.turned, c.turned
        self.writer.start = self.writer.here
        if b.column != 1 and b.columns > 1:
            b = self.pack(b)
            self.writer.start = self.writer.here
        many = min(4, -(-c.columns // self.width))
        rows = min(ROWS[many - 1], key=lambda n: (-(-a.rows // n) * n, -n))  # few left over
        self.columns(a, b, c, many * self.width, rows)

    def pack(self, b: Matrix) -> Matrix:
        """A copy of b whose rows lie side by side."""
        packed = Matrix(self.packed, 0, b.rows, b.columns, b.columns, 1)

        def column(j: Register) -> None:
            def entry(k: Register) -> None:
                self.store(packed, k, j, self.load(b, k, j, 1))

            self.loop(b.rows, entry)

        self.loop(b.columns, column)
        return packed

    def columns(self, a: Matrix, b: Matrix, c: Matrix, wide: int, rows: int) -> None:
        """Tile after tile along the columns, the last one narrower."""
        whole = c.columns - c.columns % wide

        def block(j: Register, width: int) -> None:
            self.rows(a, b, c, j, width, rows)

        if whole:
            self.loop(whole, lambda j: block(j, wide), wide)
        if whole < c.columns:
            block(self.writer.constant(I64, whole), c.columns - whole)

    def rows(self, a: Matrix, b: Matrix, c: Matrix, j: Register, width: int, rows: int) -> None:
        """Tile after tile down the rows, the last one lower."""
        whole = c.rows - c.rows % rows
        if whole:
            self.loop(whole, lambda i: self.tile(a, b, c, i, j, rows, width), rows)
        if whole < c.rows:
            self.tile(a, b, c, self.writer.constant(I64, whole), j, c.rows - whole, width)

    def tile(self, a: Matrix, b: Matrix, c: Matrix, i: Register, j: Register, rows: int, width: int) -> None:
        """One tile of c, rows x width, from place (i, j) on."""
        writer, kind = self.writer, self.kind
        pieces = [(k, min(self.width, width - k)) for k in range(0, width, self.width)]
        sums = {(r, k): writer.slot(kind, wide) for r in range(rows) for k, wide in pieces}
        for (_, k), slot in sums.items():
            zero = writer.constant(kind, 0).widened(dict(pieces)[k])
            writer.store_slot(slot, zero, writer.here)

        def inner(p: Register) -> None:
            vectors = {k: self.load(b, p, j + k, wide) for k, wide in pieces}
            for r in range(rows):
                entry = self.load(a, i + r, p, 1)
                for k, wide in pieces:
                    type_ = vectors[k].type
                    before = writer.made(f"load {type_}, ptr {sums[r, k]}", kind, wide)
                    writer.store_slot(sums[r, k], fma(vectors[k], entry, before), writer.here)

        self.loop(a.columns, inner)
        for (r, k), slot in sums.items():
            wide = dict(pieces)[k]
            type_ = writer.constant(kind, 0).widened(wide).type
            self.store(c, i + r, j + k, writer.made(f"load {type_}, ptr {slot}", kind, wide))

    # -- memory --------------------------------------------------------------------------------------------------------

    def loop(self, stop: int, body: Callable[[Register], None], step: int = 1) -> None:
        """`for i in range(0, stop, step)`; without a loop if there is one i only."""
        if stop == step:
            body(self.writer.constant(I64, 0))
        else:
            self.writer.loop(0, stop, step, body)

    def place(self, m: Matrix, i: Register, j: Register) -> tuple[str, float]:
        """The address of an entry, and the level from which on it is known."""
        first, second = sorted(((i, m.row), (j, m.column)), key=lambda part: part[0].level)
        offset = first[0] * first[1] + m.offset + second[0] * second[1]
        level = max(offset.level, self.writer.start)
        return self.writer.pointer(m.base, offset, self.kind.bits // 8, level), level

    def load(self, m: Matrix, i: Register, j: Register, width: int) -> Register:
        """`width` entries of a row."""
        place, level = self.place(m, i, j)
        return self.writer.load(place, self.kind, width, level)

    def store(self, m: Matrix, i: Register, j: Register, value: Register) -> None:
        """Entries of a row to memory, here."""
        if value.width == 1 or m.column == 1:
            return self.writer.store(self.place(m, i, j)[0], value)
        for lane in range(value.width):
            one = self.writer.made(f"extractelement {value.type} {value.name}, i64 {lane}", self.kind, 1)
            self.writer.store(self.place(m, i, j + lane)[0], one)
        return None
