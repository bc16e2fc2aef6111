"""Activations as modules: each applies the function of its name in functional.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = [
    "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus", "LogSigmoid", "Softmax", "LogSoftmax",
]  # fmt: skip


class Activation(Module):
    """A module that applies `function` to its input, with the module's attributes of these names as options."""

    function: Callable[..., Any]
    options: tuple[str, ...] = ()

    def _set(self, **options: Any) -> None:
        self.__dict__.update(options)
        self.options = tuple(options)

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, **{name: self.__dict__[name] for name in self.options})  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        shown = [name for name in self.options if name != "inplace" or self.__dict__["inplace"]]
        return ", ".join(f"{name}={self.__dict__[name]!r}" for name in shown)


class ReLU(Activation):
    """max(0, x)"""

    function = F.relu

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self._set(inplace=inplace)


class LeakyReLU(Activation):
    """x where it is positive, else negative_slope * x"""

    function = F.leaky_relu

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self._set(negative_slope=negative_slope, inplace=inplace)


class ELU(Activation):
    """x where it is positive, else alpha * (exp(x) - 1)"""

    function = F.elu

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self._set(alpha=alpha, inplace=inplace)


class GELU(Activation):
    """x times the normal distribution function of x; approximate: 'none' or 'tanh'"""

    function = F.gelu

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self._set(approximate=approximate)


class SiLU(Activation):
    """x * sigmoid(x)"""

    function = F.silu

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self._set(inplace=inplace)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))"""

    function = F.sigmoid


class Tanh(Activation):
    """The hyperbolic tangent"""

    function = F.tanh


class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is over the threshold"""

    function = F.softplus

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self._set(beta=beta, threshold=threshold)


class LogSigmoid(Activation):
    """log(sigmoid(x))"""

    function = F.logsigmoid


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over dim"""

    function = F.softmax

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self._set(dim=dim)


class LogSoftmax(Activation):
    """log(softmax(x)) over dim"""

    function = F.log_softmax

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self._set(dim=dim)
