"""The rules of diagonals, flipping and rolling.
"""

from __future__ import annotations

import numpy as np

from ..autograd.graph import Array, differentiable
from ..ops.layout import laid_out, row_major


@differentiable(view=True, name="DiagonalBackward0", x=lambda g, x_shape, offset, i, j: diagonal_scatter(g, x_shape, offset, i, j))
def diagonal_axes(x: Array, offset: int, i: int, j: int) -> Array:
    view = np.diagonal(x, offset, i, j)
    view.flags.writeable = x.flags.writeable
    return view


@differentiable(name="DiagEmbedBackward0", x=lambda g, shape, offset, i, j: diagonal_axes(g, offset, i, j))
def diagonal_scatter(x: Array, shape: tuple[int, ...], offset: int, i: int, j: int) -> Array:
    """Zeros of `shape` with x on a diagonal: the adjoint of `diagonal_axes`."""
    out = np.zeros(shape, x.dtype)
    diagonal = np.diagonal(out, offset, i, j)
    diagonal.flags.writeable = True
    diagonal[...] = x
    return out


@differentiable(x=lambda g, axes: flip_axes(g, axes), name="FlipBackward0")
def flip_axes(x: Array, axes: tuple[int, ...]) -> Array:
    return laid_out(np.array(np.flip(x, axes)), x)


@differentiable(x=lambda g, shifts, axes: roll_axes(g, tuple([-s for s in shifts]), axes), name="RollBackward0")
def roll_axes(x: Array, shifts: tuple[int, ...], axes: tuple[int, ...] | None) -> Array:
    return row_major(np.roll(x, shifts if axes is not None else shifts[0], axes))
