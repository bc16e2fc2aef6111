"""The order in memory of a result. torch gives it the order of the first tensor that it is made of, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np


def empty_like(x: Any, dtype: Any = None) -> Any:
    """An array like x, in its order; strides of 0, of expanded dimensions, say nothing about it."""
    return np.empty_like(np.equal(x, x) if 0 in x.strides else x, dtype or x.dtype)


def laid_out_like(first: Any, out: Any) -> Any:
    """`out` in the order of `first`, if they have one shape."""
    if first.shape != out.shape:
        return out
    ordered = empty_like(first, out.dtype)
    if ordered.strides == out.strides:
        return out
    ordered[...] = out
    return ordered


def row_major(out: Any) -> Any:
    """`out` in C order, as torch lays out what it computes over a dimension."""
    return out if out.ndim < 2 or out.flags.c_contiguous else np.ascontiguousarray(out)
