"""Spread, norms, products, running sums, sorting and counting.

The rules of a product divide by an element only where none is zero, and not for higher derivatives. Next: choosing.py.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, differentiable, wrap
from ..rules.elementwise import abs, sign, where
from ..rules.rearranging import flip_axes
from ..rules.reductions import Axes, count, mean_over, sorted_values, spread, sum_over, top_values
from ..rules.shapes import reshape_array
from .calling import as_number, check, named, return_type, torch_function
from .layout import laid_out, row_major
from .reductions import in_sum_dtype
from .shapes import along, as_dim, as_dims, broadcast_shapes
from .sums import HALF, total

# ------------------------------------------------------------------ variance and standard deviation


def variance(x: Array, axes: Axes, correction: float, keepdim: bool) -> Array:
    """In float64, as in torch. The mean is corrected once, so that it is exactly 0 for equal elements, where std has no slope."""
    n: Any = np.float64(count(x.shape, axes))
    centred = x - np.add.reduce(x, axis=axes, dtype=np.float64, keepdims=True) / n
    rest = np.add.reduce(centred, axis=axes, keepdims=True) / n
    centred = centred - np.where(np.isfinite(rest), rest, 0.0)
    summed = np.add.reduce(centred * centred, axis=axes, keepdims=keepdim)  # type: ignore[call-overload]
    return row_major(summed / max(n - correction, n * 0))


def var_slope(g: Any, x: Any, axes: Axes, correction: float, keepdim: bool) -> Any:
    """2 / (n - correction) * (x - mean), times g."""
    freedom = count(x.shape, axes) - correction
    return spread(g * (2 / freedom if freedom else math.inf), x.shape, axes, keepdim) * (x - mean_over(x, axes, True))


@differentiable(name="VarBackward0", x=var_slope)
def var_over(x: Array, axes: Axes, correction: float, keepdim: bool) -> Array:
    return variance(x, axes, correction, keepdim).astype(x.dtype)


@differentiable(name="StdBackward0",
                x=lambda g, x, out, axes, correction, keepdim:
                    var_slope(where(out == 0, 0.0, g / (2 * out)), x, axes, correction, keepdim))  # fmt: skip
def std_over(x: Array, axes: Axes, correction: float, keepdim: bool) -> Array:
    return np.sqrt(variance(x, axes, correction, keepdim)).astype(x.dtype)


def _spread_function(name: str, operation: Any) -> Any:
    def apply(input: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None) -> Any:
        check(input._array.dtype.kind == "f", "std and var only support floating point and complex dtypes")
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        axes = as_dims(dim, input.ndim)
        correction = int(unbiased) if correction is None else correction
        if count(input._array.shape, axes) <= correction:
            warnings.warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
                "divided by output numel).",
                stacklevel=3,
            )
        return operation(input, axes, correction, keepdim)

    return named(apply, name, "over `dim`, with the divisor n - correction (n - 1 by default, n if not `unbiased`)")


var, std = _spread_function("var", var_over), _spread_function("std", std_over)

# ------------------------------------------------------------------ norms


def norm_slope(g: Any, x: Any, out: Any, p: float, axes: Axes, keepdim: bool) -> Any:
    """The gradient of (sum of |x| ** p) ** (1 / p); 0 where the norm is 0."""
    norm = spread(out, x.shape, axes, keepdim)
    if math.isinf(p):
        ties = abs(x) == norm
        return where(ties, sign(x) * spread(g / sum_over(ties, axes, keepdim), x.shape, axes, keepdim), 0.0)
    g = spread(g, x.shape, axes, keepdim)
    if p in (0, 1):
        return g * sign(x) if p else g * 0.0
    if p == 2:
        return g * where(norm == 0, 0.0, x / norm)
    if p < 1:
        return where(x == 0, 0.0, sign(x) * abs(x) ** (p - 1)) * (g / norm ** (p - 1))
    scaled = sign(x) * abs(x) ** (p - 1) if p < 2 else x * abs(x) ** (p - 2)
    return scaled * where(norm == 0, 0.0, g / norm ** (p - 1))


@differentiable(name="LinalgVectorNormBackward0", x=norm_slope)
def norm_over(x: Array, p: float, axes: Axes, keepdim: bool) -> Array:
    if x.dtype is HALF:
        return norm_over(x.astype(np.float32), p, axes, keepdim).astype(HALF)
    size = np.absolute(x)
    if p and count(x.shape, axes) == 1:  # of one element, also where its power would overflow or underflow
        return size if keepdim else size.squeeze(axes)
    if math.isinf(p):
        return (np.maximum if p > 0 else np.minimum).reduce(size, axis=axes, keepdims=keepdim)  # type: ignore[call-overload]
    powers = x * x if p == 2 else (size != 0).astype(x.dtype) if p == 0 else size if p == 1 else size**p
    summed = total(powers, axes, keepdim)
    return summed if p in (0, 1) else np.sqrt(summed) if p == 2 else summed ** (1 / p)


@torch_function
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """(sum of |x| ** p) ** (1 / p) over `dim`; 'fro' is 2, inf the greatest, 0 the number of nonzeros (torch.norm)."""
    x = input if dtype is None else input._cast(dtype.numpy)
    kind = x.dtype.legacy
    check(x.is_floating_point(), f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {kind}")
    check(not isinstance(p, str) or p == "fro", f"linalg.matrix_norm: Order {p} not supported.")
    p, axes = 2.0 if p in ("fro", None) else as_number("norm", "p", p), as_dims(dim, x.ndim)
    if (p < 0 or p == math.inf) and count(x._array.shape, axes) == 0:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {p:g} norm on an empty tensor because the operation does not have an identity"
        )
    return norm_over(x, p, axes, keepdim)


# ------------------------------------------------------------------ running sums and products


def accumulated(ufunc: np.ufunc, x: Array, axis: int) -> Array:
    """The running result along the axis; of floats in float64, as in torch."""
    if x.ndim == 0:
        return np.array(x)
    return ufunc.accumulate(x, axis, np.float64 if x.dtype.kind == "f" else None).astype(x.dtype, order="C")


@differentiable(name="CumsumBackward0", x=lambda g, axis: flipped(cumsum_along, axis, g))
def cumsum_along(x: Array, axis: int) -> Array:
    return accumulated(np.add, x, axis) + 0  # a sum begins at 0: it is not -0


@differentiable(name="CumprodBackward0", x=lambda g, x, out, axis: cumprod_slope(g, x, out, axis))
def cumprod_along(x: Array, axis: int) -> Array:
    return accumulated(np.multiply, x, axis)


def cumprod_slope(g: Any, x: Any, out: Any, axis: int) -> Any:
    if x.ndim == 0 or x.shape[axis] == 1:
        return g
    lanes = not_divisible(g, x, out, axis)
    if isinstance(x, graph.Tensor):
        return polynomial_slope(g, x, axis) if lanes.any() else flipped(cumsum_along, axis, g * out) / x
    zeros = np.cumsum(x == 0, axis)  # so far: behind the first nothing has a slope, whatever stands there
    first = (x == 0) & (zeros == 1)
    before = flipped(cumsum_along, axis, np.where(zeros == 0, g * out, 0)) / x
    without = accumulated(np.multiply, np.where(first, 1, x), axis)
    at_first = flipped(cumsum_along, axis, np.where(zeros == 1, g * without, 0))
    slope = np.where(zeros == 0, before, np.where(first, at_first, 0))
    if not lanes.any():
        return slope
    undivided = polynomial_slope(g, x, axis)  # which behind a zero is nan where the products overflow
    return np.where(lanes & np.isfinite(undivided).all(axis, keepdims=True), undivided, slope)


def not_divisible(g: Any, x: Any, out: Any, axis: int) -> Any:
    """Where the product of the other elements may not be taken as that of all, divided by the element: along an axis with a
    zero, or a subnormal, of few digits. Where inf or nan is concerned torch divides all the same."""
    g, x, out = (getattr(a, "_array", a) for a in (g, x, out))
    tiny = np.finfo(x.dtype).tiny
    few = (np.absolute(x) < tiny) | (np.absolute(out) < tiny)
    return few.any(axis, keepdims=True) & np.isfinite(g * out * x).all(axis, keepdims=True)


def polynomial_slope(g: Any, x: Any, axis: int) -> Any:
    return product_before(x, axis) * scan_back(g, x, axis)


@differentiable(name="CumprodBackward0", x=polynomial_slope)
def running_product(x: Array, axis: int) -> Array:
    """cumprod whose derivatives divide by nothing."""
    return accumulated(np.multiply, x, axis)


@differentiable(x=lambda g, axis: flipped(shift, axis, g, 0.0))
def shift(x: Array, axis: int, first: float) -> Array:
    """x moved on by one along the axis; `first` comes in and the last goes out."""
    out = np.full_like(x, first)
    out[along(axis, slice(1, None))] = x[along(axis, slice(0, -1))]
    return out


@differentiable(x=lambda g, factor, axis: scan_back(g, factor, axis),
                factor=lambda g, factor, out, axis: scan_back(g, factor, axis) * shift(out, axis, 0.0))  # fmt: skip
def scan(x: Array, factor: Array, axis: int) -> Array:
    """out[i] = x[i] + factor[i] * out[i - 1]"""
    out = np.array(x)
    for i in range(1, x.shape[axis]):
        out[along(axis, i)] += factor[along(axis, i)] * out[along(axis, i - 1)]
    return out


def scan_back(g: Any, factor: Any, axis: int) -> Any:
    """out[i] = g[i] + factor[i + 1] * out[i + 1]: the adjoint of a scan, and of a running product that does not divide."""
    factor = shift(flip_axes(factor, (axis,)), axis, 0.0)
    return flip_axes(scan(flip_axes(g, (axis,)), factor, axis), (axis,))


def product_before(x: Any, axis: int) -> Any:
    """For each element the product of those before it."""
    return running_product(shift(x, axis, 1.0), axis)


def flipped(operation: Any, axis: int, x: Any, *options: Any) -> Any:
    """The operation along an axis, from its end to its start."""
    if x.ndim == 0:
        return operation(x, axis, *options)
    return flip_axes(operation(flip_axes(x, (axis,)), axis, *options), (axis,))


def prod_slope(g: Any, x: Any, out: Any, axis: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return g
    g, out = spread(g, x.shape, (axis,), keepdim), spread(out, x.shape, (axis,), keepdim)
    lanes, zero = not_divisible(g, x, out, axis), not getattr(x, "_array", x).all()
    if not zero and not lanes.any():
        return g * (out / x)
    slope = g * (product_before(x, axis) * flipped(product_before, axis, x))
    return slope if zero else where(lanes, slope, g * (out / where(lanes, 1.0, x)))


def prod_all_slope(g: Any, x: Any, out: Any) -> Any:
    if x.ndim == 0:
        return g
    if not isinstance(x, graph.Tensor) and x.size - np.count_nonzero(x) > 1:
        return np.zeros_like(x)  # whatever g is
    return reshape_array(prod_slope(g, reshape_array(x, (math.prod(x.shape),)), out, 0, False), tuple(x.shape))


@differentiable(name="ProdBackward0", x=prod_all_slope)
def prod_all(x: Array) -> Array:
    return np.multiply.reduce(x, axis=None)


@differentiable(name="ProdBackward1", x=prod_slope)
def prod_over(x: Array, axis: int, keepdim: bool) -> Array:
    return row_major(np.multiply.reduce(x, axis=axis, keepdims=keepdim)) if x.ndim else np.array(x)  # type: ignore[call-overload]


@torch_function
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product of all elements, or over one dimension."""
    x = in_sum_dtype(input, dtype)
    return prod_all(x) if dim is None else prod_over(x, as_dim(dim, x.ndim), keepdim)


