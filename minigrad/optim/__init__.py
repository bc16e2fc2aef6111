"""Optimizers: SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, with torch's arguments, defaults and state_dict layout.

Each has one method that matters, `_update`: the formula for one parameter, on arrays and in place, in few passes over
the data, with one scratch array. `Optimizer` does the rest: groups, closures, saving and loading. Constants are Python
floats, so that an array keeps its dtype. Next: lr_scheduler.py.
"""

from __future__ import annotations

import copy
import functools
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..autograd.graph import wrap, writes
from ..autograd.modes import enable_grad
from ..nn.module import typename, zero_gradients
from ..tensor import Tensor

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "lr_scheduler"]

Array = np.ndarray[Any, Any]
Group = dict[str, Any]
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
Flag = bool | None
NOT_NEGATIVE = "lr momentum alpha rho eps weight_decay lr_decay initial_accumulator_value".split()
NAMES = {"lr": "learning rate", "eps": "epsilon value"}  # as error texts have them
FUSED_SIZE = 64  # elements; a step on so few costs its calls, whatever they compute
PLAIN = frozenset({float, int, bool, type(None), list, tuple, str})  # the types of options that need no conversion
FLAGS = "nesterov amsgrad centered maximize capturable differentiable decoupled_weight_decay foreach fused".split()


