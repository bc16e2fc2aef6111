"""Matrix products as torch calls them: `matmul` (`@`) chooses among dot, mv, mm and bmm by the number of dimensions.

Their rules are in rules/matrix.py. Next: nn/module.py.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import graph
from ..rules import matrix as rules
from ..rules import shapes
from .calling import check, torch_function
from .promotion import cannot_multiply, refuse_bool
from .shapes import broadcast_shapes, expand_to


def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices, (n, k) and (k, m)."""
    check(input.ndim == 2, "self must be a matrix")
    check(mat2.ndim == 2, "mat2 must be a matrix")
    refuse_bool(input._array, "addmm_impl_cpu_")
    return rules.dot_matrices(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix (n, k) and a vector (k,)."""
    check(input.ndim, "Dimension specified as 0 but tensor has no dimensions", IndexError)
    check(input.ndim == 2 and vec.ndim == 1, f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, {vec.ndim}")
    refuse_bool(input._array, "addmv_impl_cpu")
    return rules.mv_product(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """The inner product of two vectors of one length."""
    check(input.ndim == tensor.ndim == 1, f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    refuse_bool(input._array, "dot")
    return rules.dot_vectors(input, tensor)


def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    check(input.ndim == 3, "batch1 must be a 3D tensor")
    check(mat2.ndim == 3, "batch2 must be a 3D tensor")
    if input._array.shape[0] != mat2._array.shape[0]:
        raise cannot_multiply(input, mat2)
    refuse_bool(input._array, "bmm")
    return rules.bmm_product(input, mat2)


def matmul(x: Any, y: Any) -> Any:
    """x @ y: vectors, matrices, or batches of matrices whose leading dimensions broadcast."""
    if not isinstance(x, graph.Tensor) or not isinstance(y, graph.Tensor):
        return NotImplemented
    n, m = x._array.ndim, y._array.ndim
    if n == 2 and m == 2:
        return mm(x, y) if x._array.dtype.kind == "b" else rules.dot_matrices(x, y)
    if n == 2 and m == 1:
        refuse_bool(x._array, "addmv_impl_cpu")
        return rules.mv_product(x, y)
    check(n and m, f"both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")
    if n == 1 and m == 1:
        return dot(x, y)
    if n == 1 and m == 2:  # a vector on the left is a row
        product = shapes.squeeze_row(matmul(shapes.unsqueeze_axis(x, 0), y), (0,))
        product._base = None  # torch squeezes in place: no view, since nobody else has the memory
        return product
    if n == 1:
        return matmul(shapes.swap_axes(y, m - 2, m - 1), x)
    if m == 1:  # a batch of matrices times a vector: one matrix times the vector
        *batch, inner = x._array.shape
        return shapes.as_new_shape(mv(shapes.reshape_array(x, (math.prod(batch), inner)), y), tuple(batch))
    # One matrix for the whole batch: torch takes a product of two matrices if that saves memory in backward or costs no copy.
    if n == 2 and x.requires_grad:
        product = matmul(shapes.swap_axes(y, m - 2, m - 1), shapes.transposed(x))
        return shapes.in_order(shapes.swap_axes(product, m - 2, m - 1))
    *batch, rows, inner = x._array.shape
    flat = (math.prod((*batch, rows)), inner)
    if m == 2 and (y.requires_grad or shapes.can_view(x._storage(), flat)):
        return shapes.as_new_shape(mm(shapes.reshape_array(x, flat), y), (*batch, rows, y._array.shape[1]))
    batch = broadcast_shapes(x._array.shape[:-2], y._array.shape[:-2])
    a, b = (expand_to(v, (*batch, *v._array.shape[-2:])) for v in (x, y))
    a, b = (shapes.reshape_array(v, (math.prod(batch), *v._array.shape[-2:])) for v in (a, b))
    return shapes.as_new_shape(bmm(a, b), (*batch, x._array.shape[-2], y._array.shape[-1]))


torch_matmul = torch_function(matmul)
