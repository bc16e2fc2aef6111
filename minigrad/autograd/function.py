"""Function: an operation with a derivative of your own.

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    y = Square.apply(x)

One node of the graph stands for the whole of `forward`, in which nothing is recorded. If `forward` returns several tensors,
each gets a small node that passes its gradient on to that one. Next: gradcheck.py, which tests such a derivative.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

import numpy as np

from ..ops.shapes import alias
from . import graph
from .checks import SECOND_TIME, check_versions
from .graph import NOTHING, AccumulateGrad, Node, source, version, wrap, writes
from .modes import is_grad_enabled, no_grad, recording
from .walk import fit


class FunctionCtx:
    """What `forward` leaves for `backward`; other attributes may be set freely.

    needs_input_grad: for each argument of `apply`, whether it is a tensor that requires grad.
    """

    needs_input_grad: tuple[bool, ...]
    materialize_grads = True
    _to_save: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    _constant: tuple[Any, ...] = ()
    _node: Any = None  # a weak reference to the node that holds this

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for backward, which refuses to run if one was written to in place meanwhile."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, graph.Tensor):
                kind = type(t).__name__
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {kind}")
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved; RuntimeError if a backward without retain_graph has freed it."""
        node = self._node and self._node()
        return () if node is None else node.unpacked()

    def mark_dirty(self, *tensors: Any) -> None:
        """Inputs that `forward` writes to in place; it must return them too."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Outputs that get no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """False: `backward` gets None, in place of zeros, for an output that has no gradient."""
        self.materialize_grads = value


class Function:
    """Base class of operations with a derivative of their own (torch.autograd.Function); see the head of this module.

    Define the static methods `forward(ctx, *args)` and `backward(ctx, *gradients of the outputs)`, which returns a gradient
    or None for each argument; call `apply`. Or `forward(*args)` and `setup_context(ctx, inputs, output)`.
    """

    _node_class: type[BackwardNode]
    setup_context: Any = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._node_class = type(f"{cls.__name__}Backward", (BackwardNode,), {"__slots__": (), "function": cls})

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
            "mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """`forward` of the arguments, as one operation of the graph."""
        ctx = FunctionCtx()
        parents = [source(a) if isinstance(a, graph.Tensor) else None for a in args]
        ctx.needs_input_grad = tuple([p is not None for p in parents])
        recorded = is_grad_enabled() and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is None:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        outputs = list(result) if isinstance(result, tuple) else [result]
        for dirty in ctx._dirty:
            writes.count(dirty._writes)
            if recorded and type(source(dirty)) is AccumulateGrad:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            dirty._must_record()
            if not _is_among(dirty, outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                    "modified inplace must all be outputs of the Function."
                )
            if recorded and dirty._is_view():
                if len(outputs) > 1:
                    raise RuntimeError(
                        "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return "
                        "more than one Tensor. Clone the input, or split the Function into two."
                    )
                parents = [dirty._history() if a is dirty else p for a, p in zip(args, parents)]  # at once to the base
        kinds = [_kind(out) if recorded and not _is_among(out, ctx._constant) else None for out in outputs]
        with no_grad():
            for i, out in enumerate(outputs):
                if isinstance(out, graph.Tensor) and _is_among(out, args):  # the caller's own tensor stays as it is
                    if kinds[i] is None and out.requires_grad:
                        outputs[i] = out.detach()
                    elif not _is_among(out, ctx._dirty):
                        outputs[i] = alias(out)
        if recorded:
            cls._node_class(ctx, args, parents, kinds).adopt(outputs)
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]


def _is_among(x: Any, values: Any) -> bool:
    return any([v is x for v in values])


def _kind(out: Any) -> Any:
    """Shape and dtype of an output that can be differentiated, else None."""
    return (out._array.shape, out._array.dtype) if isinstance(out, graph.Tensor) and out._array.dtype.kind == "f" else None


class BackwardNode(Node):
    """The node of a Function. `outputs`: shape and dtype of each output that it was asked to differentiate, else None;
    `zeros`: those of every output that is a tensor."""

    __slots__ = ("keeps", "ctx", "are_tensors", "outputs", "saved_outputs", "zeros")
    function: type[Function]

    def __init__(self, ctx: FunctionCtx, args: tuple[Any, ...], parents: list[Any], outputs: list[Any]) -> None:
        super().__init__(tuple(parents), (), (), _Gradients)
        self.ctx, self.outputs, self.keeps = ctx, outputs, ()
        self.are_tensors = [isinstance(a, graph.Tensor) for a in args]
        if len(outputs) == 1 and outputs[0] is not None:
            self.shape, self.dtype = outputs[0]

    def adopt(self, outputs: list[Any]) -> None:
        """Become the history of the outputs, and keep what was saved."""
        ctx = self.ctx
        self.zeros = [(t._array.shape, t._array.dtype) if isinstance(t, graph.Tensor) else None for t in outputs]
        for i, out in enumerate(outputs):
            if self.outputs[i] is not None and _is_among(out, ctx._dirty):
                out._grad = None
                out._rebase(self.of_output(i))
            elif self.outputs[i] is not None:
                out._node = self.of_output(i)
                if out._is_view():
                    out._frozen = (
                        f"Output {i} of {self.name()} is a view and {{}} modified inplace. This view was created inside a custom "
                        "Function (or because an input was returned as-is), whose backward the write would override. You can fix "
                        "this by cloning the output of the custom Function."
                    )
        # a saved output would hold this node, which would hold it
        own = [next((i for i, out in enumerate(outputs) if out is t and self.outputs[i]), None) for t in ctx._to_save]
        kept = [t if i is None else wrap(t._storage(), None, t._writes) for t, i in zip(ctx._to_save, own)]
        self.saved, self.saved_outputs = tuple([NOTHING if t is None else t for t in kept]), own
        self.versions = tuple([version(t) for t in self.saved])
        self.keeps = ("saved",) * len(kept)  # the walk frees what a node keeps
        ctx._to_save = ctx._dirty = ctx._constant = ()
        ctx._node = weakref.ref(self)

    def unpacked(self) -> tuple[Any, ...]:
        if self.saved is None:
            raise RuntimeError(SECOND_TIME)
        check_versions(self)
        tensors: list[Any] = [None if t is NOTHING else t for t in self.saved]
        whose = zip(tensors, self.saved_outputs)
        return tuple([t if i is None else wrap(t._array, self.of_output(i), t._writes) for t, i in whose])

    def of_output(self, i: int) -> Node:
        return self if len(self.outputs) == 1 else _OutputNode(self, i)

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        given = g if isinstance(g, _Gradients) else {0: g}
        arguments: list[Any] = [None] * len(self.outputs)
        for i, kind in enumerate(self.zeros):
            if i in given:  # a copy: backward may write to it, and it may be another parent's too
                arguments[i] = given[i].clone() if traced else wrap(np.array(given[i]))
            elif kind is not None and self.ctx.materialize_grads:
                arguments[i] = wrap(np.zeros(*kind))
        with recording(traced):
            results = self.function.backward(self.ctx, *arguments)
        results, count = list(results) if isinstance(results, tuple) else [results], len(self.parents)
        if len(results) < count or any([r is not None for r in results[count:]]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got {len(results)})"
            )
        flow = []
        for i, (result, parent) in enumerate(zip(results, self.parents)):
            if result is None:
                continue
            if not self.are_tensors[i]:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different from None at position {i + 1}, but the corresponding "
                    "forward input was not a Variable"
                )
            if not isinstance(result, graph.Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(result).__name__})")
            if parent is not None:
                if result._array.shape != parent.shape:
                    result = fit(result, parent, self, i)
                flow.append((parent, result if traced else result._array))
        return flow

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"


class _OutputNode(Node):
    """One output of a Function that has several: hands its gradient to the Function's node."""

    __slots__ = ("output",)

    def __init__(self, node: BackwardNode, output: int) -> None:
        super().__init__((node,), (), (), _Gradients)
        self.shape, self.dtype = node.outputs[output]
        self.output = output

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        return [(self.parents[0], _Gradients({self.output: g}))]

    def name(self) -> str:
        return self.parents[0].name()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return repr(self.parents[0])


class _Gradients(dict[int, Any]):
    """The gradients of some outputs of one Function, by number; to the walk they are one gradient, which can be added."""

    shape = dtype = None

    def __add__(self, other: _Gradients) -> _Gradients:
        both = {i: self[i] + other[i] for i in self.keys() & other.keys()}
        return _Gradients({**self, **other, **both})

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.concatenate([np.ravel(np.asarray(getattr(g, "_array", g))) for g in self.values()])


def once_differentiable(backward: Any) -> Any:
    """Decorator of a `backward` that can't be differentiated itself: a second derivative through it is an error."""

    @functools.wraps(backward)
    def unrecorded(ctx: Any, *grad_outputs: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grad_outputs)
        if not is_grad_enabled() or not any([isinstance(g, graph.Tensor) and g.requires_grad for g in grad_outputs]):
            return results
        several = results if isinstance(results, tuple) else (results,)
        return tuple([None if r is None else wrap(r._array, _Refuses((None,), (), (), r._array)) for r in several])

    return unrecorded


class _Refuses(Node):
    """The node of a gradient that was computed by a once_differentiable backward."""

    __slots__ = ()

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
