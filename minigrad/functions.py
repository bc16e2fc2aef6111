"""The list of the operations that torch offers under their names, as functions and, but for a few, as methods of a Tensor.

`minigrad/__init__.py` makes functions of them, which understand keywords and `out`; methods.py makes methods, and twins in place.
"""

from .ops.arithmetic import (
    bitwise_not, torch_add as add, torch_atan2 as atan2, torch_bitwise_and as bitwise_and, torch_bitwise_or as bitwise_or,
    torch_bitwise_xor as bitwise_xor, torch_div as div, torch_eq as eq, torch_floor_divide as floor_divide, torch_fmod as fmod,
    torch_ge as ge, torch_gt as gt, torch_le as le, torch_logical_and as logical_and, torch_logical_or as logical_or,
    torch_logical_xor as logical_xor, torch_lt as lt, torch_maximum as maximum, torch_minimum as minimum, torch_mul as mul,
    torch_ne as ne, torch_pow as pow, torch_remainder as remainder, torch_sub as sub, torch_true_divide as true_divide,
)  # fmt: skip
from .ops.choosing import gather, index_select, masked_fill, masked_select, nonzero, scatter, scatter_add
from .ops.elementwise import clamp, isfinite, isinf, isnan, logical_not, round, square, torch_where as where
from .ops.linear_algebra import addmm, cross, einsum, outer, svd
from .ops.matrix import bmm, dot, mm, mv, torch_matmul as matmul
from .ops.neural import log_softmax, logsumexp, softmax
from .ops.promotion import result_type
from .ops.rearranging import (
    broadcast_tensors, broadcast_to, chunk, diag, flip, meshgrid, ravel, repeat, roll, split, tril, triu,
)  # fmt: skip
from .ops.reductions import all, amax, amin, any, argmax, argmin, max, mean, min, sum
from .ops.shapes import (
    cat, clone, expand_to as expand, flatten, hstack, permute, reshape, squeeze, stack, t, transpose, unbind, unsqueeze, view, vstack,
)  # fmt: skip
from .ops.statistics import allclose, argsort, cumprod, cumsum, equal, isclose, norm, prod, sort, std, topk, unique, var
from .rules.elementwise import abs, cos, exp, log, neg, reciprocal, relu, sigmoid, sign, sin, sqrt, tanh
from .rules.transcendental import (
    acos, acosh, asin, asinh, atan, atanh, ceil, cosh, erf, exp2, expm1, floor, frac, log1p, log2, log10, rsqrt, sinh, tan, trunc,
)  # fmt: skip

subtract, multiply, divide, clip, absolute, negative = sub, mul, div, clamp, abs, neg
concat, swapdims, swapaxes = cat, transpose, transpose
ONLY_FUNCTIONS = {"broadcast_tensors", "cat", "concat", "einsum", "hstack", "meshgrid", "result_type", "stack", "vstack", "where"}
ONLY_METHODS = {"expand", "repeat", "swapaxes", "swapdims", "view"}
IN_PLACE = set(  # also as functions: torch.exp_(x)
    "abs acos asin atan ceil clamp cos cosh erf exp exp2 expm1 floor frac log log10 log1p log2 neg reciprocal relu round rsqrt sigmoid "
    "sin sinh sqrt square tan tanh trunc".split()
)
IN_PLACE_METHODS = IN_PLACE | set("floor_divide fmod masked_fill remainder scatter scatter_add sign tril triu".split())
IN_PLACE_VIEWS = {"squeeze", "swapaxes", "t", "transpose", "unsqueeze"}
