"""parity: checks an autograd engine against torch, with a third judge between them.

    python -m parity                      everything, on minigrad
    python -m parity --engine my_engine   on an engine of yours (see parity.engines)

In tests of your own:

    import numpy as np
    from parity import check

    def test_my_layer():
        x, w = np.ones((3, 2)), np.array([1.0, -2.0])
        assert check(lambda torch, x, w: torch.tanh(x * w).sum(0), x, w, order=2)

`parity.strategies` draws arrays, shapes that broadcast and whole programs for Hypothesis; `to_torch` and `from_torch`
carry state dicts over. Reading order: programs, referee, verdicts, checks, search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.convert import from_torch, to_torch

__all__ = ["Report", "check", "from_torch", "strategies", "to_torch"]


class Report:
    """What `check` found. True when there is no difference; its text says what differs, with numbers."""

    def __init__(self, result: Any, engine: str, against: str):
        self.result, self.engine, self.against = result, engine, against

    @property
    def verdict(self) -> str:
        return str(self.result.verdict.value)

    def __bool__(self) -> bool:
        return not self.result.verdict.fails

    def __repr__(self) -> str:
        from parity.report import numbers

        lines = [
            f"{self.engine} against {self.against}: {self.verdict}"
            + (f" ({self.result.missing})" if self.result.missing else "")
        ]
        for finding in self.result.findings:
            lines.append(f"  {finding.sentence}")
            lines += ["    " + line for line in numbers(finding, self.engine, self.against)]
        if not bool(self):
            lines += [
                f"  {leaf.name} = {leaf.array.tolist()}  {leaf.array.dtype}" for leaf in self.result.program.leaves
            ]
        if not self.result.judged:
            lines.append("  (not judged: the engines were compared with one another alone)")
        return "\n".join(lines)


def check(
    fn: Callable[..., Any],
    *inputs: Any,
    order: int = 2,
    engine: str = "minigrad",
    against: str = "torch",
    seed: int = 0,
) -> Report:
    """Compares `fn` under two engines: values, and derivatives up to `order` (0 to 3), each with a random cotangent.

    fn: called as fn(torch, *tensors) with each engine's module in turn; returns a tensor or a tuple of tensors.
    inputs: arrays or nested lists; floats (float32 and float64) are differentiated, integers and bools are not.
    Returns a `Report`, falsy on a difference. Where `fn` uses only names that the third judge has (most of torch's
    functions of tensors), each side is judged by itself; else the sides are compared within 64 ulps of the largest
    element. Raises ValueError for an order outside 0 to 3, and whatever `fn` raises under both engines.
    """
    import numpy as np

    from parity import referee, verdicts
    from parity.engines import load
    from parity.ops import Op
    from parity.programs import Leaf, Program, Ref, Step, quiet, run

    if order not in (0, 1, 2, 3):
        raise ValueError(f"order must be 0, 1, 2 or 3, got {order!r}")
    name = getattr(fn, "__name__", "fn")

    class Call(Op):
        """One output of fn as an op."""

        output: int = 0

        def text(self, args: dict[str, str]) -> str:
            return f"{name}(torch, {', '.join(args.values())})" + (f"[{self.output}]" if self.output else "")

        def run(self, torch: Any, F: Any, args: dict[str, Any]) -> Any:
            try:
                out = fn(torch, *args.values())
            except referee.Unjudged:
                raise
            except Exception as error:
                if torch is referee.FUNCTIONS:
                    raise referee.Unjudged(str(error)) from None
                raise
            out = out[self.output] if isinstance(out, tuple) else out
            if torch is referee.FUNCTIONS and not isinstance(out, referee.Array):
                raise referee.Unjudged("not a tensor")
            return out

    leaves = []
    for i, value in enumerate(inputs):
        array = np.array(value)
        leaves.append(Leaf(f"x{i}", array, array.dtype.kind == "f"))
    ours, theirs = load(engine), load(against)

    def step(i: int) -> Step:
        op = Call(name, "torch", tuple((leaf.name, None) for leaf in leaves))  # type: ignore[misc]
        object.__setattr__(op, "output", i)
        return Step(f"y{i}", op, {leaf.name: Ref(leaf.name) for leaf in leaves})

    with quiet():
        tensors = [theirs.tensor(leaf.array, leaf.requires_grad) for leaf in leaves]
        try:
            out = fn(theirs.torch, *tensors)
        except Exception:
            out = None
            first = run(Program(tuple(leaves), (step(0),)), ours, 0)
            if first.error:
                raise
        count = len(out) if isinstance(out, tuple) else 1
        program = Program(tuple(leaves), tuple(step(i) for i in range(count)), seed)
        result = verdicts.check(program, ours, theirs, order, "always")
        if order and not result.verdict.fails and not result.missing:
            again = verdicts.check(program, ours, theirs, 1, "disputes", by_backward=True)
            result = again if again.verdict.fails else result
    return Report(result, ours.name, theirs.name)


def __getattr__(name: str) -> Any:
    if name == "strategies":
        import importlib

        return importlib.import_module("parity.strategies")
    raise AttributeError(f"module 'parity' has no attribute {name!r}")
