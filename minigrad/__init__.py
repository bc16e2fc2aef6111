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

from . import autograd, backends, cuda, dtypes, random, functions as _functions
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .autograd.modes import is_grad_enabled, is_inference_mode_enabled
from .creation import (
    BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor, ShortTensor, arange,
    as_tensor, empty, empty_like, eye, from_numpy, full, full_like, get_default_device, linspace, ones, ones_like,
    set_default_device, set_default_tensor_type, tensor, zeros, zeros_like,
)  # fmt: skip
from .dtypes import (
    Size, device, dtype, finfo, float16, float32, float64, get_default_dtype, iinfo, int8, int16, int32, int64, promote_types,
    set_default_dtype, uint8,
)  # fmt: skip
from .dtypes import bool_ as bool
from .functions import *
from .ops.calling import torch_function as _torch_function
from .printing import set_printoptions
from .random import (
    Generator, bernoulli, get_rng_state, initial_seed, manual_seed, multinomial, normal, rand, rand_like, randint,
    randn, randn_like, randperm, seed, set_rng_state,
)  # fmt: skip
from .tensor import Tensor

for _name, _function in vars(_functions).items():
    if _name in _functions.ONLY_METHODS or _name.isupper():
        del globals()[_name]
    elif callable(_function):
        globals()[_name] = _function if hasattr(_function, "__wrapped__") else _torch_function(_function)
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


def use_deterministic_algorithms(mode: _Any, *, warn_only: _Any = False) -> None:
    """Nothing to choose: all algorithms here are deterministic."""


def set_num_threads(int: _Any) -> None:
    """Nothing to set: NumPy's threads are set by OMP_NUM_THREADS, before it is imported."""


def _missing(name: str) -> str:
    return f"minigrad has no {name} (it offers the part of torch that first lessons use; see README, 'What is not here')"


def __getattr__(name: str) -> _Any:
    if name.endswith("_") and name[:-1] in _functions.IN_PLACE:
        return getattr(Tensor, name)
    if name not in _LAZY:
        raise AttributeError(_missing(f"torch.{name}"))
    module = _importlib.import_module(f".{_LAZY[name]}", __name__)
    return module if _LAZY[name] == name else getattr(module, name)
