"""Matrix products of vectors, matrices and batches of matrices.

`dot`, `mv`, `mm` and `bmm` are the primitives; `matmul` (`@`) chooses among them by the number of dimensions, as torch does.
Next: autograd/walk.py, if you have not been there, or nn/.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable
from .shapes import (
    as_new_shape,
    broadcast_shapes,
    expand_to,
    reshape_array,
    squeeze_axes,
    squeeze_row,
    swap_axes,
    transposed,
    unsqueeze_axis,
)


def cannot_multiply(x: Any, y: Any) -> Exception:
    """Why x @ y is not defined: the dtypes, or the shapes."""
    for v in (x, y):
        if not isinstance(v, graph.Tensor):
            return TypeError(f"a matrix product takes tensors, not {type(v).__name__}")
    if x.dtype is not y.dtype:
        if x.ndim == y.ndim == 1:
            return RuntimeError(f"dot : expected both vectors to have same dtype, but found {x.dtype.legacy} and {y.dtype.legacy}")
        a, b = x.dtype.name.replace("32", "").replace("float64", "double"), y.dtype.name.replace("32", "").replace("float64", "double")
        return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a} != {b}")
    a, b = x._array.shape, y._array.shape
    if len(a) == len(b) == 1:
        return RuntimeError(
            f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements, but got "
            f"{a[0]} and {b[0]} elements respectively"
        )
    if len(b) == 1:
        return RuntimeError(f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})")
    if len(a) == 3:
        return RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")


# `a.dot(b)` costs a third of `a @ b` on small matrices, and takes no slow path for a matrix of one column


@differentiable(binary=True, name="MmBackward0", refuse=cannot_multiply,
                x=lambda g, y: dot_matrices(g, transposed(y)), y=lambda g, x: dot_matrices(transposed(x), g))  # fmt: skip
def dot_matrices(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="MvBackward0", refuse=cannot_multiply,
                x=lambda g, y: unsqueeze_axis(g, 1) * y, y=lambda g, x: mv_product(transposed(x), g))  # fmt: skip
def mv_product(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="DotBackward0", refuse=cannot_multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
def dot_vectors(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="BmmBackward0", refuse=cannot_multiply,
                x=lambda g, y: bmm_product(g, swap_axes(y, 1, 2)), y=lambda g, x: bmm_product(swap_axes(x, 1, 2), g))  # fmt: skip
def bmm_product(x: Array, y: Array) -> Array:
    return np.matmul(x, y)


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
    if n == 1:  # a vector on the left is a row
        product = matmul(unsqueeze_axis(x, 0), y)
        return squeeze_row(product, (0,)) if m == 2 else as_new_shape(product, (*y._array.shape[:-2], y._array.shape[-1]))
    if m == 1:  # and on the right a column
        product = matmul(x, unsqueeze_axis(y, 1))
        return squeeze_axes(product, (product.ndim - 1,))
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
