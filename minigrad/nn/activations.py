"""Activations as modules: each applies the function of its name in functional.py, with its options as attributes.

`class ELU(Applied, function=F.elu)` has the options of F.elu, in its order and with its defaults: written once, there.
"""

from __future__ import annotations

import inspect
from typing import Any

from . import functional as F
from .module import Module

__all__ = [
    "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus", "LogSigmoid", "Softmax", "LogSoftmax",
]  # fmt: skip


class Applied(Module):
    """A module that applies `function` to its inputs; what the function takes after them are the module's options."""

    function: Any
    options: tuple[str, ...] = ()
    inputs = 1
    __signature__ = inspect.Signature()

    def __init_subclass__(cls, function: Any = None, without: tuple[str, ...] = ()) -> None:
        if function is not None:
            parameters = list(inspect.signature(function).parameters.values())[cls.inputs :]
            taken = [p for p in parameters if p.name not in ("_stacklevel", "dtype", *without)]
            own = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in taken if p.name != "training"]  # which all modules have
            cls.function, cls.options = staticmethod(function), tuple([p.name for p in taken])
            cls.__signature__ = inspect.Signature(own)
            if cls.inputs == 1 and "_shown" not in vars(cls):
                cls._shown = " ".join([f"{p.name}?=" if p.name == "inplace" else f"{p.name}=" for p in own])

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        bound = self.__signature__.bind(*args, **options)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            if name.endswith("weight"):  # of a loss
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs, **{name: getattr(self, name) for name in self.options})


class ReLU(Applied, function=F.relu):
    """max(0, x)"""


class LeakyReLU(Applied, function=F.leaky_relu):
    """x where it is positive, else negative_slope * x"""


class ELU(Applied, function=F.elu):
    """x where it is positive, else alpha * (exp(x) - 1)"""


class GELU(Applied, function=F.gelu):
    """x times the normal distribution function of x; approximate: 'none' or 'tanh'"""


class SiLU(Applied, function=F.silu):
    """x * sigmoid(x)"""


class Sigmoid(Applied, function=F.sigmoid):
    """1 / (1 + exp(-x))"""


class Tanh(Applied, function=F.tanh):
    """The hyperbolic tangent"""


class Softplus(Applied, function=F.softplus):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is over the threshold"""


class LogSigmoid(Applied, function=F.logsigmoid):
    """log(sigmoid(x))"""


class Softmax(Applied, function=F.softmax):
    """exp(x) / sum(exp(x)) over dim"""


class LogSoftmax(Applied, function=F.log_softmax):
    """log(softmax(x)) over dim"""
