"""The rules of functions of one tensor, applied to each element; and `where`, which chooses between two.

A table of calculus: a line gives a function's name, how NumPy computes it, and how its gradient follows from g, that of the
result. Integers become the default float type where the result is not an integer (`floats`). Next: reductions.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..ops.masks import choose
from ..ops.promotion import no_slope, refuse_bool


@differentiable(condition=None,
                x=lambda g, condition: where(condition, g, 0.0),
                y=lambda g, condition: where(condition, 0.0, g))  # fmt: skip
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y. The one that is not taken gets gradient 0, whatever g is."""
    return choose(condition, x, y)


def function(name: str, forward: Any, rule: Any, floats: bool = True, node: str | None = None) -> Any:
    """The operation `name`: a function of arrays, applied to each element, and its rule."""
    apply = (lambda x: forward(x)) if isinstance(forward, np.ufunc) else forward
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"torch.{name}, of each element."
    return differentiable(floats=floats, x=rule, name=node)(apply)


# ------------------------------------------------------------------ signs and rounding


@differentiable(x=lambda g: -g)
def neg(x: Array) -> Array:
    if x.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
            "`logical_not()` operator instead."
        )
    return -x


@differentiable(x=lambda g, x: g * sign(x))
def abs(x: Array) -> Array:
    refuse_bool(x, "abs_cpu")
    return np.absolute(x)


@differentiable(x=no_slope)
def sign(x: Array) -> Array:
    if x.dtype.kind == "b":
        return x.copy()
    s = np.sign(x)
    return np.where(s == s, s, s.dtype.type(0)) if s.dtype.kind == "f" else s  # torch: the sign of nan is 0


# ------------------------------------------------------------------ powers, exponentials, logarithms

sqrt = function("sqrt", np.sqrt, lambda g, out: g / (2 * out))
reciprocal = function("reciprocal", lambda x: 1 / x, lambda g, out: -g * (out * out))
exp = function("exp", np.exp, lambda g, out: g * out)
log = function("log", np.log, lambda g, x: g / x)

# ------------------------------------------------------------------ sines and tanh

sin = function("sin", np.sin, lambda g, x: g * cos(x))
cos = function("cos", np.cos, lambda g, x: g * -sin(x))
tanh = function("tanh", np.tanh, lambda g, out: g * (1 - out * out))

# ------------------------------------------------------------------ of neural networks


@differentiable(name="ThresholdBackwardBackward0", x=lambda g, like: passed(g, like), like=no_slope)
def passed(x: Array, like: Array) -> Array:
    """x where `like`, relu's result, is more than 0, else 0: the gradient of relu. It depends on `like`, too, if only by steps."""
    return choose(like <= 0, 0.0, x)


@differentiable(x=lambda g, out: passed(g, out))
def relu(x: Array) -> Array:
    if x.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    return np.maximum(x.dtype.type(0), x)


@differentiable(floats=True, x=lambda g, out: g * ((1 - out) * out))
def sigmoid(x: Array) -> Array:
    return np.reciprocal(1 + np.exp(-x))


def _clamp(x: Array, low: Any, high: Any) -> Array:
    if low is not None:
        x = np.maximum(x.dtype.type(low) if isinstance(low, float | int) else low, x)
    return x if high is None else np.minimum(x, x.dtype.type(high) if isinstance(high, float | int) else high)


def between(x: Any, low: Any, high: Any) -> Any:
    """low <= x <= high, where None is no bound."""
    return x <= high if low is None else x >= low if high is None else (x >= low) & (x <= high)


# x, but at least low and at most high, which wins over low; the gradient passes on the closed interval
clamp_numbers = differentiable(name="ClampBackward1", x=lambda g, x, low, high: where(between(x, low, high), g, 0.0))(_clamp)
clamp_tensors = differentiable(
    name="ClampBackward0",
    x=lambda g, x, low, high: where(between(x, low, high), g, 0.0),
    low=lambda g, x, low, high: where((x < low) & (high is None or low < high), g, 0.0),
    high=lambda g, x, low, high: where((x > high) | (low is not None and low > high), g, 0.0),
)(_clamp)
