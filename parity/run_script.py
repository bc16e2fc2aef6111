"""Runs a script under one engine and saves the tensors it leaves: what `parity.scripts` starts, in a process for
each engine.

    python parity/run_script.py ENGINE RESULTS NOISE SCRIPT [ARGS...]

Started by its path, so that the process of another engine never imports torch. NOISE is 0, or the seed of a run of
torch in which every result is moved by its last digit at random (`RoundedAtRandom`).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import random
import sys
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np


def tensors_in(torch: Any, name: str, value: Any, depth: int = 3) -> Iterator[tuple[str, Any]]:
    """(name, tensor) for a tensor, those of a module, and those in lists, tuples and dicts."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, torch.nn.Module):
        for key, tensor in (*value.named_parameters(), *value.named_buffers()):
            yield f"{name}.{key}", tensor
    elif isinstance(value, (list, tuple, dict)) and depth:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors_in(torch, f"{name}[{key!r}]", item, depth - 1)


def save_tensors(torch: Any, names: dict[str, Any], file: str) -> None:
    """Every tensor among the script's globals, and the gradients of those that have one, as .npz."""
    arrays = {}
    for name, value in names.items():
        if name.startswith("__"):
            continue
        for path, tensor in tensors_in(torch, name, value):
            arrays[path] = tensor.detach().numpy()
            if (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not None:
                arrays[f"{path}.grad"] = tensor.grad.detach().numpy()
    with open(file, "wb") as out:
        np.savez(out, **arrays)


@functools.cache
def arguments_of(function: Any) -> list[tuple[str, bool]]:
    """(name, whether it is written into) of an operation's arguments."""
    return [(x.name, x.alias_info is not None and x.alias_info.is_write) for x in function._schema.arguments]


def rounded_at_random(torch: Any, seed: int) -> Any:
    """A mode in which torch's arithmetic moves every result by -1, 0 or 1 unit in its last digit (Monte Carlo
    arithmetic).

    Whole numbers stay, since they are constants, labels and counts; so do draws, views and copies. Before a sum or
    a product of matrices its inputs are moved, as the roundings inside it would do. As with true roundings, what is
    computed twice from the same numbers is the same twice.
    """
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map

    generator = torch.Generator()
    kept = set("clone copy_ _to_copy fill_ cat stack index select gather where sort topk".split())
    kept |= {"max", "min", "amax", "amin", "argmax", "argmin"}

    def moved(x: Any, name: str, in_place: bool) -> Any:
        if not isinstance(x, torch.Tensor) or not x.is_floating_point():
            return x
        generator.manual_seed(crc32(x.detach().double().contiguous().numpy(), crc32(f"{seed} {name}".encode())))
        step = torch.randint(-1, 2, x.shape, generator=generator).to(x.dtype) * torch.finfo(x.dtype).eps
        step[x == x.round()] = 0
        return x.mul_(1 + step) if in_place else x * (1 + step)

    class RoundedAtRandom(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name, tags = function.overloadpacket.__name__, function.tags
            makes = name.startswith(
                ("empty", "zeros", "ones", "full", "arange", "linspace", "eye", "lift", "scalar_tensor")
            )
            if function.is_view or makes or name in kept or torch.Tag.nondeterministic_seeded in tags:
                return function(*args, **(kwargs or {}))
            trains = name == "native_batch_norm" and args[5]  # then it writes into its statistics, and does not say so
            writes = [w or (trains and x.startswith("running_")) for x, w in arguments_of(function)[: len(args)]]
            if torch.Tag.pointwise not in tags and torch.Tag.inplace not in tags:
                args = [x if w else tree_map(lambda y: moved(y, name, False), x) for x, w in zip(args, writes)]
            results = function(*args, **(kwargs or {}))
            also = [x for x, w in zip(args, writes) if w and x is not results]
            tree_map(lambda y: moved(y, name, True), (results, also) if also else results)
            return results

    return RoundedAtRandom()


def stand_for_torch(engine: str) -> None:
    """Let imports of torch give `engine`."""
    if engine == "minigrad":
        from minigrad.__main__ import stand_in

        stand_in()
    elif engine != "torch":
        importlib.import_module(engine)
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == engine:
                sys.modules["torch" + name.removeprefix(engine)] = module


def main(engine: str, results: str, noise: str, *argv: str) -> None:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from minigrad.__main__ import hide_runner, load, run

    hide_runner(__file__)
    code = load(argv[0])
    stand_for_torch(engine)
    torch = importlib.import_module("torch")
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    try:
        with rounded_at_random(torch, int(noise)) if noise != "0" else contextlib.nullcontext():
            run(code, argv)
    finally:
        save_tensors(torch, vars(sys.modules["__main__"]), results)


if __name__ == "__main__":
    main(*sys.argv[1:])
