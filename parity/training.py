"""Whole trainings under both engines: every lesson, every optimizer with each option, every schedule.

Rounding grows as a training runs, so the bound is measured, not picked: torch trains again with every gradient and
parameter nudged by one unit in the last place at each step, and an array of ours may be as far from the truth as `ROOM`
times the farthest element of those. The truth of a float32 training is the same training in float64. Optimizers are
also compared after single steps from a shared state (parameters, gradients and optimizer state copied over), where
little can hide.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity import convert
from parity.checks import Failure, Row
from parity.engines import Engine
from parity.programs import quiet
from parity.verdicts import Finding, Verdict, describe

ROOM, NUDGED, ULPS = 8.0, 3, 8.0  # times the spread; how many nudged runs; and what any result may err by itself
STEPS, SHARED = 200, 12  # free steps, and steps from a shared state


@dataclass
class Trained:
    """What a training left: name -> array."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    error: Exception | None = None


# ------------------------------------------------------------------ the measured bound


@contextmanager
def nudging(engine: Engine, seed: int) -> Iterator[None]:
    """While open, each `backward` or `autograd.grad` of torch moves leaves and gradients by up to one ulp."""
    torch = engine.module
    generator = torch.Generator().manual_seed(seed)
    backward, grad = torch.Tensor.backward, torch.autograd.grad

    def nudge(t: Any) -> None:
        noise = torch.rand(t.shape, generator=generator, dtype=t.dtype).mul_(2).sub_(1).to(t.device)
        t.mul_(1 + noise * torch.finfo(t.dtype).eps)

    def nudged(self: Any, *args: Any, **kwargs: Any) -> None:
        leaves = list(_leaves(self))
        backward(self, *args, **kwargs)
        with torch.no_grad():
            for leaf in leaves:
                nudge(leaf.data)
                if leaf.grad is not None:
                    nudge(leaf.grad.data)

    def nudged_grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        results = grad(outputs, inputs, *args, **kwargs)
        with torch.no_grad():
            for t in (*(inputs if isinstance(inputs, list | tuple) else (inputs,)), *results):
                if t is not None:
                    nudge(t.data)
        return results

    torch.Tensor.backward, torch.autograd.grad = nudged, nudged_grad
    try:
        yield
    finally:
        torch.Tensor.backward, torch.autograd.grad = backward, grad


