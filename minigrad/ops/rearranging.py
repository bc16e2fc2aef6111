"""Cutting, repeating and rearranging: split, repeat, roll, diagonals, grids and the like, composed of the views in shapes.py.

Next: indexing.py.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable
from .calling import named, torch_function
from .indexing import getitem, scatter_slice, take_slice
from .shapes import (
    SEVERAL_VIEWS,
    as_dim,
    as_dims,
    as_sizes,
    broadcast_shapes,
    diagonal_axes,
    diagonal_scatter,
    expand,
    expand_to,
    flip_axes,
    in_order,
    permute_axes,
    reshape_array,
    roll_axes,
    unsqueeze_axis,
)  # fmt: skip

# ------------------------------------------------------------------ cutting


def _part(name: str) -> Any:
    @differentiable(view=True, name=name, x=lambda g, x_shape, key: scatter_slice(g, x_shape, key))
    def part(x: Array, key: tuple[slice, ...]) -> Array:
        return x[key]

    return part


split_part, split_with_sizes_part = _part("SplitBackward0"), _part("SplitWithSizesBackward0")


@torch_function
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of a size along `dim`, the last perhaps smaller; or of each of several sizes. They can't be written to in a graph."""
    if tensor.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    axis, size = as_dim(dim, tensor.ndim), split_size_or_sections
    n = tensor._array.shape[axis]
    if isinstance(size, int):
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        ends, op, name = list(range(size, n, size or 1)) + [n], split_part, "Split"
    else:
        if sum(size) != n or min(size, default=0) < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {axis}), but got "
                f"split_sizes={list(size)}"
            )
        ends, op, name = np.cumsum(size).tolist(), split_with_sizes_part, "SplitWithSizes"
    parts = tuple([op(tensor, (*(slice(None),) * axis, slice(a, b))) for a, b in zip([0, *ends], ends)])
    for i, part in enumerate(parts):
        part._frozen = SEVERAL_VIEWS.format(i, name)
    return parts


@torch_function
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """`split` into at most this number of parts of equal size, the last perhaps smaller."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    if input.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    n = input._array.shape[as_dim(dim, input.ndim)]
    return split(input, max(-(-n // chunks), 1), dim)


@torch_function
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """The `length` slices along `dim` that begin at `start`, as a view."""
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis, n = as_dim(dim, input.ndim), input._array.shape[dim]
    start = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start += n if start < 0 else 0
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return take_slice(input, (*(slice(None),) * axis, slice(start, start + length)))


@torch_function
def select(input: Any, dim: int, index: int) -> Any:
    """The slice with this number along `dim`, which is lost."""
    return getitem(input, (*(slice(None),) * as_dim(dim, input.ndim), index))


# ------------------------------------------------------------------ repeating


@differentiable(name="RepeatBackward0", x=lambda g, x_shape, times: sum_of_copies(g, x_shape, times))
def repeat_array(x: Array, times: tuple[int, ...]) -> Array:
    return np.tile(x, times)


def sum_of_copies(g: Any, shape: tuple[int, ...], times: tuple[int, ...]) -> Any:
    """The sum of the copies of which g consists, each as often as `times` says along its axis."""
    from .reductions import sum_over

    sizes = (*(1,) * (len(times) - len(shape)), *shape)
    blocks = reshape_array(g, tuple([n for pair in zip(times, sizes) for n in pair]))
    return reshape_array(sum_over(blocks, tuple(range(0, 2 * len(times), 2)), False), shape)


@torch_function
def repeat(input: Any, *repeats: Any) -> Any:
    """Copies of input side by side, so often along each dimension; more numbers than dimensions add leading ones."""
    times = as_sizes(repeats, "repeats")
    if len(times) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if min(times, default=0) < 0:
        sizes = [n * m for n, m in zip(times, (*(1,) * (len(times) - input.ndim), *input._array.shape))]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {sizes}")
    return repeat_array(input, times)


@torch_function
def tile(input: Any, *dims: Any) -> Any:
    """As `repeat`; fewer numbers than dimensions are for the last ones, as in NumPy."""
    times = as_sizes(dims, "dims")
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@torch_function
def repeat_interleave(input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None) -> Any:
    """Each slice along `dim` (each element if None) so often, copies next to each other; `repeats` alone gives their numbers."""
    from .choosing import index_select

    if repeats is None:
        input, repeats = graph.wrap(np.arange(len(input))), input
    x = reshape_array(input, (-1,)) if dim is None else input
    axis = as_dim(0 if dim is None else dim, x.ndim)
    n = x._array.shape[axis]
    if np.any(getattr(repeats, "_array", repeats) < 0):
        raise RuntimeError("Repeats must be non-negative")
    if isinstance(repeats, int):
        shape = x._array.shape
        copies = in_order(expand(unsqueeze_axis(x, axis + 1), (*shape[: axis + 1], repeats, *shape[axis + 1 :])))
        return reshape_array(copies, (*shape[:axis], n * repeats, *shape[axis + 1 :]))
    if repeats.numel() not in (1, n):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.numel()} and "
            f"input.size({axis}) = {n}"
        )
    return index_select(x, axis, graph.wrap(np.repeat(np.arange(n), repeats._array)))


@torch_function
def broadcast_to(input: Any, size: Any) -> Any:
    """input expanded to a shape (Tensor.expand)."""
    return expand_to(input, size)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """The tensors expanded to the shape of their sum."""
    shape = broadcast_shapes(*[t._array.shape for t in tensors])
    return tuple([expand(t, shape) for t in tensors])


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Any, ...]:
    """Of n vectors n grids of n dimensions: grid i has vector i along dimension i ('ij'; 'xy' swaps the first two)."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", stacklevel=2
        )
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(tensors) > 1
    ordered = [tensors[1], tensors[0], *tensors[2:]] if swap else tensors
    for t in ordered:
        if t.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
    shape = tuple([t.numel() for t in ordered])
    grids = [
        expand(reshape_array(t, (1,) * i + (-1,) + (1,) * (len(shape) - i - 1)), shape) for i, t in enumerate(ordered)
    ]
    return (grids[1], grids[0], *grids[2:]) if swap else tuple(grids)


