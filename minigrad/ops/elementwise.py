"""The functions of one tensor as torch calls them, `clamp` and `where` with their promotion.

Their rules are in rules/elementwise.py and rules/transcendental.py. Next: reductions.py.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import wrap
from ..dtypes import get_default_dtype
from ..rules.elementwise import (
    abs,
    between,
    clamp_numbers,
    clamp_tensors,
    cos,
    exp,
    function,
    log,
    neg,
    reciprocal,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    tanh,
    where,
)
from ..rules.transcendental import (
    SQRT_PI,
    _step,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cosh,
    erf,
    exp2,
    expm1,
    floor,
    frac,
    log1p,
    log2,
    log10,
    round_half_even,
    rsqrt,
    sinh,
    tan,
    trunc,
)
from .promotion import operand, promoted, shape_error

# ------------------------------------------------------------------ under torch's names


def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest integer, or multiple of 10 ** -decimals; halves go to the even one."""
    return round_half_even(input, decimals)


def square(input: Any) -> Any:
    """x ** 2."""
    return input.pow(2)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """x, but at least `min` and at most `max`, both numbers or both tensors; max wins where they contradict."""
    bounds = [b for b in (min, max) if b is not None]
    if not bounds:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for bound in bounds:
        if isinstance(bound, graph.Tensor) is not isinstance(bounds[0], graph.Tensor):
            raise TypeError("clamp(): 'min' and 'max' must be two numbers or two tensors")
        pair = promoted(input, bound)
        if pair is None:
            raise TypeError(f"clamp(): a bound must be a number or a Tensor, not {type(bound).__name__}")
        input = pair[0]
    if not isinstance(bounds[0], graph.Tensor):
        return clamp_numbers(input, min, max)
    low, high = (None if b is None else promoted(input, b)[1] for b in (min, max))
    return broadcasting(clamp_tensors, input, low, high)


def broadcasting(operation: Any, *inputs: Any) -> Any:
    """operation(*inputs), with torch's error if the shapes of two of them do not fit."""
    try:
        return operation(*inputs)
    except ValueError:
        arrays = [v._array for v in inputs if isinstance(v, graph.Tensor)]
        for a, b in itertools.combinations(arrays, 2):
            error = shape_error(a, b)
            if "must match" in str(error):
                raise error from None
        raise


def torch_where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where condition holds, else other, promoted to one dtype; with the condition alone, where it holds."""
    if condition._array.dtype.kind != "b":
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.legacy}")
    if input is None and other is None:
        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(condition._array))])
    input, other = operand(input), operand(other)
    if input is None or other is None:
        raise TypeError("where(): arguments 'input' and 'other' must be tensors or numbers")
    if not isinstance(input, graph.Tensor) and not isinstance(other, graph.Tensor):
        fractional = isinstance(input, float) or isinstance(other, float)
        input = wrap(np.asarray(input, get_default_dtype().numpy if fractional else None))
    return broadcasting(where, condition, *promoted(input, other))


def isnan(input: Any) -> Any:
    return wrap(np.isnan(input._array))


def isinf(input: Any) -> Any:
    return wrap(np.isinf(input._array))


def isfinite(input: Any) -> Any:
    return wrap(np.isfinite(input._array))
