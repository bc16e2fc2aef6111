"""The rules of operations that only move elements. Each undoes its operation: reshape by reshape, transpose by transpose,
expand by a sum. Next: indexing.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable
from ..ops.layout import is_dense, laid_out
from ..ops.promotion import no_slope
from ..ops.sums import total

# ------------------------------------------------------------------ broadcasting


@differentiable(view=True, x=lambda g: g)
def expand(x: Array, shape: tuple[int, ...]) -> Array:
    """x repeated along axes of length 1, without a copy. The walk sums the gradient."""
    if not isinstance(x, np.ndarray):
        return np.broadcast_to(x, shape)
    extra = len(shape) - x.ndim
    strides = [s if n == m else 0 for n, m, s in zip(x.shape, shape[extra:], x.strides)]
    return np.lib.stride_tricks.as_strided(x, shape, [0] * extra + strides)  # broadcast_to would make it read-only


@differentiable(x=lambda g, x_shape: expand(g, x_shape))
def sum_to_size(x: Array, shape: tuple[int, ...]) -> Array:
    """x summed over the axes that broadcasting `shape` to x's shape has stretched."""
    extra = x.ndim - len(shape)
    if x.shape[extra:] == shape:  # only leading axes, as a bias has them
        return total(x, 0 if extra == 1 else tuple(range(extra)))
    axes = tuple([i for i, n in enumerate(x.shape) if i < extra or (shape[i - extra] == 1 and n != 1)])
    return (total(x, axes, True) if axes else x).reshape(shape)


# ------------------------------------------------------------------ views


@differentiable(view=True, name="ViewBackward0", x=lambda g, x_shape: reshape_array(g, x_shape))
def view_as_shape(x: Array, shape: tuple[int, ...]) -> Array:
    return x.reshape(shape)


@differentiable(name="UnsafeViewBackward0", x=lambda g, x_shape: reshape_array(g, x_shape))
def as_new_shape(x: Array, shape: tuple[int, ...]) -> Array:
    """x in another shape, and to autograd no view: for what nobody else holds."""
    return x.reshape(shape)


def reshape_array(x: Any, shape: tuple[int, ...]) -> Any:
    """x in another shape: a view if the memory allows it."""
    if not isinstance(x, graph.Tensor):
        return x.reshape(shape)
    return view_as_shape(x, shape) if can_view(x._storage(), shape) else as_new_shape(x, shape)


def can_view(array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> bool:
    if array.flags.c_contiguous or array.size == 0:
        return True
    try:
        array.reshape(shape, copy=False)
    except ValueError:
        return False
    return True


@differentiable(view=True, name="PermuteBackward0", x=lambda g, axes: permute_axes(g, tuple(np.argsort(axes).tolist())))
def permute_axes(x: Array, axes: tuple[int, ...]) -> Array:
    return x.transpose(axes)


@differentiable(view=True, name="TransposeBackward0", x=lambda g, i, j: swap_axes(g, i, j))
def swap_axes(x: Array, i: int, j: int) -> Array:
    return x.swapaxes(i, j)


@differentiable(view=True, name="TBackward0", x=lambda g: transposed(g))
def transposed(x: Array) -> Array:
    return x.T


@differentiable(view=True, name="UnsqueezeBackward0", x=lambda g, axis: squeeze_axes(g, (axis,)))
def unsqueeze_axis(x: Array, axis: int) -> Array:
    return np.expand_dims(x, axis)


def _squeeze(x: Array, axes: tuple[int, ...]) -> Array:
    return x.squeeze(axes)


# torch names the node by how the dimensions are given: none, in squeeze(dim), in place
squeeze_all, squeeze_axes, squeeze_row = [
    differentiable(view=True, name=f"SqueezeBackward{i}", x=lambda g, x_shape: reshape_array(g, x_shape))(_squeeze) for i in (0, 1, 4)
]


@differentiable(view=True, x=lambda g: g)
def alias(x: Array) -> Array:
    return x[...]


# ------------------------------------------------------------------ copies


@differentiable(x=lambda g: g)
def clone(x: Array) -> Array:
    return np.array(x, order="K") if x.flags.forc else laid_out(np.array(x), x)


@differentiable(name="CopyBackwards", x=no_slope, source=lambda g: g)
def overwritten(x: Array, source: Array) -> Array:
    """What x is after all of it was overwritten: nothing that was there before gets a gradient, only zeros.

    Never called: memory.py writes in place, and makes the node of this operation for the write.
    """
    return np.array(np.broadcast_to(source, x.shape).astype(x.dtype))


@differentiable(name="CloneBackward0", x=lambda g: g)
def in_order(x: Array, like: Array = None) -> Array:
    """A copy in C order, or in the order of `like`, an array of this shape, if that fills its memory without gaps."""
    if like is None or x.ndim < 2 or like.flags.c_contiguous or not is_dense(like):
        return x.copy()
    out = np.empty_like(like, x.dtype)
    out[...] = x
    return out


@differentiable(name="ToCopyBackward0", x=lambda g: g)
def cast(x: Array, to: np.dtype[Any]) -> Array:
    """x in another dtype; the walk brings the gradient back to x's."""
    return x.astype(to) if x.flags.forc else laid_out(x.astype(to), x)
