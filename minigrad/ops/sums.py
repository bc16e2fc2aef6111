"""Sums of arrays whose rounding errors stay small: in pairs, and of float16 in float32, as torch adds.

NumPy adds in pairs along the last axis only. Along the others it adds row to row: of a million rows the last come to a sum so
large that their digits are lost, 1 % of it in float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .layout import row_major

HALF = np.dtype(np.float16)
FEW = 512  # rows that may be added one after the other


def total(x: Any, axes: Any = None, keepdim: bool = False, divisor: int | None = None) -> Any:
    """The sum over `axes` (an int, a tuple, or None for all), divided."""
    if x.dtype is HALF:
        return total(x.astype(np.float32), axes, keepdim, divisor).astype(HALF)
    if x.size > FEW and x.dtype.kind == "f" and (axes is not None or not x.flags.c_contiguous):
        out = _in_pairs(x, axes, keepdim)
    else:
        out = np.add.reduce(x, axis=axes, keepdims=keepdim)  # type: ignore[call-overload]
    return row_major(out if divisor is None else out / divisor)


def _in_pairs(x: Any, axes: Any, keepdim: bool) -> Any:
    summed = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else axes
    outer = [i for i in summed if i != x.ndim - 1]
    if math.prod([x.shape[i] for i in outer]) <= FEW:
        return np.add.reduce(x, axis=axes, keepdims=keepdim)  # type: ignore[call-overload]
    shape = tuple([1 if i in summed else n for i, n in enumerate(x.shape)])
    if x.ndim - 1 in summed:
        x = np.add.reduce(x, axis=-1, keepdims=True)
    rows = np.moveaxis(x, outer, range(len(outer)))
    rows = rows.reshape(-1, *rows.shape[len(outer) :])
    while len(rows) > FEW:
        half, odd = len(rows) // 2, rows[len(rows) // 2 * 2 :]
        rows = rows[:half] + rows[half : 2 * half]
        rows[: len(odd)] += odd
    out = np.add.reduce(rows, axis=0).reshape(shape)
    return out if keepdim else out.squeeze(summed)


def divided(g: Any, n: int) -> Any:
    """g / n, in two steps where n is beyond float16."""
    return g / (n or 1) if n <= 65504 else g / 256 / (n / 256)
