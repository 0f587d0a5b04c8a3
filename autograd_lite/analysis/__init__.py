"""Floor 7: what a loss surface is like where one stands, and what that means for learning.

The first two arguments of most functions are a scalar function and where to look, `(f, theta)`, or a model and the
closure that computes its loss, `(model, closure)`.
"""

from .bias_variance import BiasVariance, bias_variance
from .convergence import Rate, best_settings, condition_number, convergence_rate, predicted_rate
from .convexity import Convexity, convexity
from .lines import Line, Plane, line, plane
from .noise import GradientNoise, gradient_noise
from .points import Point, point, spectrum
from .preconditioning import Rescaled, rescaled
from .steps import Regimes, StepSizes, classify, factors, optimal_step, regime, step_sizes

__all__ = [
    "BiasVariance",
    "Convexity",
    "GradientNoise",
    "Line",
    "Plane",
    "Point",
    "Rate",
    "Regimes",
    "Rescaled",
    "StepSizes",
    "best_settings",
    "bias_variance",
    "classify",
    "condition_number",
    "convergence_rate",
    "convexity",
    "factors",
    "gradient_noise",
    "line",
    "optimal_step",
    "plane",
    "point",
    "predicted_rate",
    "regime",
    "rescaled",
    "spectrum",
    "step_sizes",
]
