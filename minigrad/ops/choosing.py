"""Choosing elements by index tensors and masks: gather, scatter, index_select, masked_fill and their like.

Choosing and adding at the chosen places undo each other: each is the other's rule. Next: matrix.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from ..rules.elementwise import where
from ..rules.indexing import INDEX, _along, gather_axis, scatter_index, take_slice
from ..rules.reductions import sum_all
from ..rules.shapes import reshape_array
from .calling import check, torch_function
from .layout import row_major
from .promotion import operand
from .shapes import along, as_dim, broadcast_shapes, expand_to

# ------------------------------------------------------------------ along one dimension


def _vector_like(x: Any) -> Any:
    """x, or a vector of one element in place of a number, which is what these functions take it for."""
    return reshape_array(x, (1,)) if isinstance(x, graph.Tensor) and not x.ndim else x


def _checked(name: str, x: Any, dim: Any, index: Any) -> int:
    """The dimension as an axis; RuntimeError unless index holds integers, within x, of as many dimensions."""
    axis = as_dim(dim, x.ndim)
    check(index._array.dtype in (np.int64, np.int32), f"{name}(): Expected dtype int32/int64 for index")
    check(index.ndim == x.ndim, f"Index tensor must have the same number of dimensions as {'input' if name == 'gather' else 'self'} tensor")
    size = x._array.shape[axis]
    for i in index._array[(index._array < 0) | (index._array >= size)].ravel()[:1]:
        raise RuntimeError(f"index {i} is out of bounds for dimension {axis} with size {size}")
    return axis


@torch_function
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """out[i][j] = input[index[i][j]][j] for dim 0, input[i][index[i][j]] for dim 1, and so on; of the shape of index."""
    shape, input, index = index._array.shape, _vector_like(input), _vector_like(index)
    axis = _checked("gather", input, dim, index)
    for d, (n, m) in enumerate(zip(index._array.shape, input._array.shape)):
        if n > m and d != axis:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {axis}"
            )
    out = gather_axis(input, index, axis)
    return out if shape else reshape_array(out, ())


def _scatter(x: Array, index: Array, src: Any, axis: int) -> Array:
    """x with src, an array or a number, written over the places of the index along the axis."""
    out = np.array(x, order="C")
    out[_along(index, axis)] = src
    return out


scatter_number = differentiable(name="ScatterBackward1", x=lambda g, index, axis: scatter_number(g, index, 0.0, axis), index=None)(_scatter)
scatter_tensor = differentiable(
    name="ScatterBackward0", x=lambda g, index, axis: scatter_number(g, index, 0.0, axis), index=None,
    src=lambda g, index, axis: gather_axis(g, index, axis),
)(_scatter)  # fmt: skip


@differentiable(name="ScatterAddBackward0", x=lambda g: g, index=None, src=lambda g, index, axis: gather_axis(g, index, axis))
def scatter_add_into(x: Array, index: Array, src: Array, axis: int) -> Array:
    """x with src added at the places of the index along the axis."""
    out = np.array(x, order="C")
    np.add.at(out, _along(index, axis), src)
    return out


@torch_function
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """input with src, a tensor or a number, written to the places that `gather` would read; reduce='add' adds it."""
    src = value if src is None else src
    if not input.ndim:
        return reshape_array(scatter(reshape_array(input, (1,)), dim, index, src, reduce=reduce), ())
    index, src = _vector_like(index), _vector_like(src) if index.ndim < 2 and input.ndim == 1 else src
    axis = _checked("scatter", input, dim, index)
    check(reduce in (None, "add"), f"scatter(): minigrad reduces by 'add' only, not {reduce!r}", NotImplementedError)
    kind = type(src).__name__
    check(operand(src) is not None, f"scatter(): argument 'src' (position 4) must be Tensor or number, not {kind}", TypeError)
    if isinstance(src, graph.Tensor):
        src = _source(input, axis, index, src)
    if reduce == "add":
        return scatter_add_into(input, index, src, axis)
    return (scatter_tensor if isinstance(src, graph.Tensor) else scatter_number)(input, index, src, axis)


@torch_function
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """input with src added at the places that `gather` would read; what comes twice is added twice."""
    kind = type(src).__name__
    check(isinstance(src, graph.Tensor), f"scatter_add(): argument 'src' (position 4) must be Tensor, not {kind}", TypeError)
    return scatter(input, dim, index, src, reduce="add")


def _source(x: Any, axis: int, index: Any, src: Any) -> Any:
    """The part of src that index refers to; RuntimeError if index is larger than src, or than x apart from the axis."""
    check(src.dtype is x.dtype, "scatter(): Expected self.dtype to be equal to src.dtype")
    sizes, mine, its = index._array.shape, x._array.shape, src._array.shape
    check(src.ndim == index.ndim, "Index tensor must have the same number of dimensions as src tensor")
    fits = all([n <= k and (n <= m or d == axis) for d, (n, m, k) in enumerate(zip(sizes, mine, its))])
    check(
        fits, f"Expected index {list(sizes)} to be no larger than self {list(mine)} apart from dimension {axis} and to be no larger "
        f"size than src {list(its)}"
    )  # fmt: skip
    return src if sizes == its else take_slice(src, tuple([slice(n) for n in sizes]))


# ------------------------------------------------------------------ rows, columns, ...


@differentiable(name="IndexSelectBackward0", x=lambda g, index, x_shape, axis: add_slices(g, index, x_shape, axis), index=None)
def take_slices(x: Array, index: Array, axis: int) -> Array:
    return np.take(x, index, axis)


@differentiable(x=lambda g, index, axis: take_slices(g, index, axis), index=None)
def add_slices(x: Array, index: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Zeros of `shape` to whose slices at index those of x are added: the adjoint of `take_slices`."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out, along(axis, index), x)
    return out


@torch_function
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices of input along `dim` with the numbers in the vector `index`. IndexError if one is out of range."""
    axis = as_dim(dim, input.ndim)
    check(index._array.dtype in (np.int64, np.int32), "index_select(): Expected dtype int32 or int64 for index")
    check(index.ndim <= 1, "index_select(): Index is supposed to be a vector", IndexError)
    given, size = index._array.size, input._array.shape[axis] if input.ndim else 1
    check(input.ndim or given == 1, f"index_select(): Index to scalar can have only 1 value, got {given} value(s)")
    check(((index._array >= 0) & (index._array < size)).all(), "index out of range in self", IndexError)
    return take_slices(input, _vector_like(index), axis) if input.ndim else input.clone()


