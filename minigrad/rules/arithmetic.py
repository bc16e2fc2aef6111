"""The rules of operations on two tensors, element by element.

A rule gives the gradient in the shape of the result; where an input was broadcast, the walk sums it. Either input may be a
Python number. Next: elementwise.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from ..ops.promotion import promoted, refuse_bool
from .elementwise import log, where

# The exponents that torch does not leave to the C library's pow
POWERS: dict[float, Any] = {
    3: lambda x: x * x * x,
    0.5: np.sqrt,
    -0.5: lambda x: 1 / np.sqrt(x),
    -1: lambda x: 1 / x,
    -2: lambda x: 1 / (x * x),
}

# ------------------------------------------------------------------ with derivatives


@differentiable(binary=True, x=lambda g: g, y=lambda g: g)
def add(x: Array, y: Array) -> Array:
    return x + y


def without_bools(x: Any, y: Any, floats: bool = False) -> Any:
    """`promoted` for differences, which torch does not take of bools."""
    bools = [isinstance(v, bool) or isinstance(v, graph.Tensor) and v._array.dtype.kind == "b" for v in (x, y)]
    if True in bools:
        both = False not in bools
        what = "two bool tensors" if both else "a bool tensor"
        advice = "Use the `^` or `logical_xor()`" if both else "If you are trying to invert a mask, use the `~` or `logical_not()`"
        raise RuntimeError(f"Subtraction, the `-` operator, with {what} is not supported. {advice} operator instead.")
    return promoted(x, y, floats)


def _difference(x: Array, y: Array) -> Array:
    try:
        return x - y
    except TypeError:  # NumPy's, for bools
        return without_bools(wrap(x), wrap(y))


sub = differentiable(name="SubBackward0", binary=True, promote=without_bools, x=lambda g: g, y=lambda g: -g)(_difference)
rsub = differentiable(name="RsubBackward1", binary=True, promote=without_bools, x=lambda g: -g, y=lambda g: g)(
    lambda x, y: _difference(y, x)
)


@differentiable(binary=True, x=lambda g, y: g * y, y=lambda g, x: g * x)
def mul(x: Array, y: Array) -> Array:
    return x * y


@differentiable(name="MulBackward0", x=lambda g, factor: g * factor)
def scaled(x: Array, factor: float) -> Array:
    """x times a number that is no operand of the user's, such as `alpha`: nothing is saved that backward could free."""
    return x * factor


@differentiable(binary=True, floats=True, x=lambda g, y: g / y, y=lambda g, x, y: -g * ((x / y) / y))
def div(x: Array, y: Array) -> Array:
    return x / y


def doubled(x: Any) -> Any:
    """2x; of a tensor as a power, whose slope still depends on x, if only by zeros, as torch's does."""
    return power_number(x, 1.0) * 2 if isinstance(x, graph.Tensor) else x + x


@differentiable(name="PowBackward0", x=lambda g, x: g * doubled(x))
def squared(x: Array) -> Array:  # x ** 2
    return x * x


@differentiable(name="PowBackward0", x=lambda g, x, exponent: power_slope(g, x, exponent))
def power_number(x: Array, exponent: float) -> Array:  # x ** 3
    exact = float(x.dtype.type(exponent)) == exponent  # else a power in float64, as in torch
    return POWERS[exponent](x) if exponent in POWERS else x**exponent if exact else (x ** np.float64(exponent)).astype(x.dtype)


@differentiable(binary=True, name="PowBackward1",
                x=lambda g, x, y: power_slope(g, x, y),
                y=lambda g, x, y, out: g * where((x == 0) & (y >= 0), 0.0, out * log(x)))  # fmt: skip
def power(x: Array, y: Array) -> Array:  # x ** y
    return x**y if y.dtype.kind == "f" else integer_power(x, y)


def integer_power(x: Array, y: Array) -> Array:
    """x ** y, where a negative y gives 1 / x**-y rounded towards 0, as in C."""
    refuse_bool(x, "pow")
    return np.where((y < 0) & (np.absolute(x) != 1), x.dtype.type(0), np.power(x, np.absolute(y)))


@differentiable(name="PowBackward2", x=lambda g, x, out, base: number_power_slope(g, x, out, base))
def number_power(x: Array, base: float) -> Array:  # 3 ** x
    return np.power(x.dtype.type(base), x) if x.dtype.kind == "f" else integer_power(x.dtype.type(base), x)


@differentiable(binary=True,
                x=lambda g, x, y: where(x == y, g / 2, where(x < y, 0.0, g)),
                y=lambda g, x, y: where(x == y, g / 2, where(y < x, 0.0, g)))  # fmt: skip
def maximum(x: Array, y: Array) -> Array:
    return np.maximum(x, y)


@differentiable(binary=True,
                x=lambda g, x, y: where(x == y, g / 2, where(x > y, 0.0, g)),
                y=lambda g, x, y: where(x == y, g / 2, where(y > x, 0.0, g)))  # fmt: skip
def minimum(x: Array, y: Array) -> Array:
    return np.minimum(x, y)


def raised(x: Any, exponent: float) -> Any:
    """x ** exponent for a number."""
    return squared(x) if exponent == 2 else power_number(x, exponent)


def power_slope(g: Any, x: Any, exponent: Any) -> Any:
    """g times the derivative of x ** exponent in x: exponent * x ** (exponent - 1), and exactly 0 for exponent 0."""
    if isinstance(exponent, (int, float)):
        if exponent == 0:
            return where(False, g, 0.0)
        return g * (exponent * raised(x, exponent - 1))
    return where(exponent == 0, 0.0, g * (exponent * x ** (exponent - 1)))


def number_power_slope(g: Any, x: Any, out: Any, base: float) -> Any:
    """g times the derivative of base ** x in x: out * log(base), and 0 for base 0 where x >= 0."""
    if base == 0:
        return g * where(x >= 0, 0.0, out * -math.inf)
    return g * (out * (math.log(base) if base > 0 else math.nan))
