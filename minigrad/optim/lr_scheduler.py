"""Learning rate schedules: objects that change `lr` in an optimizer's parameter groups, once an epoch.

    optimizer.step()      # after each batch
    scheduler.step()      # after each epoch, after the optimizer's step

The new rates are computed from the present ones, by torch's own recurrences, so that the last digits agree too. Read
after optim/__init__.py.
"""

from __future__ import annotations

import copy
import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..tensor import Tensor
from . import Optimizer

__all__ = [
    "LRScheduler", "LambdaLR", "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "ReduceLROnPlateau",
]  # fmt: skip

EPOCH = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use "
    "`scheduler.step()` to step the scheduler. During the deprecation, if epoch is different from None, the closed form is "
    "used instead of the new chainable form, where available."
)
FUNCTIONS = types.FunctionType | types.BuiltinFunctionType


class LRScheduler:
    """Base class: a subclass gives `get_lr`, the list of the groups' rates at epoch `last_epoch`.

    With `last_epoch` other than -1 the schedule is resumed, and every group must have its 'initial_lr'.
    """

    optimizer: Optimizer
    _is_initial = _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._attach(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy.deepcopy(group["lr"]))
            elif "initial_lr" not in group:
                text = f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0: "
                raise KeyError(text + "load the optimizer's state_dict before making the scheduler")
        self.base_lrs = self._rates("initial_lr")
        self.last_epoch, self._step_count = last_epoch, 0
        if not optimizer._scheduled:
            optimizer._scheduled, optimizer._stepped = True, False
        self._is_initial = True
        self.step()
        self._is_initial = False

    def _attach(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer

    def get_lr(self) -> list[Any]:
        raise NotImplementedError

    def _get_closed_form_lr(self) -> list[Any]:
        """The rates at epoch `last_epoch` from the initial ones, where that is another formula."""
        return self.get_lr()

    def get_last_lr(self) -> list[Any]:
        """The rates set by the last step, one for each parameter group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or, as long ago, to the given one) and set its rates."""
        if self._step_count == 1 and not self.optimizer._stepped:
            text = "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in the opposite order, or "
            warnings.warn(text + "the first value of the schedule is skipped.", stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        rates = self.get_lr() if epoch is None else self._get_closed_form_lr()
        self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            _set(group, lr)
        self._last_lr = self._rates()

    def _rates(self, key: str = "lr") -> list[Any]:
        """The groups' rates; copies of those that are tensors, which are filled in place."""
        return [copy.deepcopy(group[key]) for group in self.optimizer.param_groups]

    def _within_step(self) -> None:
        if not self._get_lr_called_within_step:
            text = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."
            warnings.warn(text, stacklevel=3)

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler knows, but for the optimizer, which is given anew."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update(state_dict)


class _Powers(LRScheduler):
    """A subclass gives `times`, how often the rates are multiplied by `gamma` at epoch `last_epoch`, and `total`, how
    often they were since the start."""

    gamma: float

    def times(self) -> int:
        raise NotImplementedError

    def total(self) -> int:
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        self._within_step()
        times = self.times()
        return [lr * self.gamma**times if times else lr for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma ** self.total() for base in self.base_lrs]


class LambdaLR(LRScheduler):
    """lr = initial lr * lr_lambda(epoch); one function, or a list with one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
                 last_epoch: int = -1) -> None:  # fmt: skip
        self._attach(optimizer)
        self.lr_lambdas = _for_each_group(lr_lambda, optimizer, "Expected {} lr_lambdas, but got {}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._within_step()
        return [base * fn(self.last_epoch) for fn, base in zip(self.lr_lambdas, self.base_lrs)]

    def state_dict(self) -> dict[str, Any]:
        """Without the functions, which are given anew; of callable objects, what they know."""
        state = super().state_dict()
        fns = state.pop("lr_lambdas")
        known = [None if isinstance(fn, FUNCTIONS) else fn.__dict__.copy() for fn in fns]
        return {**state, "lr_lambdas": known}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({**state_dict, "lr_lambdas": self.lr_lambdas})
        for fn, known in zip(self.lr_lambdas, state_dict.get("lr_lambdas", ())):
            if known is not None:
                fn.__dict__.update(known)


class StepLR(_Powers):
    """lr is multiplied by gamma every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return self.last_epoch > 0 and self.last_epoch % self.step_size == 0

    def total(self) -> int:
        return self.last_epoch // self.step_size


class MultiStepLR(_Powers):
    """lr is multiplied by gamma at each epoch in `milestones`."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1,
                 last_epoch: int = -1) -> None:  # fmt: skip
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return self.milestones[self.last_epoch]

    def total(self) -> int:
        return bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ExponentialLR(_Powers):
    """lr is multiplied by gamma every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def times(self) -> int:
        return not self._is_initial

    def total(self) -> int:
        return self.last_epoch


class CosineAnnealingLR(LRScheduler):
    """lr follows half a cosine from its initial value to `eta_min` in `T_max` epochs, and back
    (Loshchilov and Hutter, "SGDR", 2017, without the restarts)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._within_step()
        if self._is_initial:
            return self._rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the recurrence would divide by zero
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(self._rates(), self.base_lrs)]
        now, before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        fall = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * fall for base in self.base_lrs]


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
        self.factor = factor
        self._attach(optimizer)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = _for_each_group(min_lr, optimizer, "expected {} min_lrs, got {}")
        self.patience, self.cooldown, self.eps, self.last_epoch = patience, cooldown, eps, 0
        self._last_lr = self._rates()
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            return sign * value > sign * self.best * (1 + sign * self.threshold)
        return sign * value > sign * (self.best + sign * self.threshold)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Judge this epoch's metric (a number or a tensor of one element) and reduce the rates if it is time to."""
        value = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            groups = self.optimizer.param_groups
            if len(groups) != len(self.min_lrs):  # one was added
                if self.default_min_lr is None:
                    text = f"the optimizer has {len(groups)} param groups and the ReduceLROnPlateau {len(self.min_lrs)} min_lrs: "
                    raise RuntimeError(text + "make its `min_lrs` as long")
                self.min_lrs = [self.default_min_lr] * len(groups)
            for group, least in zip(groups, self.min_lrs):
                lr = float(group["lr"])
                reduced = max(lr * self.factor, least)
                if lr - reduced > self.eps:
                    _set(group, reduced)
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()


def _set(group: dict[str, Any], lr: Any) -> None:
    """A tensor is filled, so that all who hold it see the new rate."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def _for_each_group(value: Any, optimizer: Optimizer, refusal: str) -> list[Any]:
    """A list with one value for each parameter group; ValueError if a list of another length was given."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, list | tuple) else [value] * groups
    if len(values) != groups:
        raise ValueError(refusal.format(groups, len(values)))
    return values
