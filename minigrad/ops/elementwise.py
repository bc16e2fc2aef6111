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
from ..rules import elementwise as rules
from ..rules.elementwise import abs, neg
from ..rules.transcendental import round_half_even
from .calling import as_number, check, named
from .choosing import nonzero
from .layout import laid_out
from .promotion import operand, promoted, shape_error


def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest integer, or multiple of 10 ** -decimals; halves go to the even one."""
    return round_half_even(input, decimals)


def square(input: Any) -> Any:
    """x ** 2."""
    return input.pow(2)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """x, but at least `min` and at most `max`, both numbers or both tensors; max wins where they contradict."""
    tensors = all([b is None or isinstance(b, graph.Tensor) for b in (min, max)])
    if not tensors:  # then one without dimensions stands for a number
        min, max = [as_number("clamp", "min", b) if np.ndim(getattr(b, "_array", b)) == 0 else b for b in (min, max)]
    bounds = [b for b in (min, max) if b is not None]
    check(bounds, "torch.clamp: At least one of 'min' or 'max' must not be None")
    for bound in bounds:
        check(isinstance(bound, graph.Tensor) is tensors, "clamp(): 'min' and 'max' must be two numbers or two tensors", TypeError)
        pair = promoted(input, bound)
        check(pair is not None, f"clamp(): a bound must be a number or a Tensor, not {type(bound).__name__}", TypeError)
        input = pair[0]
    if not tensors:
        return rules.clamp_numbers(input, min, max)
    low, high = (None if b is None else promoted(input, b)[1] for b in (min, max))
    return broadcasting(rules.clamp_tensors, input, low, high)


def broadcasting(operation: Any, *inputs: Any) -> Any:
    """operation(*inputs), with torch's error if the shapes of two of them do not fit."""
    try:
        return operation(*inputs)
    except ValueError:
        arrays = [v._array for v in inputs if isinstance(v, graph.Tensor)]
        for error in itertools.starmap(shape_error, itertools.combinations(arrays, 2)):
            if "must match" in str(error):
                raise error from None
        raise


def torch_where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where condition holds, else other, promoted to one dtype; with the condition alone, where it holds."""
    boolean = condition._array.dtype.kind == "b"
    check(boolean, f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.legacy}")
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    input, other = operand(input), operand(other)
    if not isinstance(input, graph.Tensor) and not isinstance(other, graph.Tensor) and input is not None:
        kind = get_default_dtype().numpy if isinstance(input, float) or isinstance(other, float) else None
        input = wrap(np.asarray(input, kind))
    pair = promoted(input, other)
    check(pair is not None, "where(): arguments 'input' and 'other' must be tensors or numbers", TypeError)
    out = broadcasting(rules.where, condition, *pair)
    out._array = laid_out(out._array, condition._array, *[v._array for v in pair if isinstance(v, graph.Tensor)])
    return out


def _test(ufunc: np.ufunc) -> Any:
    def apply(input: Any) -> Any:
        return wrap(ufunc(input._array))

    return named(apply, ufunc.__name__, "of each element, as bools")


isnan, isinf, isfinite, logical_not = [_test(f) for f in (np.isnan, np.isinf, np.isfinite, np.logical_not)]
