"""The Tensor: an array, and where it came from.

A Tensor holds a NumPy array (`_array`), a version that counts writes in place (`_writes`, shared with its views), and
`_node`: None for a constant, AccumulateGrad for a leaf that requires grad, else the node that recorded how it was made. Its methods
and operators are the operations of `ops/`. Next: autograd/graph.py, how an operation is recorded.
"""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np

from . import dtypes, printing, random
from .autograd import graph, walk
from .autograd.graph import AccumulateGrad, Extra, Node, source, wrap, writes
from .autograd.modes import is_grad_enabled, is_inference_mode_enabled
from .ops import arithmetic, elementwise, indexing, matrix, shapes
from .ops.calling import torch_function
from .ops.promotion import shape_error

CHANGE_FLAG = (
    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that "
    "doesn't require differentiation use var_no_grad = var.detach()."
)


MADE_IN_NO_GRAD = (
    "A view was created in no_grad mode and {} modified inplace with grad mode enabled. Given that this use case is ambiguous "
    "and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the "
    "no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)



class Tensor:
    """A multi-dimensional array that remembers how it was computed, as torch.Tensor.

    `Tensor([1, 2])` and `Tensor(2, 3)` make float32 tensors as in torch; `minigrad.tensor` is the usual way.
    """

    _array: Any  # np.ndarray, or the NumPy scalar that a 0-d result is
    _node: Node | None
    _writes: list[int]
    _base: Tensor | None  # the tensor whose memory this one is a view of
    _grad: Tensor | None = None
    _leaf_node: Node | None = None  # kept for when grad is required again
    _post_hooks: dict[int, Any] | None = None
    _frozen: str | None = None  # why a view must not be written to in a graph, as an error text
    _detached: int = 0  # the number that a node had got if it had been made when `detach_` was called
    _seen: int = 0  # the version of the base for which `_node` of a view was made
    _inference: bool = False

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

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind == "f"  # type: ignore[no-any-return]

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self._array.shape[self._dim(dim)]

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self._array.size  # type: ignore[no-any-return]

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements between neighbours along each dimension."""
        strides = tuple([s // self._array.itemsize for s in self._storage().strides])
        return strides if dim is None else strides[self._dim(dim)]

    def is_contiguous(self) -> bool:
        return self._storage().flags.c_contiguous  # type: ignore[no-any-return]

    def element_size(self) -> int:
        return self._array.itemsize  # type: ignore[no-any-return]

    def data_ptr(self) -> int:
        return self._storage().__array_interface__["data"][0]  # type: ignore[no-any-return]

    def is_inference(self) -> bool:
        return self._inference

    @property
    def _version(self) -> int:
        """How often this tensor was written to in place, by whatever name."""
        return self._writes[0]

    def _is_view(self) -> bool:
        return self._base is not None

    def _dim(self, dim: int) -> int:
        return shapes.as_dim(dim, self.ndim) if self.ndim else shapes.as_dim(dim, 0)

    # ---- gradients

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has accumulated here: None or a tensor of this shape and dtype."""
        if self._grad is None and not self.is_leaf and not self.retains_grad:
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

    # ---- memory: views, detaching, writes in place

    @property
    def data(self) -> Tensor:
        """The same memory without history and with a version of its own: writes through it are not seen by backward."""
        return wrap(self._storage())  # type: ignore[no-any-return]

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._node is not None and value._array.dtype.kind != "f":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._storage()
        if self._node is not None and self._node is self._leaf_node:
            self._node.shape, self._node.dtype = self._array.shape, self._array.dtype
        else:
            self._leaf_node = None

    def detach(self) -> Tensor:
        """The same memory and version without history: writes through it are seen by backward, and refused there."""
        return wrap(self._storage(), None, self._writes)  # type: ignore[no-any-return]

    def detach_(self) -> Tensor:
        """Forget the history of this tensor."""
        if self._base is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
                "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
                "called on these gradients."
            )
        if self.grad_fn is not None:
            self._detached = writes.last = graph.next_number()  # whoever saved it before that saved its history too
        self._node = None
        return self

    def _storage(self) -> np.ndarray[Any, Any]:
        """The array, as one that can be shared and written to."""
        if type(self._array) is not np.ndarray:
            self._array = np.array(self._array)
        return self._array  # type: ignore[no-any-return]

    def _view(self, array: Any) -> Tensor:
        """A tensor around a view of this one's array: same memory, same version, one base."""
        tensor = wrap(array, None, self._writes)
        tensor._base = self if self._base is None else self._base
        tensor._seen = self._writes[0]
        if self._frozen is not None:
            tensor._frozen = self._frozen
        elif not is_grad_enabled():
            tensor._frozen = MADE_IN_NO_GRAD
        return tensor  # type: ignore[no-any-return]

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

    def _check_write(self, *others: Any) -> bool:
        """Whether a write in place must be recorded; RuntimeError where torch refuses it. `others` are read for the write."""
        array = self._storage()
        indexing.refuse_repeats(array)
        for other in others:
            if isinstance(other, Tensor):
                indexing.refuse_overlap(array, other._array)
        return self._must_record(*others)

    def _must_record(self, *others: Any, what: str = "a leaf Variable") -> bool:
        """Whether autograd has to see a write in place; RuntimeError where it can't."""
        if not is_grad_enabled():
            return False
        base = self._base
        mine = self._current_node() or (None if base is None else base._node)
        if mine is None and not any([isinstance(x, Tensor) and source(x) is not None for x in others]):
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

    def _write(self) -> _Write:
        """`with t._write() as array:` write to the array in place, unrecorded; refused where it would have to be recorded."""
        if self._check_write():
            raise RuntimeError("this in-place operation can't be recorded; do it under no_grad(), or on a detached tensor")
        return _Write(self)

    def _overwrite(self, result: Tensor, recorded: bool) -> Tensor:
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

    def _rebase(self, node: Any) -> None:
        """Make `node` the history of this tensor after a write; its base, if it has one, then has the write in its own."""
        if node is not None and "out" in node.keeps:  # the result that was saved is now this tensor
            at = node.keeps.index("out")
            node.saved = (*node.saved[:at], wrap(self._array, None, self._writes), *node.saved[at + 1 :])
            node.versions = (*node.versions[:at], self._writes[0], *node.versions[at + 1 :])
        if self._base is None:
            self._set_node(node)
            return
        base = self._base
        _, region = self._place_in_base()
        base._set_node(indexing.copy_slices.node_class((base._node, node), (region,), (), base._array))
        self._seen = -1
        self._current_node()  # now: the old node may be met on the way back, and the base may be detached

    def _in_place(self, operation: Any, *args: Any, into: Any = None, **options: Any) -> Tensor:
        """self = operation(self, *args) in this tensor's own memory; `into` is the ufunc that does it without a copy."""
        recorded = self._check_write(*args, *options.values())
        if into is not None and not recorded:
            (other,) = args
            array = self._array
            if isinstance(other, Tensor):
                other = other._array
                fits = other.dtype is array.dtype
            else:
                fits = type(other) in (float, int)
            if fits and array.dtype.kind == "f":
                try:
                    into(array, other, out=array)
                except ValueError:
                    raise self._write_error(other) from None
                writes.count(self._writes)
                return self
        old = wrap(self._array.copy(), self._history()) if recorded else self
        result = operation(old, *args, **options)
        if result is NotImplemented:
            raise TypeError(f"unsupported operand type(s) for an in-place operation: 'Tensor' and '{type(args[0]).__name__}'")
        return self._overwrite(result, recorded)

    def _write_error(self, other: Any) -> Exception:
        """The shapes of an in-place operation do not fit: can they be broadcast, but not into this tensor?"""
        mine, its = list(self._array.shape), np.shape(other)
        try:
            full = np.broadcast_shapes(self._array.shape, its)
        except ValueError:
            return shape_error(self._array, other)
        return RuntimeError(f"output with shape {mine} doesn't match the broadcast shape {list(full)}")

    # ---- conversion

    def item(self) -> Any:
        """The only element, as a Python number. RuntimeError if there is not just one."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The array itself, sharing memory; backward does not see writes to it. RuntimeError if this requires grad."""
        if self.requires_grad and is_grad_enabled() and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._storage()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_priority__ = 1000  # ndarray * Tensor asks Tensor.__rmul__

    def _cast(self, to: np.dtype[Any]) -> Any:
        return self if self._array.dtype is to else shapes.cast(self, to)

    def _to_default_float(self) -> Any:
        return self._cast(dtypes.get_default_dtype().numpy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return wrap(np.asarray(array))  # what NumPy's functions return for a Tensor

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Any:
        """In another dtype, or on a device (the CPU): itself if nothing changes and copy is False."""
        for arg in args:
            if isinstance(arg, dtypes.dtype):
                dtype = arg
            elif isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, (str, dtypes.device)):
                device = arg
            elif not isinstance(arg, bool):
                raise TypeError(f"to() takes a dtype, a device or a tensor, got {type(arg).__name__}")
        dtypes.check_device(device)
        result = self if dtype is None else self._cast(dtype.numpy)
        return shapes.clone(self) if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """The old type string, as 'torch.FloatTensor'; or this tensor in a dtype or type so named."""
        if dtype is None:
            return f"torch.{self.dtype.legacy}Tensor"
        if isinstance(dtype, str):
            for d in dtypes.ALL:
                if dtype == f"torch.{d.legacy}Tensor":
                    dtype = d
        dtype = dtype.dtype if isinstance(dtype, creation.LegacyType) else dtype
        if not isinstance(dtype, dtypes.dtype):
            raise ValueError(f"invalid type: {dtype!r}")
        return self._cast(dtype.numpy)

    def type_as(self, other: Tensor) -> Any:
        return self._cast(other.dtype.numpy)

    def cpu(self) -> Tensor:
        return self

    def cuda(self, *_: Any, **__: Any) -> Tensor:
        raise AssertionError("Torch not compiled with CUDA enabled")

    def contiguous(self) -> Any:
        return self if self.is_contiguous() else shapes.in_order(self)

    def float(self) -> Any:
        return self._cast(dtypes.float32.numpy)

    def double(self) -> Any:
        return self._cast(dtypes.float64.numpy)

    def half(self) -> Any:
        return self._cast(dtypes.float16.numpy)

    def int(self) -> Any:
        return self._cast(dtypes.int32.numpy)

    def long(self) -> Any:
        return self._cast(dtypes.int64.numpy)

    def short(self) -> Any:
        return self._cast(dtypes.int16.numpy)

    def byte(self) -> Any:
        return self._cast(dtypes.uint8.numpy)

    def bool(self) -> Any:
        return self._cast(dtypes.bool_.numpy)

    def __bool__(self) -> Any:
        if self._array.size != 1:
            few = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {few} is ambiguous")
        return self._array.item() != 0

    def _number(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if self.requires_grad:
            _warn_once_of_conversion()
        return self._array.item()

    def __float__(self) -> Any:
        return self._number().__float__()

    def __int__(self) -> Any:
        return self._number().__int__()

    def __index__(self) -> Any:
        if self._array.size != 1 or self._array.dtype.kind == "f":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return self._array.item().__index__()

    def __len__(self) -> Any:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Any:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> Any:
        return (self == value)._array.any().item()

    def __reversed__(self) -> Any:
        return self if self.ndim == 0 else shapes.flip_axes(self, (0,))

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
                "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
                "https://github.com/pytorch/pytorch/pull/103001"
            )
        copy = memo[id(self)] = wrap(np.array(self._array))
        copy.__class__ = self.__class__
        copy.requires_grad = self.requires_grad
        copy._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
        return copy

    def __repr__(self) -> str:
        return printing.tensor_repr(self._array, self._grad_fn_name(), self.requires_grad)

    def _grad_fn_name(self) -> str | None:
        return None if self.grad_fn is None else self.grad_fn.name()

    def __format__(self, spec: str) -> str:
        if self.ndim == 0 and type(self) is Tensor:
            return self.item().__format__(spec)  # type: ignore[no-any-return]
        return object.__format__(self, spec)

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

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(value, (Tensor, int, float, np.number, np.bool_)):
            raise TypeError(f"can't assign a {_type_name(value)} to a {self.type()}")
        if not isinstance(value, Tensor):
            value = wrap(np.asarray(value))
        parsed = indexing.parse(self, key)
        by_tensors = bool(parsed[-1])
        if not by_tensors and key is not Ellipsis and 0 in self._storage().strides:  # expanded; the part may not be
            indexing.getitem(self, key)[...] = value
            return
        recorded = by_tensors and self._must_record(value)
        array = np.atleast_1d(self._storage()) if by_tensors else self._storage()
        try:
            numpy_key = indexing.setitem_key(*parsed)
            target = array[numpy_key]
            extra = value.ndim - target.ndim
            if extra > 0 and value._array.shape[:extra] == (1,) * extra:
                value = shapes.reshape(value, value._array.shape[extra:])
            if by_tensors:
                if value._array.size > 1 or self.ndim == 0 or parsed[-1][0]._array.dtype.kind != "b":
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
            region = indexing.Region.of_key(array.shape, numpy_key)
            self._rebase(indexing.copy_slices.node_class((self._history(), history), (region,), (), self._array))

    # ---- operations, as methods

    from .ops.arithmetic import (  # type: ignore[misc]  # noqa: I001
        bitwise_not, logical_not, torch_add as add, torch_atan2 as atan2, torch_bitwise_and as bitwise_and,
        torch_bitwise_or as bitwise_or, torch_bitwise_xor as bitwise_xor, torch_div as div, torch_eq as eq,
        torch_floor_divide as floor_divide, torch_fmod as fmod, torch_ge as ge, torch_gt as gt, torch_le as le,
        torch_logical_and as logical_and, torch_logical_or as logical_or, torch_logical_xor as logical_xor, torch_lt as lt,
        torch_maximum as maximum, torch_minimum as minimum, torch_mul as mul, torch_ne as ne, torch_pow as pow,
        torch_remainder as remainder, torch_sub as sub, torch_true_divide as true_divide,
    )  # fmt: skip
    from .ops.choosing import gather, index_add, index_select, masked_fill, masked_select, nonzero, scatter, scatter_add  # type: ignore[misc]
    from .ops.elementwise import (  # type: ignore[misc]
        abs, acos, acosh, asin, asinh, atan, atanh, ceil, clamp, cos, cosh, erf, exp, exp2, expm1, floor, frac, isfinite, isinf,
        isnan, log, log1p, log2, log10, neg, reciprocal, relu, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, square, tan, tanh,
        trunc,
    )  # fmt: skip
    from .ops.linear_algebra import addmm, cross, outer, svd  # type: ignore[misc]
    from .ops.matrix import bmm, dot, matmul, mm, mv  # type: ignore[misc]
    from .ops.neural import log_softmax, logsumexp, softmax  # type: ignore[misc]
    from .ops.rearranging import (  # type: ignore[misc]
        broadcast_to, chunk, diag, diagonal, flip, movedim, narrow, ravel, repeat, repeat_interleave, roll, select, split, tile,
        trace, tril, triu,
    )  # fmt: skip
    from .ops.reductions import all, amax, amin, any, argmax, argmin, max, mean, min, sum  # type: ignore[misc]
    from .ops.shapes import clone, flatten, permute, reshape, squeeze, t, transpose, unbind, unsqueeze, view  # type: ignore[misc]
    from .ops.shapes import expand_to as expand  # type: ignore[misc]
    from .ops.statistics import (  # type: ignore[misc]
        allclose, argsort, bincount, count_nonzero, cumprod, cumsum, equal, isclose, norm, prod, sort, std, topk, unique, var,
    )  # fmt: skip

    subtract, multiply, divide, clip, absolute, negative = sub, mul, div, clamp, abs, neg
    swapdims, swapaxes = transpose, torch_function(transpose, "input", "axis0", "axis1")
    split = torch_function(split, "input", "split_size", "dim")
    T, mT = property(shapes.T), property(shapes.mT)

    def where(self, condition: Tensor, other: Any) -> Any:
        return elementwise.torch_where(condition, self, other)

    def view_as(self, other: Tensor) -> Any:
        return shapes.view(self, other._array.shape)

    def reshape_as(self, other: Tensor) -> Any:
        return shapes.reshape(self, other._array.shape)

    def expand_as(self, other: Tensor) -> Any:
        return shapes.expand_to(self, other._array.shape)

    # ---- new tensors of this one's dtype

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Any:
        """A leaf with a copy of data, in this tensor's dtype unless told otherwise."""
        return creation.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Any:
        return creation.full(size, fill_value, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, **options: Any) -> Any:
        return creation.zeros(*size, dtype=dtype or self.dtype, **options)

    def new_ones(self, *size: Any, dtype: Any = None, **options: Any) -> Any:
        return creation.ones(*size, dtype=dtype or self.dtype, **options)

    def new_empty(self, *size: Any, dtype: Any = None, **options: Any) -> Any:
        return creation.empty(*size, dtype=dtype or self.dtype, **options)

    # ---- operations in place

    def __iadd__(self, other: Any) -> Tensor:  # type: ignore[misc]
        return self._in_place(arithmetic.add, other, into=np.add)

    def __isub__(self, other: Any) -> Tensor:  # type: ignore[misc]
        return self._in_place(arithmetic.sub, other, into=np.subtract)

    def __imul__(self, other: Any) -> Tensor:  # type: ignore[misc]
        return self._in_place(arithmetic.mul, other, into=np.multiply)

    def __itruediv__(self, other: Any) -> Tensor:  # type: ignore[misc]
        return self._in_place(arithmetic.div, other, into=np.true_divide)

    def __ipow__(self, other: Any) -> Tensor:  # type: ignore[misc]
        return self._in_place(arithmetic.pow, other)

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self += alpha * other; with another alpha than 1 the product is rounded once, with the sum (fused), as in torch."""
        return self._in_place(arithmetic.add, self._scaled(other, alpha), into=np.add)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        return self._in_place(arithmetic.sub, self._scaled(other, alpha), into=np.subtract)

    def _scaled(self, other: Any, alpha: Any) -> Any:
        if alpha == 1:
            return other
        self._check_write(other)  # the product would not show where other lies
        return arithmetic.scaled(other, alpha) if isinstance(other, Tensor) else other * alpha

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        if rounding_mode is None:
            return self._in_place(arithmetic.div, other, into=np.true_divide)
        return self._in_place(arithmetic.torch_div, other, rounding_mode=rounding_mode)

    def pow_(self, exponent: Any) -> Tensor:
        return self._in_place(arithmetic.pow, exponent)

    mul_ = __imul__

    def zero_(self) -> Tensor:
        """Set every element to 0."""
        recorded = self._must_record()
        self._storage().fill(0)
        writes.count(self._writes)
        if recorded:
            self._rebase(shapes.overwritten.node_class((self._history(), None), (), (), self._array))
        return self

    def fill_(self, value: Any) -> Tensor:
        """Set every element to one number."""
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError(
                    f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
                )
            return self.copy_(shapes.clone(value))
        recorded = self._must_record()
        self._storage()[...] = np.asarray(value).astype(self._array.dtype)
        writes.count(self._writes)
        if recorded:
            self._rebase(shapes.overwritten.node_class((self._history(), None), (), (), self._array))
        return self

    def copy_(self, other: Any, non_blocking: Any = False) -> Tensor:
        """Overwrite this tensor with another, broadcast to its shape and cast to its dtype."""
        if type(other) in (float, int, bool):
            other = wrap(np.asarray(other))
        if not isinstance(other, Tensor):
            raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {_type_name(other)}")
        recorded = self._must_record() if other is self else self._check_write(other)
        history = source(other)
        try:
            self._storage()[...] = np.broadcast_to(other._array, self._array.shape)
        except ValueError:
            raise self._write_error(other._array) from None
        writes.count(self._writes)
        if recorded:
            self._rebase(shapes.overwritten.node_class((self._history(), history), (), (), self._array))
        return self

    uniform_, normal_, exponential_ = random.uniform_, random.normal_, random.exponential_
    random_, bernoulli_ = random.random_, random.bernoulli_
    bernoulli, multinomial = random.bernoulli, random.multinomial


def _in_place_twin(operation: Any) -> Any:
    """`x.exp_()` of `x.exp()`."""

    def apply(self: Tensor, *args: Any, **options: Any) -> Tensor:
        return self._in_place(operation, *args, **options)

    apply.__name__, apply.__wrapped__ = f"{operation.__name__}_", operation  # type: ignore[attr-defined]
    return apply


def _view_twin(operation: Any) -> Any:
    """`x.t_()` of `x.t()`: this tensor takes the other shape and strides itself."""

    def apply(self: Tensor, *args: Any, **options: Any) -> Tensor:
        recorded = self._must_record()
        result = operation(wrap(self._storage(), self._current_node(), self._writes), *args, **options)
        self._array = result._array
        writes.count(self._writes)
        self._seen = self._writes[0]
        if recorded:
            self._set_node(result._node)
        elif type(self._node) is AccumulateGrad:  # which knows the shape
            self._node = self._leaf_node = AccumulateGrad(self)
        return self

    apply.__name__, apply.__wrapped__ = f"{operation.__name__}_", operation  # type: ignore[attr-defined]
    return apply


for _name in (
    "abs acos asin atan ceil clamp cos cosh erf exp exp2 expm1 floor floor_divide fmod frac index_add log log10 log1p log2 "
    "masked_fill neg reciprocal relu remainder round rsqrt scatter scatter_add sigmoid sign sin sinh sqrt square tan tanh tril "
    "triu trunc"
).split():
    setattr(Tensor, f"{_name}_", _in_place_twin(getattr(Tensor, _name)))
for _name in ("squeeze", "swapaxes", "t", "transpose", "unsqueeze"):
    setattr(Tensor, f"{_name}_", _view_twin(getattr(Tensor, _name)))
# operations that take their options by position; as methods they also take keywords, and NumPy's `axis`
for _name in "expand log_softmax logsumexp matmul permute reshape softmax squeeze unbind unsqueeze view".split():
    setattr(Tensor, _name, torch_function(getattr(Tensor, _name)))


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")


class _Write:
    """Gives the array of a tensor for a `with` block, and counts the write when the block ends."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __enter__(self) -> np.ndarray[Any, Any]:
        return self._tensor._storage()

    def __exit__(self, *exception: object) -> None:
        writes.count(self._tensor._writes)


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


_warned: list[bool] = []


def _warn_once_of_conversion() -> None:
    if not _warned:
        _warned.append(True)
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
            "tensor.detach() first.",
            stacklevel=4,
        )


graph.Tensor = Tensor

from . import creation  # it needs Tensor
