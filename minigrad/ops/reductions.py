"""Sums, means and extrema as torch calls them: over all elements or over `dim`, with `keepdim`.

`dim` may be an int, negative or not, a tuple of them, or None for all. Their rules are in rules/reductions.py. Next: shapes.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..autograd import graph
from ..autograd.graph import wrap
from ..rules import reductions as rules
from ..rules.shapes import squeeze_axes
from .arithmetic import maximum, minimum
from .calling import check, named, return_type
from .shapes import as_dim, as_dims


def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum over `dim` (all dimensions if None). Integers and bools are summed as int64."""
    if axis is not None or keepdims:
        dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    if dtype is not None or input._array.dtype.kind != "f":
        input = in_sum_dtype(input, dtype)
    return rules.sum_all(input) if dim is None and not keepdim else rules.sum_over(input, as_dims(dim, input.ndim), keepdim)


def in_sum_dtype(x: Any, dtype: Any) -> Any:
    """x in `dtype`, or, where that is None, integers and bools as int64."""
    if dtype is None and x._array.dtype.kind == "f":
        return x
    dtype = dtypes.as_dtype(dtype)
    check(not x.requires_grad or dtype.is_floating_point, f"Autograd not support dtype: {dtype and dtype.legacy}")
    return x._cast((dtype or dtypes.int64).numpy)


def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean over `dim` (all dimensions if None); nan over nothing. RuntimeError for integers, unless `dtype` is given."""
    if axis is not None or keepdims:
        dim, keepdim = axis if dim is None else dim, keepdim or keepdims
    if dtype is not None:
        input = input._cast(dtypes.as_dtype(dtype).numpy)
    if input._array.dtype.kind != "f":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            f"{input.dtype.legacy}"
        )
    return rules.mean_all(input) if dim is None and not keepdim else rules.mean_over(input, as_dims(dim, input.ndim), keepdim)


def _refuse_empty(name: str, x: Any, axis: int | None = None) -> None:
    if axis is not None:
        check(x._array.shape[axis], f"{name}(): Expected reduction dim {axis} to have non-zero size.", IndexError)
        return
    error, advice = (IndexError, "") if name.startswith("arg") else (RuntimeError, " Specify the reduction dim with the 'dim' argument.")
    check(x._array.size, f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{advice}", error)


def _extremum(name: str, elementwise: Any, everything: Any, values: Any, index_of: Any) -> Any:
    result = return_type(name)

    def apply(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, graph.Tensor) or other is not None:
            return elementwise(input, dim if other is None else other)
        axis = None if dim is None else as_dim(dim, input.ndim)
        _refuse_empty(name, input, axis if input.ndim else None)
        if axis is None:
            return everything(input)
        index = wrap(index_of(input._array, axis, keepdims=True) if input.ndim else np.array(0))
        return result(values(input, index, axis, keepdim), index if keepdim or not input.ndim else squeeze_axes(index, (axis,)))

    return named(apply, name, "over `dim` (values, indices), with the first of equals; of two tensors, elementwise")


def _extremum_over(name: str, operation: Any) -> Any:
    def apply(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
        axes = as_dims(dim, input.ndim)
        for axis in axes or [None]:
            _refuse_empty(name, input, axis)
        return operation(input, axes, keepdim)

    return named(apply, name, "over `dim`; equals share the gradient")


def _index_of(name: str, function: Any) -> Any:
    def apply(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        check(input._array.dtype.kind != "b", f"{name}(): does not support bool input")
        axis = None if dim is None else as_dim(dim, input.ndim)
        axis = axis if input.ndim else None
        _refuse_empty(name, input, axis)
        return wrap(np.asarray(function(input._array, axis, keepdims=keepdim)))

    return named(apply, name, "over `dim`: its index, as int64")


def _truth(name: str, ufunc: np.ufunc) -> Any:
    def apply(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        out = ufunc.reduce(input._array, axis=() if dim == () else as_dims(dim, input.ndim), keepdims=keepdim)
        return wrap(out.astype(np.uint8) if input._array.dtype == np.uint8 else out)

    return named(apply, name, "of the elements are true, over `dim`")


max = _extremum("max", maximum, rules.max_all, rules.max_values, np.argmax)
min = _extremum("min", minimum, rules.min_all, rules.min_values, np.argmin)
amax, amin = _extremum_over("amax", rules.max_over), _extremum_over("amin", rules.min_over)
argmax, argmin = _index_of("argmax", np.argmax), _index_of("argmin", np.argmin)
all, any = _truth("all", np.logical_and), _truth("any", np.logical_or)
