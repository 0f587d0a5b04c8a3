"""An op of one's own, outside the package: one line declares it, and it is checked, drawn and differentiated."""

from __future__ import annotations

import sys

import numpy as np
import scipy.special

import autograd_lite as ag

# Owen's T function, an integral with no closed form: T(h, a) = 1/(2 pi) * the integral over t from 0 to a of
# exp(-h^2 (1 + t^2) / 2) / (1 + t^2). Its derivative by a is the integrand; the one by h is known too (Owen, 1956).
SQRT_8PI = float(np.sqrt(8 * np.pi))
erf = ag.Op(scipy.special.erf, name="erf", x=lambda g, x: g * 2 / float(np.sqrt(np.pi)) * ag.exp(-x * x))
owens_t = ag.Op(
    scipy.special.owens_t,
    h=lambda g, h, a: -g * ag.exp(-h * h / 2) * erf(a * h / float(np.sqrt(2))) / SQRT_8PI,
    a=lambda g, h, a: g * ag.exp(-h * h * (1 + a * a) / 2) / (2 * np.pi * (1 + a * a)),
)


def main() -> None:
    h, a = np.array([0.3, 1.0, -0.7]), np.array([0.5, 2.0, 1.2])
    ag.check_grads(owens_t, h, a, order=3)
    print("gradients agree with central differences to third order")
    print("dT/dh, dT/da at (1, 2):", *ag.grad(owens_t, argnums=(0, 1))(1.0, 2.0))
    h_leaf = ag.tensor(h, requires_grad=True, name="h")
    path = sys.argv[1] if len(sys.argv) > 1 else "build/new_op.svg"
    print("drawn in", ag.draw(ag.sum(owens_t(h_leaf, a) ** 2)).write(path))


if __name__ == "__main__":
    main()
