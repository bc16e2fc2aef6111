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
from .shapes import expand_to, reshape_array, squeeze_axes, swap_axes, transposed, unsqueeze_axis

# `a.dot(b)` costs a third of `a @ b` on small matrices, and takes no slow path for a matrix of one column


@differentiable(binary=True, x=lambda g, y: dot_matrices(g, transposed(y)), y=lambda g, x: dot_matrices(transposed(x), g),
                name="MmBackward0")  # fmt: skip
def dot_matrices(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="MvBackward0", x=lambda g, y: unsqueeze_axis(g, 1) * y, y=lambda g, x: mv_product(transposed(x), g))
def mv_product(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="DotBackward0", x=lambda g, y: g * y, y=lambda g, x: g * x)
def dot_vectors(x: Array, y: Array) -> Array:
    return x.dot(y)


@differentiable(binary=True, name="BmmBackward0",
                x=lambda g, y: bmm_product(g, swap_axes(y, 1, 2)), y=lambda g, x: bmm_product(swap_axes(x, 1, 2), g))  # fmt: skip
def bmm_product(x: Array, y: Array) -> Array:
    return np.matmul(x, y)


def mm(x: Any, y: Any) -> Any:
    """The product of two matrices, (n, k) and (k, m)."""
    if x.ndim != 2 or y.ndim != 2:
        raise RuntimeError("self must be a matrix" if x.ndim != 2 else "mat2 must be a matrix")
    _same_dtype(x, y, "addmm_impl_cpu_", "expected m1 and m2 to have the same dtype, but got: {} != {}", True)
    if x._array.shape[1] != y._array.shape[0]:
        raise _cannot_multiply(x._array.shape, y._array.shape)
    return dot_matrices(x, y)


def mv(x: Any, y: Any) -> Any:
    """The product of a matrix (n, k) and a vector (k,)."""
    if x.ndim != 2 or y.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {y.ndim}, {x.ndim}, {y.ndim}")
    _same_dtype(x, y, "addmv_impl_cpu", "expected scalar type {} but found {}")
    if x._array.shape[1] != y._array.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({x._array.shape[0]}), mat ({x._array.shape[0]}x{x._array.shape[1]}), vec ({y._array.shape[0]})"
        )
    return mv_product(x, y)


def dot(x: Any, y: Any) -> Any:
    """The inner product of two vectors of one length."""
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors")
    _same_dtype(x, y, "dot", "dot : expected both vectors to have same dtype, but found {} and {}")
    (n,), (m,) = x._array.shape, y._array.shape
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but got {n} and "
            f"{m} elements respectively"
        )
    return dot_vectors(x, y)


def bmm(x: Any, y: Any) -> Any:
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    for name, operand in (("batch1", x), ("batch2", y)):
        if operand.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    _same_dtype(x, y, "bmm", "expected m1 and m2 to have the same dtype, but got: {} != {}", True)
    (b, _, k), got = x._array.shape, y._array.shape
    if got[:2] != (b, k):
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{b}, {k}] but got: [{got[0]}, {got[1]}]."
        )
    return bmm_product(x, y)


def matmul(x: Any, y: Any) -> Any:
    """x @ y: vectors, matrices, or batches of matrices whose leading dimensions broadcast."""
    if not isinstance(x, graph.Tensor) or not isinstance(y, graph.Tensor):
        return NotImplemented
    n, m = x._array.ndim, y._array.ndim
    if n == 2 and m == 2:
        a, b = x._array, y._array
        if a.dtype is b.dtype and a.shape[1] == b.shape[0] and a.dtype.kind != "b":
            return dot_matrices(x, y)
        return mm(x, y)
    if n == 0 or m == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if n == 1 and m == 1:
        return dot(x, y)
    if n == 2 and m == 1:
        return mv(x, y)
    if n == 1:  # a vector on the left is a row
        product = matmul(unsqueeze_axis(x, 0), y)
        return squeeze_axes(product, (product.ndim - 2,))
    if m == 1:  # and on the right a column
        product = matmul(x, unsqueeze_axis(y, 1))
        return squeeze_axes(product, (product.ndim - 1,))
    if m == 2:  # one matrix for the whole batch: a product of two matrices
        *batch, rows, inner = x._array.shape
        if inner != y._array.shape[0]:
            raise _cannot_multiply((x._array.size // max(inner, 1), inner), y._array.shape)
        flat = reshape_array(x, (math.prod((*batch, rows)), inner))
        return reshape_array(mm(flat, y), (*batch, rows, y._array.shape[1]))
    return _matmul_batches(x, y)


def _matmul_batches(x: Any, y: Any) -> Any:
    from .shapes import broadcast_shapes

    (rows, inner), (inner_too, columns) = x._array.shape[-2:], y._array.shape[-2:]
    batch = broadcast_shapes(x._array.shape[:-2], y._array.shape[:-2])
    size = math.prod(batch)
    a = reshape_array(expand_to(x, (*batch, rows, inner)), (size, rows, inner))
    b = reshape_array(expand_to(y, (*batch, inner_too, columns)), (size, inner_too, columns))
    return reshape_array(bmm(a, b), (*batch, rows, columns))


def _cannot_multiply(a: Any, b: Any) -> RuntimeError:
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")


def _same_dtype(x: Any, y: Any, kernel: str, text: str, lower: bool = False) -> None:
    for v in (x, y):
        if not isinstance(v, graph.Tensor):
            raise TypeError(f"argument must be Tensor, not {type(v).__name__}")
    if x.dtype is not y.dtype:
        names = [v.dtype.legacy.lower() if lower else v.dtype.legacy for v in (x, y)]
        raise RuntimeError(text.format(*names))
    if x._array.dtype.kind == "b":
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
