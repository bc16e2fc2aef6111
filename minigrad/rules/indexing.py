"""The rules of choosing elements and of writing over some.

Integers and slices give views that share memory. Masks and index tensors copy; an element that is chosen twice gets the sum
of both gradients. A write into part of a tensor is one operation, `copy_slices`. Rarer rules are in transcendental.py,
remainders.py and rearranging.py, and beside their functions in ops/. Next: memory.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable

# ------------------------------------------------------------------ views by integers and slices


def _take(x: Array, key: tuple[Any, ...]) -> Array:
    return x[(*key, ...)]


# torch names the node after what was done last
take_slice, select, take_new_axis, split_part, split_with_sizes_part, unbind_one = [
    differentiable(name=f"{name}Backward0", view=True, x=lambda g, x_shape, key: scatter_slice(g, x_shape, key))(_take)
    for name in ("Slice", "Select", "Unsqueeze", "Split", "SplitWithSizes", "Unbind")
]


@differentiable(x=lambda g, key: take_slice(g, key))
def scatter_slice(x: Array, shape: tuple[int, ...], key: Any) -> Array:
    """Zeros of `shape` with x at the place of the key: the adjoint of `take_slice`."""
    out = np.zeros(shape, x.dtype)
    out[key] = x
    return out


# ------------------------------------------------------------------ copies by index tensors and masks


@differentiable(name="IndexBackward0", x=lambda g, index, x_shape, key: scatter_index(g, index, x_shape, key), index=None)
def take_index(x: Array, index: Array, key: Any) -> Array:
    return np.asarray(x[_filled(key, index)], order="C")  # as torch lays it out, so that view and reshape share its memory


@differentiable(x=lambda g, index, key: take_index(g, index, key), index=None)
def scatter_index(x: Array, index: Array, shape: tuple[int, ...], key: Any) -> Array:
    """Zeros of `shape` to which x is added at the places of the index: the adjoint of `take_index`."""
    out = np.zeros(shape, x.dtype)
    if index.dtype.kind == "b" and key == (INDEX,):
        out[index] = x  # a mask chooses no element twice
    else:
        np.add.at(out, _filled(key, index), x)
    return out


INDEX = object()  # stands in a key for the index tensor


def _filled(key: tuple[Any, ...], index: Array) -> tuple[Any, ...]:
    return tuple([index if k is INDEX else k for k in key])


@differentiable(name="GatherBackward0", x=lambda g, index, x_shape, axis: scatter_axis(g, index, x_shape, axis), index=None)
def gather_axis(x: Array, index: Array, axis: int) -> Array:
    """out[i][j] = x[index[i][j]][j] for axis 0, and so on; index may be shorter than x along other axes."""
    return np.asarray(x[_along(index, axis)], order="C")


@differentiable(x=lambda g, index, axis: gather_axis(g, index, axis), index=None)
def scatter_axis(x: Array, index: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Zeros of `shape` to which x is added at the places of `index` along the axis: the adjoint of `gather_axis`."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out, _along(index, axis), x)
    return out


def _along(index: Array, axis: int) -> tuple[Any, ...]:
    """The key with which `index` runs along `axis`, and every other axis along itself."""
    grids: list[Any] = list(np.ogrid[tuple(slice(n) for n in index.shape)]) if index.ndim > 1 else [None]
    grids[axis] = index
    return tuple(grids)


@differentiable(name="AsStridedBackward0", x=lambda g, x_shape, region: put_region(g, x_shape, region))
def take_region(x: Array, region: Any) -> Array:
    return region.as_part(x.reshape(-1)[region.positions])


@differentiable(x=lambda g, region: take_region(g, region))
def put_region(x: Array, shape: tuple[int, ...], region: Any) -> Array:
    out = np.zeros(shape, x.dtype)
    np.add.at(out.reshape(-1), region.positions, x)
    return region.as_base(out)


@differentiable(x=lambda g, region: clear_region(g, region))
def clear_region(x: Array, region: Any) -> Array:
    out = np.array(x, order="C")  # so that reshape gives a view
    out.reshape(-1)[region.positions] = 0
    return region.as_base(out)


@differentiable(name="CopySlices", base=lambda g, region: clear_region(g, region), part=lambda g, region: take_region(g, region))
def copy_slices(base: Array, part: Array, region: Any) -> Array:
    """`base` with `part` written over a region of it. What was there before gets no gradient.

    Never called: memory.py writes in place, and makes the node of this operation for the write.
    """
    out = np.array(base, order="C")
    out.reshape(-1)[region.positions] = part
    return out
