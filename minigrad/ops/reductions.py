"""Reductions: sums, means and extrema over all elements or over some dimensions.

`dim` may be an int, negative or not, a tuple of them, or None for all; `keepdim` keeps the reduced dimensions with size 1.
Next: shapes.py.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from .elementwise import where
from .indexing import gather_axis, scatter_axis
from .shapes import as_dim, as_dims, expand, reshape_array, squeeze_axes

Axes = tuple[int, ...] | None


def repeated(g: Any, shape: tuple[int, ...]) -> Any:
    """g, which has one element, everywhere in `shape`: the gradient of a sum of everything."""
    if isinstance(g, graph.Tensor) or math.prod(shape) > 10_000:
        return expand(g, shape)
    out = np.empty(shape, g.dtype)  # NumPy is faster on a small array than on a view with strides of 0
    out.fill(g.item())
    return out


def spread(g: Any, shape: tuple[int, ...], axes: Axes, keepdim: bool) -> Any:
    """g, which has lost `axes`, repeated along them: the gradient of a sum over axes."""
    if axes is not None and not keepdim:
        g = reshape_array(g, tuple([1 if i in axes else n for i, n in enumerate(shape)]))
    return expand(g, shape)


def count(shape: tuple[int, ...], axes: Axes) -> int:
    """How many elements are reduced to one."""
    return math.prod(shape if axes is None else [shape[i] for i in axes])


@differentiable(name="SumBackward0", x=lambda g, x_shape: repeated(g, x_shape))
def sum_all(x: Array) -> Array:
    return np.add.reduce(x, axis=None)


@differentiable(name="MeanBackward0", x=lambda g, x_shape: repeated(g / (math.prod(x_shape) or 1), x_shape))
def mean_all(x: Array) -> Array:
    return np.add.reduce(x, axis=None) / x.dtype.type(x.size)


@differentiable(name="SumBackward1", x=lambda g, x_shape, axes, keepdim: spread(g, x_shape, axes, keepdim))
def sum_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.add.reduce(x, axis=axes, keepdims=keepdim)


@differentiable(name="MeanBackward1",
                x=lambda g, x_shape, axes, keepdim: spread(g / (count(x_shape, axes) or 1), x_shape, axes, keepdim))  # fmt: skip
def mean_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.add.reduce(x, axis=axes, keepdims=keepdim) / x.dtype.type(count(x.shape, axes))


# ------------------------------------------------------------------ extrema


def share_among_ties(g: Any, x: Any, out: Any, axes: Axes, keepdim: bool) -> Any:
    """The gradient of an extremum: g in equal parts to all elements that attain it."""
    ties = x == spread(out, x.shape, axes, keepdim)
    return ties * spread(g / sum_over(ties, axes, keepdim), x.shape, axes, keepdim)


def share_of_all(g: Any, x: Any, out: Any) -> Any:
    """The same over everything; where a nan is the extremum, the nans attain it."""
    ties = (x == out) | (x != x)
    return where(ties, g / sum_all(ties), 0.0)


@differentiable(name="MaxBackward1", x=lambda g, x, out: share_of_all(g, x, out))
def max_all(x: Array) -> Array:
    return np.maximum.reduce(x, axis=None)


@differentiable(name="MinBackward1", x=lambda g, x, out: share_of_all(g, x, out))
def min_all(x: Array) -> Array:
    return np.minimum.reduce(x, axis=None)


@differentiable(name="AmaxBackward0", x=lambda g, x, out, axes, keepdim: share_among_ties(g, x, out, axes, keepdim))
def max_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.maximum.reduce(x, axis=axes, keepdims=keepdim)


@differentiable(name="AminBackward0", x=lambda g, x, out, axes, keepdim: share_among_ties(g, x, out, axes, keepdim))
def min_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return np.minimum.reduce(x, axis=axes, keepdims=keepdim)


@differentiable(name="MaxBackward0", x=lambda g, index, x_shape, axis: scatter_axis(g, index, x_shape, axis), index=None)
def max_values(x: Array, index: Array, axis: int) -> Array:
    return np.take_along_axis(x, index, axis)


@differentiable(name="MinBackward0", x=lambda g, index, x_shape, axis: scatter_axis(g, index, x_shape, axis), index=None)
def min_values(x: Array, index: Array, axis: int) -> Array:
    return np.take_along_axis(x, index, axis)


# ------------------------------------------------------------------ under torch's names


def sum(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Sum over `dim` (all dimensions if None). Integers and bools are summed as int64."""
    if dtype is not None or x._array.dtype.kind != "f":
        x = x._cast((dtype or dtypes.int64).numpy)
    if dim is None and not keepdim:
        return sum_all(x)
    return sum_over(x, as_dims(dim, x.ndim), keepdim)