def _leaves(tensor: Any) -> Iterator[Any]:
    seen, stack = set(), [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        stack += [parent for parent, _ in node.next_functions]


def same_bits(a: Trained, b: Trained) -> bool:
    """Whether there is nothing to judge, so that no bound need be measured."""
    return a.arrays.keys() == b.arrays.keys() and all(
        x.dtype == b.arrays[name].dtype and np.array_equal(x, b.arrays[name], equal_nan=True) for name, x in a.arrays.items()
    )


def compare(
    row: Row,
    ours: Trained,
    theirs: Trained,
    truth: Trained | None,
    nudged: Sequence[Trained],
    seed: str,
    names: tuple[str, str],
    column: int = 0,
    script: str = "",
) -> None:
    """Adds one comparison to the row: every array of ours within ROOM times what torch itself is off by."""
    row.cases += 1

    def found(verdict: Verdict, what: str, sentence: str, x: Any = None, y: Any = None, v: Any = None) -> None:
        finding = Finding(what, verdict, sentence, x, y, v)
        (row.failures if verdict.fails else row.findings).append(Failure(None, finding, seed, script=script))
        row.verdict = max(row.verdict, verdict, key=lambda one: one.rank)

    if ours.error or theirs.error:
        if ours.error and not theirs.error:
            found(
                Verdict.ONE_ERROR,
                "run",
                f"only {names[0]} raises: {type(ours.error).__name__}: {ours.error}",
                ours.error,
            )
        elif theirs.error and not ours.error:
            found(
                Verdict.ONE_ERROR,
                "run",
                f"only {names[1]} raises: {type(theirs.error).__name__}: {theirs.error}",
                None,
                theirs.error,
            )
        return
    if ours.arrays.keys() != theirs.arrays.keys():
        found(Verdict.MISSING, "names", f"other results: {sorted(ours.arrays.keys() ^ theirs.arrays.keys())}")
        return
    for name, y in theirs.arrays.items():
        x = ours.arrays[name]
        if x.shape != y.shape:
            found(Verdict.SHAPE, name, f"{name} has shape {x.shape}, in {names[1]} {y.shape}", x, y)
            return
        if x.dtype != y.dtype:
            found(Verdict.DTYPE, name, f"{name} is {x.dtype}, in {names[1]} {y.dtype}", x, y)
            return
        v = truth.arrays[name] if truth and truth.arrays.get(name, np.zeros(())).shape == x.shape else y
        with np.errstate(all="ignore"):
            v = v.astype(np.float64)
            precision = np.float64 if x.dtype == np.float64 else np.float32
            others = [
                other.arrays[name].astype(np.float64)
                for other in [theirs, *nudged]
                if name in other.arrays and other.arrays[name].shape == x.shape
            ]
            spread = np.array([np.abs(other - v) for other in others])
            widest = float(spread[np.isfinite(spread)].max(initial=0.0))
            bound = ROOM * widest + ULPS * np.finfo(precision).eps * np.abs(v)
            error = np.abs(x.astype(np.float64) - v)
            alike = (x == y) | ((x != x) & (y != y))
            loose = ~np.isfinite(v) | ~np.isfinite(bound) | np.any([~np.isfinite(other) for other in others], axis=0)
            bad = ~alike & ~(error <= bound) & ~loose
            ratio = np.where(alike | loose | (bound == 0), 0.0, error / np.where(bound == 0, 1.0, bound))
        row.ratios[column] = max(row.ratios[column], float(ratio.max(initial=0.0)))
        if bad.any():
            worst = float(np.divide(error, bound, where=bound > 0, out=np.full_like(error, np.inf))[bad].max())
            found(
                Verdict.OURS_WORSE,
                name,
                f"{describe(name, x, v)}, {worst:.3g} times what rounding accounts for",
                x,
                y,
                v,
            )
            return
        row.verdict = max(row.verdict, Verdict.SAME if alike.all() else Verdict.WITHIN, key=lambda one: one.rank)


def race(
    row: Row,
    train: Callable[[Any, str], Trained],
    ours: Engine,
    theirs: Engine,
    dtype: str,
    seed: str,
    column: int,
    script: str = "",
) -> None:
    """Trains freely under both, under torch in float64, and under torch nudged; compares; keeps the loss curves."""

    def go(engine: Engine, as_dtype: str) -> Trained:
        try:
            with quiet():
                return train(engine.torch, as_dtype)
        except Exception as error:
            return Trained(error=error)

    b = go(theirs, dtype)
    a = go(ours, dtype)
    truth, nudged, disputed = None, [], not a.error and not same_bits(a, b)
    if disputed and dtype == "float32":
        truth = go(theirs, "float64")
    if disputed and theirs.name == "torch":
        for k in range(NUDGED):
            with nudging(theirs, k):
                nudged.append(go(theirs, dtype))
            if nudged[-1].error and not b.error:
                raise nudged[-1].error  # a bound without it would be no bound
    compare(
        row,
        a,
        b,
        truth if truth is None or truth.error is None else None,
        nudged,
        seed,
        (ours.name, theirs.name),
        column,
        script,
    )
    if dtype == "float32" and not row.curves:
        row.curves = {ours.name: a.losses, theirs.name: b.losses}


# ------------------------------------------------------------------------------------------------------------- lessons


def lesson(name: str) -> Callable[[Any, str], Trained]:
    import demos

    def train(torch: Any, dtype: str) -> Trained:
        module = demos.load(name)
        takes = inspect.signature(module.lesson).parameters
        options = {name: value for name, value in (("dtype", dtype), ("seeds", 1)) if name in takes}
        history = module.lesson(torch, **options)
        out = Trained()
        for kind in ("parameters", "gradients"):
            out.arrays |= {f"{kind[:-1]} {key}": np.asarray(array) for key, array in getattr(history, kind).items()}
        for key, losses in history.losses.items():
            out.arrays[f"losses {key}"] = np.asarray(losses, np.dtype(dtype))
            out.losses = out.losses or [float(loss) for loss in losses]
        return out

    return train


# ---------------------------------------------------------------------------------------------------------- optimizers

OPTIMIZERS: dict[str, tuple[dict[str, Any], ...]] = {
    "SGD": (
        {"lr": 0.05},
        {"lr": 0.05, "momentum": 0.9},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.5},
        {"lr": 0.02, "momentum": 0.9, "nesterov": True},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.02, "momentum": 0.8, "weight_decay": 0.1, "nesterov": True},
        {"lr": 0.001, "maximize": True},
    ),
    "Adam": (
        {},
        {"lr": 0.02},
        {"lr": 0.02, "betas": (0.5, 0.9)},
        {"lr": 0.02, "eps": 0.01},
        {"lr": 0.02, "weight_decay": 0.1},
        {"lr": 0.02, "amsgrad": True},
        {"lr": 0.001, "maximize": True},
    ),
    "AdamW": ({}, {"lr": 0.02, "weight_decay": 0.1}, {"lr": 0.02, "amsgrad": True, "betas": (0.8, 0.95)}),
    "RMSprop": (
        {},
        {"lr": 0.02, "alpha": 0.9},
        {"lr": 0.02, "eps": 0.01},
        {"lr": 0.01, "momentum": 0.9},
        {"lr": 0.01, "centered": True},
        {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.1},
    ),
    "Adagrad": (
        {},
        {"lr": 0.1, "lr_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.5},
        {"lr": 0.1, "eps": 0.01},
    ),
    "Adadelta": ({}, {"lr": 0.5, "rho": 0.5}, {"lr": 1.0, "eps": 0.01}, {"lr": 1.0, "weight_decay": 0.1}),
}
SCHEDULES: dict[str, tuple[dict[str, Any], ...]] = {
    "StepLR": ({"step_size": 3}, {"step_size": 2, "gamma": 0.5}),
    "MultiStepLR": ({"milestones": [2, 5, 5, 9], "gamma": 0.3},),
    "ExponentialLR": ({"gamma": 0.9},),
    "CosineAnnealingLR": ({"T_max": 10}, {"T_max": 7, "eta_min": 0.01}),
    "LambdaLR": ({"lr_lambda": lambda epoch: 0.95**epoch},),
    "ReduceLROnPlateau": (
        {"patience": 2, "factor": 0.5},
        {"mode": "max", "patience": 1, "threshold": 0.1, "cooldown": 1},
        {"patience": 1, "threshold": 0.1},
        {"patience": 1, "threshold": 0.1, "threshold_mode": "abs", "min_lr": 0.1},
    ),
}
_rng = np.random.Generator(np.random.PCG64(11))
SHAPES = ((3, 2), (2,), (2, 1), (1,))
START = [_rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
X, Y = _rng.normal(size=(16, 3)).astype(np.float32), _rng.normal(size=(16, 1)).astype(np.float32)
SLOPES = [[_rng.normal(size=shape).astype(np.float32) for shape in SHAPES] for _ in range(SHARED)]


def label(name: str, options: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{k}={v if not callable(v) else chr(955)}' for k, v in options.items())})"


def made(torch: Any, name: str, params: Sequence[Any], options: dict[str, Any]) -> Any:
    """The optimizer. torch's default on a GPU, `foreach`, leaves SGD's Nesterov step in `.grad` (torch 2.11), so it is off."""
    first = params[0]["params"][0] if isinstance(params[0], dict) else params[0]
    aside = {"foreach": False} if getattr(first, "is_cuda", False) else {}
    return getattr(torch.optim, name)(params, **options, **aside)


def parameters(torch: Any, dtype: str) -> list[Any]:
    return [torch.tensor(array.astype(dtype)).requires_grad_() for array in START]


def free_run(name: str, options: dict[str, Any]) -> Callable[[Any, str], Trained]:
    """A 3-2-1 network on 16 rows, STEPS steps; what it leaves, and the optimizer's state."""

    def train(torch: Any, dtype: str) -> Trained:
        w, b, u, c = ps = parameters(torch, dtype)
        x, y = (torch.tensor(array.astype(dtype)) for array in (X, Y))
        optimizer = made(torch, name, ps, options)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = ((torch.tanh(x @ w + b) @ u + c - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        out = Trained({"losses": np.array(losses, dtype)}, losses)
        for i, p in enumerate(ps):
            out.arrays |= {
                f"parameter {i}": np.array(p.detach().numpy()),
                f"gradient {i}": np.array(p.grad.detach().numpy()),
            }
            out.arrays |= state_arrays(optimizer, p, i)
        return out

    return train


def lived_run(name: str, options: dict[str, Any]) -> Callable[[Any, str], Trained]:
    """SHARED steps as they come in practice: two groups with options of their own, parameters that a loss leaves out, gradients
    that add up or are kept, clipping, and a state that another optimizer goes on with."""

    def train(torch: Any, dtype: str) -> Trained:
        ps = parameters(torch, dtype)

        def grouped(**others: Any) -> Any:
            groups = [{"params": ps[:2]}, {"params": ps[2:], "lr": 0.03, "weight_decay": 0.2}]
            return made(torch, name, groups, options | others)

        optimizer, out = grouped(), Trained()
        for step, slopes in enumerate(SLOPES):
            if step == 5:
                state, optimizer = optimizer.state_dict(), grouped(lr=0.7)
                optimizer.load_state_dict(state)
            if step % 4 != 1:
                optimizer.zero_grad(set_to_none=step % 2 == 0)
            used = [i for i in range(len(ps)) if (step + i) % 3 and step + 2 > i]
            scale = 0.001 if step == 3 else 1.0  # so small that clipping's epsilon shows
            loss = sum((ps[i] * torch.tensor(slopes[i].astype(dtype))).sum() for i in used) * scale
            loss.backward()
            if step % 3 == 0:
                torch.nn.utils.clip_grad_norm_(ps, 0.5 * scale if step % 2 else 1000.0)
            optimizer.step()
            for key, array in snapshot(optimizer, ps).arrays.items():
                out.arrays[f"{key} after step {step + 1}"] = array
            for i, p in enumerate(ps):
                if p.grad is not None:
                    out.arrays[f"gradient {i} after step {step + 1}"] = np.array(p.grad.detach().numpy())
        late = (ps[0] * ps[0]).sum()
        optimizer.step()  # overwrites what `late` needs for its gradient, which must be refused
        try:
            late.backward()
            out.arrays["late backward refused"] = np.zeros(())
        except RuntimeError:
            out.arrays["late backward refused"] = np.ones(())
        return out

    return train


def state_arrays(optimizer: Any, p: Any, i: int) -> dict[str, np.ndarray]:
    """The tensors of a parameter's state, by name; `step` as a number whatever it is kept as."""
    out = {}
    for key, value in optimizer.state[p].items():
        if key == "step":
            out[f"state {i} step"] = np.float64(float(value)).reshape(())
        elif value is not None:
            out[f"state {i} {key}"] = np.array(value.detach().numpy())
    return out


def snapshot(optimizer: Any, ps: Sequence[Any]) -> Trained:
    out = Trained()
    for i, p in enumerate(ps):
        out.arrays[f"parameter {i}"] = np.array(p.detach().numpy())
        out.arrays |= state_arrays(optimizer, p, i)
    return out


def shared_steps(
    row: Row, name: str, options: dict[str, Any], ours: Engine, theirs: Engine, dtype: str, script: str
) -> None:
    """SHARED single steps, each from torch's state copied into ours."""
    torch = theirs.torch
    theirs_ps = parameters(torch, dtype)
    model = made(torch, name, theirs_ps, options)
    noise = np.random.Generator(np.random.PCG64(5))
    for step, slopes in enumerate(SLOPES):
        before = [np.array(p.detach().numpy()) for p in theirs_ps]
        state = copy.deepcopy(model.state_dict())

        def taken(
            engine: Engine,
            as_dtype: str,
            nudge: bool,
            before: list[np.ndarray] = before,
            state: Any = state,
            slopes: list[np.ndarray] = slopes,
            step: int = step,
        ) -> Trained:
            def shake(array: np.ndarray) -> np.ndarray:
                array = np.asarray(array, as_dtype)
                return (
                    array * (1 + np.finfo(dtype).eps * noise.uniform(-1, 1, array.shape)).astype(as_dtype)
                    if nudge
                    else array
                )

            ps = [engine.torch.tensor(shake(array)).requires_grad_() for array in before]
            optimizer = made(engine.torch, name, ps, options)
            if step:
                loaded = state if engine is theirs else convert.from_torch(state, engine.module)
                optimizer.load_state_dict(copy.deepcopy(loaded) if engine is theirs else loaded)
                if nudge:
                    for p in ps:
                        for key, value in optimizer.state[p].items():
                            if key != "step" and value is not None:
                                value.copy_(engine.torch.tensor(shake(value.detach().numpy())))
            for p, slope in zip(ps, slopes, strict=True):
                p.grad = engine.torch.tensor(shake(slope))
            optimizer.step()
            return snapshot(optimizer, ps)

        with quiet():
            b = taken(theirs, dtype, False)
            try:
                a = taken(ours, dtype, False)
            except Exception as error:
                a = Trained(error=error)
            disputed = not same_bits(a, b)
            truth = taken(theirs, "float64", False) if disputed and dtype == "float32" else None
            nudged = [taken(theirs, dtype, True) for _ in range(NUDGED if disputed else 0)]
            compare(
                row,
                a,
                b,
                truth,
                nudged,
                f"step {step + 1} of {SHARED} from a shared state, {dtype}",
                (ours.name, theirs.name),
                0,
                script,
            )
            for p, slope in zip(theirs_ps, slopes, strict=True):
                p.grad = torch.tensor(slope.astype(dtype))
            model.step()
        if row.failures:
            return


def schedule_run(name: str, options: dict[str, Any]) -> Callable[[Any, str], Trained]:
    """The rates of two groups in 25 epochs."""

    def train(torch: Any, dtype: str) -> Trained:
        ps = parameters(torch, dtype)
        optimizer = torch.optim.SGD([{"params": ps[:2]}, {"params": ps[2:], "lr": 0.2}], lr=0.5)
        schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        rates = []
        for epoch in range(25):
            optimizer.step()
            rates += [float(group["lr"]) for group in optimizer.param_groups]
            if name == "ReduceLROnPlateau":
                schedule.step(1.0 / (1 + min(epoch, 8)))
            else:
                schedule.step()
        return Trained({"rates": np.array(rates, np.float64)}, rates)

    return train


# ------------------------------------------------------------------ everything


def names() -> list[str]:
    import demos

    return [*demos.LESSONS, *OPTIMIZERS, *SCHEDULES]


def check_training(ours: Engine, theirs: Engine, chosen: Sequence[str] = (), dtype: str | None = None) -> Iterator[Row]:
    """One row for each lesson, each optimizer (every option), each schedule."""
    import demos

    dtypes = (dtype,) if dtype else ("float32", "float64")
    for name in chosen or names():
        row = Row("training", name)
        if name in demos.LESSONS:
            for each in dtypes:
                if not row.failures:
                    race(
                        row,
                        lesson(name),
                        ours,
                        theirs,
                        each,
                        each,
                        1,
                        f"from demos import {name}; {name}.lesson(torch, dtype={each!r})",
                    )
        elif missing := ours.missing(f"torch.optim.{'lr_scheduler.' if name in SCHEDULES else ''}{name}"):
            row.verdict, row.note = Verdict.NOT_OFFERED, missing
        elif name in SCHEDULES:
            for options in SCHEDULES[name]:
                if not row.failures:
                    race(
                        row,
                        schedule_run(name, options),
                        ours,
                        theirs,
                        "float64",
                        label(name, options),
                        1,
                        label(name, options),
                    )
        else:
            for options, each in ((options, each) for options in OPTIMIZERS[name] for each in dtypes):
                text = label(name, options)
                if not row.failures:
                    shared_steps(row, name, options, ours, theirs, each, text)
                for made, what in ((free_run, ""), (lived_run, "with groups, clipping and a loaded state, ")):
                    if not row.failures:
                        race(row, made(name, options), ours, theirs, each, f"{text}, {what}{each}", 1, text)
        yield row


def in_process(engine: str, against: str, device: str, dtype: str | None) -> list[Row]:
    """All of it, for a process of its own."""
    from parity.engines import load

    ours, theirs = load(engine, device), load(against, device)
    if theirs.name == "torch":
        theirs.module.set_num_threads(1)
    return list(check_training(ours, theirs, (), dtype))