def _running(name: str, operation: Any) -> Any:
    def apply(input: Any, dim: int, *, dtype: Any = None) -> Any:
        return operation(in_sum_dtype(input, dtype), as_dim(dim, input.ndim))

    return named(apply, name, "along `dim`: of each element and those before it")


cumsum, cumprod = _running("cumsum", cumsum_along), _running("cumprod", cumprod_along)

# ------------------------------------------------------------------ sorting


sort_result, topk_result = return_type("sort"), return_type("topk")


def order(x: Array, axis: int, descending: bool) -> Array:
    """The indices that sort x, equals in their order; nan counts as the greatest."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


@torch_function
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(values, indices) in order along `dim`; equals stay in their order, nan is the greatest."""
    axis = as_dim(dim, input.ndim)
    if input.ndim == 0:
        return sort_result(input.clone(), wrap(np.array(0)))
    index = wrap(order(input._array, axis, descending))
    values = sorted_values(input, index, axis, True)
    for out in (values, index):
        out._array = laid_out(out._array, input._array)
    return sort_result(values, index)


@torch_function
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The indices that sort along `dim`."""
    return sort(input, dim, descending).indices


@torch_function
def topk(input: Any, k: int, dim: int | None = None, largest: bool = True, sorted: bool = True) -> Any:
    """The k greatest (or least) elements along `dim`, in order, as (values, indices)."""
    axis = as_dim(-1 if dim is None else dim, input.ndim)
    check(input._array.dtype.kind != "b", "topk does not support bool dtypes on CPU")
    check(0 <= k <= (input._array.shape[axis] if input.ndim else 1), "selected index k out of range")
    if input.ndim == 0:
        return topk_result(*sort(input))
    index = wrap(np.ascontiguousarray(order(input._array, axis, largest)[along(axis, slice(k))]))
    return topk_result(top_values(input, index, axis, True), index)


def _no_unique(g: Any) -> Any:
    raise NotImplementedError("the derivative for '_unique2' is not implemented.")


@differentiable(name="Unique2Backward0", x=_no_unique)
def unique_values(x: Array, values: Array) -> Array:
    return values


@torch_function
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The different elements (or slices along `dim`) in order; with them, if asked, where each element went, and counts."""
    axis = None if dim is None else as_dim(dim, input.ndim)
    values, inverse, counts = np.unique(input._array, return_inverse=True, return_counts=True, axis=axis)
    shape = input._array.shape if axis is None else (-1,)
    results = [unique_values(input, values), wrap(inverse.reshape(shape)), wrap(counts)]
    chosen = tuple([r for r, wanted in zip(results, (True, return_inverse, return_counts)) if wanted])
    return chosen if len(chosen) > 1 else chosen[0]


# ------------------------------------------------------------------ comparing


@torch_function
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """|input - other| <= atol + rtol * |other|, elementwise; RuntimeError if the dtypes differ."""
    check(input.dtype is other.dtype, f"{input.dtype.legacy} did not match {other.dtype.legacy}")
    broadcast_shapes(input._array.shape, other._array.shape)
    return wrap(np.isclose(input._array, other._array, rtol, atol, equal_nan))


@torch_function
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


@torch_function
def equal(input: Any, other: Any) -> bool:
    """Whether both have one shape and the same elements."""
    return np.array_equal(input._array, other._array)
