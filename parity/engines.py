"""Adapters: what the checker asks of an engine, in about twenty lines.

An engine is a module. If it has torch's names (`tensor` or `from_numpy`, `autograd.grad`), `TorchLike` drives it and
nothing has to be written: `python -m parity --engine your_module`. A learner's engine that has only `Tensor(array)`,
operators, `sum`, `backward()` and `.grad` is driven by `Minimal`, as far as it goes: first derivatives, and the ops
that it has. If your engine has other names, write a module with a class `Tensor` that wraps its tensors (an operator
a line), functions under torch's names (`exp`, `sum(x, dim=None)`, `nn.functional`), and raises NotImplementedError for
what it can't do; it is checked like an engine. For anything else subclass `Engine` and put an instance named
`parity_engine` into your module. What is needed of a tensor: `array` gives its values with its dtype. An engine that
holds one float dtype only is checked in that one.

An op that the engine lacks is *not offered*, which is no fault. It is decided by looking up the names that the op's
expression uses; beyond that only a NotImplementedError, or a TypeError raised by the call itself (an argument that the
engine does not take) counts, so that an error raised by a bug inside an op stays an error.
A 60-line engine checked this way is in `tests/parity/toy.py`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import numpy as np

OPERATORS = {
    ast.Add: "__add__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.Div: "__truediv__",
    ast.Pow: "__pow__",
    ast.MatMult: "__matmul__",
    ast.Mod: "__mod__",
    ast.FloorDiv: "__floordiv__",
    ast.USub: "__neg__",
    ast.Invert: "__invert__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
    ast.Eq: "__eq__",
    ast.NotEq: "__ne__",
    ast.BitAnd: "__and__",
    ast.BitOr: "__or__",
}


class NotHere(Exception):
    """The module or the device asked for is not there."""


@cache
def needs(expression: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an expression over `torch`, `F` and tensors needs: dotted module names, and attributes of tensors."""
    names, attributes = [], []
    tree = ast.parse(expression, mode="eval")
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in inside:
            path, base = [node.attr], node.value
            while isinstance(base, ast.Attribute):
                inside.add(base)
                path.append(base.attr)
                base = base.value
            if isinstance(base, ast.Name) and base.id in ("torch", "F"):
                names.append(".".join(([] if base.id == "torch" else ["nn", "functional"]) + path[::-1]))
            else:  # of a tensor: a variable, or what a call or an index gave
                attributes.append(path[-1])
        elif isinstance(node, ast.BinOp | ast.UnaryOp):
            attributes.append(OPERATORS.get(type(node.op), "__add__"))
        elif isinstance(node, ast.Compare):
            attributes.append(OPERATORS[type(node.ops[0])])
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            attributes.append("__getitem__")
    return tuple(names), tuple(attributes)


class Engine:
    """One side of a comparison. `orders` is how many orders of derivatives it can give."""

    orders = 3
    runs_scripts = True  # whether a printed script runs with the module as it is
    source = ""  # the module's name that `load` found it by

    def __init__(self, module: ModuleType, device: str = "cpu"):
        self.module, self.device, self.name = module, device, module.__name__
        self.torch: Any = module
        self.F: Any = getattr(getattr(module, "nn", None), "functional", module)
        self.missing = lru_cache(None)(self._missing)

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        """The engine's tensor holding a copy of `array`."""
        raise NotImplementedError

    def array(self, tensor: Any) -> np.ndarray:
        """A NumPy array with the tensor's values and dtype."""
        raise NotImplementedError

    def backward(self, outputs: Sequence[Any], cotangents: Sequence[np.ndarray], leaves: Sequence[Any]) -> list[Any]:
        """Pulls the cotangents back by `backward`; each leaf's `.grad` (None where nothing arrived)."""
        raise NotImplementedError

    def gradients(
        self, outputs: Sequence[Any], cotangents: Sequence[np.ndarray], leaves: Sequence[Any], again: bool
    ) -> list[Any]:
        """The same by `autograd.grad`; with `again` the results can be differentiated."""
        raise NotImplementedError

    def requires_grad(self, tensor: Any) -> bool:
        return bool(getattr(tensor, "requires_grad", True))

    def dtypes(self) -> tuple[str, ...]:
        """The float dtypes that the engine's tensors keep: a learner's engine often has one."""
        both = ("float32", "float64")
        kept = tuple(name for name in both if self.array(self.tensor(np.ones(2, name))).dtype == name)
        return kept or both

    def _missing(self, expression: str) -> str:
        """The first name that the expression needs and the engine lacks; empty when it has them all."""
        names, attributes = needs(expression)
        for name in names:
            at: Any = self.module
            for part in name.split("."):
                try:
                    at = getattr(at, part)
                except AttributeError:
                    return name
        kind = type(self.tensor(np.ones(1, np.float32)))
        return next((a for a in attributes if getattr(kind, a, None) is getattr(object, a, None)), "")


