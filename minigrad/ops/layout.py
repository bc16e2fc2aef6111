"""The order in memory of a result, as torch chooses it: it decides where `view` works and where `reshape` shares memory.

What is computed element by element lies as its operands do, the first one first (TensorIterator::reorder_dimensions); what is
computed over a dimension is row-major.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def fastest_first(shape: tuple[int, ...], operands: Any) -> list[int]:
    """The dimensions of a result, from that whose elements lie closest: by the strides of the first operand that has any."""
    every = [(0,) * (len(shape) - v.ndim) + tuple([s if n > 1 else 0 for s, n in zip(v.strides, v.shape)]) for v in operands]

    def compare(i: int, j: int) -> int:
        for strides in every:
            if strides[i] and strides[j] and strides[i] != strides[j]:
                return -1 if strides[i] < strides[j] else 1
            if strides[i] and strides[i] == strides[j] and shape[i] > shape[j]:
                return 1
        return 0

    order = list(range(len(shape)))[::-1]
    for at in range(1, len(order)):  # by insertion, past ties: the comparison is no total order
        for before in reversed(range(at)):
            found = compare(order[before], order[at])
            if found < 0:
                break
            if found > 0:
                order[before], order[at], at = order[at], order[before], before
    return order


def empty(shape: tuple[int, ...], operands: Any, dtype: Any) -> Any:
    """An array for a result of this shape, in torch's order."""
    first = operands[0]
    if first.shape == shape and min(shape, default=2) > 1 and all(first.strides):
        return np.empty_like(first, dtype)  # it has an order in every dimension, so nobody else is asked
    slowest_first = fastest_first(shape, operands)[::-1]
    return np.empty([shape[i] for i in slowest_first], dtype).transpose(np.argsort(slowest_first).tolist())


def empty_like(x: Any, dtype: Any = None) -> Any:
    """An array of the shape and order of x."""
    return np.empty(x.shape, dtype or x.dtype) if x.flags.c_contiguous else empty(x.shape, (x,), dtype or x.dtype)


def laid_out(out: Any, *operands: Any) -> Any:
    """`out`, computed element by element from these arrays, in torch's order."""
    arrays = [v for v in operands if isinstance(v, np.ndarray)]
    if out.flags.c_contiguous and all([v.flags.c_contiguous for v in arrays]):
        return out
    ordered = empty(out.shape, arrays, out.dtype)
    if ordered.strides == out.strides:
        return out
    ordered[...] = out
    return ordered


def slowest_first(array: Any) -> list[int]:
    """The dimensions from the longest stride to the shortest."""
    return sorted(range(array.ndim), key=lambda axis: -array.strides[axis])


def is_dense(array: Any) -> bool:
    """Whether the elements fill their memory, each in a place of its own, in some order of the dimensions."""
    size = array.itemsize
    for stride, n in sorted([(s, n) for s, n in zip(array.strides, array.shape) if n != 1]):
        if stride != size:
            return bool(array.size == 0)
        size *= n
    return True


def row_major(out: Any) -> Any:
    """`out` in C order."""
    return out if out.ndim < 2 or out.flags.c_contiguous else np.ascontiguousarray(out)
