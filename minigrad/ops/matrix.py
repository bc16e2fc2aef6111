"""Matrix products as torch calls them: `matmul` (`@`) chooses among dot, mv, mm and bmm by the number of dimensions.

Their rules are in rules/matrix.py. Next: nn/module.py.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import graph
from ..rules.matrix import (
    bmm_product,
    dot_matrices,
    dot_vectors,
    mv_product,
)
from .promotion import cannot_multiply
from .shapes import (
    as_new_shape,
    broadcast_shapes,
    expand_to,
    reshape_array,
    squeeze_row,
    swap_axes,
    unsqueeze_axis,
)


def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices, (n, k) and (k, m)."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError("self must be a matrix" if input.ndim != 2 else "mat2 must be a matrix")
    return _refuse_bool(input, "addmm_impl_cpu_") or dot_matrices(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix (n, k) and a vector (k,)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, {vec.ndim}")
    return _refuse_bool(input, "addmv_impl_cpu") or mv_product(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """The inner product of two vectors of one length."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return _refuse_bool(input, "dot") or dot_vectors(input, tensor)


def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    for name, operand in (("batch1", input), ("batch2", mat2)):
        if operand.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if input._array.shape[0] != mat2._array.shape[0]:
        raise cannot_multiply(input, mat2)
    return _refuse_bool(input, "bmm") or bmm_product(input, mat2)


def matmul(x: Any, y: Any) -> Any:
    """x @ y: vectors, matrices, or batches of matrices whose leading dimensions broadcast."""
    if not isinstance(x, graph.Tensor) or not isinstance(y, graph.Tensor):
        return NotImplemented
    n, m = x._array.ndim, y._array.ndim
    if n == 2 and m == 2:
        return mm(x, y) if x._array.dtype.kind == "b" else dot_matrices(x, y)
    if n == 0 or m == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if n == 1 and m == 1:
        return dot(x, y)
    if n == 2 and m == 1:
        return mv(x, y)
    if n == 1 and m == 2:  # a vector on the left is a row
        return squeeze_row(matmul(unsqueeze_axis(x, 0), y), (0,))
    if n == 1:
        return matmul(swap_axes(y, m - 2, m - 1), x)
    if m == 1:  # a batch of matrices times a vector: one matrix times the vector
        *batch, inner = x._array.shape
        return as_new_shape(mv(reshape_array(x, (math.prod(batch), inner)), y), tuple(batch))
    if m == 2:  # one matrix for the whole batch: a product of two matrices
        *batch, rows, inner = x._array.shape
        flat = reshape_array(x, (math.prod((*batch, rows)), inner))
        return as_new_shape(mm(flat, y), (*batch, rows, y._array.shape[1]))
    (rows, inner), (inner_too, columns) = x._array.shape[-2:], y._array.shape[-2:]
    batch = broadcast_shapes(x._array.shape[:-2], y._array.shape[:-2])
    a = reshape_array(expand_to(x, (*batch, rows, inner)), (math.prod(batch), rows, inner))
    b = reshape_array(expand_to(y, (*batch, inner_too, columns)), (math.prod(batch), inner_too, columns))
    return as_new_shape(bmm(a, b), (*batch, rows, columns))


def _refuse_bool(x: Any, kernel: str) -> Any:
    if x._array.dtype.kind == "b":
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    return None
