"""A few threads that help with large loops and products.

They are threads of Python's that stay in native code, without the interpreter's lock: asleep at a lock of their own,
after they have looked for more to do for some 50 us. What there is to do is cut into pieces, of which each thread takes
the next one: where another program has a core, the caller does most of them itself, and waits for no thread that has
not begun. A piece is the same work whoever does it: the result is the same on any number of threads.

AUTOGRAD_LITE_THREADS says how many there are; without it, one for each core, up to 16. It is read when the first
program is built that has work for them. A program that finds the threads busy with another runs alone. Native code
calls no BLAS, so these are the only threads that it has.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
from threading import Lock, Thread

from .objects import Code, add_symbols

SPINS = 1 << 11  # looks for work, of some 20 to 40 ns each, before a thread sleeps
MOST = 64  # threads
ENOUGH = 16  # where nobody asks for more: each takes memory for packing

# Words of the pool. What is changed by all stands in a cache line of its own.
_WORDS = {"left": 0, "active": 8, "function": 16, "context": 17, "count": 18, "pieces": 19, "waiting": 24, "done": 25}
_WORDS |= {"busy": 32, "helpers": 33}
_FIRST, _EACH = 40, 8  # for each helper: whether it is asleep, and the lock that it sleeps at


def available() -> int:
    """How many threads there may be."""
    chosen = os.environ.get("AUTOGRAD_LITE_THREADS", "")
    if chosen.isdigit():
        return min(max(int(chosen), 1), MOST)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, ENOUGH)


def ir(machine: str) -> str:
    """The pool in LLVM IR. `left` is how many pieces nobody has taken; it is set when all else is, so whoever takes one
    sees what it belongs to. `active` is how many helpers may have taken some: when there are none left and that is
    zero, all is done. A helper that comes late finds nothing, and touches nothing else."""
    x86, arm = ("void @llvm.x86.sse2.pause()", "void @llvm.aarch64.hint(i32 1)")
    pause = x86 if machine in ("x86_64", "amd64") else arm if machine in ("arm64", "aarch64") else ""
    wait = f"call {pause}" if pause else "fence seq_cst"
    declared = "\n".join(f"declare {each.replace('i32 1', 'i32')}" for each in (pause,) if each)
    text = f"""
@pool = internal global [{_FIRST + _EACH * MOST} x i64] zeroinitializer, align 64
{declared}
declare i64 @llvm.umin.i64(i64, i64)
declare ptr @PyThread_allocate_lock()
declare i32 @PyThread_acquire_lock(ptr, i32)
declare void @PyThread_release_lock(ptr)

define internal ptr @asleep(i64 %helper) {{
  %word = mul i64 %helper, {_EACH}
  %place = getelementptr i64, ptr @pool, i64 %word
  %found = getelementptr i64, ptr %place, i64 {_FIRST}
  ret ptr %found
}}

define internal ptr @lock(i64 %helper) {{
  %place = call ptr @asleep(i64 %helper)
  %next = getelementptr i64, ptr %place, i64 1
  %found = load ptr, ptr %next
  ret ptr %found
}}

define internal ptr @new_lock() {{
  %lock = call ptr @PyThread_allocate_lock()
  %got = call i32 @PyThread_acquire_lock(ptr %lock, i32 1)
  ret ptr %lock
}}

; No helpers and nothing to do: at the beginning, and in a process that was forked off.
define void @reset() {{
  %lock = call ptr @new_lock()
  store ptr %lock, ptr @done
  store i64 0, ptr @left
  store i64 0, ptr @active
  store i64 0, ptr @waiting
  store i64 0, ptr @busy
  store i64 0, ptr @helpers
  ret void
}}

; A place for one helper more; its number.
define i64 @place() {{
  %number = load i64, ptr @helpers
  %asleep = call ptr @asleep(i64 %number)
  store i64 0, ptr %asleep
  %next = getelementptr i64, ptr %asleep, i64 1
  %lock = call ptr @new_lock()
  store ptr %lock, ptr %next
  %more = add i64 %number, 1
  store atomic i64 %more, ptr @helpers seq_cst, align 8
  ret i64 %number
}}

; Wake who sleeps at this lock, if the flag says so; only one thread finds that it does.
define internal void @wake(ptr %flag, ptr %lock) {{
entry:
  %slept = atomicrmw xchg ptr %flag, i64 0 seq_cst
  %sleeps = icmp eq i64 %slept, 1
  br i1 %sleeps, label %release, label %end
release:
  call void @PyThread_release_lock(ptr %lock)
  br label %end
end:
  ret void
}}

; Wait until a word is positive, or is not: for a while by looking, then asleep at the lock, as the flag says.
define internal void @wait(ptr %word, i1 %positive, ptr %flag, ptr %lock) {{
entry:
  br label %look
look:
  %tries = phi i64 [ 0, %entry ], [ %tried, %again ]
  %value = load atomic i64, ptr %word seq_cst, align 8
  %is = icmp sgt i64 %value, 0
  %ready = icmp eq i1 %is, %positive
  br i1 %ready, label %end, label %again
again:
  {wait}
  %tried = add i64 %tries, 1
  %enough = icmp uge i64 %tried, {SPINS}
  br i1 %enough, label %rest, label %look
rest:
  store atomic i64 1, ptr %flag seq_cst, align 8
  %now = load atomic i64, ptr %word seq_cst, align 8
  %now_is = icmp sgt i64 %now, 0
  %now_ready = icmp eq i1 %now_is, %positive
  br i1 %now_ready, label %unsaid, label %sleep
unsaid:
  %said = atomicrmw xchg ptr %flag, i64 0 seq_cst
  %mine = icmp eq i64 %said, 1
  br i1 %mine, label %end, label %sleep
sleep:
  %got = call i32 @PyThread_acquire_lock(ptr %lock, i32 1)
  br label %end
end:
  ret void
}}

