"""Losses as modules: each applies the function of its name in functional.py to (input, target).

They have the function's options: reduction ('mean', 'sum' or 'none'), weights, and so on. Weights are buffers, so that
they are saved and converted with the module.
"""

from __future__ import annotations

from typing import Any

from . import functional as F
from .activations import Applied

__all__ = [
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss", "NLLLoss", "CrossEntropyLoss",
]  # fmt: skip


class Loss(Applied):
    inputs = 2

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        old = getattr(self, "size_average", None), getattr(self, "reduce", None)
        if old != (None, None):
            self.reduction = F._reduction(self.reduction, *old)
            self.size_average = self.reduce = None


class MSELoss(Loss, function=F.mse_loss, without=("weight",)):
    """(input - target)**2"""


class L1Loss(Loss, function=F.l1_loss, without=("weight",)):
    """abs(input - target)"""


class SmoothL1Loss(Loss, function=F.smooth_l1_loss):
    """d**2 / (2*beta) for d = abs(input - target) < beta, else d - beta/2"""


class HuberLoss(Loss, function=F.huber_loss, without=("weight",)):
    """d**2 / 2 for d = abs(input - target) < delta, else delta * (d - delta/2)"""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not isinstance(self.delta, int | float):
            raise TypeError(f"delta must be a float or int, got: {type(self.delta)}")


class BCELoss(Loss, function=F.binary_cross_entropy):
    """The binary cross-entropy of probabilities"""


class BCEWithLogitsLoss(Loss, function=F.binary_cross_entropy_with_logits):
    """The binary cross-entropy of sigmoid(input)"""


class NLLLoss(Loss, function=F.nll_loss):
    """The negative log-likelihood of classes, from log-probabilities"""


class CrossEntropyLoss(Loss, function=F.cross_entropy):
    """The cross-entropy of classes, or of a distribution over them, from logits"""
