"""The LLVM backend: a program as native code, made by LLVM through llvmlite.

To read it from the top: `schedule.py` groups the values of a program into nests of loops, `lowering.py` gives each a
memory, `loops.py` and `products.py` write the loops as LLVM IR, by `writer.py` and `registers.py`; `forms.py` says which
rows have a native form, `mathematics.py` how exp and its like are computed. `objects.py` compiles and keeps the code,
`calling.py` and `entry.py` make it a function of Python's, `built.py` puts all together.
"""

from __future__ import annotations

from .built import Built, build

__all__ = ["Built", "build"]
