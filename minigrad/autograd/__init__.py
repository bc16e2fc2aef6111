"""Automatic differentiation: graph.py records operations, walk.py goes back through them, modes.py switches recording.

The names here are those of torch.autograd. Read graph.py first, then walk.py. What few programs use (Function,
functional) is imported when it is first asked for.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

from . import graph as graph
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .modes import detect_anomaly, enable_grad, inference_mode, no_grad, set_detect_anomaly, set_grad_enabled
from .walk import backward, grad


def Variable(data: _Any, requires_grad: bool = False) -> _Any:
    """What tensors that require grad were called before torch 0.4: `data` itself, sharing memory."""
    from ..tensor import Tensor

    if not isinstance(data, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
    return data.detach().requires_grad_(requires_grad)


def __getattr__(name: str) -> _Any:
    if name in ("function", "functional", "profiler"):
        return _import_module(f"{__name__}.{name}")
    if name == "Function":
        return __getattr__("function").Function
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
