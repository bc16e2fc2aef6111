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
import traceback
import warnings
import weakref
from typing import Any

import numpy as np

from ..ops.shapes import alias
from . import graph
from .checks import SECOND_TIME
from .graph import NOTHING, AccumulateGrad, Extra, Node, source, version, wrap, writes
from .modes import anomaly, is_grad_enabled, no_grad, recording
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
                raise TypeError(f"save_for_backward can only save variables, but argument {i} is of type {type(t).__name__}")
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


class BackwardNode(Node):
    """The node of a Function. `outputs`: shape and dtype of each output that it was asked to differentiate, else None."""

    __slots__ = ("keeps", "function", "ctx", "inputs", "outputs", "from_outputs")

    def __init__(self, function: Any, ctx: FunctionCtx, args: tuple[Any, ...]) -> None:
        self.number = graph.next_number()
        self.function = function
        self.ctx = ctx
        self.inputs = tuple([isinstance(a, graph.Tensor) for a in args])
        self.parents = tuple([source(a) if isinstance(a, graph.Tensor) else None for a in args])
        self.saved = self.versions = self.keeps = ()
        self.outputs: tuple[Any, ...] = ()
        self.from_outputs: dict[int, int] = {}  # position among the saved: number of the output
        self.shape = self.dtype = None
        self.extra = Extra(traceback.format_stack()) if anomaly.enabled else None

    def adopt(self, outputs: list[Any], kinds: list[Any], args: tuple[Any, ...]) -> None:
        """Become the history of the outputs, and keep what was saved."""
        ctx = self.ctx
        self.outputs = tuple(kinds)
        if len(outputs) == 1 and self.outputs[0] is not None:
            self.shape, self.dtype = self.outputs[0]
        for i, out in enumerate(outputs):
            if self.outputs[i] is None:
                continue
            if _is_among(out, ctx._dirty):
                out._grad = None
                if out._is_view() and len(outputs) > 1:
                    raise RuntimeError(
                        "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot return "
                        "more than one Tensor. Clone the input, or split the Function into two."
                    )
                if out._is_view():  # its part of the history goes to the base at once
                    self.parents = tuple([out._history() if a is out else p for a, p in zip(args, self.parents)])
                    self.number = graph.next_number()  # parents have lower numbers
                out._rebase(self.of_output(i))
            else:
                out._node = self.of_output(i)
                if out._is_view():
                    out._frozen = (
                        f"Output {i} of {self.name()} is a view and {{}} modified inplace. This view was created inside a custom "
                        "Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would "
                        "override the custom backward associated with the custom Function, leading to incorrect gradients. This "
                        "behavior is forbidden. You can fix this by cloning the output of the custom Function."
                    )
        kept = []
        for i, t in enumerate(ctx._to_save):
            j = next((j for j, out in enumerate(outputs) if out is t and self.outputs[j] is not None), None)
            if j is not None:  # a saved output would hold this node, which would hold it
                self.from_outputs[i] = j
                t = wrap(t._storage(), None, t._writes)
            kept.append(NOTHING if t is None else t)
        self.saved, self.versions = tuple(kept), tuple([version(t) for t in kept])
        self.keeps = ("saved",) * len(kept)  # the walk frees what a node keeps
        ctx._to_save = ctx._dirty = ctx._constant = ()
        ctx._node = weakref.ref(self)

    def unpacked(self) -> tuple[Any, ...]:
        if self.saved is None:
            raise RuntimeError(SECOND_TIME)
        tensors: list[Any] = [None if t is NOTHING else t for t in self.saved]
        for i, j in self.from_outputs.items():
            if self.outputs[j] is not None:
                tensors[i] = wrap(tensors[i]._array, self.of_output(j), tensors[i]._writes)
        return tuple(tensors)

    def saved_tensors(self) -> Any:
        return self.saved

    def of_output(self, i: int) -> Node:
        return self if len(self.outputs) == 1 else _OutputNode(self, i)

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        parts = g.parts if isinstance(g, _Gradients) else {0: g}
        arguments: list[Any] = []
        for i, output in enumerate(self.outputs):
            if i in parts:
                arguments.append(parts[i] if traced else wrap(parts[i]))
            elif not self.ctx.materialize_grads or output is None:
                arguments.append(None)
            else:
                arguments.append(wrap(np.zeros(*output)))
        with recording(traced):
            results = _backward_of(self.function)(self.ctx, *arguments)
        if not isinstance(results, tuple):
            results = (results,)
        if len(results) > len(self.inputs) and all(r is None for r in results[len(self.inputs) :]):
            results = results[: len(self.inputs)]
        if len(results) != len(self.inputs):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {len(self.inputs)}, got "
                f"{len(results)})"
            )
        flow = []
        for i, (result, is_tensor, parent) in enumerate(zip(results, self.inputs, self.parents)):
            if result is None:
                continue
            if not is_tensor:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different from None at position {i + 1}, but the corresponding "
                    "forward input was not a Variable"
                )
            if not isinstance(result, graph.Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(result).__name__})")
            if parent is not None:
                if parent.shape is not None and result._array.shape != parent.shape:
                    result = fit(result, parent, self, i)
                flow.append((parent, result if traced else result._array))
        return flow

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {id(self):#x}>"


def _differentiable(out: Any, ctx: FunctionCtx) -> Any:
    """Shape and dtype of an output that is to be differentiated, else None."""
    if not isinstance(out, graph.Tensor) or out._array.dtype.kind != "f" or _is_among(out, ctx._constant):
        return None
    return out._array.shape, out._array.dtype


def _is_among(tensor: Any, tensors: tuple[Any, ...]) -> bool:
    return any([t is tensor for t in tensors])


def _backward_of(function: Any) -> Any:
    if function.vjp is Function.vjp:
        return function.backward
    if function.backward is not Function.backward:
        raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them.")
    return function.vjp


class _OutputNode(Node):
    """One output of a Function that has several: hands its gradient to the Function's node."""

    __slots__ = ("output",)

    def __init__(self, node: BackwardNode, output: int) -> None:
        self.number = graph.next_number()
        self.parents, self.saved, self.versions = (node,), (), ()
        self.shape, self.dtype = node.outputs[output]
        self.output = output
        self.extra = None

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        return [(self.parents[0], _Gradients({self.output: g}))]

    def name(self) -> str:
        return self.parents[0].name()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return repr(self.parents[0])


class _Gradients:
    """The gradients of some outputs of one Function, by number; to the walk they are one gradient, which can be added."""

    shape = dtype = None

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    @property
    def _array(self) -> _Gradients:  # where the walk looks for shape and dtype of a Tensor
        return self

    def __add__(self, other: _Gradients) -> _Gradients:
        parts = dict(self.parts)
        for i, g in other.parts.items():
            parts[i] = parts[i] + g if i in parts else g
        return _Gradients(parts)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.concatenate([np.ravel(np.asarray(getattr(g, "_array", g))) for g in self.parts.values()])


class Function:
    """Base class of operations with a derivative of their own (torch.autograd.Function); see the head of this module.

    Define the static methods `forward(ctx, *args)` and `backward(ctx, *gradients of the outputs)`, which returns a gradient
    or None for each argument; call `apply`. Or `forward(*args)` and `setup_context(ctx, inputs, output)`. `vjp` is another
    name for `backward`.
    """

    _node_class: type[BackwardNode]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them on "
            "the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._node_class = type(f"{cls.__name__}Backward", (BackwardNode,), {"__slots__": ()})

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """`forward` of the arguments, as one operation of the graph."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple([isinstance(a, graph.Tensor) and source(a) is not None for a in args])
        node = cls._node_class(cls, ctx, args) if is_grad_enabled() and any(ctx.needs_input_grad) else None
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            outputs = list(result) if isinstance(result, tuple) else [result]
        for dirty in ctx._dirty:
            writes.count(dirty._writes)
            if node is not None and type(source(dirty)) is AccumulateGrad:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            dirty._must_record()
            if not any(out is dirty for out in outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs that are "
                    "modified inplace must all be outputs of the Function."
                )
        kinds = [None if node is None else _differentiable(out, ctx) for out in outputs]
        with no_grad():
            for i, (out, kind) in enumerate(zip(outputs, kinds)):
                if _is_among(out, args) and isinstance(out, graph.Tensor):  # the caller's own tensor stays as it is
                    if kind is None and out.requires_grad:
                        outputs[i] = out.detach()
                    elif not _is_among(out, ctx._dirty):
                        outputs[i] = alias(out)
        if node is not None:
            node.adopt(outputs, kinds, args)
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]


def once_differentiable(backward: Any) -> Any:
    """Decorator of a `backward` that can't be differentiated itself: a second derivative through it is an error."""

    @functools.wraps(backward)
    def unrecorded(ctx: Any, *grad_outputs: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grad_outputs)
        if not is_grad_enabled() or not any(isinstance(g, graph.Tensor) and g.requires_grad for g in grad_outputs):
            return results
        several = results if isinstance(results, tuple) else (results,)
        several = tuple([None if r is None else wrap(r._array, _Refuses((None,), (), (), r._array)) for r in several])
        return several if isinstance(results, tuple) else several[0]

    return unrecorded


class _Refuses(Node):
    """The node of a gradient that was computed by a once_differentiable backward."""

    __slots__ = ()

    def gradients(self, g: Any, saved: Any, traced: bool) -> list[tuple[Any, Any]]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
