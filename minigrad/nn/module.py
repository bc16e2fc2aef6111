"""Module: a tree of layers that knows its parameters; and Parameter, the Tensor that a Module registers.

A Module files what is assigned to it in three dictionaries: `_parameters`, `_buffers` (saved, not trained) and
`_modules` (its children). All the rest here walks them: iteration, `state_dict`, conversion, printing. Names, orders
and error texts are torch.nn.Module's. Next: layers.py, what is built on it; functional.py, what the layers compute.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..autograd.graph import wrap
from ..autograd.modes import no_grad
from ..dtypes import check_device, get_default_dtype
from ..dtypes import dtype as DType
from ..methods import RemovableHandle
from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that becomes a parameter of the Module it is assigned to. It shares the data of the tensor given."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        parameter = wrap(np.empty(0, get_default_dtype().numpy)) if data is None else data.detach()
        if requires_grad and not parameter.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        parameter.__class__ = cls
        parameter.requires_grad = requires_grad
        return parameter

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy = super().__deepcopy__(memo)
        copy._grad = None  # as torch: the copy of a parameter starts without a gradient
        return copy

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class UninitializedParameter(Parameter):
    """A Parameter without shape and data yet, as a lazy layer has; `materialize` makes it a Parameter."""

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: DType | None = None) -> Any:
        check_device(device)
        parameter = super().__new__(cls, wrap(np.empty(0, (dtype or get_default_dtype()).numpy)), requires_grad)
        parameter._cast(parameter._array.dtype)
        del parameter._array
        return parameter

    def __getattr__(self, name: str) -> Any:
        if name == "_array":
            raise ValueError(
                "Attempted to use an uninitialized parameter. Call `forward` of the lazy module with a dummy batch to "
                "initialize it first"
            )
        raise AttributeError(f"'UninitializedParameter' object has no attribute '{name}'")

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def materialize(self, shape: tuple[int, ...]) -> None:
        """Take memory for this shape, not yet filled, and become a Parameter."""
        self.__class__ = Parameter  # type: ignore[assignment]
        self.data = wrap(np.empty(shape, self._numpy_dtype))

    def _cast(self, to: Any) -> Any:
        self._numpy_dtype = to
        return self

    def is_floating_point(self) -> bool:
        return True

    def detach(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return "<UninitializedParameter>"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` returns: keys that the module has and the dict lacks, and the reverse."""

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def typename(value: Any) -> str:
    """What a value is, as torch's messages name it: 'torch.FloatTensor', 'int', 'package.module.Class'."""
    if isinstance(value, Tensor):
        return value.type()
    named = value if hasattr(value, "__qualname__") else type(value)
    return named.__qualname__ if named.__module__ == "builtins" else f"{named.__module__}.{named.__qualname__}"


