"""The rules of sums, means and extrema, over all elements or over some axes. Next: matrix.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable
from ..ops.layout import row_major
from ..ops.sums import HALF, divided, total
from .elementwise import where
from .indexing import scatter_axis
from .shapes import expand, reshape_array, unsqueeze_axis

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
    return np.add.reduce(x, axis=None) if x.flags.c_contiguous and x.dtype is not HALF else total(x)


@differentiable(name="MeanBackward0", x=lambda g, x_shape: repeated(divided(g, math.prod(x_shape)), x_shape))
def mean_all(x: Array) -> Array:
    return np.add.reduce(x, axis=None) / x.size if x.flags.c_contiguous and x.dtype is not HALF else total(x, divisor=x.size)


@differentiable(name="SumBackward1", x=lambda g, x_shape, axes, keepdim: spread(g, x_shape, axes, keepdim))
def sum_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return total(x, axes, keepdim)


@differentiable(name="MeanBackward1",
                x=lambda g, x_shape, axes, keepdim: spread(divided(g, count(x_shape, axes)), x_shape, axes, keepdim))  # fmt: skip
def mean_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return total(x, axes, keepdim, count(x.shape, axes))


# ------------------------------------------------------------------ extrema


def share_among_ties(g: Any, x: Any, out: Any, axes: Axes, keepdim: bool) -> Any:
    """The gradient of an extremum: g in equal parts to all elements that attain it."""
    ties = x == spread(out, x.shape, axes, keepdim)
    return ties * spread(g / sum_over(ties, axes, keepdim), x.shape, axes, keepdim)


def share_of_all(g: Any, x: Any, out: Any) -> Any:
    """The same over everything; where a nan is the extremum, the nans attain it."""
    ties = where(out != out, x != x, x == out)
    return where(ties, g / sum_all(ties), 0.0)


@differentiable(name="MaxBackward1", x=share_of_all)
def max_all(x: Array) -> Array:
    return np.maximum.reduce(x, axis=None)


@differentiable(name="MinBackward1", x=share_of_all)
def min_all(x: Array) -> Array:
    return np.minimum.reduce(x, axis=None)


@differentiable(name="AmaxBackward0", x=share_among_ties)
def max_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return row_major(np.maximum.reduce(x, axis=axes, keepdims=keepdim))  # type: ignore[call-overload]


@differentiable(name="AminBackward0", x=share_among_ties)
def min_over(x: Array, axes: Axes, keepdim: bool) -> Array:
    return row_major(np.minimum.reduce(x, axis=axes, keepdims=keepdim))  # type: ignore[call-overload]


def taken(x: Array, index: Array, axis: int, keepdim: bool) -> Array:
    if not x.ndim:
        return x.copy()
    out = np.take_along_axis(x, index, axis)
    return out if keepdim else out.squeeze(axis)


def put_back(g: Any, index: Any, x_shape: tuple[int, ...], axis: int, keepdim: bool) -> Any:
    """The gradient of `taken`: g at the places of the index, else 0."""
    if not x_shape:
        return g
    return scatter_axis(g if keepdim else unsqueeze_axis(g, axis), index, x_shape, axis)


# the values at an index that was found apart
max_values, min_values, sorted_values, top_values = [
    differentiable(name=f"{name}Backward0", x=put_back, index=None)(taken) for name in ("Max", "Min", "Sort", "Topk")
]
