"""The innermost loops of a product: tiles of the result in registers, and panels copied to where they are read fast.

A tile of c = a b has a few rows and a few vectors of columns. For each inner index it takes one row of b as vectors and
one column of a entry by entry: rows x vectors multiply-adds for rows + vectors loads. A panel is what a tile reads:
`rows` rows of a, or `columns` columns of b, packed so that the inner index runs through memory without gaps (Goto and
van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .registers import I64, Kind, Register, fma, shuffled
from .writer import Module, Writer

AHEAD = 16  # inner indices that the panel of a is fetched before it is read


class Layout(NamedTuple):
    """A matrix in memory: entry (i, j) is at i * row + j * column, in entries."""

    rows: int
    columns: int
    row: int
    column: int

    @property
    def turned(self) -> Layout:
        """The transposed matrix."""
        return Layout(self.columns, self.rows, self.column, self.row)


class Tile(NamedTuple):
    """How many rows and vectors of columns a tile has."""

    rows: int
    vectors: int

    @property
    def cycles(self) -> float:
        """About how many cycles an inner index takes: two multiply-adds, or loads, each; a sum is known after four."""
        return max(self.rows * self.vectors / 2, (self.rows + self.vectors) / 2, 4) + 0.5


def covered(rows: int, columns: int, width: int, tile: Tile) -> tuple[float, int]:
    """About how many cycles an inner index of a product takes that is covered with such tiles and, along its ends,
    smaller ones; and how many kinds of tiles these are."""
    vectors, cycles, kinds = -(-columns // width), 0.0, 0
    for high, many in ((tile.rows, rows // tile.rows), (rows % tile.rows, 1)):
        for wide, times in ((tile.vectors, vectors // tile.vectors), (vectors % tile.vectors, 1)):
            if high * wide * many * times:
                cycles += Tile(high, wide).cycles * many * times
                kinds += 1
    return cycles, kinds


@lru_cache(maxsize=256)
def best_tile(rows: int, columns: int, width: int, registers: int) -> Tile:
    """The fastest tile whose sums, with a row of b and an entry of a, fit in the registers. Each kind is code."""

    def cost(tile: Tile) -> float:
        cycles, kinds = covered(rows, columns, width, tile)
        return cycles * (1 + 0.02 * kinds)

    most = min(rows, 16)
    tiles = [Tile(r, v) for v in range(1, 5) for r in range(1, most + 1) if (r + 1) * v < registers]
    return min(tiles, key=cost)


def tile_function(
    module: Module,
    kind: Kind,
    size: tuple[int, int],
    a: Layout,
    b: Layout,
    c: Layout,
    width: int,
    packed: bool,
    adds: bool,
) -> str:
    """The function (a, b, c, k) that multiplies a panel of `a` by one of `b`, along k inner indices, into the tile of
    `size` rows and columns at c; or `adds` it to what stands there. Of the layouts only strides count; columns of `b`
    that are `packed` are filled up to whole vectors."""
    rows, columns = size
    wide = [min(width, columns - j) for j in range(0, columns, width)]
    key = ("tile", kind, size, a[2:], b.row, c[2:], width, packed, adds)
    bytes_ = kind.bits // 8

    def write(writer: Writer) -> None:
        lanes = [width if packed else n for n in wide]
        sums = [[writer.slot(kind, n) for n in lanes] for _ in range(rows)]
        for row in sums:
            for slot, n in zip(row, lanes, strict=True):
                writer.store_slot(slot, writer.constant(kind, 0).widened(n), writer.here)

        if adds:  # what is added to is far away: it comes while the sums are taken
            for r in range(rows):
                for k in range(len(wide)):
                    writer.prefetch(writer.pointer("%c", r * c.row + k * width * c.column, bytes_, writer.here))

        def inner(p: Register) -> None:
            at_a, at_b = (writer.pointer(x, p * step, bytes_, p.level) for x, step in (("%a", a.column), ("%b", b.row)))
            if packed and a.row == 1:  # the panel is read once for each panel of b
                writer.prefetch(writer.pointer(at_a, AHEAD * a.column, bytes_, p.level))
            vectors = [
                writer.load(writer.pointer(at_b, k * width, bytes_, p.level), kind, n) for k, n in enumerate(lanes)
            ]
            for r, row in enumerate(sums):
                entry = writer.load(writer.pointer(at_a, r * a.row, bytes_, p.level), kind)
                for slot, vector in zip(row, vectors, strict=True):
                    before = writer.made(f"load {vector.type}, ptr {slot}", kind, vector.width)
                    writer.store_slot(slot, fma(vector, entry, before), writer.here)

        writer.loop(0, Register(writer, "%k", I64), 1, inner)
        for r, row in enumerate(sums):
            for k, (slot, n, kept) in enumerate(zip(row, lanes, wide, strict=True)):
                type_ = writer.constant(kind, 0).widened(n).type
                part = first_lanes(writer.made(f"load {type_}, ptr {slot}", kind, n), kept)
                keep(writer, part, "%c", r * c.row + k * width * c.column, c.column, adds)

    return module.function(key, ["ptr %a", "ptr %b", "ptr %c", "i64 %k"], write)


def keep(writer: Writer, value: Register, base: str, offset: int, step: int, adds: bool) -> None:
    """Store the lanes of a register, `step` entries apart; or add them to what stands there."""
    size = value.kind.bits // 8
    if step == 1 or value.width == 1:
        lanes = [(value, offset)]
    else:
        lanes = [(value.lane(k), offset + k * step) for k in range(value.width)]
    for part, at in lanes:
        place = writer.pointer(base, at, size, writer.here)
        writer.store(place, part + writer.load(place, part.kind, part.width) if adds else part)


def pack_function(module: Module, kind: Kind, m: Layout, columns: int, step: int, width: int) -> str:
    """The function (from, to, k) that copies `columns` columns of k rows of `m` side by side, rows `step` entries
    apart, each filled up with zeros to whole vectors."""
    key = ("pack", kind, m[2:], columns, step, width)
    bytes_ = kind.bits // 8
    parts = [(j, min(width, columns - j)) for j in range(0, columns, width)]

    def write(writer: Writer) -> None:
        k = Register(writer, "%k", I64)

        def load(i: Register, j: int, n: int) -> Register:
            place = writer.pointer("%from", i * m.row, bytes_, i.level)
            return writer.load(writer.pointer(place, j * m.column, bytes_, i.level), kind, n)

        def store(i: Register, j: int, value: Register) -> None:
            place = writer.pointer("%to", i * step, bytes_, i.level)
            writer.store(writer.pointer(place, j, bytes_, i.level), value)

        def row(i: Register) -> None:
            for j, n in parts:
                store(i, j, filled(load(i, j, n), width))

        def entries(i: Register) -> None:
            for j, n in parts:
                for lane in range(width):
                    store(i, j + lane, load(i, j + lane, 1) if lane < n else writer.constant(kind, 0))

        def square(i: Register) -> None:  # lanes of what lies side by side in m become rows here
            for j, n in parts:
                lines = [load(i, j + min(lane, n - 1), width) for lane in range(width)]
                for lane, line in enumerate(transposed(lines)):
                    store(i + lane, j, line)

        if m.column == 1:
            return writer.loop(0, k, 1, row)
        whole = k - k % width if m.row == 1 and columns >= width // 2 else 0
        if whole != 0:
            writer.loop(0, whole, width, square)
        return writer.loop(whole, k, 1, entries)

    return module.function(key, ["ptr %from", "ptr %to", "i64 %k"], write)


def zero_function(module: Module, kind: Kind, c: Layout, width: int) -> str:
    """The function (c, m, n) that fills m rows and n columns with zeros."""

    def write(writer: Writer) -> None:
        rows, columns = (Register(writer, name, I64) for name in ("%m", "%n"))
        zero = writer.constant(kind, 0)

        def row(i: Register) -> None:
            def fill(j: Register, n: int) -> None:
                place = writer.pointer("%c", i * c.row + j * c.column, kind.bits // 8, writer.here)
                writer.store(place, zero.widened(n))

            whole = columns - columns % width if c.column == 1 else 0
            if whole != 0:
                writer.loop(0, whole, width, lambda j: fill(j, width))
            writer.loop(whole, columns, 1, lambda j: fill(j, 1))

        writer.loop(0, rows, 1, row)

    return module.function(("zero", kind, c[2:], width), ["ptr %c", "i64 %m", "i64 %n"], write)


# -- lanes ---------------------------------------------------------------------------------------------------------


def first_lanes(value: Register, count: int) -> Register:
    """The first `count` lanes."""
    return value if value.width == count else shuffled(value, value, range(count))


def filled(value: Register, width: int) -> Register:
    """The lanes and zeros behind them."""
    if value.width == width:
        return value
    if value.width == 1:
        type_ = f"<{width} x {value.kind.name}>"
        return value.made(f"insertelement {type_} zeroinitializer, {value.type} {value.name}, i64 0", width=width)
    zeros = value.writer.constant(value.kind, 0).widened(value.width)
    return shuffled(value, zeros, [min(lane, value.width) for lane in range(width)])


def transposed(rows: Sequence[Register]) -> list[Register]:
    """As many registers as each has lanes, with rows and lanes exchanged: of each pair of rows that are `half` apart,
    the squares of that size beside the diagonal change places; then the same within squares of half that size."""
    rows, half = list(rows), len(rows) // 2
    count = len(rows)
    while half:
        for i in range(count):
            if not i & half:
                a, b = rows[i], rows[i + half]
                low = [lane if not lane & half else count + lane - half for lane in range(count)]
                high = [lane + half if not lane & half else count + lane for lane in range(count)]
                rows[i], rows[i + half] = shuffled(a, b, low), shuffled(a, b, high)
        half //= 2
    return rows
