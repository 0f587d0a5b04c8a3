"""What is measured: the contestants, the cases, and the ratios that are aimed at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contestant:
    """A library at one setting: a process of its own, that runs `python -m benchmarks.worker NAME`."""

    title: str  # in tables
    module: str  # of benchmarks.peers
    distribution: str  # whose version is reported
    compiles: bool = False  # in the first call
    variant: str = ""  # the module's `variant(variant)` then holds the programs


OURS = {
    "eager": Contestant("eager", "autograd_lite", "autograd_lite"),
    "numpy": Contestant("numpy backend", "plan", "autograd_lite", True, "numpy"),
    "llvm": Contestant("llvm backend", "plan", "autograd_lite", True, "llvm"),
}
PEERS = {
    "hand": Contestant("hand-written NumPy", "hand", "numpy"),
    "torch": Contestant("PyTorch", "torch", "torch"),
    "torch_compile": Contestant("torch.compile", "torch_compile", "torch", True),
    "jax": Contestant("JAX jit", "jax", "jax", True),
    "jax_one_thread": Contestant("JAX jit, one thread", "jax", "jax", True, "one thread"),
    "autograd": Contestant("autograd", "autograd", "autograd"),
    "mygrad": Contestant("MyGrad", "mygrad", "mygrad"),
    "micrograd": Contestant("micrograd", "micrograd", "micrograd"),
    "sklearn": Contestant("scikit-learn", "sklearn", "scikit-learn"),
}
CONTESTANTS = OURS | PEERS

# A limit on "JAX" is one on the faster of its settings in the case at hand. Those on PyTorch are on eager PyTorch, as
# the issue writes them; torch.compile stands beside it.
FASTEST = {"JAX": ("jax", "jax_one_thread")}
PLAIN = ("eager", "hand", "torch", "jax", "autograd", "mygrad", "micrograd", "sklearn")
EAGER = ("eager", "torch", "autograd", "mygrad", "micrograd")


@dataclass(frozen=True)
class Limit:
    """The largest ratio aimed at, of `ours`, a contestant, to `versus`: a contestant, "JAX", or another case."""

    ours: str
    versus: str
    ratio: float


@dataclass(frozen=True)
class Case:
    """One row of a table: `program(*args)` of every contestant that defines it."""

    name: str
    program: str
    args: tuple = ()
    limits: tuple[Limit, ...] = ()
    contestants: tuple[str, ...] = tuple(CONTESTANTS)
    baseline: str = ""  # compare with this other case of ours instead of with the peers
    measure: str = "time"  # or "compile": the first call less a step; or "memory": how far a step raises the peak
    slow: bool = False  # a step may take seconds: fewer rounds, and one step to check
    busy: bool = False  # another process computes all the while, on one core

    @property
    def unit(self):
        return "B/node" if self.measure == "memory" else "us"


def aims(eager="", numpy="", llvm=""):
    """The limits written as in the issue: `aims(numpy="0.4 JAX, 0.15 torch")`."""
    texts = {"eager": eager, "numpy": numpy, "llvm": llvm}
    return tuple(
        Limit(ours, versus, float(ratio))
        for ours, text in texts.items()
        for ratio, versus in (part.split() for part in text.split(", ") if part)
    )


DIGITS = ((64, 256, 10), 32)
SMALL, LARGE = "0.4 JAX, 0.15 torch", ((1024, 2048, 2048, 10), "relu", 512)

# The README's table. Eager limits are of earlier days.
HEADLINES = [
    Case("MLP 2-16-16-2, batch 32", "mlp", ((2, 16, 16, 2), "tanh", 32), aims("0.4 torch", SMALL, "0.15 JAX")),
    Case("MLP 64-64-10, batch 64", "mlp", ((64, 64, 10), "tanh", 64), aims("0.4 torch", SMALL, "0.15 JAX")),
    Case(
        "MLP 784-512-512-10, batch 128",
        "mlp",
        ((784, 512, 512, 10), "relu", 128),
        aims("1.15 torch", "1.15 torch", "1 torch"),
    ),
    Case("MLP 1024-2048-2048-10, batch 512", "mlp", LARGE, aims("1.15 torch", "1.12 torch", "1.07 torch"), slow=True),
    Case(
        "the same with one core busy",
        "mlp",
        LARGE,
        aims(llvm="0.8 torch"),
        contestants=("eager", "numpy", "llvm", "torch", "torch_compile", "jax"),
        slow=True,
        busy=True,
    ),
    Case(
        "element-wise, 1e6 float32, with gradient",
        "elementwise",
        (1_000_000,),
        aims(numpy="1 torch", llvm="0.5 JAX"),
    ),
    Case("1,000 scalar ops", "scalar_chain", limits=aims(numpy="1.5 JAX", llvm="0.15 JAX")),
    Case(
        "1,000 scalar ops: compiling",
        "scalar_chain",
        limits=aims(numpy="0.02 JAX", llvm="0.15 JAX"),
        contestants=("numpy", "llvm", "jax", "jax_one_thread"),
        measure="compile",
        slow=True,
    ),
    Case("Hessian, 433 parameters", "mlp_hessian", ((8, 16, 16, 1), 32), aims("1 torch", "1 JAX", "0.9 JAX")),
    Case("Hessian, Rosenbrock n = 100", "rosenbrock_hessian", (100,), aims("1 torch", "1 JAX", "0.9 JAX")),
    Case(
        "digits, whole training to 97 %",
        "digits_learned",
        DIGITS,
        aims("0.3 sklearn, 0.5 torch", "0.15 sklearn, 0.15 torch", "0.1 sklearn, 0.1 torch"),
    ),
    Case(
        "the same, compiled before",
        "digits_loop",
        DIGITS,
        aims(numpy="0.15 sklearn, 0.15 torch", llvm="0.1 sklearn, 0.1 torch"),
        contestants=("numpy", "llvm", "torch", "torch_compile", "jax", "jax_one_thread", "sklearn"),
    ),
    Case("eager scalar chain", "scalar_chain", limits=aims("0.5 micrograd, 0.3 torch"), contestants=EAGER),
]

# matrix products, batched or not, as einsum writes them: specification, and the shape of both operands
PRODUCT = ("ij,jk->ik", (64, 64))
PRODUCTS = ("bij,bjk->bik", (64, 64, 64))
CHAIN = "chain of 100,000 multiplies"
BY_HAND = aims("1.5 hand")
EVERY_DERIVATIVE = aims("1 torch, 0.1 autograd")
IMAGES = (784, 512, 512, 10)
ONE_LAYER = "optimizer step, 1e6 parameters, 1 layer"
VALUE_1 = "the function, element-wise, 1e6"
VALUE_2 = "the function, tanh(x @ W), 1000"


def plain(*args, **options):
    """A case of recorded calls, beside each library as it is mostly used."""
    return Case(*args, contestants=PLAIN, **options)


def beside(baseline, ratio, *args, **options):
    """A case that is compared with another one of ours."""
    return Case(*args, limits=(Limit("eager", baseline, ratio),), contestants=("eager",), baseline=baseline, **options)


OTHERS = [
    plain(CHAIN, "multiply_chain", (100_000,), aims("0.3 torch"), slow=True),
    plain(f"{CHAIN}: the graph", "multiply_graph", (100_000,), aims("1 torch"), measure="memory", slow=True),
    plain(f"{CHAIN}: peak", "multiply_chain", (100_000,), aims("1 torch"), measure="memory", slow=True),
    beside(CHAIN, 10, "chain of 1,000,000 multiplies", "multiply_chain", (1_000_000,), slow=True),
    plain("tensor * tensor, size 10", "tensor_times_tensor"),
    beside("tensor * tensor, size 10", 3, "ndarray * tensor, size 10", "ndarray_times_tensor"),
    # ops whose gradient is more than arithmetic: one each, the slices, joined arrays and products squared and summed
    plain("index gradient, 1e5 of 1e5", "index", (100_000,), BY_HAND),
    plain("slice gradient, 100 of (1000, 100)", "slices", ((1000, 100), 100), BY_HAND),
    plain("concatenate gradient, 20 of 1e4", "concatenate", (20, 10_000), BY_HAND),
    plain("einsum gradient, ij,jk->ik, 64", "einsum", PRODUCT, BY_HAND),
    plain("einsum gradient, bij,bjk->bik, 64", "einsum", PRODUCTS, BY_HAND),
    plain("matmul gradient, 256", "matmul", (256,), BY_HAND),
    # derivatives as functions, with what a library has for them; JAX's compiled ones are shown and not aimed at
    *[plain(f"Hessian, Rosenbrock n = {n}", "rosenbrock_hessian", (n,), slow=n > 100) for n in (10, 30, 300, 1000)],
    plain("gradient, Rosenbrock n = 100", "rosenbrock_gradient", (100,), EVERY_DERIVATIVE),
    plain("Jacobian, 100 to 100", "dense_jacobian", (100,), EVERY_DERIVATIVE),
    plain("per-example gradients, MLP 64-64-10, batch 256", "per_example", ((64, 64, 10), 256), EVERY_DERIVATIVE),
    plain(VALUE_1, "elementwise_value", (1_000_000,)),
    beside(VALUE_1, 3, "jvp, element-wise, 1e6", "elementwise_jvp", (1_000_000,)),
    plain(VALUE_2, "layer_value", (1000,)),
    beside(VALUE_2, 3, "jvp, tanh(x @ W), 1000", "layer_jvp", (1000,)),
    plain(ONE_LAYER, "optimizer_step", (1, 1_000_000)),
    *[
        beside(ONE_LAYER, 1.2, f"optimizer step, 1e6 parameters, {n} layers", "optimizer_step", (n, 1_000_000))
        for n in (10, 100)
    ],
    # hand-written NumPy's import is `import numpy`
    plain("import, whole process", "import_library", limits=aims("1.2 hand"), slow=True),
]

# training with nn.fit and its like: shuffled, in mini-batches, the mean loss reported
FITTED = tuple(name for name in CONTESTANTS if name not in ("hand", "autograd", "mygrad", "micrograd"))
DIGIT, IMAGE = "0.3 sklearn, 0.5 torch", "0.6 sklearn, 1.05 torch"
TRAININGS = [
    Case("digits, ten epochs", "digits_epochs", (10, *DIGITS), aims(DIGIT, DIGIT, DIGIT), FITTED),
    Case(
        "6,000 x 784, MLP 512-512, batch 128, three epochs",
        "image_epochs",
        (3, 6000, IMAGES, 128),
        aims(IMAGE, IMAGE, IMAGE),
        FITTED,
        slow=True,
    ),
]
CASES = HEADLINES + TRAININGS + OTHERS