; Pieces until none is left, as the thread with this number.
define internal void @take(i64 %thread) {{
entry:
  br label %next
next:
  %end = atomicrmw sub ptr @left, i64 1 seq_cst
  %some = icmp sgt i64 %end, 0
  br i1 %some, label %piece, label %none
piece:
  %k = sub i64 %end, 1
  %function = load ptr, ptr @function
  %context = load ptr, ptr @context
  %count = load i64, ptr @count
  %pieces = load i64, ptr @pieces
  %from = mul i64 %k, %count
  %to = mul i64 %end, %count
  %first = udiv i64 %from, %pieces
  %last = udiv i64 %to, %pieces
  call void %function(ptr %context, i64 %thread, i64 %first, i64 %last)
  br label %next
none:
  ret void
}}

; function(context, thread, begin, end) for all blocks below count, by all threads that come in time.
define void @autograd_lite_share(ptr %function, ptr %context, i64 %count, i64 %pieces) {{
entry:
  %was = cmpxchg ptr @busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {{ i64, i1 }} %was, 1
  br i1 %free, label %show, label %alone
alone:
  call void %function(ptr %context, i64 0, i64 0, i64 %count)
  ret void
show:
  store ptr %function, ptr @function
  store ptr %context, ptr @context
  store i64 %count, ptr @count
  store i64 %pieces, ptr @pieces
  store atomic i64 %pieces, ptr @left seq_cst, align 8
  %there = load atomic i64, ptr @helpers seq_cst, align 8
  %useful = sub i64 %pieces, 1
  %helpers = call i64 @llvm.umin.i64(i64 %there, i64 %useful)
  br label %each
each:
  %helper = phi i64 [ 0, %show ], [ %following, %call ]
  %any = icmp ult i64 %helper, %helpers
  br i1 %any, label %call, label %work
call:
  %following = add i64 %helper, 1
  %asleep = call ptr @asleep(i64 %helper)
  %lock = call ptr @lock(i64 %helper)
  call void @wake(ptr %asleep, ptr %lock)
  br label %each
work:
  call void @take(i64 0)
  %done = load ptr, ptr @done
  call void @wait(ptr @active, i1 false, ptr @waiting, ptr %done)
  store atomic i64 0, ptr @busy seq_cst, align 8
  ret void
}}

; A helper: it never returns.
define void @help(i64 %number) {{
entry:
  %asleep = call ptr @asleep(i64 %number)
  %lock = call ptr @lock(i64 %number)
  %thread = add i64 %number, 1
  br label %next
next:
  call void @wait(ptr @left, i1 true, ptr %asleep, ptr %lock)
  %before = atomicrmw add ptr @active, i64 1 seq_cst
  call void @take(i64 %thread)
  %now = atomicrmw sub ptr @active, i64 1 seq_cst
  %last = icmp eq i64 %now, 1
  br i1 %last, label %tell, label %next
tell:
  %done = load ptr, ptr @done
  call void @wake(ptr @waiting, ptr %done)
  br label %next
}}
"""
    return re.sub(
        "@(" + "|".join(_WORDS) + r")\b", lambda m: f"getelementptr (i64, ptr @pool, i64 {_WORDS[m[1]]})", text
    )


class _Pool:
    """The code, and the threads in it."""

    def __init__(self) -> None:
        self.size = available()
        api = ctypes.pythonapi
        names = ("PyThread_allocate_lock", "PyThread_acquire_lock", "PyThread_release_lock")
        add_symbols({name: ctypes.cast(getattr(api, name), ctypes.c_void_p).value for name in names})
        self.code = Code(ir(platform.machine().lower()), optimise=False)
        add_symbols({"autograd_lite_share": self.code.address("autograd_lite_share")})
        self.reset = ctypes.CFUNCTYPE(None)(self.code.address("reset"))
        self.place = ctypes.CFUNCTYPE(ctypes.c_int64)(self.code.address("place"))
        self.help = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self.code.address("help"))
        self.started = 0
        self.reset()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # threads may be in the code when the interpreter ends

    def start(self) -> None:
        """Start the helpers that are not there yet."""
        while self.started < self.size - 1:
            self.started += 1
            Thread(target=self.help, args=(self.place(),), daemon=True, name="autograd_lite").start()

    def forget(self) -> None:
        """A process that was forked off has no threads but one."""
        self.started = 0
        self.reset()


_pool: _Pool | None = None
_lock = Lock()


def started() -> int:
    """How many threads share work, this one included; they are started if they are not there yet."""
    global _pool
    if available() == 1:
        return 1
    with _lock:
        if _pool is None:
            _pool = _Pool()
        _pool.start()
        return _pool.size


def _forget() -> None:
    global _lock
    _lock = Lock()
    if _pool is not None:
        _pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
