"""The operations on two tensors as torch calls them: `pow` by what its operands are, remainders, comparisons, `alpha`.

`add` is the operator, `torch_add` the function of torch. Their rules are in rules/arithmetic.py and rules/remainders.py.
Next: elementwise.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import wrap
from ..rules import arithmetic as rules
from ..rules import remainders
from ..rules.arithmetic import add, div, maximum, minimum, mul, rsub, scaled, sub
from ..rules.elementwise import reciprocal
from ..rules.remainders import floor_divide
from .calling import check, named, torch_function
from .layout import laid_out
from .promotion import operand, promoted, result_type, shape_error

# ------------------------------------------------------------------ operators


def pow(x: Any, y: Any) -> Any:
    """x ** y, elementwise, for tensors and numbers. RuntimeError for integers to a negative integer number."""
    if (type(y) is int or type(y) is float) and isinstance(x, graph.Tensor) and x._array.dtype.kind == "f":
        return rules.raised(x, y)
    x, y = operand(x), operand(y)
    if x is None or y is None:
        return NotImplemented
    if not isinstance(x, graph.Tensor):
        return rules.number_power(promoted(y, x)[0], x)
    if isinstance(y, graph.Tensor):
        return rules.power(x, y)
    negative = isinstance(y, int) and y < 0 and x._array.dtype.kind != "f"
    check(not negative, "Integers to negative integer powers are not allowed.")
    return rules.raised(promoted(x, y)[0], y)


def remainder(x: Any, y: Any) -> Any:
    """x modulo y, with the sign of y. RuntimeError for integers modulo 0."""
    return _with_number(remainders.remainder_tensor, remainders.remainder_number, x, y)


def fmod(x: Any, y: Any) -> Any:
    """x modulo y, with the sign of x. RuntimeError for integers modulo 0."""
    return _with_number(remainders.fmod_tensor, remainders.fmod_number, x, y)


def _with_number(of_tensors: Any, of_number: Any, x: Any, y: Any) -> Any:
    number = operand(y)
    if number is None or isinstance(number, graph.Tensor) or not isinstance(x, graph.Tensor):
        return of_tensors(x, y)
    x, number = promoted(x, number)
    return of_number(x, number._array if isinstance(number, graph.Tensor) else number)


def _reflected(operation: Any) -> Any:
    """`y ** x` of `x ** y`, for Tensor.__rpow__ and its like."""
    return lambda x, y: operation(y, x)


rpow, rfloordiv, rmod = _reflected(pow), _reflected(floor_divide), _reflected(remainder)


def rdiv(x: Any, y: Any) -> Any:
    """y / x: Tensor.__rtruediv__; torch multiplies y by the reciprocal."""
    return mul(reciprocal(x), y)


def invert(x: Any) -> Any:
    """Tensor.__invert__."""
    check(x._array.dtype.kind != "f", "~ (operator.invert) is only implemented on integer and Boolean-type tensors", TypeError)
    return wrap(~x._array)


def _compare(name: str, ufunc: np.ufunc) -> Any:
    """A comparison or logical operation of two tensors, or of a tensor and a number: it has no derivative."""

    def apply(x: Any, y: Any) -> Any:
        pair = (x, y)
        if not (isinstance(y, graph.Tensor) and isinstance(x, graph.Tensor) and x._array.dtype is y._array.dtype):
            if not isinstance(x, graph.Tensor) and not isinstance(y, graph.Tensor):  # arrays, in a rule
                return ufunc(x, y)
            pair = promoted(x, y)
            if pair is None:
                return NotImplemented
        a, b = (v._array if isinstance(v, graph.Tensor) else v for v in pair)
        try:
            out = ufunc(a, b)
            mixed = out.ndim > 1 and type(a) is np.ndarray and not a.flags.c_contiguous
            return wrap(laid_out(out, a, b) if mixed else out)
        except ValueError:
            raise shape_error(a, b) from None
        except TypeError:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{result_type(x, y).legacy}'") from None

    apply.__name__ = apply.__qualname__ = name
    return apply


eq, ne = _compare("eq", np.equal), _compare("ne", np.not_equal)
lt, le = _compare("lt", np.less), _compare("le", np.less_equal)
gt, ge = _compare("gt", np.greater), _compare("ge", np.greater_equal)
logical_and, logical_or, logical_xor = [_compare(f.__name__, f) for f in (np.logical_and, np.logical_or, np.logical_xor)]
bitwise_and, bitwise_or, bitwise_xor = [_compare(f.__name__, f) for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor)]

# ------------------------------------------------------------------ as functions and methods


def _function(operation: Any, numbers: str = "input other", name: str = "") -> Any:
    """The operation as a function of tensors, one of which may be a Python number if it is named in `numbers`."""

    def apply(input: Any, other: Any) -> Any:
        if not isinstance(input, graph.Tensor) and ("input" not in numbers or not isinstance(other, graph.Tensor)):
            return NotImplemented
        if not isinstance(other, graph.Tensor) and "other" not in numbers:
            return NotImplemented
        return operation(input, other)

    return named(apply, name or operation.__name__, operation.__doc__ or "of two tensors, elementwise")


def _with_alpha(operation: Any, name: str) -> Any:
    function = _function(operation, name=name)

    def apply(input: Any, other: Any, *, alpha: Any = 1) -> Any:
        return function(input, other if alpha == 1 else other * alpha)

    return named(apply, name, "of input and alpha * other")


torch_add, torch_sub = _with_alpha(add, "add"), _with_alpha(sub, "sub")
torch_mul, torch_true_divide, torch_remainder = [_function(f) for f in (mul, div, remainder)]
torch_floor_divide = _function(floor_divide, name="floor_divide")
torch_bitwise_and, torch_bitwise_or, torch_bitwise_xor = [_function(f) for f in (bitwise_and, bitwise_or, bitwise_xor)]
torch_fmod, *_comparisons = [_function(f, "other") for f in (fmod, eq, ne, lt, le, gt, ge)]
torch_eq, torch_ne, torch_lt, torch_le, torch_gt, torch_ge = _comparisons
torch_maximum, torch_minimum, torch_atan2 = [_function(f, "") for f in (maximum, minimum, remainders.atan2)]
torch_logical_and, torch_logical_or, torch_logical_xor = [_function(f, "") for f in (logical_and, logical_or, logical_xor)]
_divide = {
    None: torch_true_divide,
    "floor": _function(remainders.div_floor, name="div"),
    "trunc": _function(remainders.div_trunc, name="div"),
}


@torch_function
def torch_div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; with rounding_mode 'floor' or 'trunc' rounded, and then integers stay integers."""
    check(rounding_mode in _divide, f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return _divide[rounding_mode](input, other)


@torch_function
def torch_pow(input: Any, exponent: Any) -> Any:
    """input ** exponent."""
    return pow(input, exponent) if isinstance(input, graph.Tensor) or isinstance(exponent, graph.Tensor) else NotImplemented


@torch_function
def bitwise_not(input: Any) -> Any:
    """~input, for integers and bools."""
    check(input._array.dtype.kind != "f", f"\"bitwise_not_cpu\" not implemented for '{input.dtype.legacy}'", NotImplementedError)
    return wrap(~input._array)
