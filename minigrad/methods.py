"""What else torch offers as methods: conversions, the functions of `ops/`, their twins that work in place.

Tensor inherits from this class. Of autograd there are only the hooks here.
"""

from __future__ import annotations

import itertools
import warnings
import weakref
from typing import Any

import numpy as np

from . import creation, dtypes, functions, printing, random
from .autograd import graph
from .autograd.graph import AccumulateGrad, Extra, wrap, writes
from .autograd.modes import is_grad_enabled
from .memory import Memory
from .ops import shapes
from .ops.calling import check


def _unpickled(kind: type, array: Any, requires_grad: bool) -> Any:
    tensor = creation.from_numpy(array)  # whose dtype is NumPy's own object again, which is compared by identity
    tensor.__class__ = kind
    tensor.requires_grad = requires_grad
    return tensor


class Methods(Memory):
    """The methods of a Tensor that are no operators."""

    __slots__ = ()

    # ---- hooks on gradients

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Make this leaf require grad (or not), and return it."""
        kind = type(requires_grad).__name__
        check(kind == "bool", f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {kind}", TypeError)
        check(not requires_grad or self.is_floating_point(), "only Tensors of floating point dtype can require gradients")
        if not (requires_grad and self.requires_grad):
            self.requires_grad = requires_grad
        return self

    def __repr__(self) -> str:
        node = self.grad_fn
        return printing.tensor_repr(self._array, node and node.name(), self.requires_grad)

    def __format__(self, spec: str) -> str:
        if self.ndim == 0 and type(self) is graph.Tensor:
            return self.item().__format__(spec)  # type: ignore[no-any-return]
        return object.__format__(self, spec)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(grad) whenever the gradient of this tensor is complete; what it returns, if not None, replaces it."""
        stale = self._base is not None and self._node is not None and self._seen != self._writes[0]
        if stale and self._node.extra is not None and self._node.extra.hooks:  # type: ignore[union-attr]
            raise RuntimeError(
                "this view has a hook already, and its base was written to since: torch would call the new hook with the gradient "
                "of the old view. Make the view anew, and register both hooks there."
            )
        check(self.requires_grad, "cannot register a hook on a tensor that doesn't require gradient")
        return RemovableHandle(self._hooks().hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> RemovableHandle:
        """Call hook(tensor) after backward has added to `.grad` of this leaf."""
        check(type(self._node) is AccumulateGrad, "post accumulate grad hooks cannot be registered on non-leaf tensors")
        self._node._leaf = lambda: self  # type: ignore[union-attr]  # somebody listens, so that the graph keeps the leaf
        self._post_hooks = self._post_hooks or {}
        return RemovableHandle(self._post_hooks, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `.grad` although it is not a leaf."""
        check(self.requires_grad, "can't retain_grad on Tensor that has requires_grad=False")
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

    # ---- size and layout

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind == "f"  # type: ignore[no-any-return]

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self._array.shape[shapes.as_dim(dim, self.ndim)]

    def dim(self) -> int:
        return self._array.ndim  # type: ignore[no-any-return]

    def numel(self) -> int:
        return self._array.size  # type: ignore[no-any-return]

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements between neighbours along each dimension."""
        strides = tuple([s // self._array.itemsize for s in self._storage().strides])
        return strides if dim is None else strides[shapes.as_dim(dim, self.ndim)]

    def is_contiguous(self) -> bool:
        return self._storage().flags.c_contiguous

    def element_size(self) -> int:
        return self._array.itemsize  # type: ignore[no-any-return]

    def data_ptr(self) -> int:
        return self._storage().__array_interface__["data"][0]  # type: ignore[no-any-return]

    def is_inference(self) -> bool:
        return False

    @property
    def _version(self) -> int:
        """How often this tensor was written to in place, by whatever name."""
        return self._writes[0]

    def _is_view(self) -> bool:
        return self._base is not None

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
        constant = force or not (self.requires_grad and is_grad_enabled())
        check(constant, "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
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
        dtype = dtypes.as_dtype(dtype)
        for arg in map(dtypes.as_dtype, args):
            if isinstance(arg, dtypes.dtype):
                dtype = arg
            elif isinstance(arg, Methods):
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
        dtype = creation.dtype_of_type(dtype) or dtype
        check(isinstance(dtype, dtypes.dtype), f"invalid type: {dtype!r}", ValueError)
        return self._cast(dtype.numpy)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickled as its numbers and what the user set on it: without gradient and history, as in torch."""
        given = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return _unpickled, (type(self), np.array(self._array), self.requires_grad), given

    @property
    def is_cuda(self) -> bool:
        return False

    def type_as(self, other: Any) -> Any:
        return self._cast(other.dtype.numpy)

    def cpu(self) -> Any:
        return self

    def cuda(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("Torch not compiled with CUDA enabled")

    def contiguous(self) -> Any:
        return self if self.is_contiguous() else shapes.in_order(self)

    def __bool__(self) -> Any:
        few = "more than one value" if self._array.size else "no values"
        check(self._array.size == 1, f"Boolean value of Tensor with {few} is ambiguous")
        return self._array.item() != 0

    def _number(self) -> Any:
        check(self._array.size == 1, "only one element tensors can be converted to Python scalars", ValueError)
        if self.requires_grad:
            _warn_once_of_conversion()
        return self._array.item()

    def __float__(self) -> Any:
        return self._number().__float__()

    def __int__(self) -> Any:
        return self._number().__int__()

    def __index__(self) -> Any:
        one = self._array.size == 1 and self._array.dtype.kind != "f"
        check(one, "only integer tensors of a single element can be converted to an index", TypeError)
        return self._array.item().__index__()

    def __len__(self) -> Any:
        check(self.ndim, "len() of a 0-d tensor", TypeError)
        return self._array.shape[0]

    def __iter__(self) -> Any:
        check(self.ndim, "iteration over a 0-d tensor", TypeError)
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> Any:
        return (self == value)._array.any().item()

    def __reversed__(self) -> Any:
        return self if self.ndim == 0 else functions.flip(self, 0)

    def __copy__(self) -> Any:
        """A leaf over the same memory, without this one's gradient and history."""
        copy = self.detach()
        copy.__class__ = self.__class__
        copy.requires_grad = self.requires_grad
        return copy

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

    # ---- operations; most are those of functions.py, which are added below

    T, mT = property(shapes.T), property(shapes.mT)

    def where(self, condition: Any, other: Any) -> Any:
        return functions.where(condition, self, other)

    def view_as(self, other: Any) -> Any:
        return shapes.view(self, other._array.shape)

    def reshape_as(self, other: Any) -> Any:
        return shapes.reshape(self, other._array.shape)

    def expand_as(self, other: Any) -> Any:
        return shapes.expand_to(self, other._array.shape)

    # ---- new tensors of this one's dtype

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Any:
        """A leaf with a copy of data, in this tensor's dtype unless told otherwise."""
        return creation.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    # ---- random numbers

    uniform_, normal_, bernoulli_ = random.uniform_, random.normal_, random.bernoulli_
    bernoulli, multinomial = random.bernoulli, random.multinomial


def _in_place_twin(operation: Any) -> Any:
    """`x.exp_()` of `x.exp()`."""

    def apply(self: Any, *args: Any, **options: Any) -> Any:
        return self._in_place(operation, *args, **options)

    apply.__name__, apply.__wrapped__ = f"{operation.__name__}_", operation  # type: ignore[attr-defined]
    return apply


def _view_twin(operation: Any) -> Any:
    """`x.t_()` of `x.t()`: this tensor takes the other shape and strides itself."""

    def apply(self: Any, *args: Any, **options: Any) -> Any:
        recorded = self._must_record()
        result = operation(wrap(self._storage(), self._current_node(), self._writes), *args, **options)
        self._array = result._array
        writes.count(self._writes)
        self._seen = self._writes[0]
        if recorded:
            self._set_node(result._node)
        elif type(self._node) is AccumulateGrad and self._node.shape != self._array.shape:
            self._node = self._leaf_node = AccumulateGrad(self)
        return self

    apply.__name__, apply.__wrapped__ = f"{operation.__name__}_", operation  # type: ignore[attr-defined]
    return apply


def _new(name: str) -> Any:
    """`x.new_zeros(2)` and its like: `torch.zeros(2)` in the dtype of x, unless told otherwise."""

    def apply(self: Any, *size: Any, dtype: Any = None, **options: Any) -> Any:
        return getattr(creation, name)(*size, dtype=dtype or self.dtype, **options)

    return apply


def _conversion(to: dtypes.dtype) -> Any:
    """`x.float()` and its like."""

    def apply(self: Any) -> Any:
        return self._cast(to.numpy)

    return apply


for _name, _operation in vars(functions).items():
    if callable(_operation) and _name not in functions.ONLY_FUNCTIONS:
        setattr(Methods, _name, _operation)
for _name in ("zeros", "ones", "empty", "full"):
    setattr(Methods, f"new_{_name}", _new(_name))
for _name in functions.IN_PLACE_METHODS:
    setattr(Methods, f"{_name}_", _in_place_twin(getattr(functions, _name)))
for _name in functions.IN_PLACE_VIEWS:
    setattr(Methods, f"{_name}_", _view_twin(getattr(functions, _name)))
for _name, _dtype in zip("bool byte short int long half float double".split(), [d for d in dtypes.ALL if d is not dtypes.int8]):
    setattr(Methods, _name, _conversion(_dtype))


_warned: list[bool] = []


def _warn_once_of_conversion() -> None:
    if not _warned:
        _warned.append(True)
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
            "tensor.detach() first.",
            stacklevel=4,
        )


_handles = itertools.count()  # a key is given once, so that a handle removes no other's hook


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook away. Also a context manager."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks, self._key = hooks, next(_handles)
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()
