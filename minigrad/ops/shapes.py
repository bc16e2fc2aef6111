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
from ..dtypes import dtype, promote_types
from ..rules import shapes as rules
from ..rules.indexing import unbind_one
from ..rules.shapes import alias, cast, clone, in_order, overwritten, reshape_array, sum_to_size
from .calling import check, torch_function
from .promotion import shape_error

SEVERAL_VIEWS = (
    "Output {} of {} is a view and {{}} modified inplace. This view is the output of a function that returns multiple views. Such "
    "functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place "
    "one."
)

# ------------------------------------------------------------------ arguments


def as_dim(dim: Any, ndim: int) -> int:
    """A dimension counted from the front; IndexError if it is out of range. A 0-d tensor has one dimension here."""
    try:
        dim, size = dim.__index__(), max(ndim, 1)
    except AttributeError:
        raise TypeError(f"a dimension must be int, not {type(dim).__name__}") from None
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size  # type: ignore[no-any-return]


def as_dims(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """Dimensions to reduce, from an int, a tuple or None (all); RuntimeError for one that comes twice."""
    if dim is None:
        return None
    dims = tuple([as_dim(d, ndim) for d in dim]) if isinstance(dim, (tuple, list)) else (as_dim(dim, ndim),)
    for d in dims if len(dims) > 1 else ():
        check(dims.count(d) == 1, f"dim {d} appears multiple times in the list of dims")
    return (dims or None) if ndim else None


def as_sizes(sizes: tuple[Any, ...], name: str = "size") -> tuple[int, ...]:
    """(2, 3) from the arguments 2, 3 or (2, 3) or a list."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        return tuple([n.__index__() for n in sizes])
    except AttributeError:
        raise TypeError(f"argument '{name}' must be tuple of ints, but found {[type(n).__name__ for n in sizes]}") from None


def along(axis: int, place: Any) -> tuple[Any, ...]:
    """The key of a place along an axis, and of all there is along those before it."""
    return (*(slice(None),) * axis, place)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise shape_error(*[np.empty(s, bool) for s in shapes[:2]]) from None


def resolve_shape(size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """shape with its -1 filled in for `size` elements, or torch's error."""
    known = math.prod(shape)
    if known == size and (not shape or min(shape) >= 0):
        return shape
    if known < 0 and size % known == 0 and shape.count(-1) == 1 and min(shape) == -1:
        return tuple([size // -known if n == -1 else n for n in shape])
    check(shape.count(-1) < 2, "only one dimension can be inferred")
    if -1 in shape and size == known == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be any "
            "value and is ambiguous"
        )
    for i, n in enumerate(shape):
        check(n >= -1, f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")


# ------------------------------------------------------------------ cat and stack


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
    parents = tuple([graph.source(t) for t in tensors])
    recorded = is_grad_enabled() and out.dtype.kind == "f" and any([p is not None for p in parents])
    return wrap(out, node_class(parents, keys, (), out) if recorded else None)


def _tensors(name: str, tensors: Any, empty: str, error: type[Exception] = RuntimeError) -> None:
    several = isinstance(tensors, Sequence) and not isinstance(tensors, graph.Tensor)
    check(several, f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}", TypeError)
    for i, t in enumerate(tensors):
        check(isinstance(t, graph.Tensor), f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}", TypeError)
    check(tensors, empty, error)


@torch_function
def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors one after the other along a dimension (torch.cat, concat). They are promoted to one dtype."""
    _tensors("cat", tensors, "torch.cat(): expected a non-empty list of Tensors", ValueError)
    for i, t in enumerate(tensors):
        check(t.ndim, f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = next((t._array.shape for t in tensors if t._array.shape != (0,)), (0,))
    axis = as_dim(dim, len(first))
    # torch lets an empty vector join anything
    tensors = [reshape_array(t, (*first[:axis], 0, *first[axis + 1 :])) if t._array.shape == (0,) != first else t for t in tensors]
    for i, t in enumerate(tensors):
        shape = t._array.shape
        check(len(shape) == len(first), f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        for d, (n, m) in enumerate(zip(first, shape)):
            if n != m and d != axis:
                sizes = f"Expected size {n} but got size {m} for tensor number {i} in the list."
                raise RuntimeError(f"Sizes of tensors must match except in dimension {axis}. {sizes}")
    ends = np.cumsum([0] + [t._array.shape[axis] for t in tensors]).tolist()
    return _join(CatBackward0, tensors, np.concatenate, axis, [along(axis, slice(*ab)) for ab in zip(ends, ends[1:])])


@torch_function
def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape along a new dimension."""
    _tensors("stack", tensors, "stack expects a non-empty TensorList")
    first = tensors[0]._array.shape
    for i, t in enumerate(tensors):
        if t._array.shape != first:
            sizes = f"but got {list(first)} at entry 0 and {list(t.shape)} at entry {i}"
            raise RuntimeError(f"stack expects each tensor to be equal size, {sizes}")
    axis = as_dim(dim, len(first) + 1)
    return _join(StackBackward0, tensors, np.stack, axis, [along(axis, i) for i in range(len(tensors))])


@torch_function
def hstack(tensors: Sequence[Any]) -> Any:
    """Tensors side by side: along dimension 1, or 0 if they are vectors."""
    _tensors("hstack", tensors, "hstack expects a non-empty TensorList")
    tensors = [t if t.ndim else t.reshape(1) for t in tensors]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@torch_function
def vstack(tensors: Sequence[Any]) -> Any:
    """Tensors one below the other, along dimension 0; a vector is one row."""
    _tensors("vstack", tensors, "vstack expects a non-empty TensorList")
    return cat([t if t.ndim > 1 else t.reshape(1, -1) for t in tensors])


# ------------------------------------------------------------------ other shapes


@torch_function
def reshape(x: Any, *shape: Any) -> Any:
    """x in another shape of as many elements; one size may be -1. Shares memory where possible, else copies."""
    return reshape_array(x, resolve_shape(x._array.size, as_sizes(shape, "shape")))


@torch_function
def view(x: Any, *size: Any) -> Any:
    """As reshape, but never a copy: RuntimeError where the memory does not allow it."""
    if not size or not isinstance(size[0], (int, tuple, list, np.integer, graph.Tensor, dtype)):
        got = ", ".join(type(n).__name__ for n in size)
        raise TypeError(
            f"view() received an invalid combination of arguments - got ({got}), but expected one of:\n * (torch.dtype dtype)\n"
            " * (tuple of ints size)\n"
        )
    if isinstance(size[0], dtype):
        raise NotImplementedError("minigrad has no view of the same memory in another dtype; Tensor.to(dtype) copies")
    sizes = resolve_shape(x._array.size, as_sizes(size))
    if not rules.can_view(x._storage(), sizes):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return rules.view_as_shape(x, sizes)


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions from start_dim to end_dim as one."""
    first, last = as_dim(start_dim, x.ndim), as_dim(end_dim, x.ndim)
    check(first <= last, "flatten() has invalid args: start_dim cannot come after end_dim")
    shape = x._array.shape or (1,)
    if first == last and x.ndim:
        return x
    return reshape_array(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def t(x: Any) -> Any:
    """The transpose of a matrix; a vector or a 0-d tensor as it is."""
    if x._array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return rules.transposed(x)


def T(x: Any) -> Any:
    """The dimensions in reverse order; torch deprecates it except for matrices."""
    if x.ndim != 2:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
            "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, "
            "-1, -1))` to reverse the dimensions of a tensor.",
            stacklevel=3,
        )
    return rules.permute_axes(x, tuple(range(x.ndim))[::-1])


def mT(x: Any) -> Any:
    """The matrices in the last two dimensions transposed."""
    check(x.ndim != 1, "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return transpose(x, -2, -1) if x.ndim else x


@torch_function
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """x with two dimensions exchanged."""
    i, j = as_dim(dim0, x.ndim), as_dim(dim1, x.ndim)
    return rules.swap_axes(x, i, j) if x.ndim else alias(x)


@torch_function
def permute(x: Any, *dims: Any) -> Any:
    """x with its dimensions in another order."""
    order = as_sizes(dims, "dims")
    if len(order) != x.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple([as_dim(d, x.ndim) for d in order])
    check(len(set(axes)) == len(axes), "permute(): duplicate dims are not allowed.")
    return rules.permute_axes(x, axes)


@torch_function
def squeeze(x: Any, dim: Any = None) -> Any:
    """x without its dimensions of size 1, or without those of `dim` that have size 1."""
    dims, shape = () if dim == () else as_dims(dim, x.ndim), x._array.shape
    axes = tuple([d for d in (range(x.ndim) if dims is None else dims) if shape[d] == 1])
    return (rules.squeeze_all if dim is None else rules.squeeze_axes)(x, axes)


@torch_function
def unsqueeze(x: Any, dim: int) -> Any:
    """x with a dimension of size 1 inserted before `dim`."""
    return rules.unsqueeze_axis(x, as_dim(dim, x.ndim + 1))


@torch_function
def expand_to(x: Any, *size: Any) -> Any:
    """x repeated along dimensions of size 1 and new leading ones, without copying; -1 keeps a size (Tensor.expand)."""
    wanted, shape = as_sizes(size), x._array.shape
    extra = len(wanted) - len(shape)
    full = tuple([shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    if any([n != m and n != 1 for n, m in zip(shape, full[extra:])]) or extra < 0:
        raise expand_error(x, full, wanted)
    check(min(full, default=0) >= 0, f"expand(): the sizes {list(wanted)} can't be negative, except -1 for an existing dimension")
    return rules.expand(x, full)


def expand_error(x: Any, full: Sequence[int], wanted: Sequence[int]) -> RuntimeError:
    """torch's error for a tensor that can't be expanded to the shape `full`, given as `wanted`."""
    extra = len(wanted) - x.ndim
    if extra < 0:
        return RuntimeError(
            f"expand({graph.Tensor.type(x)}{{{list(x.shape)}}}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({x.ndim})"
        )
    d, n, m = next((d, n, m) for d, (n, m) in enumerate(zip(full[extra:], x._array.shape), extra) if n != m != 1)
    return RuntimeError(
        f"The expanded size of the tensor ({n}) must match the existing size ({m}) at non-singleton dimension {d}.  Target sizes: "
        f"{list(wanted)}.  Tensor sizes: {list(x.shape)}"
    )


@torch_function
def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices of x along a dimension, which it loses: views that can't be written to in a graph."""
    axis = as_dim(dim, x.ndim)
    check(x.ndim, "Dimension specified as 0 but tensor has no dimensions", IndexError)
    return frozen([unbind_one(x, along(axis, i)) for i in range(x._array.shape[axis])], "Unbind")


def frozen(parts: list[Any], name: str) -> tuple[Any, ...]:
    """The views, as those of a function that returns several."""
    for i, part in enumerate(parts):
        part._frozen = SEVERAL_VIEWS.format(i, name)
    return tuple(parts)
