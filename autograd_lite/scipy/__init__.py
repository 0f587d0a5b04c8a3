"""SciPy's names, differentiable: `autograd_lite.scipy.special` and `autograd_lite.scipy.stats`. Needs SciPy."""
