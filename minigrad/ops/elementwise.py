"""Functions of one tensor, applied to each element; and `where`, which chooses between two.

A table of calculus: under each function's rule stands the function. Integers become the default float type where the
result is not an integer (`floats=True`). Next: reductions.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from ..dtypes import get_default_dtype
from .promotion import promoted, shape_error

SQRT_PI = math.sqrt(math.pi)


@differentiable(condition=None,
                x=lambda g, condition: where(condition, g, 0.0),
                y=lambda g, condition: where(condition, 0.0, g))  # fmt: skip
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y. The one that is not taken gets gradient 0, whatever g is."""
    return np.where(condition, x, y)


# ------------------------------------------------------------------ signs and rounding


@differentiable(x=lambda g: -g)
def neg(x: Array) -> Array:
    return -x


@differentiable(x=lambda g, x: g * sign(x))
def abs(x: Array) -> Array:
    return np.absolute(x)


@differentiable(x=lambda g: g * 0.0)
def sign(x: Array) -> Array:
    s = np.sign(x)
    return np.where(s == s, s, s.dtype.type(0)) if s.dtype.kind == "f" else s  # torch: the sign of nan is 0


@differentiable(x=lambda g: g * 0.0)
def floor(x: Array) -> Array:
    return np.floor(x)


@differentiable(x=lambda g: g * 0.0)
def ceil(x: Array) -> Array:
    return np.ceil(x)


@differentiable(x=lambda g: g * 0.0)
def round_half_even(x: Array, decimals: int) -> Array:
    return np.round(x, decimals)


@differentiable(x=lambda g: g * 0.0)
def trunc(x: Array) -> Array:
    return np.trunc(x)


@differentiable(x=lambda g: g)
def frac(x: Array) -> Array:
    return x - np.trunc(x)


# ------------------------------------------------------------------ powers, exponentials, logarithms


@differentiable(floats=True, x=lambda g, out: g / (2 * out))
def sqrt(x: Array) -> Array:
    return np.sqrt(x)


@differentiable(floats=True, x=lambda g, out: -0.5 * g * (out * out * out))
def rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


@differentiable(floats=True, x=lambda g, out: -g * (out * out))
def reciprocal(x: Array) -> Array:
    return 1 / x


@differentiable(floats=True, x=lambda g, out: g * out)
def exp(x: Array) -> Array:
    return np.exp(x)


@differentiable(floats=True, x=lambda g, out: g * (out * math.log(2)))
def exp2(x: Array) -> Array:
    return np.exp2(x)


@differentiable(floats=True, x=lambda g, out: g * (out + 1))
def expm1(x: Array) -> Array:
    return np.expm1(x)


@differentiable(floats=True, x=lambda g, x: g / x)
def log(x: Array) -> Array:
    return np.log(x)


@differentiable(floats=True, x=lambda g, x: g / (x * math.log(2)))
def log2(x: Array) -> Array:
    return np.log2(x)


@differentiable(floats=True, x=lambda g, x: g / (x * math.log(10)))
def log10(x: Array) -> Array:
    return np.log10(x)


@differentiable(floats=True, name="Log1PBackward0", x=lambda g, x: g / (x + 1))
def log1p(x: Array) -> Array:
    return np.log1p(x)


# ------------------------------------------------------------------ trigonometric and hyperbolic


@differentiable(floats=True, x=lambda g, x: g * cos(x))
def sin(x: Array) -> Array:
    return np.sin(x)


@differentiable(floats=True, x=lambda g, x: g * -sin(x))
def cos(x: Array) -> Array:
    return np.cos(x)


@differentiable(floats=True, x=lambda g, out: g * (1 + out * out))
def tan(x: Array) -> Array:
    return np.tan(x)


@differentiable(floats=True, x=lambda g, x: g * rsqrt(1 - x * x))
def asin(x: Array) -> Array:
    return np.arcsin(x)


