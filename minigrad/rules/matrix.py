"""The rules of matrix products. Next: shapes.py.
"""

from __future__ import annotations

import numpy as np

from ..autograd.graph import Array, differentiable
from ..ops.promotion import cannot_multiply
from .shapes import swap_axes, transposed, unsqueeze_axis

# `a.dot(b)` costs a third of `a @ b` on small matrices, and takes no slow path for a matrix of one column. Where a factor is
# one number it skips zeros, though 0 * inf is nan: so products of which the sums have one term are multiplied.


@differentiable(binary=True, name="MmBackward0", refuse=cannot_multiply,
                x=lambda g, y: dot_matrices(g, transposed(y)), y=lambda g, x: dot_matrices(transposed(x), g))  # fmt: skip
def dot_matrices(x: Array, y: Array) -> Array:
    return x * y if x.shape[1] == 1 == y.shape[0] else x.dot(y)


@differentiable(binary=True, name="MvBackward0", refuse=cannot_multiply,
                x=lambda g, y: unsqueeze_axis(g, 1) * y, y=lambda g, x: mv_product(transposed(x), g))  # fmt: skip
def mv_product(x: Array, y: Array) -> Array:
    return x[:, 0] * y + 0 if x.shape[1] == 1 == y.shape[0] else x.dot(y)  # a sum begins at 0: it is not -0


@differentiable(binary=True, name="DotBackward0", refuse=cannot_multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
def dot_vectors(x: Array, y: Array) -> Array:
    return x.dot(y) + 0


@differentiable(binary=True, name="BmmBackward0", refuse=cannot_multiply,
                x=lambda g, y: bmm_product(g, swap_axes(y, 1, 2)), y=lambda g, x: bmm_product(swap_axes(x, 1, 2), g))  # fmt: skip
def bmm_product(x: Array, y: Array) -> Array:
    return np.matmul(x, y)