class Module:
    """Base class of layers and models: subclass it, call `super().__init__()` first, and define `forward`.

    `training` (True until `eval()`) is what Dropout and BatchNorm look at.
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _forward_pre_hooks: OrderedDict[int, tuple[Callable[..., Any], bool]]
    _forward_hooks: OrderedDict[int, tuple[Callable[..., Any], bool, bool]]

    def __init__(self) -> None:
        self.__dict__.update(
            training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(), _modules={},
            _forward_pre_hooks=OrderedDict(), _forward_hooks=OrderedDict(),
        )  # fmt: skip

    # ---- calling

    def forward(self, *input: Any, **kwargs: Any) -> Any:
        """What the module computes: every subclass defines it. Call the module itself, so that its hooks run too."""
        raise NotImplementedError(f'Module [{self._get_name()}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._forward_hooks and not self._forward_pre_hooks:
            return self.forward(*args, **kwargs)
        return self._call_with_hooks(args, kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for pre_hook, with_kwargs in tuple(self._forward_pre_hooks.values()):
            changed = pre_hook(self, args, kwargs) if with_kwargs else pre_hook(self, args)
            if with_kwargs and changed is not None:
                if not isinstance(changed, tuple) or len(changed) != 2:
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
            elif changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result, waiting = None, list(self._forward_hooks.values())
        try:
            result = self.forward(*args, **kwargs)
            while waiting:
                hook, with_kwargs, _ = waiting.pop(0)
                changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                result = result if changed is None else changed
        except BaseException:
            for hook, with_kwargs, always_call in waiting:
                if always_call:
                    hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            raise
        return result

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns, unless None, replaces the arguments."""
        return _register_hook(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns, unless None, replaces the output.

        With `always_call` the hook also runs (output None, if there is none yet) when `forward` or a hook raises.
        """
        return _register_hook(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    # ---- attributes

    def __getattr__(self, name: str) -> Any:  # only called when the usual lookup has failed
        own = self.__dict__
        for table in ("_parameters", "_modules", "_buffers"):
            if table in own and name in own[table]:
                return own[table][name]
        raise AttributeError(f"'{self._get_name()}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        for table, (what, kind, wanted) in _TABLES.items():
            if isinstance(value, kind) and kind is not Tensor:
                if table not in own:
                    plural = "module" if table == "_modules" else "parameters"
                    raise AttributeError(f"cannot assign {plural} before Module.__init__() call")
                if name not in own[table]:
                    self._forget(name)
                return self._register(table, name, value)
            if name in own.get(table, ()):
                if value is not None and not (kind is Tensor and isinstance(value, Tensor)):
                    what = "child module" if table == "_modules" else what
                    wanted = "torch.nn.Buffer, torch.Tensor" if kind is Tensor else wanted
                    raise TypeError(f"cannot assign '{typename(value)}' as {what} '{name}' ({wanted} or None expected)")
                own[table][name] = value
                return
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            super().__delattr__(name)

    def _forget(self, name: str) -> bool:
        """Remove a name from the module's tables and attributes; False if none had it."""
        self._non_persistent_buffers_set.discard(name)
        tables: tuple[dict[str, Any], ...] = (self.__dict__, self._parameters, self._buffers, self._modules)
        holders = [table for table in tables if name in table]
        for table in holders:
            del table[name]
        return bool(holders)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def _register(self, table: str, name: str, value: Any) -> None:
        what, kind, wanted = _TABLES[table]
        if table not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(value, kind | None) and table == "_modules":
            raise TypeError(f"{typename(value)} is not a Module subclass")
        if not isinstance(value, kind | None):
            raise TypeError(f"cannot assign '{typename(value)}' object to {what} '{name}' ({wanted} or None required)")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f"{what} name can't contain \".\"" + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[table]:
            raise KeyError(f"attribute '{name}' already exists")
        self.__dict__[table][name] = value

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter (or None) under a name that is not yet taken."""
        self._register("_parameters", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained; saved if `persistent`."""
        self._register("_buffers", name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name that is not yet taken."""
        self._register("_modules", name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    # ---- walking the tree

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module (name '') and all below it, with dotted names; each once."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one; each once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _named_tensors(self, table: str, prefix: str, recurse: bool, unique: bool) -> Iterator[tuple[str, Any]]:
        seen = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=unique) if recurse else [(prefix, self)]
        for owner, module in owners:
            for name, tensor in module.__dict__[table].items():
                if tensor is not None and id(tensor) not in seen:
                    if unique:
                        seen.add(id(tensor))
                    yield f"{owner}.{name}" if owner else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names, each once, in the order of registration; if `recurse`, also those below."""
        return self._named_tensors("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._named_tensors("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every module below this one, children first, and then on this one: `net.apply(init_weights)`."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- state

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by dotted name. They share memory with the module: copy to keep them."""
        out: dict[str, Any] = OrderedDict() if destination is None else destination
        for name, tensor in self._state().items():
            out[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=out, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return out

    def _state(self) -> dict[str, Tensor]:
        """This module's own parameters and persistent buffers."""
        own, left_out = {**self._parameters, **self._buffers}, self._non_persistent_buffers_set
        return {name: tensor for name, tensor in own.items() if tensor is not None and name not in left_out}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy the values of a state_dict into this module (with `assign`, take its tensors themselves).

        Raises RuntimeError, listing all that is wrong, when shapes differ or, if `strict`, when keys do.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys, errors = _IncompatibleKeys([], []), list[str]()
        self._load(dict(state_dict), "", assign, keys, errors)
        for what, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if strict and names:
                errors.insert(0, f"{what} key(s) in state_dict: " + ", ".join(f'"{n}"' for n in names) + ". ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {self._get_name()}:\n\t" + "\n\t".join(errors))
        return keys

    def _load(
        self, state: dict[str, Any], prefix: str, assign: bool, keys: _IncompatibleKeys, errors: list[str]
    ) -> None:
        own = self._state()
        for name, tensor in own.items():
            key = prefix + name
            value = state.get(key)
            if key not in state:
                keys.missing_keys.append(key)
            elif not isinstance(value, Tensor):
                errors.append(
                    f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                    f"checkpoint but received {type(value)}"
                )
            elif value.shape != tensor.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
                    f"the shape in current model is {tensor.shape}."
                )
            elif assign:
                setattr(self, name, Parameter(value, tensor.requires_grad) if name in self._parameters else value)
            else:
                with no_grad():
                    tensor.copy_(value)
        for key in state:
            first, dot, _ = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and first not in (self._modules if dot else own):
                keys.unexpected_keys.append(key)
        for name, module in self._modules.items():
            if module is not None:
                module._load(state, f"{prefix}{name}.", assign, keys, errors)

    # ---- modes, gradients, types

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it in training mode (what Dropout and BatchNorm look at)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zero in place."""
        zero_gradients(self.parameters(), set_to_none)

    def _convert(self, fn: Callable[[Tensor], Any]) -> Self:
        """Replace the data of every floating parameter, its gradient, and every floating buffer by `fn` of it."""
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None and (changed := fn(parameter)) is not parameter:
                    grad, parameter.grad = parameter.grad, None
                    parameter.data = changed.detach()
                    parameter.grad = None if grad is None else fn(grad)
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.is_floating_point():
                    module._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert what floats: `to(dtype)`, `to(device)` (cpu), `to(device, dtype)`, `to(tensor)`."""
        example = wrap(np.empty(0, np.float32)).to(*args, **kwargs)
        if not example.is_floating_point():
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={example.dtype}"
            )
        return self._convert(lambda t: t.to(*args, **kwargs))

    def float(self) -> Self:
        return self._convert(lambda t: t.float())

    def double(self) -> Self:
        return self._convert(lambda t: t.double())

    def half(self) -> Self:
        return self._convert(lambda t: t.half())

    def cpu(self) -> Self:
        return self

    def cuda(self, device: Any = None) -> Self:
        return self._convert(lambda t: t.cuda(device))

    # ---- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed; a line for each item."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): " + indent(repr(module)) for name, module in self._modules.items()]
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        lines = [*(extra.split("\n") if extra else []), *children]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def indent(text: str) -> str:
    """Every line but the first moved two spaces to the right."""
    return text.replace("\n", "\n  ")


def _register_hook(hooks: OrderedDict[int, Any], hook: Any, prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(next(reversed(hooks)), last=False)
    return handle


def zero_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """What `zero_grad` of modules and optimizers does."""
    for parameter in parameters:
        if set_to_none:
            parameter.grad = None
        elif parameter.grad is not None:
            parameter.grad.detach_().zero_()


# where each kind of value is kept, and how error texts call it; a plain Tensor is a buffer only if registered as one
_TABLES: dict[str, tuple[str, Any, str]] = {
    "_parameters": ("parameter", Parameter, "torch.nn.Parameter"),
    "_modules": ("module", Module, "torch.nn.Module"),
    "_buffers": ("buffer", Tensor, "torch Tensor"),
}
