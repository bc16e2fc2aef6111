"""Learning rate schedules: objects that change `lr` in an optimizer's parameter groups, once an epoch.

    optimizer.step()      # after each batch
    scheduler.step()      # after each epoch, after the optimizer's step

The new rates are computed from the present ones, by torch's own recurrences, so that the last digits agree too. Read
after optim/__init__.py.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from . import Optimizer

__all__ = [
    "LRScheduler", "LambdaLR", "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "ReduceLROnPlateau",
]  # fmt: skip


class LRScheduler:
    """Base class: a subclass gives `get_lr`, the list of the groups' rates at epoch `last_epoch`, or `times`, how often
    the rates are multiplied by `gamma` there.

    With `last_epoch` other than -1 the schedule is resumed, and every group must have its 'initial_lr'.
    """

    optimizer: Optimizer
    gamma: float
    _step_count = 0

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._attach(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                text = f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0: "
                raise KeyError(text + "load the optimizer's state_dict before making the scheduler")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        optimizer._stepped = False
        self.step()

    def _attach(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer

    def times(self) -> int:
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        times = self.times()
        return [lr * self.gamma**times if times else lr for lr in self._rates()]

    def get_last_lr(self) -> list[float]:
        """The rates set by the last step, one for each parameter group."""
        return self._last_lr

    def step(self) -> None:
        """Go to the next epoch and set its rates."""
        optimizer = self.optimizer
        if self._step_count == 1 and not optimizer._stepped and type(optimizer).step is Optimizer.step:
            text = "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in the opposite order, or "
            warnings.warn(text + "the first value of the schedule is skipped.", stacklevel=2)
        self._step_count += 1
        self.last_epoch += 1
        for group, lr in zip(optimizer.param_groups, self.get_lr()):
            group["lr"] = lr
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler knows, but for the optimizer and LambdaLR's functions, which are given anew."""
        return {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "lr_lambdas")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)


class LambdaLR(LRScheduler):
    """lr = initial lr * lr_lambda(epoch); one function, or a list with one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
                 last_epoch: int = -1) -> None:  # fmt: skip
        self._attach(optimizer)
        self.lr_lambdas = _for_each_group(lr_lambda, optimizer, "Expected {} lr_lambdas, but got {}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * fn(self.last_epoch) for fn, base in zip(self.lr_lambdas, self.base_lrs)]


class StepLR(LRScheduler):
    """lr is multiplied by gamma every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return self.last_epoch > 0 and self.last_epoch % self.step_size == 0


class MultiStepLR(LRScheduler):
    """lr is multiplied by gamma at each epoch in `milestones`."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1,
                 last_epoch: int = -1) -> None:  # fmt: skip
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return self.milestones[self.last_epoch]


class ExponentialLR(LRScheduler):
    """lr is multiplied by gamma every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return self._step_count > 1


class CosineAnnealingLR(LRScheduler):
    """lr follows half a cosine from its initial value to `eta_min` in `T_max` epochs, and back
    (Loshchilov and Hutter, "SGDR", 2017, without the restarts)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._step_count == 1:
            return self._rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the recurrence would divide by zero
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(self._rates(), self.base_lrs)]
        now, before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._rates()]


class ReduceLROnPlateau(LRScheduler):
    """lr is multiplied by `factor` when the metric given to `step` has not improved for more than `patience` epochs.

    Better means smaller (mode 'min') or larger ('max') than the best so far by `threshold`, relative or absolute.
    After a reduction `cooldown` epochs pass unjudged; rates stay at least `min_lr`; changes below `eps` are not made.
    """

    def __init__(self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
                 threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
                 min_lr: list[float] | float = 0, eps: float = 1e-8) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self._attach(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.min_lrs = _for_each_group(min_lr, optimizer, "expected {} min_lrs, got {}")
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self._last_lr = self._rates()

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            return sign * value > sign * self.best * (1 + sign * self.threshold)
        return sign * value > sign * (self.best + sign * self.threshold)

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Judge this epoch's metric (a number or a tensor of one element) and reduce the rates if it is time to."""
        value = float(metrics)
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs):
                reduced = max(group["lr"] * self.factor, least)
                if group["lr"] - reduced > self.eps:
                    group["lr"] = reduced
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()


def _for_each_group(value: Any, optimizer: Optimizer, refusal: str) -> list[Any]:
    """A list with one value for each parameter group; ValueError if a list of another length was given."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, list | tuple) else [value] * groups
    if len(values) != groups:
        raise ValueError(refusal.format(groups, len(values)))
    return values
