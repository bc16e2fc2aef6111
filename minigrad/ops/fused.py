"""a * b + c with one rounding, as the processors on which torch runs compute it: `arange` and `linspace` are made so."""

from __future__ import annotations

from typing import Any

import numpy as np


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    """a * b + c for floats of one dtype, rounded as if once (a fused multiply-add).

    float32 is computed in float64; for float64 the errors of the product (Dekker 1971) and of the sum (Knuth, TAOCP 2, 4.2.2)
    are added to it.
    """
    if a.dtype == np.float32:
        return (a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)).astype(np.float32)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    product = a * b
    product_error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    part = total - product
    total_error = (product - (total - part)) + (c - part)
    return total + (total_error + product_error)


def _halves(x: Any) -> tuple[Any, Any]:
    """Two floats of 26 bits whose sum is x."""
    scaled = x * 134217729.0  # 2**27 + 1
    high = scaled - (scaled - x)
    return high, x - high
