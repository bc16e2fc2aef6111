"""Operations that only move elements as torch calls them: sizes with -1, dimensions from the back, views that may not copy; cat.

Their rules are in rules/shapes.py. Next: indexing.py.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import wrap
from ..autograd.modes import is_grad_enabled
from ..dtypes import promote_types
from ..rules.rearranging import (
    diagonal_axes,
    diagonal_scatter,
    flip_axes,
    roll_axes,
)
from ..rules.shapes import (
    HALF,
    alias,
    as_new_shape,
    can_view,
    cast,
    clone,
    expand,
    in_order,
    in_single,
    overwritten,
    permute_axes,
    reshape_array,
    squeeze_all,
    squeeze_axes,
    squeeze_row,
    sum_to_size,
    swap_axes,
    transposed,
    unbind_one,
    unsqueeze_axis,
    view_as_shape,
)

SEVERAL_VIEWS = (
    "Output {} of {} is a view and {{}} modified inplace. This view is the output of a function that returns multiple views. Such "
    "functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place "
    "one."
)


def as_dim(dim: Any, ndim: int) -> int:
    """A dimension counted from the front; IndexError if it is out of range. A 0-d tensor has one dimension here."""
    try:
        dim = dim.__index__()
    except AttributeError:
        raise TypeError(f"a dimension must be int, not {type(dim).__name__}") from None
    size = max(ndim, 1)
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size  # type: ignore[no-any-return]


def as_dims(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """Dimensions to reduce, from an int, a tuple or None (all); RuntimeError for one that comes twice."""
    if dim is None or (dim == () and not isinstance(dim, int)) or dim == []:
        return None
    if not isinstance(dim, (tuple, list)):
        dims: tuple[int, ...] = (as_dim(dim, ndim),)
    else:
        dims = tuple([as_dim(d, ndim) for d in dim])
        for d in dims:
            if dims.count(d) > 1:
                raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else None


def as_sizes(sizes: tuple[Any, ...], name: str = "size") -> tuple[int, ...]:
    """(2, 3) from the arguments 2, 3 or (2, 3) or a list."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        return tuple([n.__index__() for n in sizes])
    except AttributeError:
        raise TypeError(f"argument '{name}' must be tuple of ints, but found {[type(n).__name__ for n in sizes]}") from None


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        from .promotion import shape_error

        sizes = [np.empty(s, bool) for s in shapes]
        raise shape_error(sizes[0], sizes[1]) from None


