"""The Tensor: an array, and where it came from.

A Tensor holds a NumPy array (`_array`), a count of writes in place (`_counter`, shared with its views), its gradient (`_grad`)
and `_node`: None for a constant, AccumulateGrad for a leaf that requires grad, else the node that recorded how it was made.
memory.py declares them in the class `Memory`, from which Methods and so Tensor inherit. Its methods and operators are the
operations of `rules/`, as `ops/` dresses them. Next: autograd/graph.py, how an operation is recorded.
"""

from __future__ import annotations

import warnings
from typing import Any

from . import dtypes
from .autograd import graph, walk
from .autograd.checks import check_assigned
from .autograd.graph import AccumulateGrad, Node
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

    __slots__ = ()

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
        return self._node is not None or (self._base is not None and self._base._node is not None)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(CHANGE_FLAG if not value else CHANGE_FLAG.split(" If you")[0])
        if value and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if value and self._leaf_node is None:
            self._leaf_node = AccumulateGrad(self)
        self._node = self._leaf_node if value else None

    # ---- gradients

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has accumulated here: None or a tensor of this shape and dtype."""
        held = self._grad
        if held is None and self._node is not None and type(self._node) is not AccumulateGrad and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
                "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access "
                "the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
                stacklevel=2,
            )
        return held

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            check_assigned(self, value)
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


graph.Tensor = Tensor
