"""State dicts to torch and back, so that a model started here goes on in torch, on a GPU or on many machines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def to_torch(state: Any) -> Any:
    """A state dict (of a module or an optimizer, nested in any way) with every minigrad tensor made a torch tensor.

    Numbers, strings and None stay. The tensors are copies: neither side writes into the other's.
    """
    import torch

    return _convert(state, lambda t: torch.from_numpy(np.array(t.detach().numpy())))


def from_torch(state: Any, engine: Any = None) -> Any:
    """The way back: torch tensors become copies as `engine`'s tensors (default minigrad)."""
    if engine is None:
        import minigrad as engine
    return _convert(state, lambda t: engine.from_numpy(np.array(t.detach().cpu().numpy())))


def _convert(value: Any, tensor: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        made = {key: _convert(item, tensor) for key, item in value.items()}
        return OrderedDict(made) if isinstance(value, OrderedDict) else made
    if isinstance(value, list | tuple):
        return type(value)(_convert(item, tensor) for item in value)
    return tensor(value) if hasattr(value, "detach") else value
