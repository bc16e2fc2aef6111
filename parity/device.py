"""torch on another device than the processor, for a whole program: what it makes is there, what it draws is the same.

A device has random streams of its own, so everything random is drawn on the processor and moved: a training starts from
the same parameters and drops the same elements on every device.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

_F, _INIT = torch.nn.functional, torch.nn.init
MADE_HERE = {torch.linspace, torch.logspace}  # rounded in another way on each device, and so would be a lesson's data
DRAWS = MADE_HERE | {
    *(torch.rand, torch.randn, torch.randint, torch.randperm, torch.rand_like, torch.randn_like, torch.randint_like),
    *(torch.normal, torch.bernoulli, torch.multinomial, torch.dropout, _F.dropout, _F.alpha_dropout),
}
DRAWS_IN_PLACE = {
    *(getattr(torch.Tensor, f"{name}_") for name in ("uniform", "normal", "bernoulli", "random", "exponential")),
    *(getattr(_INIT, name) for name in dir(_INIT) if name.endswith("_") and not name.startswith("_")),
}
READS = {torch.Tensor.numpy, torch.Tensor.__array__}


class OnDevice(TorchFunctionMode):
    """While entered, torch's factories make tensors on `device`; draws come from the processor's stream."""

    def __init__(self, device: str):
        super().__init__()
        self.device = torch.device(device)
        self._from_numpy = torch.from_numpy

    def __enter__(self) -> Any:
        torch.from_numpy = lambda array: self._from_numpy(array).to(self.device)  # no mode is asked about this one
        return super().__enter__()

    def __exit__(self, *raised: Any) -> Any:
        torch.from_numpy = self._from_numpy
        return super().__exit__(*raised)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in READS:
            return func(args[0].cpu(), *args[1:], **kwargs)
        if func in DRAWS:
            leaf, device = kwargs.pop("requires_grad", False), kwargs.pop("device", None)
            in_place = kwargs.pop("inplace", False)
            drawn = func(*_on_cpu(args), **_on_cpu(kwargs)).to(device or self.device)
            if in_place:  # dropout's
                return args[0].copy_(drawn)
            return drawn.requires_grad_() if leaf else drawn
        if func in DRAWS_IN_PLACE:
            target = args[0] if args else kwargs["tensor"]
            with torch.no_grad():
                drawn = torch.empty_like(target, device="cpu", requires_grad=False)
                replaced = {name: drawn if value is target else value for name, value in kwargs.items()}
                func(*(drawn if value is target else value for value in args), **replaced)
                return target.copy_(drawn)
        if func in _device_constructors() and kwargs.get("device") is None:
            kwargs["device"] = self.device
        return func(*args, **kwargs)


def _on_cpu(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _on_cpu(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_on_cpu(value) for value in values)
    return values.cpu() if isinstance(values, torch.Tensor) else values
