"""Machine code from IR, and its cache on disk.

LLVM makes an object file of the text, which is kept under the user's cache directory by the IR, the processor with its
features, and versions. The environment variable AUTOGRAD_LITE_CACHE names another directory; where it is empty or "0"
there is no cache. A file that is damaged, or that cannot be written, is as good as none.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64", "i686", "x86")
FORMAT = "1"  # of cache files and of what the code expects of its caller


@lru_cache(maxsize=1)
def machine() -> tuple[str, str]:
    """The name of this processor and its features, as LLVM knows them."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def vector_bytes(features: str) -> int:
    """How many bytes the registers for vectors have."""
    has = set(features.split(","))
    return 64 if "+avx512f" in has else 32 if "+avx" in has else 16


def vector_registers(features: str) -> int:
    """How many registers for vectors there are."""
    return 32 if "+avx512f" in features.split(",") or not _IS_X86 else 16


def directory() -> Path | None:
    """Where compiled objects are kept; None if they are not."""
    chosen = os.environ.get("AUTOGRAD_LITE_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen not in ("", "0") else None
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "autograd_lite"


class Code:
    """Functions in machine code, which live as long as this object. `compiled`: whether LLVM had to compile them."""

    def __init__(self, ir: str, optimise: bool = True, features: str | None = None):
        cpu, own = machine()
        features = own if features is None else features
        key = "\0".join([FORMAT, ir, cpu, features, str(optimise), llvmlite.__version__])
        path = directory()
        file = path / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.o" if path else None
        target = llvm.Target.from_default_triple()
        self._machine = target.create_target_machine(
            cpu=cpu, features=features, opt=2 if optimise else 0, reloc="pic", codemodel="jitdefault", jit=True
        )
        stored = _read(file)
        self.compiled = stored is None
        if stored is None:
            stored = self._object(ir, optimise)
            _write(file, stored)
        self.size = len(stored)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(stored))
        self._engine.finalize_object()

    def _object(self, ir: str, optimise: bool) -> bytes:
        module = llvm.parse_assembly(ir)
        module.verify()
        if optimise:
            # The IR has its vectors, and its code stands in the right loops: two passes do what a whole pipeline does,
            # in a tenth of its time.
            builder = llvm.create_pass_builder(self._machine, llvm.create_pipeline_tuning_options(speed_level=1))
            passes = llvm.create_new_function_pass_manager()
            passes.add_sroa_pass()  # what changes in a loop from memory into registers
            passes.add_instruction_combine_pass()
            for function in module.functions:
                if not function.is_declaration:
                    passes.run(function, builder)
        return bytes(self._machine.emit_object(module))

    def address(self, name: str) -> int:
        """Where a function starts."""
        return int(self._engine.get_function_address(name))


# An object file is kept with its length and a checksum in front, so that half a file is not run.
def _read(file: Path | None) -> bytes | None:
    try:
        data = file.read_bytes() if file else b""
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] and len(data) > 32 else None


def _write(file: Path | None, data: bytes) -> None:
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as out:
            out.write(hashlib.sha256(data).digest() + data)
        os.replace(out.name, file)
    except OSError:
        return


def add_symbols(symbols: dict[str, Any]) -> None:
    """Let native code call these functions by name."""
    for name, address in symbols.items():
        llvm.add_symbol(name, address)
