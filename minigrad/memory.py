"""Memory: views that share it, and writes in place that autograd sees.

A version counter (`_writes`) is shared by all tensors over the same memory, except through `.data`; backward compares it with
the version that it saved. A write to a tensor with a history gives it a new one. A write through a view also enters the history
of its base, and every other view finds its own anew from the base's (`_current_node`). Next: ops/, for the operations.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes
from .autograd import graph
from .autograd.graph import AccumulateGrad, Extra, Node, source, wrap, writes
from .autograd.modes import is_grad_enabled
from .ops import arithmetic, indexing, shapes

if TYPE_CHECKING:
    from .tensor import Tensor

MADE_IN_NO_GRAD = (
    "A view was created in no_grad mode and {} modified inplace with grad mode enabled. Given that this use case is ambiguous "
    "and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the "
    "no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)


def _operator(operation: Any, into: Any = None) -> Any:
    """`x += y` of `x + y`; `into` is the ufunc that does it without a copy."""
    return lambda self, other: self._in_place(operation, other, into=into)


class Memory:
    """What a Tensor holds, and how it is written to."""

    __slots__ = ("_array", "_node", "_counter", "_base", "__dict__", "__weakref__")
    _array: Any  # np.ndarray, or the NumPy scalar that a 0-d result is
    _node: Node | None
    _counter: list[int] | None  # `_writes`, or None: made by nobody yet, so never written to
    _base: Tensor | None  # the tensor whose memory this one is a view of
    _grad: Tensor | None = None
    _leaf_node: Node | None = None  # kept for when grad is required again
    _post_hooks: dict[int, Any] | None = None
    _frozen: str | None = None  # why a view must not be written to in a graph, as an error text
    _detached: int = 0  # the number that a node had got if it had been made when `detach_` was called
    _seen: int = 0  # the version of the base for which `_node` of a view was made
    _written: Any = None  # of the saved result of a write through a view: a weak reference to the view's node after the write

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # what Tensor adds

    @property
    def _writes(self) -> list[int]:
        """The version counter. Most tensors are neither written to nor share memory, so it is made when first asked for."""
        if self._counter is None:
            with writes.lock:
                self._counter = self._counter or [0]
        return self._counter

    @property
    def data(self) -> Any:
        """The same memory without history and with a version of its own: writes through it are not seen by backward."""
        return wrap(self._storage())

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Memory):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._node is not None and value._array.dtype.kind != "f":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._storage()
        leaf = self._leaf_node
        if leaf is not None and (leaf.shape, leaf.dtype) != (self._array.shape, self._array.dtype):
            self._leaf_node = AccumulateGrad(self)  # graphs made so far end in the old node, and are refused
            self._node = self._leaf_node if self._node is leaf else self._node

    def detach(self) -> Any:
        """The same memory and version without history: writes through it are seen by backward, and refused there."""
        return wrap(self._storage(), None, self._writes)

    def detach_(self) -> Any:
        """Forget the history of this tensor."""
        if self._base is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
                "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
                "called on these gradients."
            )
        if self.grad_fn is not None:
            self._counter = self._writes  # made, so that backward looks here
            self._detached = writes.last = graph.next_number()  # whoever saved it before that saved its history too
        self._node = None
        return self

    def _storage(self) -> np.ndarray[Any, Any]:
        """The array, as one that can be shared and written to."""
        if type(self._array) is not np.ndarray:
            self._array = np.array(self._array)
        return self._array

    def _view(self, array: Any) -> Any:
        """A tensor around a view of this one's array: same memory, same version, one base."""
        tensor = wrap(array, None, self._writes)
        tensor._base = self if self._base is None else self._base
        tensor._seen = self._writes[0]
        if self._frozen is not None:
            tensor._frozen = self._frozen
        elif not is_grad_enabled():
            tensor._frozen = MADE_IN_NO_GRAD
        return tensor

    def _current_node(self) -> Node | None:
        """The node; that of a view is made anew when its base was written to since."""
        base = self._base
        if base is not None and self._seen != self._writes[0]:
            recorded = base._node is not None or (self._node is not None and type(self._node) is not AccumulateGrad)
            if recorded and self._array.dtype.kind == "f":
                if self._frozen is not None:
                    if not is_grad_enabled():
                        return self._node
                    raise RuntimeError(self._frozen.format("its base or another view of its base has been"))
                self._set_node(self._node_from_base())
                self._seen = self._writes[0]
        return self._node

    def _node_from_base(self) -> Node:
        """A node that says where in the base this view lies, however it was made."""
        base: Any = self._base
        parent = base._node or AccumulateGrad(wrap(base._array))  # where the base has no history any more, the gradient ends
        return indexing.take_region.node_class((parent,), self._place_in_base(), (), self._array)  # type: ignore[no-any-return]

    def _history(self) -> Node | None:
        """The history of the values that a write in place finds here. That of a view goes to its base at once, past other
        views and past its own hooks, as in torch."""
        node, base = self._node, self._base
        if base is None or node is None or (node.parents == (base._node,) and node.extra is None):
            return node
        return self._node_from_base()

    def _place_in_base(self) -> tuple[Any, Any]:
        base, array = self._base._storage(), self._storage()  # type: ignore[union-attr]
        if array.size and not np.may_share_memory(base, array):
            raise RuntimeError("this is a view of a tensor whose .data was replaced since: there is no gradient; make the view anew")
        return base.shape, indexing.Region.of_view(base, array)

    def _set_node(self, node: Node | None) -> None:
        """Give this tensor another history. Hooks stay with the old one; a retained gradient moves on, as in torch."""
        if node is not None and self.retains_grad:
            self._node.extra.retains = None  # type: ignore[union-attr]
            node.extra = node.extra or Extra()
            node.extra.retains = weakref.ref(self)
        self._node = node

    def _check_write(self, *others: Any, operation: str = "") -> bool:
        """Whether a write in place must be recorded; RuntimeError where torch refuses it. `others` are read for the write."""
        array = self._storage()
        indexing.refuse_repeats(array)
        for other in others:
            if isinstance(other, Memory) and operation != "masked_fill":  # which reads its one value before it writes
                indexing.refuse_overlap(array, other._array, even_with_itself=operation.startswith("scatter"))
        return self._must_record(*others)

    def _must_record(self, *others: Any, what: str = "a leaf Variable") -> bool:
        """Whether autograd has to see a write in place; RuntimeError where it can't."""
        if not is_grad_enabled():
            return False
        base = self._base
        mine = self._current_node() or (None if base is None else base._node)
        if mine is None and not any([isinstance(x, Memory) and source(x) is not None for x in others]):
            return False
        if base is not None:
            if self._frozen is not None:
                raise RuntimeError(self._frozen.format("is being"))
            if mine is not None and base.is_leaf:
                raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
        if type(self._node) is AccumulateGrad:
            raise RuntimeError(f"{what} that requires grad is being used in an in-place operation.")
        if self._array.dtype.kind != "f":
            return False
        indexing.refuse_repeats(self._storage())
        return True

    @contextlib.contextmanager
    def _write(self) -> Iterator[np.ndarray[Any, Any]]:
        """`with t._write() as array:` write to the array in place, unrecorded; refused where it would have to be recorded."""
        if self._check_write():
            raise RuntimeError("this in-place operation can't be recorded; do it under no_grad(), or on a detached tensor")
        try:
            yield self._storage()
        finally:
            writes.count(self._writes)

    def _overwrite(self, result: Tensor, recorded: bool) -> Any:
        """Take over the values, and, if recorded, the history of `result`, computed from a copy of this tensor."""
        array, new = self._storage(), result._array
        if new.shape != array.shape:
            raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(new.shape)}")
        if dtypes.category(new.dtype) > dtypes.category(array.dtype):
            raise RuntimeError(
                f"result type {result.dtype.legacy} can't be cast to the desired output type {self.dtype.legacy}"
            )
        np.copyto(array, new, casting="unsafe")
        writes.count(self._writes)
        if recorded:
            self._rebase(result._cast(array.dtype)._node)
        return self

    def _rebase(self, node: Any, by_part: bool = False) -> None:
        """Make `node` the history of this tensor after a write; its base, if it has one, then has the write in its own.
        `by_part`: a view of this view was written to, so this one finds its history when next asked, as other views do."""
        saved: Any = None
        if node is not None and "out" in node.keeps:  # the result that was saved is now this tensor
            at = node.keeps.index("out")
            saved = wrap(self._array, None, self._writes)
            node.saved = (*node.saved[:at], saved, *node.saved[at + 1 :])
            node.versions = (*node.versions[:at], self._writes[0], *node.versions[at + 1 :])
        if self._base is None:
            self._set_node(node)
            return
        base = self._base
        _, region = self._place_in_base()
        base._set_node(indexing.copy_slices.node_class((base._node, node), (region,), (), base._array))
        if by_part:
            return
        self._seen = -1
        self._current_node()  # now: the old node may be met on the way back, and the base may be detached
        if saved is not None and self._node is not None:
            saved._written = weakref.ref(self._node)  # weakly, since it leads to `node`, which holds `saved`

    def _in_place(self, operation: Any, *args: Any, into: Any = None, **options: Any) -> Any:
        """self = operation(self, *args) in this tensor's own memory; `into` is the ufunc that does it without a copy."""
        recorded = self._check_write(*args, *options.values(), operation=operation.__name__)
        if into is not None and not recorded:
            (other,) = args
            array = self._array
            if isinstance(other, Memory):
                other = other._array
                fits = other.dtype is array.dtype
            else:
                fits = type(other) in (float, int)
            if fits and array.dtype.kind == "f":
                try:
                    into(array, other, out=array)
                    writes.count(self._writes)
                    return self
                except ValueError:  # the shapes do not fit, which is refused below, in torch's words
                    pass
        old = wrap(self._array.copy("K"), self._history()) if recorded else self
        result = operation(old, *args, **options)
        if result is NotImplemented:
            raise TypeError(f"unsupported operand type(s) for an in-place operation: 'Tensor' and '{type(args[0]).__name__}'")
        return self._overwrite(result, recorded)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(value, (Memory, int, float, np.number, np.bool_)):
            raise TypeError(f"can't assign a {_type_name(value)} to a {self.type()}")
        number = not isinstance(value, Memory)
        if number:
            value = wrap(_in_range(value, self._array.dtype))
        parsed = indexing.parse(self, key)
        by_tensors = bool(parsed[-1])
        # one value where a mask is True is masked_fill_, which converts it; everything else by index tensors does not
        fills = by_tensors and value._array.size == 1 and self.ndim > 0 and [k._array.dtype.kind for k in parsed[-1]] == ["b"]
        if by_tensors and not fills and not number and value._array.dtype != self._array.dtype:
            raise RuntimeError(
                f"Index put requires the source and destination dtypes match, got {self.dtype.legacy} for the destination and "
                f"{value.dtype.legacy} for the source."
            )
        if not by_tensors and key is not Ellipsis and 0 in self._storage().strides:  # expanded; the part may not be
            indexing.getitem(self, key)[...] = value
            return
        recorded = by_tensors and self._must_record(value)
        array = np.atleast_1d(self._storage()) if by_tensors else self._storage()
        try:
            numpy_key = indexing.setitem_key(self, *parsed)
            target = array[numpy_key]
            extra = value.ndim - target.ndim
            if extra > 0 and value._array.shape[:extra] == (1,) * extra:
                value = shapes.reshape(value, value._array.shape[extra:])
            if by_tensors:
                if not fills:
                    indexing.refuse_overlap(array, value._array, even_with_itself=True)
            else:
                indexing.refuse_repeats(target)
                indexing.refuse_overlap(target, np.broadcast_to(value._array, target.shape))
                recorded = self._must_record(value, what="a view of a leaf Variable")
            history = source(value)
            array[numpy_key] = value._array
        except IndexError as error:
            raise indexing._index_error(error, self) from None
        except ValueError:
            raise indexing.assignment_error(key, target, value) from None
        writes.count(self._writes)
        if recorded:
            whole = key is Ellipsis
            node_class = (shapes.overwritten if whole else indexing.copy_slices).node_class
            saved = () if whole else (indexing.Region.of_key(array, target, numpy_key),)
            self._rebase(node_class((self._history(), history), saved, (), self._array), by_part=not (whole or by_tensors))

    # ---- operations in place

    __iadd__, __isub__ = _operator(arithmetic.add, np.add), _operator(arithmetic.sub, np.subtract)
    __imul__, __itruediv__ = _operator(arithmetic.mul, np.multiply), _operator(arithmetic.div, np.true_divide)
    __ipow__, __ifloordiv__, __imod__ = [_operator(f) for f in (arithmetic.pow, arithmetic.floor_divide, arithmetic.remainder)]
    __iand__, __ior__, __ixor__ = [_operator(f) for f in (arithmetic.bitwise_and, arithmetic.bitwise_or, arithmetic.bitwise_xor)]

    def add_(self, other: Any, *, alpha: Any = 1) -> Any:
        """self += alpha * other; with another alpha than 1 the product is rounded once, with the sum (fused), as in torch."""
        return self._in_place(arithmetic.add, self._scaled(other, alpha), into=np.add)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Any:
        return self._in_place(arithmetic.sub, self._scaled(other, alpha), into=np.subtract)

    def _scaled(self, other: Any, alpha: Any) -> Any:
        if alpha == 1:
            return other
        self._check_write(other)  # the product would not show where other lies
        return arithmetic.scaled(other, alpha) if isinstance(other, Memory) else other * alpha

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Any:
        if rounding_mode is None:
            return self._in_place(arithmetic.div, other, into=np.true_divide)
        return self._in_place(arithmetic.torch_div, other, rounding_mode=rounding_mode)

    def pow_(self, exponent: Any) -> Any:
        return self._in_place(arithmetic.pow, exponent)

    mul_ = __imul__

    def zero_(self) -> Any:
        """Set every element to 0."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        """Set every element to one number."""
        if isinstance(value, Memory):
            if value.ndim:
                raise RuntimeError(
                    f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
                )
            return self.copy_(shapes.clone(value))
        if not isinstance(value, (int, float, np.number, np.bool_)):
            raise TypeError(f"fill_(): argument 'value' (position 1) must be Number, not {_type_name(value)}")
        recorded, to = self._must_record(), self._array.dtype
        self._storage()[...] = _in_range(value, to).astype(to)
        return self._overwritten(recorded)

    def _overwritten(self, recorded: bool, history: Node | None = None) -> Any:
        """Count a write to all of this tensor; `history` is that of the new values. What was there gets no gradient."""
        writes.count(self._writes)
        if recorded:
            self._rebase(shapes.overwritten.node_class((self._history(), history), (), (), self._array))
        return self

    def copy_(self, other: Any, non_blocking: Any = False) -> Any:
        """Overwrite this tensor with another, broadcast to its shape and cast to its dtype."""
        if type(other) in (float, int, bool):
            other = wrap(np.asarray(other))
        if not isinstance(other, Memory):
            raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {_type_name(other)}")
        recorded = self._must_record() if other is self else self._check_write(other)
        history = source(other)
        try:
            self._storage()[...] = np.broadcast_to(other._array, self._array.shape)
        except ValueError:
            return self._overwrite(arithmetic.add(self.detach(), other), False)  # which refuses it in torch's words
        return self._overwritten(recorded, history)


def _in_range(value: Any, to: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """A number as an array; RuntimeError if an integer type has no place for it. Negative ones go round in uint8, as in torch."""
    if to.kind in "iu" and not -np.iinfo(to).max - (to.kind == "i") <= value <= np.iinfo(to).max:
        raise RuntimeError(f"value cannot be converted to type {'int' if to.name == 'int32' else to.name + '_t'} without overflow")
    return np.asarray(value)


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
