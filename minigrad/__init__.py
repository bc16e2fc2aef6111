"""minigrad: the PyTorch that you can read. `import minigrad as torch`.

This module is torch's namespace: the functions, types and submodules that first lessons use. To read the engine, start with
tensor.py. The submodules nn, optim and utils are imported when they are first used.
"""


import importlib as _importlib
import warnings as _warnings
from typing import Any as _Any

# NumPy warns of overflow, division by zero and the like; torch computes inf and nan in silence, and so do we
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from math import e, inf, nan, pi

from . import autograd, cuda, dtypes, random
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .autograd.modes import is_grad_enabled, is_inference_mode_enabled
from .creation import (
    BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor, arange,
    as_tensor, empty, empty_like, eye, from_numpy, full, full_like, get_default_device, linspace, logspace, ones, ones_like,
    set_default_device, set_default_tensor_type, tensor, zeros, zeros_like,
)  # fmt: skip
from .dtypes import (
    Size, device, dtype, finfo, float16, float32, float64, get_default_dtype, iinfo, int8, int16, int32, int64, promote_types,
    set_default_dtype, uint8,
)  # fmt: skip
from .dtypes import bool_ as bool
from .ops.arithmetic import (
    bitwise_not, logical_not, torch_add as add, torch_atan2 as atan2, torch_bitwise_and as bitwise_and,
    torch_bitwise_or as bitwise_or, torch_bitwise_xor as bitwise_xor, torch_div as div, torch_eq as eq,
    torch_floor_divide as floor_divide, torch_fmod as fmod, torch_ge as ge, torch_gt as gt, torch_le as le,
    torch_logical_and as logical_and, torch_logical_or as logical_or, torch_logical_xor as logical_xor, torch_lt as lt,
    torch_maximum as maximum, torch_minimum as minimum, torch_mul as mul, torch_ne as ne, torch_pow as pow,
    torch_remainder as remainder, torch_sub as sub, torch_true_divide as true_divide,
)  # fmt: skip
from .ops.calling import torch_function as _torch_function
from .ops.choosing import gather, index_add, index_select, masked_fill, masked_select, nonzero, scatter, scatter_add
from .ops.elementwise import (
    abs, acos, acosh, asin, asinh, atan, atanh, ceil, clamp, cos, cosh, erf, exp, exp2, expm1, floor, frac, isfinite, isinf,
    isnan, log, log1p, log2, log10, neg, reciprocal, relu, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, square, tan, tanh,
    trunc,
)  # fmt: skip
from .ops.elementwise import torch_where as where
from .ops.linear_algebra import addmm, cross, einsum, outer, svd
from .ops.matrix import bmm, dot, matmul, mm, mv
from .ops.neural import log_softmax, logsumexp, softmax
from .ops.promotion import result_type
from .ops.rearranging import (
    broadcast_tensors, broadcast_to, chunk, diag, diagonal, flip, meshgrid, movedim, narrow, ravel, repeat_interleave, roll,
    select, split, tile, trace, tril, triu,
)  # fmt: skip
from .ops.reductions import all, amax, amin, any, argmax, argmin, max, mean, min, sum
from .ops.shapes import cat, clone, flatten, permute, reshape, squeeze, stack, t, transpose, unbind, unsqueeze
from .ops.statistics import (
    allclose, argsort, bincount, count_nonzero, cumprod, cumsum, equal, isclose, norm, prod, sort, std, topk, unique, var,
)  # fmt: skip
from .printing import set_printoptions
from .random import (
    Generator, bernoulli, get_rng_state, initial_seed, manual_seed, multinomial, normal, rand, rand_like, randint,
    randn, randn_like, randperm, seed, set_rng_state,
)  # fmt: skip
from .tensor import Tensor

# Operations that take tensors by position; as functions they also take keywords and `out`
for _name in (
    "abs acos acosh asin asinh atan atanh bitwise_not cat ceil clamp clone cos cosh erf exp exp2 expm1 flatten floor frac isfinite "
    "isinf isnan log log1p log2 log10 log_softmax logical_not logsumexp matmul mean neg permute reciprocal relu reshape round "
    "rsqrt sigmoid sign sin sinh softmax sqrt square squeeze stack sum t tan tanh transpose trunc unbind unsqueeze where"
).split():
    globals()[_name] = _torch_function(globals()[_name])
mm, bmm, mv, dot = [_torch_function(f, "input", n) for f, n in ((mm, "mat2"), (bmm, "mat2"), (mv, "vec"), (dot, "tensor"))]
result_type = _torch_function(result_type, "tensor1", "tensor2")
subtract, multiply, divide, clip, absolute, negative, concat = sub, mul, div, clamp, abs, neg, cat
_IN_PLACE = frozenset(
    "abs_ acos_ asin_ atan_ ceil_ clamp_ cos_ cosh_ exp_ exp2_ expm1_ erf_ floor_ frac_ log_ log10_ log1p_ log2_ neg_ reciprocal_ "
    "relu_ round_ rsqrt_ sigmoid_ sin_ sinh_ sqrt_ square_ tan_ tanh_ trunc_".split()
)
float, double, half = float32, float64, float16
int, long, short = int32, int64, int16
__version__ = "2.13.0+minigrad"  # torch's version, whose behaviour this is
_LAZY = {"nn": "nn", "optim": "optim", "utils": "utils", "save": "serialization", "load": "serialization"}


def is_tensor(obj: _Any) -> _Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _Any:
    """Whether the dtype is a float type."""
    return input.is_floating_point()


def numel(input: Tensor) -> _Any:
    """The number of elements."""
    return input.numel()


def _missing(name: str) -> str:
    return f"minigrad has no {name} (it offers the part of torch that first lessons use; see README, 'What is not here')"


def __getattr__(name: str) -> _Any:
    if name in _IN_PLACE:
        return getattr(Tensor, name)
    if name not in _LAZY:
        raise AttributeError(_missing(f"torch.{name}"))
    module = _importlib.import_module(f".{_LAZY[name]}", __name__)
    return module if _LAZY[name] == name else getattr(module, name)