# ------------------------------------------------------------------ masks


def _fill(x: Array, mask: Array, value: Any) -> Array:
    return row_major(np.where(mask, np.asarray(value).astype(x.dtype), x))


fill_number = differentiable(name="MaskedFillBackward0", x=lambda g, mask: where(mask, 0.0, g), mask=None)(_fill)
fill_tensor = differentiable(
    name="MaskedFillBackward1", x=lambda g, mask: where(mask, 0.0, g), mask=None, value=lambda g, mask: sum_all(where(mask, g, 0.0))
)(_fill)  # fmt: skip


@differentiable(name="MaskedSelectBackward0", x=lambda g, mask, x_shape: scatter_index(g, mask, x_shape, (INDEX,)), mask=None)
def select_where(x: Array, mask: Array) -> Array:
    return np.asarray(x)[mask]


@torch_function
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """input with one value, in input's dtype, where the mask is True; they are broadcast."""
    check(mask._array.dtype.kind == "b", f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.legacy}")
    n, kind = np.ndim(getattr(value, "_array", 0)), type(value).__name__
    check(n == 0, f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {n} dimension(s).")
    known = operand(value) is not None
    check(known, f"masked_fill(): argument 'value' (position 3) must be Tensor or number, not {kind}", TypeError)
    broadcast_shapes(mask._array.shape, input._array.shape)
    return (fill_tensor if isinstance(value, graph.Tensor) else fill_number)(input, mask, value)


@torch_function
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the mask is True, as a vector; both are broadcast."""
    check(mask._array.dtype.kind == "b", "masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes(mask._array.shape, input._array.shape)
    return select_where(expand_to(input, shape), expand_to(mask, shape))


@torch_function
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Where the elements are not zero: (number, ndim) int64, or, as a tuple, a vector for each dimension."""
    if as_tuple:
        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(input._array))])
    return wrap(np.argwhere(input._array))
