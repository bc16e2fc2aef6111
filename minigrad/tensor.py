"""The Tensor: an array, and where it came from.

A Tensor holds a NumPy array (`_array`), a version that counts writes in place (`_writes`, shared with its views), and
`_node`: None for a constant, AccumulateGrad for a leaf that requires grad, else the node that recorded how it was made. Its methods
and operators are the operations of `ops/`. Next: autograd/graph.py, how an operation is recorded.
"""

from __future__ import annotations

import warnings
import weakref
from typing import Any


from . import dtypes, printing
from .autograd import graph, walk
from .autograd.graph import AccumulateGrad, Extra, Node
from .autograd.modes import is_inference_mode_enabled
from .methods import Methods
from .ops import arithmetic, elementwise, indexing, matrix

CHANGE_FLAG = (
    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that "
    "doesn't require differentiation use var_no_grad = var.detach()."
)


class Tensor(Methods):
    """A multi-dimensional array that remembers how it was computed, as torch.Tensor.

    `Tensor([1, 2])` and `Tensor(2, 3)` make float32 tensors as in torch; `minigrad.tensor` is the usual way.
    """

    def __new__(cls, *args: Any, device: Any = None) -> Any:
        from .creation import legacy_tensor

        return legacy_tensor(args, dtypes.get_default_dtype(), device)

    # ---- what it is

    @property
    def shape(self) -> dtypes.Size:
        return dtypes.Size(self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.from_numpy(self._array.dtype)

    @property
    def ndim(self) -> int:
        return self._array.ndim  # type: ignore[no-any-return]

    @property
    def device(self) -> dtypes.device:
        return dtypes.CPU

    @property
    def is_leaf(self) -> bool:
        """True for what the user made: constants and the tensors whose `.grad` backward fills."""
        node = self._current_node()
        return node is None or type(node) is AccumulateGrad

    @property
    def grad_fn(self) -> Node | None:
        """The node that recorded how this tensor was computed; None for leaves."""
        node = self._current_node()
        return None if type(node) is AccumulateGrad else node

    @property
    def requires_grad(self) -> bool:
        return (self._node if self._frozen is not None else self._current_node()) is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(CHANGE_FLAG if not value else CHANGE_FLAG.split(" If you")[0])
        if value and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if value and self._inference and not is_inference_mode_enabled():
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if value and self._leaf_node is None:
            self._leaf_node = AccumulateGrad(self)
        self._node = self._leaf_node if value else None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Make this leaf require grad (or not), and return it."""
        if not isinstance(requires_grad, bool):
            raise TypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}"
            )
        if requires_grad and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not (requires_grad and self.requires_grad):
            self.requires_grad = requires_grad
        return self

    def __repr__(self) -> str:
        return printing.tensor_repr(self._array, self._grad_fn_name(), self.requires_grad)

    def _grad_fn_name(self) -> str | None:
        return None if self.grad_fn is None else self.grad_fn.name()

    def __format__(self, spec: str) -> str:
        if self.ndim == 0 and type(self) is Tensor:
            return self.item().__format__(spec)  # type: ignore[no-any-return]
        return object.__format__(self, spec)

    # ---- gradients

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has accumulated here: None or a tensor of this shape and dtype."""
        made = self._node is not None and type(self._node) is not AccumulateGrad
        if self._grad is None and made and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
                "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access "
                "the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(self.shape)}'. "
                    "Please ensure that the gradient and the tensor are the same size"
                )
            if value.dtype is not self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype.legacy.lower()}' to a tensor with grad_dtype "
                    f"'{self.dtype.legacy}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype)."
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradients of this tensor to `.grad` of the leaves it was computed from; see `autograd.backward`.

        gradient: of this tensor's shape; not needed for one element.
        """
        walk.backward(self, gradient, retain_graph, create_graph, inputs)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(grad) whenever the gradient of this tensor is complete; what it returns, if not None, replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return RemovableHandle(self._hooks().hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(tensor) after backward has added to `.grad` of this leaf."""
        if type(self._node) is not AccumulateGrad:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_hooks is None:
            self._post_hooks = {}
        return RemovableHandle(self._post_hooks, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `.grad` although it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.retains_grad and not self.is_leaf:
            self._hooks().retains = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        node = self._node
        keeper = node.extra.retains if node is not None and node.extra is not None else None
        return keeper is not None and keeper() is self

    def _hooks(self) -> Extra:
        node: Any = self._current_node()
        if node.extra is None:
            node.extra = Extra()
        return node.extra  # type: ignore[no-any-return]

    # ---- operators

    __hash__ = object.__hash__
    __add__ = __radd__ = arithmetic.add
    __sub__ = arithmetic.sub
    __rsub__ = arithmetic.rsub
    __mul__ = __rmul__ = arithmetic.mul
    __truediv__ = arithmetic.div
    __rtruediv__ = arithmetic.rdiv
    __floordiv__ = arithmetic.floor_divide
    __rfloordiv__ = arithmetic.rfloordiv
    __mod__ = arithmetic.remainder
    __rmod__ = arithmetic.rmod
    __pow__ = arithmetic.pow
    __rpow__ = arithmetic.rpow
    __matmul__ = matrix.matmul
    __neg__ = elementwise.neg
    __abs__ = elementwise.abs
    __eq__ = arithmetic.eq
    __ne__ = arithmetic.ne
    __lt__ = arithmetic.lt
    __le__ = arithmetic.le
    __gt__ = arithmetic.gt
    __ge__ = arithmetic.ge
    __and__ = __rand__ = arithmetic.bitwise_and
    __or__ = __ror__ = arithmetic.bitwise_or
    __xor__ = __rxor__ = arithmetic.bitwise_xor
    __invert__ = arithmetic.invert
    __getitem__ = indexing.getitem

    def __pos__(self) -> Tensor:
        return self


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook away. Also a context manager."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks = hooks
        self._key = max(hooks, default=0) + 1
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


graph.Tensor = Tensor
