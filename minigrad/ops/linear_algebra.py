"""Sums of products beyond the matrix product: addmm, outer, cross, einsum; and the singular value decomposition.

Next: nn/functional.py.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..rules.arithmetic import mul
from ..rules.matrix import dot_matrices
from ..rules.rearranging import diagonal_axes
from ..rules.reductions import sum_over
from ..rules.shapes import expand, permute_axes, reshape_array, swap_axes, transposed, unsqueeze_axis
from .calling import check, return_type, torch_function
from .elementwise import broadcasting
from .matrix import bmm
from .promotion import cannot_multiply, promoted, refuse_bool
from .shapes import as_dim, expand_to


@differentiable(name="AddmmBackward0",
                bias=lambda g, beta: g * beta,
                x=lambda g, y, alpha: dot_matrices(g, transposed(y)) * alpha,
                y=lambda g, x, alpha: dot_matrices(transposed(x), g) * alpha)  # fmt: skip
def add_product(bias: Array, x: Array, y: Array, beta: float, alpha: float) -> Array:
    product = x.dot(y) if alpha else np.zeros((len(x), y.shape[1]), x.dtype)  # nothing of x and y, be they inf or nan
    product = product if alpha in (0, 1) else product * x.dtype.type(alpha)
    return product if beta == 0 else product + (bias if beta == 1 else bias * x.dtype.type(beta))


@torch_function
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (mat1 @ mat2), with input broadcast to the product's shape."""
    for name, matrix in (("mat1", mat1), ("mat2", mat2)):
        check(matrix.ndim == 2, f"{name} must be a matrix, got {matrix.ndim}-D tensor")
    (n, inner), (inner_too, m) = mat1._array.shape, mat2._array.shape
    if inner != inner_too or mat1.dtype is not mat2.dtype:
        raise cannot_multiply(mat1, mat2)
    kinds = f"but got {input.dtype.legacy} and {mat2.dtype.legacy}"
    check(input.dtype is mat1.dtype, f"self and mat2 must have the same dtype, {kinds}")
    expand_to(input.detach(), (n, m))
    refuse_bool(input._array, "addmm_impl_cpu_")
    return add_product(input, mat1, mat2, beta, alpha)


@torch_function
def outer(input: Any, vec2: Any) -> Any:
    """The products of each element of one vector with each of another, (n, m)."""
    for name, vector in (("self", input), ("vec2", vec2)):
        check(vector.ndim == 1, f"outer: Expected 1-D argument {name}, but got {vector.ndim}-D")
    return mul(unsqueeze_axis(input, 1), vec2)


@differentiable(name="LinalgCrossBackward0",
                x=lambda g, y, axis: cross_along(y, g, axis), y=lambda g, x, axis: cross_along(g, x, axis))  # fmt: skip
def cross_along(x: Array, y: Array, axis: int) -> Array:
    return np.cross(x, y, axis=axis)


@torch_function
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The vector products of vectors of three elements along `dim` (the first dimension of size 3 if None, with a warning)."""
    check(input.ndim == other.ndim, "linalg.cross: inputs must have the same number of dimensions.")
    if dim is None:
        check(3 in input._array.shape, "no dimension of size 3 in input")
        dim = input._array.shape.index(3)
        warnings.warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or simply use "
            "torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross in a future release.",
            stacklevel=3,
        )
    axis = as_dim(dim, input.ndim)
    n, m = input._array.shape[axis], other._array.shape[axis]
    check(n == m == 3, f"linalg.cross: inputs dimension {dim} must have length 3. Got {n} and {m}")
    return broadcasting(cross_along, *promoted(input, other), axis)


# ------------------------------------------------------------------ einsum


def einsum(equation: str, *operands: Any) -> Any:
    """Products of the operands, summed over the letters that the right side lacks: 'ij,jk->ik' is a matrix product.

    '...' stands for any dimensions, which broadcast. Operands are multiplied from left to right. RuntimeError for an
    equation that does not fit the operands.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    few = "fewer" if len(operands) < len(terms) else "more"
    check(len(terms) == len(operands), f"einsum(): {few} operands were provided than specified in the equation")
    sizes: dict[Any, int] = {}
    parts = []
    for i, (term, x) in enumerate(zip(terms, operands)):
        labels = _labels(term, i, x.ndim)
        for label, n in zip(labels, x._array.shape):
            seen = sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
            if n not in (1, seen):
                misfit = f"size {n} for operand {i} which does not broadcast with previously seen size {seen}"
                raise RuntimeError(f"einsum(): subscript {label} has {misfit}")
        parts.append(_without_repeats(x, labels))
    dots = sorted([label for label in sizes if isinstance(label, int)])
    if arrow:
        result = [label for c in right.replace("...", ".") for label in (dots if c == "." else [c])]
    else:
        result = [*dots, *sorted([c for c in sizes if isinstance(c, str) and left.count(c) == 1])]
    for label in result:
        check(result.count(label) == 1, f"einsum(): output subscript {label} appears more than once in the output")
        check(label in sizes, f"einsum(): output subscript {label} does not appear in the equation for any input operand")
    (x, labels), *others = parts
    while others:
        y, its = others.pop(0)
        needed = {*result, *[label for _, later in others for label in later]}
        x, labels = _contract(x, labels, y, its, needed, sizes)
    lost = tuple([i for i, label in enumerate(labels) if label not in result])
    x = sum_over(x, lost, False) if lost else x
    labels = [label for label in labels if label in result]
    return x if labels == result else permute_axes(x, tuple([labels.index(label) for label in result]))


