"""Products of matrices, cut into blocks for the caches and for several threads.

A product c = a b is cut into pieces, blocks of c, which threads take as they come: where another program has a core,
the thread on the other one does most of them. A piece goes through the inner index in steps of DEPTH; for each step it
packs its blocks of a and b into panels, and multiplies panel by panel (tiles.py). What lies well enough is read where
it is. Each entry of c is summed by one thread, in one order: the result is the same on any number of threads.

Vectors run along rows of c. Where turning the product round, c^T = b^T a^T, costs less, it is turned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ...ops import OPS
from ..program import Value
from .forms import kind_of
from .memory import View
from .registers import I64, Kind, Register, select
from .tiles import Layout, best_tile, covered, pack_function, tile_function, zero_function
from .writer import Module, Writer

DEPTH = 256  # inner indices of a step: a panel of b, of two vectors a row, fills two thirds of a core's first cache
ROWS, COLUMNS = 512, 1024  # of a piece, at most: its packed blocks fit the second cache
LARGE_PIECE = 1 << 24  # multiply-adds, some 150 us
NEAR = 2048  # bytes between rows that are read where they are; more, and they would fall on the same places of a cache
FEW = 1 << 15  # bytes of a matrix that stays in the first cache wherever it lies

# Multiply-adds up to which a product is computed here. NumPy for macOS has Apple's BLAS, which uses units for products
# of matrices that no other code may use.
LIMIT = 1 << 18 if sys.platform == "darwin" else sys.maxsize


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


def layout_of(view: View, vector_is_row: bool) -> Layout:
    """A view of one or two axes as a matrix; of a stack, one matrix."""
    if len(view.shape) >= 2:
        return Layout(*view.shape[-2:], *view.strides[-2:])
    if len(view.shape) == 0:
        return Layout(1, 1, 1, 1)
    (n,), (stride,) = view.shape, view.strides
    return Layout(1, n, n * stride, stride) if vector_is_row else Layout(n, 1, stride, 1)


class BlockedProduct:
    """c = a b, or a stack of `count` such products whose matrices lie `steps` entries apart.

    `pieces` is how many blocks there are, `scratch` how many entries a thread needs for packing.
    """

    def __init__(self, kind: Kind, views: Sequence[View], vector_bytes: int, registers: int, count: int, threads: int):
        self.kind, self.registers, self.count = kind, registers, count
        self.width = vector_bytes * 8 // kind.bits
        a, b, c = self.views = list(views)
        layouts = layout_of(a, True), layout_of(b, False), layout_of(c, len(a.shape) == 1)
        turned = layouts[1].turned, layouts[0].turned, layouts[2].turned
        self.is_turned = self._cut(*turned, threads) < self._cut(*layouts, threads)
        if self.is_turned:
            self._cut(*turned, threads)
            self.views = [b, a, c]
        self.steps = [v.strides[0] if len(v.shape) == 3 and v.shape[0] > 1 else 0 for v in self.views]

    def _cut(self, a: Layout, b: Layout, c: Layout, threads: int) -> float:
        """Choose how it is done; returns about how many cycles that takes."""
        self.a, self.b, self.c = a, b, c
        self.tile = best_tile(c.rows, c.columns, self.width, self.registers)
        self.panel = self.tile.vectors * self.width  # columns
        self.depth = -(-a.columns // -(-a.columns // DEPTH))
        self._choose_blocks(threads)
        self._choose_packing()
        return self._cycles()

    def _choose_blocks(self, threads: int) -> None:
        """How many rows and columns a piece has: as many as the caches take, but for several threads two pieces each,
        and up to four of a large product, since the last piece is waited for."""
        c, size = self.c, self.kind.bits // 8
        rows, columns = -(-c.rows // self.tile.rows), -(-c.columns // self.panel)  # in panels
        high = -(-rows // max(round(c.rows / ROWS), 1))
        wide = -(-columns // max(round(c.columns * size / (4 * COLUMNS)), 1))
        large = self.count * c.rows * c.columns * self.a.columns // LARGE_PIECE
        wanted = min(max(large, 2 * threads), 4 * threads) if threads > 1 else 1
        while -(-rows // high) * -(-columns // wide) * self.count < wanted and high * wide > 1:
            if wide * self.panel >= high * self.tile.rows and wide > 1:
                wide = -(-wide // 2)
            else:
                high = -(-high // 2)
        self.high, self.wide = high * self.tile.rows, wide * self.panel
        self.grid = -(-rows // high), -(-columns // wide)
        self.pieces = self.count * self.grid[0] * self.grid[1]

    def _choose_packing(self) -> None:
        """Which matrix is packed, and how much memory that takes: one whose rows lie far apart, or whose panels are no
        whole vectors, and of which there is more than the first cache holds."""
        a, b, c, size = self.a, self.b, self.c, self.kind.bits // 8
        few_a, few_b = (m.rows * m.columns * size <= FEW for m in (a, b))
        near_a = a.column == 1 and a.row * size < NEAR
        near_b = b.row * size < NEAR and c.rows <= ROWS // 2  # else its panels are read often
        whole = c.columns % self.width == 0 or c.rows <= self.tile.rows
        self.packs_a = not (few_a or near_a)
        self.packs_b = b.columns > 1 and not (b.column == 1 and whole and (few_b or near_b))
        self.a_panel = -(-self.tile.rows // self.width) * self.width * self.depth  # entries of a packed panel of a
        self.a_entries = self.high // self.tile.rows * self.a_panel if self.packs_a else 0
        self.scratch = self.a_entries + (self.wide * self.depth if self.packs_b else 0)

    def _cycles(self) -> float:
        cycles = covered(self.c.rows, self.c.columns, self.width, self.tile)[0] * self.a.columns
        for packs, m, times in ((self.packs_a, self.a.turned, self.grid[1]), (self.packs_b, self.b, self.grid[0])):
            cycles += packs * times * m.rows * m.columns * (0.1 if m.column == 1 else 0.4 if m.row == 1 else 1)
        return cycles + (self.c.column != 1) * 2 * self.c.rows * self.c.columns

    def write(self, module: Module) -> str:
        """The function (a, b, c, packed, begin, end) that computes pieces."""
        key = ("product", self.kind, self.a, self.b, self.c, self.high, self.wide, self.count, *self.steps)
        names = ["ptr %a", "ptr %b", "ptr %c", "ptr %packed", "i64 %begin", "i64 %end"]
        return module.function(key, names, lambda writer: _Blocks(self, writer).write())


class _Blocks:
    """Writes the loops over pieces, steps of the inner index, and panels."""

    def __init__(self, product: BlockedProduct, writer: Writer):
        self.product, self.writer, self.kind = product, writer, product.kind
        self.a, self.b, self.c, self.tile = product.a, product.b, product.c, product.tile

    def write(self) -> None:
        if self.product.pieces == 1:
            return self.piece(0, 0, self.c.rows, self.c.columns, "%a", "%b", "%c")
        begin, end = (Register(self.writer, name, I64) for name in ("%begin", "%end"))
        return self.writer.loop(begin, end, 1, self.numbered)

    def numbered(self, number: Register) -> None:
        """The piece with this number: blocks of one row of blocks one after the other, then the next row."""
        product, (down, across) = self.product, self.product.grid
        of, block = number // (down * across), number % (down * across)
        i, j = block // across * product.high, block % across * product.wide
        places = [self.at(base, of * step) for base, step in zip(("%a", "%b", "%c"), product.steps, strict=True)]
        rows = self.c.rows if down == 1 else least(product.high, i.like(self.c.rows) - i)
        columns = self.c.columns if across == 1 else least(product.wide, j.like(self.c.columns) - j)
        self.piece(i, j, rows, columns, *places)

    def piece(self, i: Any, j: Any, rows: Any, columns: Any, a: str, b: str, c: str) -> None:
        """The block of c from (i, j) on."""
        product, inner = self.product, self.a.columns
        a, b = self.at(a, i * self.a.row), self.at(b, j * self.b.column)
        c = self.at(self.at(c, i * self.c.row), j * self.c.column)
        if inner <= product.depth:
            return self.step(a, b, c, rows, columns, inner, False)
        self.call(zero_function(self.writer.module, self.kind, self.c, product.width), [c], [rows, columns])

        def step(k: Register) -> None:
            depth = least(product.depth, k.like(inner) - k)
            self.step(self.at(a, k * self.a.column), self.at(b, k * self.b.row), c, rows, columns, depth, True)

        return self.writer.loop(0, inner, product.depth, step)

    def step(self, a: str, b: str, c: str, rows: Any, columns: Any, depth: Any, adds: bool) -> None:
        """What `depth` inner indices contribute to a block of c."""
        product, tile, module = self.product, self.tile, self.writer.module
        width, panel = product.width, product.panel
        near_a = Layout(0, 0, 1, product.a_panel // product.depth) if product.packs_a else self.a
        near_b = Layout(0, 0, panel, 1) if product.packs_b else self.b
        packed_b = self.at("%packed", product.a_entries)

        def place_of_a(i: Any) -> str:
            return (
                self.at("%packed", i // tile.rows * product.a_panel) if product.packs_a else self.at(a, i * self.a.row)
            )

        def place_of_b(j: Any) -> str:
            return self.at(packed_b, j * product.depth) if product.packs_b else self.at(b, j)

        if product.packs_a:
            turned, step = self.a.turned, near_a.column

            def pack_a(i: Any, high: int) -> None:
                name = pack_function(module, self.kind, turned, high, step, width)
                self.call(name, [self.at(a, i * self.a.row), place_of_a(i)], [depth])

            self.panels(rows, self.c.rows, tile.rows, pack_a)
        if product.packs_b:

            def pack_b(j: Any, wide: int) -> None:
                name = pack_function(module, self.kind, self.b, wide, panel, width)
                self.call(name, [self.at(b, j * self.b.column), place_of_b(j)], [depth])

            self.panels(columns, self.c.columns, panel, pack_b)

        def column_of_tiles(j: Any, wide: int) -> None:
            def one(i: Any, high: int) -> None:
                name = tile_function(
                    module, self.kind, (high, wide), near_a, near_b, self.c, width, product.packs_b, adds
                )
                to = self.at(self.at(c, i * self.c.row), j * self.c.column)
                self.call(name, [place_of_a(i), place_of_b(j), to], [depth])

            self.panels(rows, self.c.rows, tile.rows, one)

        self.panels(columns, self.c.columns, panel, column_of_tiles)

    def panels(self, count: Any, of: int, step: int, body: Callable[[Any, int], None]) -> None:
        """`body(i, size)` for each panel of a block of `count`, out of `of`: the last panel of all may be smaller."""
        rest = of % step
        whole = count - count % step
        if isinstance(count, int):
            for i in [*([0] if whole == step else []), *([whole] if rest else [])]:
                body(i, step if i < whole else rest)
            if whole > step:
                self.writer.loop(0, whole, step, lambda i: body(i, step))
            return
        if of >= step:
            self.writer.loop(0, whole, step, lambda i: body(i, step))
        if rest:
            self.writer.loop(whole, count, step, lambda i: body(i, rest))

    def at(self, base: str, offset: Any) -> str:
        """The address of an entry."""
        return self.writer.pointer(base, offset, self.kind.bits // 8, self.writer.here)

    def call(self, name: str, places: list[str], counts: list[Any]) -> None:
        texts = [f"ptr {p}" for p in places]
        texts += [f"i64 {n.name if isinstance(n, Register) else n}" for n in counts]
        self.writer.line(f"call void @{name}({', '.join(texts)})")


def least(a: int, b: Register) -> Register:
    """The smaller one."""
    return select(b.compare("lt", a), b, b.like(a))