class Optimizer:
    """Base class. A subclass defines `step`, as in torch, or `_update`, the step of one parameter.

    params: tensors, (name, tensor) pairs, or dicts with 'params' and options; defaults: the options of all groups.
    Raises TypeError for what is not a tensor, ValueError for no tensors, tensors that aren't leaves, or repeated ones.
    """

    _scheduled = _stepped = False  # has it a schedule, and was `step` called since it has: for lr_scheduler.py

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = _noted(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            text = "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
            raise TypeError(text + typename(params))
        if defaults.get("differentiable"):
            text = "minigrad's optimizers do not record their steps (differentiable=True): write the update yourself on "
            raise RuntimeError(text + "gradients from autograd.grad(..., create_graph=True)")
        self.defaults, self.param_groups = defaults, list[Group]()
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self._buffers: dict[Any, Array] = {}
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Take more parameters in: a dict with 'params' and, where they differ from the defaults, options."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            text = "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            raise TypeError(text + "will change between runs. Please use a list instead.")
        entries = [params] if isinstance(params, Tensor) else list(params)
        param_group["params"] = params = [e[1] if isinstance(e, tuple) else e for e in entries]
        if names := [e[0] for e in entries if isinstance(e, tuple)]:
            param_group["param_names"] = names
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(parameter)}")
            if not parameter.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in param_group):
                text = "all optimizer param groups should be with/without names. cannot add param group "
                raise ValueError(f"{text}with{'' if 'param_names' in param_group else 'out'} names to the optimizer")
        if not set(params).isdisjoint(self._parameters()):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zero in place."""
        zero_gradients(self._parameters(), set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return its loss."""
        self._stepped = True
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            options = (*group.values(), *group["betas"]) if "betas" in group else group.values()
            if not PLAIN.issuperset(map(type, options)):
                group = {name: value if name == "params" else _number(value) for name, value in group.items()}
            weight_decay = 0 if group.get("decoupled_weight_decay") else group.get("weight_decay", 0)
            maximize = group.get("maximize")
            for parameter in group["params"]:
                if parameter._grad is None:
                    continue
                param, grad = parameter._storage(), parameter._grad._array
                if maximize:
                    grad = -grad
                if weight_decay != 0:
                    grad = np.array(grad)
                    self._add_scaled(grad, param, weight_decay)
                self._update(parameter, param, grad, group)
                state = self.state.get(parameter, {}).values()
                writes.count(parameter._writes, *[t._writes for t in state if isinstance(t, Tensor)])
        return loss

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        """Change `param`, the parameter's array, and its state, in place; `grad` is not to be changed."""
        raise NotImplementedError

    def _state(self, parameter: Tensor, *names: str) -> list[Array]:
        """The arrays of the parameter's state: 'step' is one float32, the others are like it; they start at zero."""
        state = self.state[parameter]
        for name in names:
            if name not in state:
                like = parameter._storage()
                state[name] = wrap(np.zeros((), np.float32) if name == "step" else np.zeros_like(like))
        return [state[name]._storage() for name in names]

    def _scratch(self, like: Array) -> Array:
        """An array of this shape and dtype to compute in, the same at each step: fresh memory costs page faults."""
        key = like.shape, like.dtype
        if key not in self._buffers:
            self._buffers[key] = np.empty(*key)
        return self._buffers[key]

    def _add_scaled(self, y: Array, x: Any, a: float) -> None:
        """y += a*x in place.

        torch fuses the two operations: one rounding. So do we for a few float32 numbers (the product is exact in
        float64), so that small models follow torch's to the last bit; for more, the conversions would cost four times
        the arithmetic.
        """
        if a == 1:
            y += x
        elif y.size <= FUSED_SIZE and y.dtype is FLOAT32:
            wide = x.astype(FLOAT64)
            wide *= float(np.float32(a))
            wide += y
            y[...] = wide
        else:
            y += np.multiply(x, a, self._scratch(y))

    def state_dict(self) -> dict[str, Any]:
        """{'state': {index: {...}}, 'param_groups': [{options, 'params': [indices]}]}; shares the state's tensors."""
        index = {p: i for i, p in enumerate(dict.fromkeys(self._parameters()))}
        groups = [{**group, "params": [index[p] for p in group["params"]]} for group in self.param_groups]
        for group in groups:
            group["params"] = group.pop("params")  # last
        return {"state": {index[p]: state for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the options, and copies of the state, of a `state_dict()` with as many parameters in each group."""
        groups, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(group["params"]) != len(other["params"]) for group, other in zip(groups, saved)):
            text = "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            raise ValueError(text)
        loaded = [{**other, "params": group["params"]} for group, other in zip(groups, saved)]
        for new, group in zip(loaded, groups):
            if "param_names" in group:
                new.setdefault("param_names", group["param_names"])
        self.state = defaultdict(dict)
        for i, parameter in zip([i for other in saved for i in other["params"]], self._parameters()):
            for key, value in state_dict["state"].get(i, {}).items():
                if isinstance(value, Tensor):
                    value = value.detach().to(value.dtype if key == "step" else parameter.dtype, copy=True)
                elif type(self).step is Optimizer.step:  # else the step is the user's, and so is the state
                    if value is None:  # as old checkpoints have a momentum_buffer before the first step
                        continue
                    if key == "step":  # a number, in old checkpoints
                        value = wrap(np.array(value, np.float32))
                self.state[parameter][key] = value
        self.__setstate__({"state": self.state, "param_groups": loaded})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was copied or loaded; flags that an older version did not have are off."""
        self.__dict__.update(state)
        for group in self.param_groups:
            for name in FLAGS:
                if name in self.defaults:
                    group.setdefault(name, None if name in ("foreach", "fused") else False)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [*[""] * (i > 0), f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"


def _noted(step: Any) -> Any:
    """The `step` of a subclass, which also notes that it was called."""

    @functools.wraps(step)
    def noted(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._stepped = True
        return step(self, *args, **kwargs)

    return noted


def _number(value: Any) -> Any:
    """An option as a Python number if it is a tensor of one element or NumPy's: `array *= tensor` would rebind the name."""
    if isinstance(value, tuple | list):
        return [_number(v) for v in value]
    return value.item() if isinstance(value, Tensor | np.ndarray | np.generic) and math.prod(value.shape) == 1 else value


# ------------------------------------------------------------------ arithmetic on arrays

def decay(average: Array, x: Any, rate: float, scratch: Array) -> None:
    """average = rate*average + (1 - rate)*x*x in place: a running mean of squares."""
    average *= rate
    np.multiply(x, 1 - rate, scratch)
    scratch *= x
    average += scratch


def lerp(average: Array, x: Any, weight: float, scratch: Array) -> None:
    """average += weight*(x - average) in place: a running mean."""
    np.subtract(x, average, scratch)
    scratch *= weight
    average += scratch


def _options(arguments: dict[str, Any], order: str) -> Group:
    """The options of a group, in torch's order, from a constructor's locals(). ValueError for values that make no sense."""
    options = {name: arguments[name] for name in order.split()}
    if isinstance(options["lr"], Tensor) and options["lr"].numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    for name, value in options.items():
        if name in NOT_NEGATIVE and not 0 <= value <= (1 if name == "rho" else math.inf):
            raise ValueError(f"Invalid {NAMES.get(name, f'{name} value')}: {value}")
    if "betas" in options:
        options["betas"] = betas = tuple([b.squeeze() if isinstance(b, Tensor) else b for b in options["betas"]])
        for i, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
    if options.get("nesterov") and (options["momentum"] <= 0 or options["dampening"] != 0):
        raise ValueError("Nesterov momentum requires a momentum and zero dampening")
    return options


# ------------------------------------------------------------------ the optimizers


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum or Nesterov's (Sutskever et al., 2013): p -= lr*g, or lr*buf for

        buf = momentum*buf + (1 - dampening)*g        (the first time buf = g; Nesterov: g + momentum*buf in its place)
    """

    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False, foreach: Flag = None,
                 differentiable: bool = False, fused: Flag = None) -> None:  # fmt: skip
        order = "lr momentum dampening weight_decay nesterov maximize foreach differentiable fused"
        super().__init__(params, _options(locals(), order))

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        momentum = group["momentum"]
        if momentum != 0:
            first = "momentum_buffer" not in self.state[parameter]
            (buffer,) = self._state(parameter, "momentum_buffer")
            if first:
                buffer[...] = grad
            else:
                buffer *= momentum
                self._add_scaled(buffer, grad, 1 - group["dampening"])
            if group["nesterov"]:
                grad = np.array(grad)
                self._add_scaled(grad, buffer, momentum)
            else:
                grad = buffer
        self._add_scaled(param, grad, -float(group["lr"]))


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): m and v are running means of g and g*g, corrected for their start at zero;

        p -= lr * m/(1 - beta1**t) / (sqrt(v/(1 - beta2**t)) + eps)

    amsgrad uses the largest v so far; decoupled_weight_decay makes it AdamW.
    """

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *, foreach: Flag = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False, fused: Flag = None,
                 decoupled_weight_decay: bool = False) -> None:  # fmt: skip
        order = "lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused decoupled_weight_decay"
        super().__init__(params, _options(locals(), order))

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        names = "step", "exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * group["amsgrad"]
        step, m, v, *largest = self._state(parameter, *names)
        step += 1
        beta1, beta2 = group["betas"]
        lr, t, scratch = float(group["lr"]), step.item(), self._scratch(param)
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            param *= 1 - lr * group["weight_decay"]
        lerp(m, grad, 1 - beta1, scratch)
        decay(v, grad, beta2, scratch)
        if largest:
            v = np.maximum(largest[0], v, out=largest[0])
        np.sqrt(v, scratch)
        scratch /= (1 - beta2**t) ** 0.5
        scratch += group["eps"]
        np.divide(m, scratch, scratch)
        scratch *= lr / (1 - beta1**t)
        param -= scratch


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019): first p *= 1 - lr*weight_decay."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: Flag = None,
                 capturable: bool = False, differentiable: bool = False, fused: Flag = None) -> None:  # fmt: skip
        Adam.__init__(**locals(), decoupled_weight_decay=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # also where Adam's state is loaded


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): v is a running mean of g*g, minus the square of that of g if `centered`;

        p -= lr * g / (sqrt(v) + eps), or with momentum p -= lr*buf for buf = momentum*buf + g / (sqrt(v) + eps)
    """

    def __init__(self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False, capturable: bool = False,
                 foreach: Flag = None, maximize: bool = False, differentiable: bool = False) -> None:  # fmt: skip
        order = "lr momentum alpha eps centered weight_decay capturable foreach maximize differentiable"
        super().__init__(params, _options(locals(), order))

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        momentum, centered = group["momentum"], group["centered"]
        names = ["step", "square_avg", *["momentum_buffer"] * (momentum > 0), *["grad_avg"] * centered]
        step, v, *more = self._state(parameter, *names)
        step += 1
        scratch = self._scratch(param)
        decay(v, grad, group["alpha"], scratch)
        if centered:
            lerp(more[-1], grad, 1 - group["alpha"], scratch)
            np.multiply(more[-1], more[-1], scratch)
            v = np.subtract(v, scratch, scratch)
        np.sqrt(v, scratch)
        scratch += group["eps"]
        np.divide(grad, scratch, scratch)
        if momentum > 0:
            buffer = more[0]
            buffer *= momentum
            buffer += scratch
            np.copyto(scratch, buffer)
        scratch *= float(group["lr"])
        param -= scratch


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., 2011): for s, the sum of all g*g, p -= lr/(1 + (t - 1)*lr_decay) * g / (sqrt(s) + eps)."""

    def __init__(self, params: Any, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: Flag = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: Flag = None) -> None:  # fmt: skip
        order = "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize differentiable fused"
        super().__init__(params, _options(locals(), order))
        for parameter in self._parameters():
            self._state(parameter, "step", "sum")

    def _state(self, parameter: Tensor, *names: str) -> list[Array]:
        """As for all, but the sum starts at the initial value, also of a parameter that is added later."""
        new = not self.state[parameter]
        step, total = super()._state(parameter, *names)
        if new:
            total += _number(self.defaults["initial_accumulator_value"])
        return [step, total]

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        step, total = self._state(parameter, "step", "sum")
        step += 1
        scratch = self._scratch(param)
        total += np.multiply(grad, grad, scratch)
        np.sqrt(total, scratch)
        scratch += group["eps"]
        np.divide(grad, scratch, scratch)
        scratch *= float(group["lr"]) / (1 + (step.item() - 1) * group["lr_decay"])
        param -= scratch


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): p -= lr*d for d = g * sqrt(u + eps)/sqrt(v + eps); v, u: running means of g*g, d*d."""

    def __init__(self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, foreach: Flag = None, *, capturable: bool = False, maximize: bool = False,
                 differentiable: bool = False) -> None:  # fmt: skip
        order = "lr rho eps weight_decay maximize capturable foreach differentiable"
        super().__init__(params, _options(locals(), order))

    def _update(self, parameter: Tensor, param: Array, grad: Any, group: Group) -> None:
        step, v, u = self._state(parameter, "step", "square_avg", "acc_delta")
        step += 1
        eps, rho, scratch = group["eps"], group["rho"], self._scratch(param)
        decay(v, grad, rho, scratch)
        delta = np.sqrt(u + eps)
        np.add(v, eps, scratch)
        delta /= np.sqrt(scratch, scratch)
        delta *= grad
        decay(u, delta, rho, scratch)
        delta *= float(group["lr"])
        param -= delta


from . import lr_scheduler  # which needs Optimizer