def _labels(term: str, i: int, ndim: int) -> list[Any]:
    """A label for each dimension of operand i: its letter, or, under '...', a number counted from the end."""
    head, dots, tail = term.partition("...")
    letters = head + tail
    for c in letters:
        where = f"given at index {term.index(c)} in the equation string"
        check(c.isalpha(), f"einsum(): invalid subscript {where}, subscripts must be in [a-zA-Z]")
    hidden = ndim - len(letters)
    if hidden < 0 or (hidden and not dots):
        verb, reason = ("is more than", "") if dots else ("does not match", " and no ellipsis was given")
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(letters)}) {verb} the number of dimensions ({ndim}) for operand "
            f"{i}{reason}"
        )
    return [*head, *range(-hidden, 0), *tail]


def _without_repeats(x: Any, labels: list[Any]) -> tuple[Any, list[Any]]:
    """x with the diagonal taken for each label that comes twice."""
    while repeated := [label for label in labels if labels.count(label) > 1]:
        i, j = [n for n, label in enumerate(labels) if label == repeated[0]][:2]
        x = diagonal_axes(x, 0, i, j)
        labels = [*labels[:i], *labels[i + 1 : j], *labels[j + 1 :], repeated[0]]
    return x, labels


def _contract(x: Any, a: list[Any], y: Any, b: list[Any], needed: set[Any], sizes: dict[Any, int]) -> tuple[Any, list[Any]]:
    """The product of x and y, labelled a and b, summed over what is not needed: one batch of matrix products."""
    batch = [k for k in a if k in b and k in needed]
    summed = [k for k in a if k in b and k not in needed]
    rows, columns = [k for k in a if k not in b], [k for k in b if k not in a]

    def matrices(t: Any, labels: list[Any], first: list[Any], second: list[Any]) -> Any:
        t = permute_axes(t, tuple([labels.index(k) for k in batch + first + second]))
        t = expand(t, tuple([sizes[k] if k in batch + summed else n for k, n in zip(batch + first + second, t._array.shape)]))
        return reshape_array(t, tuple([math.prod([sizes[k] for k in group]) for group in (batch, first, second)]))

    one_term = math.prod([sizes[k] for k in summed]) == 1
    product = (mul if one_term else bmm)(matrices(x, a, rows, summed), matrices(y, b, summed, columns))
    labels = batch + rows + columns
    return reshape_array(product, tuple([sizes[k] for k in labels])), labels


# ------------------------------------------------------------------ singular values


svd_result = return_type("svd", "U S V")


def svd_factors(x: Any) -> Any:
    """U, S and V of x, an array or a Tensor."""
    if not isinstance(x, np.ndarray):
        return svd(x)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return u, s, np.swapaxes(vh, -2, -1)


def svd_slope(g: Any, x: Any, which: int) -> Any:
    """The gradient of factor `which`, by Townsend, "Differentiating the singular value decomposition" (2016).

    For U, with F[i, j] = 1 / (s[j]**2 - s[i]**2) off the diagonal: U (F * (U.T g - g.T U)) S V.T + (1 - U U.T) g / S V.T;
    for V the same of the transposed x. Singular where two singular values are equal.
    """
    u, s, v = svd_factors(x)
    if which == 1:
        return (u * unsqueeze_axis(g, s.ndim - 1)) @ swap_axes(v, -2, -1)
    if which == 2:
        u, v = v, u
    ut, k = swap_axes(u, -2, -1), s.shape[-1]
    off = 1 - np.eye(k, dtype=np.asarray(getattr(g, "_array", g)).dtype)
    rows, columns = unsqueeze_axis(s, s.ndim), unsqueeze_axis(s, s.ndim - 1)
    f = off / ((columns - rows) * (columns + rows) + (1 - off))
    turned = ut @ g
    slope = u @ (f * (turned - swap_axes(turned, -2, -1))) * columns + (g - u @ turned) / columns
    slope = slope @ swap_axes(v, -2, -1)
    return swap_axes(slope, -2, -1) if which == 2 else slope


@differentiable(name="LinalgSvdBackward0", x=svd_slope)
def svd_factor(x: Array, factors: Any, which: int) -> Array:
    return factors[which]


@torch_function
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) with input = U @ diag(S) @ V.T, for matrices (..., n, m); S is descending. Columns have any sign."""
    check(input.ndim >= 2, f"linalg.svd: input should have at least 2 dimensions, but has {input.ndim} dimensions instead")
    reduced = "minigrad computes the reduced factors only: svd(input), some=True, compute_uv=True"
    check(some and compute_uv, reduced, NotImplementedError)
    factors = svd_factors(input._storage())
    return svd_result(*[svd_factor(input, factors, which) for which in range(3)])
