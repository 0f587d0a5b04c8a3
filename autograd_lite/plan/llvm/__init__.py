"""The LLVM backend: a program as native code, made by LLVM through llvmlite.

To read it from the top: `schedule.py` groups the values of a program into nests of loops, `lowering.py` gives each a
memory and writes phases, `traversal.py` and `loops.py` a nest as loops, `products.py` and `tiles.py` products of
matrices, in LLVM IR by `registers.py` and `writer.py`. `forms.py`, `reductions.py`, `indexing.py` and `assembly.py` say
which rows have a native form, `mathematics.py` how exp and its like are computed. `objects.py` compiles and keeps the
code, `calling.py` and `entry.py` make it a function of Python's, `threads.py` shares what is large, `built.py` puts all
together.
"""

from __future__ import annotations

from .built import Built, build

__all__ = ["Built", "build"]
