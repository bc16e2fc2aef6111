"""Losses as modules: each applies the function of its name in functional.py to (input, target)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = [
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss", "NLLLoss", "CrossEntropyLoss",
]  # fmt: skip


Old = bool | None  # arguments that `reduction` has replaced
Weight = Tensor | None


class Loss(Module):
    """A module that applies `function` to (input, target), with its attributes of these names as options.

    reduction is 'mean', 'sum' or 'none'. Weights are buffers, so that they are saved and converted with the module.
    """

    function: Callable[..., Any]
    options: tuple[str, ...] = ()

    def __init__(self, size_average: Old, reduce: Old, reduction: str, **options: Any) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = F._reduction(reduction, size_average, reduce)
        self.reduction = reduction
        for name, value in options.items():
            if name.endswith("weight"):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)
        self.options = ("reduction", *options)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        options = {name: getattr(self, name) for name in self.options}
        return type(self).function(input, target, **options)  # type: ignore[no-any-return]


class MSELoss(Loss):
    """(input - target)**2"""

    function = F.mse_loss

    def __init__(self, size_average: Old = None, reduce: Old = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)


class L1Loss(Loss):
    """abs(input - target)"""

    function = F.l1_loss

    def __init__(self, size_average: Old = None, reduce: Old = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)


class SmoothL1Loss(Loss):
    """d**2 / (2*beta) for d = abs(input - target) < beta, else d - beta/2"""

    function = F.smooth_l1_loss

    def __init__(
        self, size_average: Old = None, reduce: Old = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction, beta=beta)


class HuberLoss(Loss):
    """d**2 / 2 for d = abs(input - target) < delta, else delta * (d - delta/2)"""

    function = F.huber_loss

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(None, None, reduction, delta=delta)


class BCELoss(Loss):
    """The binary cross-entropy of probabilities"""

    function = F.binary_cross_entropy

    def __init__(
        self, weight: Weight = None, size_average: Old = None, reduce: Old = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction, weight=weight)


class BCEWithLogitsLoss(Loss):
    """The binary cross-entropy of sigmoid(input)"""

    function = F.binary_cross_entropy_with_logits

    def __init__(
        self, weight: Weight = None, size_average: Old = None, reduce: Old = None, reduction: str = "mean",
        pos_weight: Weight = None,
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction, weight=weight, pos_weight=pos_weight)


class NLLLoss(Loss):
    """The negative log-likelihood of classes, from log-probabilities"""

    function = F.nll_loss

    def __init__(
        self, weight: Weight = None, size_average: Old = None, ignore_index: int = -100, reduce: Old = None,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction, weight=weight, ignore_index=ignore_index)


class CrossEntropyLoss(Loss):
    """The cross-entropy of classes, or of a distribution over them, from logits"""

    function = F.cross_entropy

    def __init__(
        self, weight: Weight = None, size_average: Old = None, ignore_index: int = -100, reduce: Old = None,
        reduction: str = "mean", label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        options = {"weight": weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
        super().__init__(size_average, reduce, reduction, **options)
