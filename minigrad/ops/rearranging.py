"""Cutting, repeating and rearranging: split, repeat, roll, diagonals, grids and the like, composed of the views in shapes.py.

Next: indexing.py.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..rules import rearranging as rules
from ..rules.indexing import split_part, split_with_sizes_part
from ..rules.reductions import sum_over
from ..rules.shapes import expand, reshape_array
from .calling import check, named, torch_function
from .layout import row_major
from .shapes import along, as_dim, as_dims, as_sizes, broadcast_shapes, expand_to, frozen

# ------------------------------------------------------------------ cutting


@torch_function
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of a size along `dim`, the last perhaps smaller; or of each of several sizes. They can't be written to in a graph."""
    check(tensor.ndim, "split expects at least a 1-dimensional tensor")
    axis, size = as_dim(dim, tensor.ndim), split_size_or_sections
    n = tensor._array.shape[axis]
    if isinstance(size, int):
        check(size >= 0, f"split expects split_size be non-negative, but got split_size={size}")
        check(size or not n, f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        ends, part, name = list(range(size, n, size or 1)) + [n], split_part, "Split"
    else:
        if sum(size) != n or min(size, default=0) < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {axis}), but got "
                f"split_sizes={list(size)}"
            )
        ends, part, name = np.cumsum(size).tolist(), split_with_sizes_part, "SplitWithSizes"
    return frozen([part(tensor, along(axis, slice(a, b))) for a, b in zip([0, *ends], ends)], name)


@torch_function
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """`split` into at most this number of parts of equal size, the last perhaps smaller."""
    check(chunks > 0, f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    check(input.ndim, "chunk expects at least a 1-dimensional tensor")
    n = input._array.shape[as_dim(dim, input.ndim)]
    return split(input, max(-(-n // chunks), 1), dim)


# ------------------------------------------------------------------ repeating


@differentiable(name="RepeatBackward0", x=lambda g, x_shape, times: sum_of_copies(g, x_shape, times))
def repeat_array(x: Array, times: tuple[int, ...]) -> Array:
    return np.tile(x, times)


def sum_of_copies(g: Any, shape: tuple[int, ...], times: tuple[int, ...]) -> Any:
    """The sum of the copies of which g consists, each as often as `times` says along its axis."""
    sizes = (*(1,) * (len(times) - len(shape)), *shape)
    blocks = reshape_array(g, tuple([n for pair in zip(times, sizes) for n in pair]))
    return reshape_array(sum_over(blocks, tuple(range(0, 2 * len(times), 2)), False), shape)


@torch_function
def repeat(input: Any, *repeats: Any) -> Any:
    """Copies of input side by side, so often along each dimension; more numbers than dimensions add leading ones."""
    times = as_sizes(repeats, "repeats")
    new = len(times) - input.ndim
    check(new >= 0, "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    sizes = [n * m for n, m in zip(times, (*(1,) * new, *input._array.shape))]
    check(min(times, default=0) >= 0, f"Trying to create tensor with negative dimension {min(sizes, default=0)}: {sizes}")
    return repeat_array(input, times)


@torch_function
def broadcast_to(input: Any, size: Any) -> Any:
    """input expanded to a shape (Tensor.expand)."""
    return expand_to(input, size)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """The tensors expanded to the shape of their sum; what has that shape is returned itself."""
    shape = broadcast_shapes(*[t._array.shape for t in tensors])
    return tuple([t if t._array.shape == shape else expand(t, shape) for t in tensors])


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Any, ...]:
    """Of n vectors n grids of n dimensions: grid i has vector i along dimension i ('ij'; 'xy' swaps the first two)."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing is None:
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", stacklevel=3)
    known = indexing in (None, "ij", "xy")
    check(known, f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for t in tensors:
        check(t.ndim <= 1, f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
    axes = list(range(len(tensors)))  # where each vector goes
    if indexing == "xy":
        axes[:2] = axes[1::-1]
    shape = tuple([tensors[i].numel() for i in axes])
    return tuple([expand(reshape_array(t, (-1, *(1,) * (len(axes) - i - 1))), shape) for t, i in zip(tensors, axes)])


# ------------------------------------------------------------------ rearranging


@torch_function
def flip(input: Any, *dims: Any) -> Any:
    """The elements in reverse order along the dimensions."""
    check(dims, 'flip() missing 1 required positional arguments: "dims"', TypeError)
    return rules.flip_axes(input, as_dims(as_sizes(dims, "dims"), input.ndim) or ())


@torch_function
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The elements moved on by `shifts` along `dims`, those pushed out coming in at the start; without dims, flattened."""
    shifts = as_sizes((shifts,), "shifts")
    axes = () if dims is None else as_sizes((dims,), "dims")
    if dims is None and len(shifts) == 1:
        return rules.roll_axes(input, shifts, None)
    if input.ndim == 0 and len(shifts) == len(axes):
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    check(len(shifts) == len(axes), f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return rules.roll_axes(input, shifts, tuple([as_dim(d, input.ndim) for d in axes]))


@torch_function
def ravel(input: Any) -> Any:
    """input as a vector: a view if its memory is in order, else a copy."""
    return reshape_array(input.contiguous(), (-1,))


# ------------------------------------------------------------------ triangles and diagonals


def _triangle(name: str, function: Any) -> Any:
    @differentiable(name=f"{name.capitalize()}Backward0", x=lambda g, diagonal: triangle(g, diagonal))
    def triangle(x: Array, diagonal: int) -> Array:
        return row_major(function(x, diagonal))

    def apply(input: Any, diagonal: int = 0) -> Any:
        check(input.ndim >= 2, f"{name}: input tensor must have at least 2 dimensions")
        return triangle(input, diagonal)

    return named(apply, name, "of matrices: zeros beyond the diagonal with this number")


tril, triu = _triangle("tril", np.tril), _triangle("triu", np.triu)


@torch_function
def diag(input: Any, diagonal: int = 0) -> Any:
    """Of a vector the matrix with it on the diagonal; of a matrix its diagonal, as a copy."""
    check(input.ndim in (1, 2), f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 2:
        return diagonal_copy(input, diagonal)
    n = input._array.size + abs(diagonal)
    return rules.diagonal_scatter(input, (n, n), diagonal, 0, 1)


@differentiable(name="DiagonalBackward0_copy", x=lambda g, x_shape, offset: rules.diagonal_scatter(g, x_shape, offset, 0, 1))
def diagonal_copy(x: Array, offset: int) -> Array:
    return np.diagonal(x, offset).copy()
