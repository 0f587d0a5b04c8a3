"""What is measured: the libraries, the cases, and the ratios that are aimed at."""

from dataclasses import dataclass, field

OURS = "autograd_lite"

# worker module in `benchmarks.peers` -> the distribution whose version is reported
PEERS = {
    "hand": "numpy",
    "torch": "torch",
    "jax": "jax",
    "autograd": "autograd",
    "mygrad": "mygrad",
    "micrograd": "micrograd",
    "sklearn": "scikit-learn",
}


@dataclass(frozen=True)
class Case:
    """One row of the table: `program(*args)` of every worker module that defines it."""

    name: str
    program: str
    args: tuple = ()
    targets: dict[str, float] = field(default_factory=dict)  # peer -> the largest ratio ours/peer aimed at
    baseline: str = ""  # compare with this other case of ours instead of with the peers
    unit: str = "us"  # or "B/node": how far a step raises resident memory
    slow: bool = False  # a step may take seconds: fewer rounds, and one step to check


# matrix products, batched or not, as einsum writes them: specification, and the shape of both operands
PRODUCT = ("ij,jk->ik", (64, 64))
PRODUCTS = ("bij,bjk->bik", (64, 64, 64))
CHAIN = "chain of 100,000 multiplies"
EVERY_DERIVATIVE = {"torch": 1.0, "autograd": 0.1}
DIGITS = ((64, 256, 10), 32)
IMAGES = (784, 512, 512, 10)
ONE_LAYER = "optimizer step, 1e6 parameters, 1 layer"
VALUE_1 = "the function, element-wise, 1e6"
VALUE_2 = "the function, tanh(x @ W), 1000"

CASES = [
    Case("1,000 scalar ops", "scalar_chain", targets={"micrograd": 0.6, "torch": 0.3}),
    Case("element-wise, 1e6 float32", "elementwise", (1_000_000,)),
    Case("MLP 2-16-16-2, batch 32", "mlp", ((2, 16, 16, 2), "tanh", 32), {"torch": 0.4}),
    Case("MLP 64-64-10, batch 64", "mlp", ((64, 64, 10), "tanh", 64), {"torch": 0.4}),
    Case("MLP 784-512-512-10, batch 128", "mlp", ((784, 512, 512, 10), "relu", 128), {"torch": 1.15}),
    Case("MLP 1024-2048-2048-10, batch 512", "mlp", ((1024, 2048, 2048, 10), "relu", 512), {"torch": 1.15}),
    Case(CHAIN, "multiply_chain", (100_000,), {"torch": 0.3}, slow=True),
    Case(f"{CHAIN}: the graph", "multiply_graph", (100_000,), {"torch": 1.0}, unit="B/node", slow=True),
    Case(f"{CHAIN}: peak", "multiply_chain", (100_000,), {"torch": 1.0}, unit="B/node", slow=True),
    Case("chain of 1,000,000 multiplies", "multiply_chain", (1_000_000,), {CHAIN: 10}, CHAIN, slow=True),
    Case("tensor * tensor, size 10", "tensor_times_tensor"),
    Case(
        "ndarray * tensor, size 10",
        "ndarray_times_tensor",
        targets={"tensor * tensor, size 10": 3},
        baseline="tensor * tensor, size 10",
    ),
    # ops whose gradient is more than arithmetic: one each, the slices, joined arrays and products squared and summed
    Case("index gradient, 1e5 of 1e5", "index", (100_000,), {"hand": 1.5}),
    Case("slice gradient, 100 of (1000, 100)", "slices", ((1000, 100), 100), {"hand": 1.5}),
    Case("concatenate gradient, 20 of 1e4", "concatenate", (20, 10_000), {"hand": 1.5}),
    Case("einsum gradient, ij,jk->ik, 64", "einsum", PRODUCT, {"hand": 1.5}),
    Case("einsum gradient, bij,bjk->bik, 64", "einsum", PRODUCTS, {"hand": 1.5}),
    Case("matmul gradient, 256", "matmul", (256,), {"hand": 1.5}),
    # derivatives as functions, with what a library has for them; JAX's compiled ones are shown and not aimed at
    Case(
        "Hessian, 8-16-16-1 tanh MLP, 433 parameters", "mlp_hessian", ((8, 16, 16, 1), 32), EVERY_DERIVATIVE, slow=True
    ),
    *[
        Case(
            f"Hessian, Rosenbrock n = {n}",
            "rosenbrock_hessian",
            (n,),
            EVERY_DERIVATIVE if n == 100 else {},
            slow=n > 100,
        )
        for n in (10, 30, 100, 300, 1000)
    ],
    Case("gradient, Rosenbrock n = 100", "rosenbrock_gradient", (100,), EVERY_DERIVATIVE),
    Case("Jacobian, 100 to 100", "dense_jacobian", (100,), EVERY_DERIVATIVE),
    Case("per-example gradients, MLP 64-64-10, batch 256", "per_example", ((64, 64, 10), 256), EVERY_DERIVATIVE),
    Case(VALUE_1, "elementwise_value", (1_000_000,)),
    Case("jvp, element-wise, 1e6", "elementwise_jvp", (1_000_000,), {VALUE_1: 3}, VALUE_1),
    Case(VALUE_2, "layer_value", (1000,)),
    Case("jvp, tanh(x @ W), 1000", "layer_jvp", (1000,), {VALUE_2: 3}, VALUE_2),
    # training with nn.fit and its like: shuffled, in mini-batches, the mean loss reported
    Case("digits, an epoch", "digits_epoch", DIGITS, {"sklearn": 0.3, "torch": 0.5}),
    Case("digits, to 97 % validation accuracy", "digits_learned", DIGITS, {"sklearn": 0.3, "torch": 0.5}, slow=True),
    Case(
        "a tenth of an epoch, 60,000 x 784, MLP 512-512, batch 128",
        "image_epoch",
        (6000, IMAGES, 128),
        {"sklearn": 0.6, "torch": 1.05},
    ),
    Case(ONE_LAYER, "optimizer_step", (1, 1_000_000)),
    *[
        Case(
            f"optimizer step, 1e6 parameters, {n} layers",
            "optimizer_step",
            (n, 1_000_000),
            {ONE_LAYER: 1.2},
            ONE_LAYER,
        )
        for n in (10, 100)
    ],
    # hand-written NumPy's import is `import numpy`
    Case("import, whole process", "import_library", targets={"hand": 1.2}),
]