def mean(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Mean over `dim` (all dimensions if None); nan over nothing. RuntimeError for integers, unless `dtype` is given."""
    if dtype is not None:
        x = x._cast(dtype.numpy)
    if x._array.dtype.kind != "f":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            f"{x.dtype.legacy}"
        )
    return mean_all(x) if dim is None and not keepdim else mean_over(x, as_dims(dim, x.ndim), keepdim)


class max_result(NamedTuple):
    """What `x.max(dim)` and `x.min(dim)` return."""

    values: Any
    indices: Any


min_result = max_result


def _extremum(x: Any, dim: Any, keepdim: bool, name: str, everything: Any, values: Any, index_of: Any) -> Any:
    if dim is None:
        _refuse_empty(x, name)
        return everything(x)
    index = index_of(x, dim, True)
    axis = as_dim(dim, x.ndim)
    if x.ndim == 0:
        return max_result(everything(x), index)
    picked = values(x, index, axis)
    if keepdim:
        return max_result(picked, index)
    return max_result(squeeze_axes(picked, (axis,)), squeeze_axes(index, (axis,)))


def max(x: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The greatest element; over `dim` (values, indices), with the first of equals; of two tensors, elementwise."""
    from .arithmetic import maximum

    if isinstance(dim, graph.Tensor) or other is not None:
        return maximum(x, dim if other is None else other)
    return _extremum(x, dim, keepdim, "max", max_all, max_values, argmax)


def min(x: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The least element; over `dim` (values, indices), with the first of equals; of two tensors, elementwise."""
    from .arithmetic import minimum

    if isinstance(dim, graph.Tensor) or other is not None:
        return minimum(x, dim if other is None else other)
    return _extremum(x, dim, keepdim, "min", min_all, min_values, argmin)


def amax(x: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The greatest element over `dim`; equals share the gradient."""
    _refuse_empty(x, "amax")
    return max_over(x, as_dims(dim, x.ndim), keepdim)


def amin(x: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The least element over `dim`; equals share the gradient."""
    _refuse_empty(x, "amin")
    return min_over(x, as_dims(dim, x.ndim), keepdim)


def _index_of(function: Any, name: str) -> Any:
    def apply(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if x._array.dtype.kind == "b":
            raise RuntimeError(f"{name}(): does not support bool input")
        if dim is None:
            if x._array.size == 0:
                raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
            return wrap(np.asarray(function(x._array)).reshape((1,) * x.ndim if keepdim else ()))
        axis = as_dim(dim, x.ndim)
        if x.ndim == 0:
            return wrap(np.array(0))
        if x._array.shape[axis] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
        return wrap(function(x._array, axis, keepdims=keepdim))

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The index of the {'greatest' if name == 'argmax' else 'least'} element over `dim`, as int64."
    return apply


argmax = _index_of(np.argmax, "argmax")
argmin = _index_of(np.argmin, "argmin")


def _refuse_empty(x: Any, name: str) -> None:
    if x._array.size == 0:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
            "argument."
        )


def all(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether all elements are true, over `dim`."""
    out = np.logical_and.reduce(x._array, axis=as_dims(dim, x.ndim), keepdims=keepdim)
    return wrap(out.astype(np.uint8) if x._array.dtype == np.uint8 else out)


def any(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether some element is true, over `dim`."""
    out = np.logical_or.reduce(x._array, axis=as_dims(dim, x.ndim), keepdims=keepdim)
    return wrap(out.astype(np.uint8) if x._array.dtype == np.uint8 else out)
