"""The rules of division with a remainder, of rounded division, and of atan2.

torch's `%` has the sign of the divisor, as Python's; fmod that of the dividend, as C's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..ops.promotion import no_slope, refuse_bool
from .elementwise import where


def _dividing(name: str, function: Any) -> Any:
    """The function of arrays, with torch's errors for bools and for integers divided by zero."""

    def forward(x: Array, y: Array) -> Array:
        array = x if isinstance(x, np.ndarray | np.generic) else y
        refuse_bool(array, f"{name}_cpu")
        if array.dtype.kind != "f" and not np.all(y):
            raise RuntimeError("ZeroDivisionError")
        return function(x, y)

    return forward


def not_implemented(g: Any) -> Any:
    raise RuntimeError("derivative for aten::floor_divide is not implemented")


def _floored(x: Array, y: Array) -> Array:
    out = np.remainder(x, y)  # whose zeros have the sign of y, in torch that of x
    return np.where(out == 0, np.copysign(out, x), out) if out.dtype.kind == "f" else out


def _truncated(x: Array, y: Array) -> Array:
    return np.trunc(x / y) if (x.dtype if isinstance(x, np.ndarray | np.generic) else y.dtype).kind == "f" else (x - np.fmod(x, y)) // y


_remainder, _fmod, _floor, _trunc = [
    _dividing(name, function)
    for name, function in (("remainder", _floored), ("fmod", np.fmod), ("div_floor", np.floor_divide), ("div_trunc", _truncated))
]
_zero: dict[str, Any] = {"binary": True, "name": "DivBackward2", "x": no_slope, "y": no_slope}
floor_divide = differentiable(binary=True, name="NotImplemented", x=not_implemented, y=not_implemented)(_floor)
div_floor, div_trunc = differentiable(**_zero)(_floor), differentiable(**_zero)(_trunc)
remainder_number = differentiable(name="RemainderBackward0", x=lambda g: g)(_remainder)
fmod_number = differentiable(name="FmodBackward0", x=lambda g: g)(_fmod)
remainder_tensor = differentiable(
    binary=True, name="RemainderBackward1", x=lambda g: g, y=lambda g, x, y: -g * div_floor(x, y))(_remainder)  # fmt: skip
fmod_tensor = differentiable(
    binary=True, name="FmodBackward1", x=lambda g: g, y=lambda g, x, y: -g * div_trunc(x, y))(_fmod)  # fmt: skip


@differentiable(binary=True, floats=True,
                x=lambda g, x, y: g * (y * _reciprocal_square(x, y)),
                y=lambda g, x, y: g * (-x * _reciprocal_square(x, y)))  # fmt: skip
def atan2(x: Array, y: Array) -> Array:  # the angle of the point (y, x)
    return np.arctan2(x, y)


def _reciprocal_square(x: Any, y: Any) -> Any:
    square = x * x + y * y
    return where(square == 0, 0.0, 1 / square)
