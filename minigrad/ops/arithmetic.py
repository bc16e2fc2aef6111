"""The operations on two tensors as torch calls them: `pow` by what its operands are, remainders, comparisons, `alpha` and `out`.

Their rules are in rules/arithmetic.py and rules/remainders.py. Next: elementwise.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import wrap
from ..rules.arithmetic import (
    POWERS,
    add,
    div,
    maximum,
    minimum,
    mul,
    number_power,
    power,
    power_slope,
    raised,
    rsub,
    scaled,
    squared,
    sub,
)
from ..rules.remainders import (
    _dividing,
    _floor,
    _fmod,
    _reciprocal_square,
    _remainder,
    _trunc,
    _truncated,
    _zero,
    atan2,
    div_floor,
    div_trunc,
    floor_divide,
    fmod_number,
    fmod_tensor,
    not_implemented,
    remainder_number,
    remainder_tensor,
)
from .calling import torch_function
from .elementwise import reciprocal
from .promotion import operand, promoted, result_type, shape_error

# ------------------------------------------------------------------ under torch's names


def pow(x: Any, y: Any) -> Any:
    """x ** y, elementwise, for tensors and numbers. RuntimeError for integers to a negative integer number."""
    if (type(y) is int or type(y) is float) and isinstance(x, graph.Tensor) and x._array.dtype.kind == "f":
        return raised(x, y)
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
    if not isinstance(x, graph.Tensor):  # an array, in a rule
        return raised(x, y)
    if isinstance(y, int) and y < 0 and x._array.dtype.kind != "f":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    x = promoted(x, y)[0]
    return raised(x, y)


def rpow(x: Any, y: Any) -> Any:
    """y ** x: Tensor.__rpow__."""
    return pow(y, x)


def rdiv(x: Any, y: Any) -> Any:
    """y / x: Tensor.__rtruediv__; torch multiplies y by the reciprocal."""
    return mul(reciprocal(x), y)


def remainder(x: Any, y: Any) -> Any:
    """x modulo y, with the sign of y. RuntimeError for integers modulo 0."""
    return _with_number(remainder_tensor, remainder_number, x, y)


def fmod(x: Any, y: Any) -> Any:
    """x modulo y, with the sign of x. RuntimeError for integers modulo 0."""
    return _with_number(fmod_tensor, fmod_number, x, y)


def _with_number(of_tensors: Any, of_number: Any, x: Any, y: Any) -> Any:
    number = operand(y)
    if number is None or isinstance(number, graph.Tensor) or not isinstance(x, graph.Tensor):
        return of_tensors(x, y)
    x, number = promoted(x, number)
    return of_number(x, number._array if isinstance(number, graph.Tensor) else number)


def rfloordiv(x: Any, y: Any) -> Any:
    return floor_divide(y, x)


def rmod(x: Any, y: Any) -> Any:
    return remainder(y, x)


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
        except TypeError:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{result_type(x, y).legacy}'") from None

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


def logical_not(input: Any) -> Any:
    """Whether each element is zero, as bools."""
    return wrap(np.logical_not(input._array))


def bitwise_not(input: Any) -> Any:
    """~input, for integers and bools."""
    if input._array.dtype.kind == "f":
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{input.dtype.legacy}'")
    return wrap(~input._array)


def invert(x: Any) -> Any:
    """Tensor.__invert__."""
    if x._array.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(x)


# ------------------------------------------------------------------ as functions and methods


def _function(operation: Any, numbers: str = "other", name: str = "") -> Any:
    """The operation as a function of tensors, which takes Python numbers for the arguments named in `numbers`."""
    name = name or operation.__name__

    def apply(input: Any, other: Any) -> Any:
        for position, (argument, value) in enumerate((("input", input), ("other", other)), 1):
            if not isinstance(value, graph.Tensor) and (argument not in numbers or operand(value) is None):
                raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}")
        if not isinstance(input, graph.Tensor) and not isinstance(other, graph.Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return operation(input, other)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = operation.__doc__
    return torch_function(apply)


_add, _sub, _pow = _function(add, "input other"), _function(sub, "input other", "sub"), _function(pow, "input other")
torch_mul, torch_true_divide = _function(mul, "input other"), _function(div, "input other")
_div_floor, _div_trunc = _function(div_floor, "input other", "div"), _function(div_trunc, "input other", "div")
torch_remainder, torch_fmod = _function(remainder, "input other"), _function(fmod)
torch_floor_divide = _function(floor_divide, "input other", "floor_divide")
torch_maximum, torch_minimum, torch_atan2 = [_function(f, "") for f in (maximum, minimum, atan2)]
torch_eq, torch_ne, torch_lt, torch_le, torch_gt, torch_ge = [_function(f) for f in (eq, ne, lt, le, gt, ge)]
torch_logical_and, torch_logical_or, torch_logical_xor = [_function(f, "") for f in (logical_and, logical_or, logical_xor)]
torch_bitwise_and, torch_bitwise_or, torch_bitwise_xor = [
    _function(f, "input other") for f in (bitwise_and, bitwise_or, bitwise_xor)
]


@torch_function
def torch_add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input + alpha * other."""
    return _add(input, other if alpha == 1 else other * alpha)


@torch_function
def torch_sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input - alpha * other."""
    return _sub(input, other if alpha == 1 else other * alpha)


@torch_function
def torch_pow(input: Any, exponent: Any) -> Any:
    """input ** exponent."""
    return _pow(input, exponent)


@torch_function
def torch_div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; with rounding_mode 'floor' or 'trunc' rounded, and then integers stay integers."""
    if rounding_mode not in (None, "floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return {None: torch_true_divide, "floor": _div_floor, "trunc": _div_trunc}[rounding_mode](input, other)