def resolve_shape(size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """shape with its -1 filled in for `size` elements, or torch's error."""
    if -1 in shape:
        known = -math.prod(shape)
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        if known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be "
                "any value and is ambiguous"
                if size == 0
                else f"shape '{list(shape)}' is invalid for input of size {size}"
            )
        if known > 0 and size % known == 0:
            return tuple([size // known if n == -1 else n for n in shape])
    for i, n in enumerate(shape):
        if n < -1:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    if math.prod(shape) != size or -1 in shape:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return shape


class CatBackward0(graph.Node):
    """cat takes any number of tensors: its one rule gives the gradients of all of them, as parts of g."""

    __slots__ = ()

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        return [(parent, g[key]) for parent, key in zip(self.parents, saved) if parent is not None]


class StackBackward0(CatBackward0):
    __slots__ = ()


def _join(node_class: Any, tensors: Sequence[Any], join: Any, axis: int, keys: Sequence[Any]) -> Any:
    """The tensors, promoted to one dtype, joined by a NumPy function; `keys` say where each is in the result."""
    common = functools.reduce(promote_types, [t.dtype for t in tensors])
    tensors = [t._cast(common.numpy) for t in tensors]
    out = np.ascontiguousarray(join([t._array for t in tensors], axis))  # NumPy would keep the order of transposed inputs
    tensor = wrap(out)
    if is_grad_enabled() and out.dtype.kind == "f":
        parents = tuple([graph.source(t) for t in tensors])
        if any([p is not None for p in parents]):
            tensor._node = node_class(parents, keys, (), out)
    return tensor


def _tensors(name: str, tensors: Any, empty: Exception) -> list[Any]:
    if isinstance(tensors, graph.Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
    for i, t in enumerate(tensors):
        if not isinstance(t, graph.Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    if not tensors:
        raise empty
    return list(tensors)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors one after the other along a dimension (torch.cat, concat). They are promoted to one dtype."""
    tensors = _tensors("cat", tensors, ValueError("torch.cat(): expected a non-empty list of Tensors"))
    for i, t in enumerate(tensors):
        if t.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = next((t._array.shape for t in tensors if t._array.shape != (0,)), (0,))
    axis = as_dim(dim, len(first))
    # torch lets an empty vector join anything
    tensors = [reshape_array(t, (*first[:axis], 0, *first[axis + 1 :])) if t._array.shape == (0,) != first else t for t in tensors]
    for i, t in enumerate(tensors):
        shape = t._array.shape
        if len(shape) != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d, (n, m) in enumerate(zip(first, shape)):
            if n != m and d != axis:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {n} but got size {m} for tensor "
                    f"number {i} in the list."
                )
    ends = np.cumsum([0] + [t._array.shape[axis] for t in tensors]).tolist()
    keys = [(*(slice(None),) * axis, slice(start, end)) for start, end in zip(ends, ends[1:])]
    return _join(CatBackward0, tensors, np.concatenate, axis, keys)


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape along a new dimension."""
    tensors = _tensors("stack", tensors, RuntimeError("stack expects a non-empty TensorList"))
    for i, x in enumerate(tensors):
        if x._array.shape != tensors[0]._array.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and {list(x.shape)} "
                f"at entry {i}"
            )
    axis = as_dim(dim, tensors[0].ndim + 1)
    return _join(StackBackward0, tensors, np.stack, axis, [(*(slice(None),) * axis, i) for i in range(len(tensors))])


# ------------------------------------------------------------------ under torch's names


def reshape(x: Any, *shape: Any) -> Any:
    """x in another shape of as many elements; one size may be -1. Shares memory where possible, else copies."""
    return reshape_array(x, resolve_shape(x._array.size, as_sizes(shape, "shape")))


def view(x: Any, *size: Any) -> Any:
    """As reshape, but never a copy: RuntimeError where the memory does not allow it."""
    from ..dtypes import dtype

    if not size or not isinstance(size[0], (int, tuple, list, np.integer, graph.Tensor, dtype)):
        got = ", ".join(type(n).__name__ for n in size)
        raise TypeError(
            f"view() received an invalid combination of arguments - got ({got}), but expected one of:\n * (torch.dtype dtype)\n"
            " * (tuple of ints size)\n"
        )
    if isinstance(size[0], dtype):
        raise NotImplementedError("minigrad has no view of the same memory in another dtype; Tensor.to(dtype) copies")
    sizes = resolve_shape(x._array.size, as_sizes(size))
    if not can_view(x._storage(), sizes):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return view_as_shape(x, sizes)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions from start_dim to end_dim as one."""
    first, last = as_dim(start_dim, x.ndim), as_dim(end_dim, x.ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = x._array.shape or (1,)
    if first == last and x.ndim:
        return x
    return reshape_array(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def t(x: Any) -> Any:
    """The transpose of a matrix; a vector or a 0-d tensor as it is."""
    if x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return transposed(x)


def T(x: Any) -> Any:
    """The dimensions in reverse order; torch deprecates it except for matrices."""
    if x.ndim != 2:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, "
            "-1, -1))` to reverse the dimensions of a tensor.",
            stacklevel=3,
        )
    return permute_axes(x, tuple(range(x.ndim))[::-1])


def mT(x: Any) -> Any:
    """The matrices in the last two dimensions transposed."""
    if x.ndim == 1:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(x, -2, -1) if x.ndim else x


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """x with two dimensions exchanged."""
    i, j = as_dim(dim0, x.ndim), as_dim(dim1, x.ndim)
    return swap_axes(x, i, j) if x.ndim else alias(x)


def permute(x: Any, *dims: Any) -> Any:
    """x with its dimensions in another order."""
    order = as_sizes(dims, "dims")
    if len(order) != x.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple([as_dim(d, x.ndim) for d in order])
    if len(set(axes)) != len(axes):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return permute_axes(x, axes)


def squeeze(x: Any, dim: Any = None) -> Any:
    """x without its dimensions of size 1, or without those of `dim` that have size 1."""
    dims = as_dims(dim, x.ndim)
    if dims is None:
        dims = tuple(range(x.ndim))
    return (squeeze_all if dim is None else squeeze_axes)(x, tuple([d for d in dims if x._array.shape[d] == 1]))


def unsqueeze(x: Any, dim: int) -> Any:
    """x with a dimension of size 1 inserted before `dim`."""
    return unsqueeze_axis(x, as_dim(dim, x.ndim + 1))


def expand_to(x: Any, *size: Any) -> Any:
    """x repeated along dimensions of size 1 and new leading ones, without copying; -1 keeps a size (Tensor.expand)."""
    wanted, shape = as_sizes(size), x._array.shape
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise RuntimeError(
            f"expand({graph.Tensor.type(x)}{{{list(shape)}}}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    full = tuple([shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    for i, (n, m) in enumerate(zip(full[extra:], shape)):
        if n != m and m != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({m}) at non-singleton dimension "
                f"{i + extra}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
            )
    if min(full, default=0) < 0:
        raise RuntimeError(f"expand(): the sizes {list(wanted)} can't be negative, except -1 for an existing dimension")
    return expand(x, full)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices of x along a dimension, which it loses: views that can't be written to in a graph."""
    axis = as_dim(dim, x.ndim)
    if x.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    parts = tuple([unbind_one(x, axis, i) for i in range(x._array.shape[axis])])
    for i, part in enumerate(parts):
        part._frozen = SEVERAL_VIEWS.format(i, "Unbind")
    return parts
