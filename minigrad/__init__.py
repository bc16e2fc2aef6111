"""minigrad: the PyTorch that you can read. `import minigrad as torch`.

This module is torch's namespace: the functions, types and submodules that first lessons use. To read the engine, start with
tensor.py. The submodules nn, optim and utils are imported when they are first used.
"""

import importlib as _importlib
import warnings as _warnings
from typing import Any as _Any

# NumPy warns of overflow, division by zero and the like; torch computes inf and nan in silence, and so do we
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from . import autograd, dtypes, random
from .autograd import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from .autograd.modes import is_grad_enabled, is_inference_mode_enabled
from .creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from .dtypes import (
    Size,
    device,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from .dtypes import bool_ as bool
from .ops.arithmetic import (
    eq,
    floor_divide,
    fmod,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    maximum,
    minimum,
    ne,
    pow,
    remainder,
)
from .ops.arithmetic import torch_add as add
from .ops.arithmetic import torch_div as div
from .ops.arithmetic import torch_mul as mul
from .ops.arithmetic import torch_sub as sub
from .ops.elementwise import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    clamp,
    cos,
    cosh,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    frac,
    log,
    log1p,
    log2,
    log10,
    neg,
    reciprocal,
    relu,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)
from .ops.elementwise import torch_where as where
from .ops.matrix import bmm, dot, matmul, mm, mv
from .ops.promotion import result_type
from .ops.reductions import all, amax, amin, any, argmax, argmin, max, mean, min, sum
from .ops.shapes import cat, flatten, permute, reshape, squeeze, stack, t, transpose, unbind, unsqueeze
from .printing import set_printoptions
from .random import (
    Generator,
    bernoulli,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from .tensor import Tensor

float, double, half = float32, float64, float16
int, long, short = int32, int64, int16
__version__ = "2.13.0+minigrad"  # torch's version, whose behaviour this is
_LAZY = {"nn": "nn", "optim": "optim", "utils": "utils", "save": "serialization", "load": "serialization"}


def is_tensor(obj: _Any) -> _Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def _missing(name: str) -> str:
    return f"minigrad has no {name} (it offers the part of torch that first lessons use; see README, 'What is not here')"


def __getattr__(name: str) -> _Any:
    if name not in _LAZY:
        raise AttributeError(_missing(f"torch.{name}"))
    module = _importlib.import_module(f".{_LAZY[name]}", __name__)
    return module if _LAZY[name] == name else getattr(module, name)