# ------------------------------------------------------------------ rearranging


@torch_function
def flip(input: Any, *dims: Any) -> Any:
    """The elements in reverse order along the dimensions."""
    if not dims:
        raise TypeError('flip() missing 1 required positional arguments: "dims"')
    return flip_axes(input, as_dims(as_sizes(dims, "dims"), input.ndim) or ())


@torch_function
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The elements moved on by `shifts` along `dims`, those pushed out coming in at the start; without dims, flattened."""
    shifts = as_sizes((shifts,), "shifts")
    axes = () if dims is None else as_sizes((dims,), "dims")
    if dims is None and len(shifts) == 1:
        return roll_axes(input, shifts, None)
    if len(shifts) != len(axes):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return roll_axes(input, shifts, tuple([as_dim(d, input.ndim) for d in axes]))


@torch_function
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """input with its dimensions `source` at the places `destination`, the others in order."""
    sources, places = as_sizes((source,)), as_sizes((destination,))
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same number of dims "
            f"as destination ({list(places)} dims)"
        )
    from_axes, to_axes = ([as_dim(d, input.ndim) for d in dims] for dims in (sources, places))
    for axes, given, name in ((from_axes, sources, "source"), (to_axes, places, "destination")):
        if len(set(axes)) != len(axes):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    order = [d for d in range(input.ndim) if d not in from_axes]
    for to, dim in sorted(zip(to_axes, from_axes)) if input.ndim else ():
        order.insert(to, dim)
    return permute_axes(input, tuple(order))


@torch_function
def ravel(input: Any) -> Any:
    """input as a vector: a view if its memory is in order, else a copy."""
    return reshape_array(input.contiguous(), (-1,))


# ------------------------------------------------------------------ triangles and diagonals


def _triangle(name: str, function: Any) -> Any:
    @differentiable(name=f"{name.capitalize()}Backward0", x=lambda g, diagonal: triangle(g, diagonal))
    def triangle(x: Array, diagonal: int) -> Array:
        return function(x, diagonal)

    def apply(input: Any, diagonal: int = 0) -> Any:
        if input.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return triangle(input, diagonal)

    return named(apply, name, "of matrices: zeros beyond the diagonal with this number")


tril, triu = _triangle("tril", np.tril), _triangle("triu", np.triu)


@torch_function
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonals of the matrices in two dimensions, as the last dimension of a view."""
    i, j = as_dim(dim1, input.ndim), as_dim(dim2, input.ndim)
    if i == j:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return diagonal_axes(input, offset, i, j)


@torch_function
def diag(input: Any, diagonal: int = 0) -> Any:
    """Of a vector the matrix with it on the diagonal; of a matrix its diagonal, as a copy."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 2:
        return diagonal_copy(input, diagonal)
    n = input._array.size + abs(diagonal)
    return diagonal_scatter(input, (n, n), diagonal, 0, 1)


@differentiable(name="DiagonalBackward0_copy", x=lambda g, x_shape, offset: diagonal_scatter(g, x_shape, offset, 0, 1))
def diagonal_copy(x: Array, offset: int) -> Array:
    return np.diagonal(x, offset).copy()


@differentiable(name="TraceBackward0", x=lambda g, x_shape: diagonal_scatter(expand(g, (min(x_shape),)), x_shape, 0, 0, 1))
def trace_of(x: Array) -> Array:
    return np.trace(x)


@torch_function
def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return trace_of(input)