@differentiable(floats=True, x=lambda g, x: g * -rsqrt(1 - x * x))
def acos(x: Array) -> Array:
    return np.arccos(x)


@differentiable(floats=True, x=lambda g, x: g / (x * x + 1))
def atan(x: Array) -> Array:
    return np.arctan(x)


@differentiable(floats=True, x=lambda g, x: g * cosh(x))
def sinh(x: Array) -> Array:
    return np.sinh(x)


@differentiable(floats=True, x=lambda g, x: g * sinh(x))
def cosh(x: Array) -> Array:
    return np.cosh(x)


@differentiable(floats=True, x=lambda g, out: g * (1 - out * out))
def tanh(x: Array) -> Array:
    return np.tanh(x)


@differentiable(floats=True, x=lambda g, x: g * rsqrt(x * x + 1))
def asinh(x: Array) -> Array:
    return np.arcsinh(x)


@differentiable(floats=True, x=lambda g, x: g * rsqrt(x * x - 1))
def acosh(x: Array) -> Array:
    return np.arccosh(x)


@differentiable(floats=True, x=lambda g, x: g / (1 - x * x))
def atanh(x: Array) -> Array:
    return np.arctanh(x)


# ------------------------------------------------------------------ of neural networks and statistics


@differentiable(x=lambda g, out: where(out <= 0, 0.0, g))
def relu(x: Array) -> Array:
    return np.maximum(x.dtype.type(0), x)


@differentiable(floats=True, x=lambda g, out: g * ((1 - out) * out))
def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


@differentiable(floats=True, x=lambda g, x: g * (exp(-(x * x)) * (2 / SQRT_PI)))
def erf(x: Array) -> Array:
    return np.fromiter(map(math.erf, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape)


@differentiable(x=lambda g, x, low, high: where(between(x, low, high), g, 0.0))
def clamp_numbers(x: Array, low: float | None, high: float | None) -> Array:
    """x, but at least low and at most high; the gradient passes on the closed interval."""
    if low is not None:
        x = np.maximum(x.dtype.type(low), x)
    return x if high is None else np.minimum(x, x.dtype.type(high))


def between(x: Any, low: float | None, high: float | None) -> Any:
    """low <= x <= high, where None is no bound."""
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


# ------------------------------------------------------------------ under torch's names


def round(x: Any, *, decimals: int = 0) -> Any:
    """The nearest integer, or multiple of 10 ** -decimals; halves go to the even one."""
    return round_half_even(x, decimals)


def square(x: Any) -> Any:
    """x ** 2."""
    return x**2


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """x, but at least `min` and at most `max`, which are numbers or tensors; max wins where they contradict."""
    from .arithmetic import maximum, minimum

    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if not isinstance(min, graph.Tensor) and not isinstance(max, graph.Tensor):
        for bound in (min, max):
            if bound is not None:
                x = promoted(x, bound)[0]
        return clamp_numbers(x, min, max)
    low = x if min is None else where(x < min, min, x)
    return low if max is None else where(low > max, max, low)


def torch_where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where condition holds, else other, promoted to one dtype; with the condition alone, where it holds."""
    if condition._array.dtype.kind != "b":
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.legacy}")
    if input is None and other is None:
        return tuple(wrap(i) for i in np.nonzero(condition._array))
    if not isinstance(input, graph.Tensor) and not isinstance(other, graph.Tensor):
        input = wrap(np.asarray(input, None if not isinstance(input, float) else get_default_dtype().numpy))
    pair = promoted(input, other)
    if pair is None:
        raise TypeError(f"where(): arguments must be tensors or numbers, not {type(input).__name__} and {type(other).__name__}")
    try:
        return where(condition, *pair)
    except ValueError:
        a, b = (v._array if isinstance(v, graph.Tensor) else v for v in pair)
        for one, two in ((condition._array, a), (condition._array, b), (a, b)):
            error = shape_error(one, two)
            if "must match" in str(error):
                raise error from None
        raise
