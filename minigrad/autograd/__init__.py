"""Automatic differentiation: graph.py records operations, walk.py goes back through them, modes.py switches recording.

The names here are those of torch.autograd. Read graph.py first, then walk.py.
"""

from . import graph as graph
from .modes import detect_anomaly, enable_grad, inference_mode, no_grad, set_detect_anomaly, set_grad_enabled
from .walk import backward, grad

__all__ = [
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