class TorchLike(Engine):
    """torch, minigrad, and whatever has their names."""

    def __init__(self, module: ModuleType, device: str = "cpu"):
        super().__init__(module, device)
        self._grad = module.autograd.grad
        if device != "cpu":
            if not module.cuda.is_available():
                raise NotHere(f"{self.name} sees no {device} device here")
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may sum in another order
            module.backends.cuda.matmul.allow_tf32 = module.backends.cudnn.allow_tf32 = False
            module.use_deterministic_algorithms(True, warn_only=True)
            from parity.device import OnDevice

            self.mode = OnDevice(device)
            self.mode.__enter__()  # for the rest of the process: constants of expressions, models, optimizers

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        out = self.module.from_numpy(np.array(array))
        return out.requires_grad_() if requires_grad else out

    @contextmanager
    def on_the_processor(self) -> Iterator[TorchLike]:
        """The same engine without its device."""
        self.mode.__exit__(None, None, None)
        try:
            yield TorchLike(self.module)
        finally:
            self.mode.__enter__()

    def array(self, tensor: Any) -> np.ndarray:
        tensor = tensor.detach()
        if self.device != "cpu":
            tensor = tensor.cpu()
        if getattr(tensor, "_is_zerotensor", bool)():
            tensor = torch_zeros(self.module, tensor)
        return np.asarray(tensor.numpy())

    def backward(self, outputs: Sequence[Any], cotangents: Sequence[np.ndarray], leaves: Sequence[Any]) -> list[Any]:
        for i, (output, cotangent) in enumerate(zip(outputs, cotangents, strict=True)):
            output.backward(self.tensor(cotangent), retain_graph=i + 1 < len(outputs))
        return [leaf.grad for leaf in leaves]

    def gradients(
        self, outputs: Sequence[Any], cotangents: Sequence[np.ndarray], leaves: Sequence[Any], again: bool
    ) -> list[Any]:
        return list(
            self._grad(outputs, leaves, [self.tensor(c) for c in cotangents], create_graph=again, allow_unused=True)
        )


def torch_zeros(torch: Any, like: Any) -> Any:
    """torch's higher derivatives of abs and its kin are zeros without memory; reading a view of one can crash torch."""
    return torch.zeros(like.shape, dtype=like.dtype)


class Minimal(Engine):
    """A learner's engine: `Tensor(array)`, operators, `sum`, `backward()`, `.grad`; the values in `.data`.

    If `Tensor` takes `requires_grad`, leaves have it True.
    """

    orders = 1
    runs_scripts = False

    def __init__(self, module: ModuleType, device: str = "cpu"):
        super().__init__(module, device)
        try:
            self.asks = "requires_grad" in inspect.signature(module.Tensor).parameters
        except (TypeError, ValueError):
            self.asks = False

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        if self.asks:
            return self.module.Tensor(np.array(array), requires_grad=requires_grad)
        return self.module.Tensor(np.array(array))

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(getattr(tensor, "data", tensor))

    def backward(self, outputs: Sequence[Any], cotangents: Sequence[np.ndarray], leaves: Sequence[Any]) -> list[Any]:
        total = None
        for output, cotangent in zip(outputs, cotangents, strict=True):
            term = (output * self.tensor(cotangent)).sum()
            total = term if total is None else total + term
        total.backward()  # type: ignore[union-attr]
        return [leaf.grad for leaf in leaves]

    gradients = backward  # type: ignore[assignment]

    def requires_grad(self, tensor: Any) -> bool:
        return bool(getattr(tensor, "requires_grad", True)) if self.asks else True


def load(name: str, device: str = "cpu") -> Engine:
    """The engine of a module's name; `NotHere` says what is missing."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise NotHere(f"cannot import {name}: {error}") from None
    engine = _engine_of(module, name, device)
    engine.source = name
    return engine


def _engine_of(module: ModuleType, name: str, device: str) -> Engine:
    own = getattr(module, "parity_engine", None)
    if isinstance(own, Engine):
        return own
    if name == "torch" and not hasattr(module, "set_num_threads"):
        raise NotHere(f"the module torch in {list(getattr(module, '__path__', []))} is not PyTorch")
    if hasattr(module, "from_numpy") and hasattr(getattr(module, "autograd", None), "grad"):
        if device != "cpu" and not hasattr(getattr(module, "cuda", None), "is_available"):
            return TorchLike(module)  # an engine of the processor alone stays there
        return TorchLike(module, device) if name == "torch" else TorchLike(module)
    if hasattr(module, "Tensor"):
        return Minimal(module)
    raise NotHere(
        f"{name} has neither torch's names nor a Tensor class: write a module that gives it one (about twenty lines; "
        "how, says the docstring of parity.engines)"
    )
