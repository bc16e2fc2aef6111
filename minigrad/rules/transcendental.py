"""The rules of the rarer functions of one tensor: rounding, other bases, trigonometric and hyperbolic functions, erf.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import Array, differentiable
from ..dtypes import from_numpy
from ..ops.layout import laid_out
from ..ops.promotion import no_slope, refuse_bool
from .elementwise import exp, function

SQRT_PI = math.sqrt(math.pi)


def _step(name: str, ufunc: np.ufunc) -> Any:
    def forward(x: Array) -> Array:
        refuse_bool(x, f"{name}_vml_cpu")
        return ufunc(x)

    return function(name, forward, no_slope, floats=False)


floor, ceil, trunc = _step("floor", np.floor), _step("ceil", np.ceil), _step("trunc", np.trunc)


@differentiable(x=lambda g: g)
def frac(x: Array) -> Array:
    if x.dtype.kind != "f":
        raise NotImplementedError(f"\"frac_cpu\" not implemented for '{from_numpy(x.dtype).legacy}'")
    return x - np.trunc(x)


@differentiable(name="RoundBackward0", x=no_slope)
def round_half_even(x: Array, decimals: int) -> Array:
    refuse_bool(x, "round_vml_cpu")
    return np.rint(x) if decimals == 0 and x.dtype.kind == "f" else np.round(x, decimals)


# ------------------------------------------------------------------ powers, logarithms, trigonometric and hyperbolic functions

rsqrt = function("rsqrt", lambda x: 1 / np.sqrt(x), lambda g, out: -0.5 * g * (out * out * out))
exp2 = function("exp2", np.exp2, lambda g, out: g * (out * math.log(2)))
expm1 = function("expm1", np.expm1, lambda g, out: g * (out + 1))
log2 = function("log2", np.log2, lambda g, x: g / (x * math.log(2)))
log10 = function("log10", np.log10, lambda g, x: g / (x * math.log(10)))
log1p = function("log1p", np.log1p, lambda g, x: g / (x + 1), node="Log1PBackward0")
tan = function("tan", np.tan, lambda g, out: g * (1 + out * out))
asin = function("asin", np.arcsin, lambda g, x: g * rsqrt(1 - x * x))
acos = function("acos", np.arccos, lambda g, x: g * -rsqrt(1 - x * x))
atan = function("atan", np.arctan, lambda g, x: g / (x * x + 1))
sinh = function("sinh", np.sinh, lambda g, x: g * cosh(x))
cosh = function("cosh", np.cosh, lambda g, x: g * sinh(x))
asinh = function("asinh", np.arcsinh, lambda g, x: g * rsqrt(x * x + 1))
acosh = function("acosh", np.arccosh, lambda g, x: g * rsqrt(x * x - 1))
atanh = function("atanh", np.arctanh, lambda g, x: g / (1 - x * x))


@differentiable(floats=True, x=lambda g, x: g * (exp(-(x * x)) * (2 / SQRT_PI)))
def erf(x: Array) -> Array:
    return laid_out(np.fromiter(map(math.erf, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape), x)
