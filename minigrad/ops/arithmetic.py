"""Operations on two tensors, elementwise, with broadcasting and torch's type promotion.

The rules give the gradient in the shape of the result; where an input was broadcast, the walk sums it. Either input may be
a Python number. Then come comparisons, and the functions that torch offers under these names.
Next: elementwise.py, functions of one tensor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from ..autograd.modes import is_grad_enabled
from .elementwise import floor, log, reciprocal, trunc, where
from .promotion import operand, promoted, result_type, shape_error

# The exponents that torch does not leave to the C library's pow
POWERS: dict[float, Any] = {
    2: lambda x: x * x,
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


@differentiable(binary=True, x=lambda g: g, y=lambda g: -g)
def sub(x: Array, y: Array) -> Array:
    return x - y


@differentiable(binary=True, name="RsubBackward1", x=lambda g: -g, y=lambda g: g)
def rsub(x: Array, y: Array) -> Array:
    return y - x


@differentiable(binary=True, x=lambda g, y: g * y, y=lambda g, x: g * x)
def mul(x: Array, y: Array) -> Array:
    return x * y


@differentiable(binary=True, floats=True, x=lambda g, y: g / y, y=lambda g, x, y: -g * ((x / y) / y))
def div(x: Array, y: Array) -> Array:
    return x / y


@differentiable(name="PowBackward0", x=lambda g, x, exponent: power_slope(g, x, exponent))
def power_number(x: Array, exponent: float) -> Array:  # x ** 3
    return POWERS[exponent](x) if exponent in POWERS else x**exponent


@differentiable(binary=True, name="PowBackward1",
                x=lambda g, x, y: power_slope(g, x, y),
                y=lambda g, x, y, out: where((x == 0) & (y >= 0), 0.0, g * (out * log(x))))  # fmt: skip
def power(x: Array, y: Array) -> Array:  # x ** y
    return x**y


@differentiable(name="PowBackward2", x=lambda g, x, out, base: number_power_slope(g, x, out, base))
def number_power(x: Array, base: float) -> Array:  # 3 ** x
    return np.power(x.dtype.type(base), x)


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


# torch's `%` has the sign of the divisor, as Python's; fmod that of the dividend, as C's
@differentiable(binary=True, name="RemainderBackward1", x=lambda g: g, y=lambda g, x, y: -g * floor(x / y))
def remainder(x: Array, y: Array) -> Array:
    return _no_zero_divisor(np.remainder, x, y)


@differentiable(binary=True, name="FmodBackward1", x=lambda g: g, y=lambda g, x, y: -g * trunc(x / y))
def fmod(x: Array, y: Array) -> Array:
    return _no_zero_divisor(np.fmod, x, y)


@differentiable(binary=True, x=None, y=None)
def floor_divide(x: Array, y: Array) -> Array:
    return _no_zero_divisor(np.floor_divide, x, y)


def power_slope(g: Any, x: Any, exponent: Any) -> Any:
    """g times the derivative of x ** exponent in x: exponent * x ** (exponent - 1), and exactly 0 for exponent 0."""
    if isinstance(exponent, (int, float)):
        if exponent == 0:
            return where(False, g, 0.0)
        return g * (x + x if exponent == 2 else exponent * x ** (exponent - 1))
    return where(exponent == 0, 0.0, g * (exponent * x ** (exponent - 1)))


def number_power_slope(g: Any, x: Any, out: Any, base: float) -> Any:
    """g times the derivative of base ** x in x: out * log(base), and 0 for base 0 where x >= 0."""
    if base == 0:
        return where(x >= 0, 0.0, g * (out * -math.inf))
    return g * (out * (math.log(base) if base > 0 else math.nan))


# ------------------------------------------------------------------ under torch's names


def pow(x: Any, y: Any) -> Any:
    """x ** y, elementwise, for tensors and numbers. RuntimeError for integers to a negative integer number."""
    if (type(y) is int or type(y) is float) and isinstance(x, graph.Tensor) and x._array.dtype.kind == "f":
        return power_number(x, y)
    if isinstance(y, graph.Tensor):
        if isinstance(x, graph.Tensor):
            return power(x, y)
        x = operand(x)
        if x is None or isinstance(x, graph.Tensor):
            return NotImplemented if x is None else power(x, y)
        return number_power(promoted(y, x)[0], x)
    y = operand(y)
    if y is None or isinstance(y, graph.Tensor):
        return NotImplemented if y is None else power(x, y)
    if not isinstance(x, graph.Tensor):
        return x**y
    if isinstance(y, int) and y < 0 and x._array.dtype.kind != "f":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return power_number(promoted(x, y)[0], y)


def rpow(x: Any, y: Any) -> Any:
    """y ** x: Tensor.__rpow__."""
    return pow(y, x)


def rdiv(x: Any, y: Any) -> Any:
    """y / x: Tensor.__rtruediv__; torch multiplies y by the reciprocal."""
    return mul(reciprocal(x), y)


def rfloordiv(x: Any, y: Any) -> Any:
    return floor_divide(y, x)


def rmod(x: Any, y: Any) -> Any:
    return remainder(y, x)


def _no_zero_divisor(function: Any, x: Array, y: Array) -> Array:
    if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind != "f":
        if not np.all(y):
            raise RuntimeError("ZeroDivisionError")
    return function(x, y)


def _compare(function: Any, name: str) -> Any:
    """A comparison or logical operation of two tensors, or of a tensor and a number: bools, without derivative."""

    def apply(x: Any, y: Any) -> Any:
        if not isinstance(x, graph.Tensor) and not isinstance(y, graph.Tensor):
            return function(x, y)
        pair = (x, y)
        if not (isinstance(y, graph.Tensor) and isinstance(x, graph.Tensor) and x._array.dtype is y._array.dtype):
            pair = promoted(x, y)
            if pair is None:
                return NotImplemented
        a, b = (v._array if isinstance(v, graph.Tensor) else v for v in pair)
        try:
            return wrap(function(a, b))
        except ValueError:
            raise shape_error(a, b) from None

    apply.__name__ = apply.__qualname__ = name
    return apply


eq = _compare(np.equal, "eq")
ne = _compare(np.not_equal, "ne")
lt = _compare(np.less, "lt")
le = _compare(np.less_equal, "le")
gt = _compare(np.greater, "gt")
ge = _compare(np.greater_equal, "ge")
logical_and = _compare(np.logical_and, "logical_and")
logical_or = _compare(np.logical_or, "logical_or")
logical_xor = _compare(np.logical_xor, "logical_xor")
bitwise_and = _compare(np.bitwise_and, "bitwise_and")
bitwise_or = _compare(np.bitwise_or, "bitwise_or")
bitwise_xor = _compare(np.bitwise_xor, "bitwise_xor")


def logical_not(x: Any) -> Any:
    """Whether each element is zero, as bools."""
    return wrap(np.logical_not(x._array))


def bitwise_not(x: Any) -> Any:
    """~x, for integers and bools."""
    if x._array.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return wrap(~x._array)


def _function(operation: Any, name: str) -> Any:
    """torch.add and its like: the operation with `alpha` and `out`, and a TypeError for foreign objects."""

    def apply(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
        result = operation(input, other if alpha == 1 else other * alpha)
        if result is NotImplemented or not isinstance(result, graph.Tensor):
            wrong, where_ = (other, "'other' (position 2)") if isinstance(input, graph.Tensor) else (input, "'input' (position 1)")
            raise TypeError(f"{name}(): argument {where_} must be Tensor, not {type(wrong).__name__}")
        return result if out is None else store(result, out)

    apply.__name__ = apply.__qualname__ = name
    return apply


def store(result: Any, out: Any) -> Any:
    """Write a result into the tensor given as `out=`, which takes its shape; RuntimeError if gradients would be lost."""
    if out._array.shape != result._array.shape:
        out._array = np.empty(result._array.shape, out._array.dtype)
    if is_grad_enabled() and (result.requires_grad or out.requires_grad):
        raise RuntimeError("functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    return out._overwrite(result, False)


torch_add = _function(add, "add")
torch_sub = _function(sub, "sub")
torch_mul = _function(mul, "mul")


def torch_div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """input / other, rounded with rounding_mode 'floor' or 'trunc'."""
    result = _function(div, "div")(input, other)
    if rounding_mode is not None:
        if rounding_mode not in ("floor", "trunc"):
            raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
        common = result_type(input, other)
        result = (floor if rounding_mode == "floor" else trunc)(result)._cast(common.numpy)
    return result if out is None else store(result, out)
