"""Module: a tree of layers that knows its parameters; and Parameter, the Tensor that a Module registers.

A Module files what is assigned to it in three dictionaries: `_parameters`, `_buffers` (saved, not trained) and
`_modules` (its children). All the rest here walks them: iteration, `state_dict`, conversion, printing. Names, orders
and error texts are torch.nn.Module's. Next: layers.py, what is built on it; functional.py, what the layers compute.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import methodcaller
from typing import Any, Self

import numpy as np

from ..autograd.graph import wrap
from ..autograd.modes import no_grad
from ..creation import empty
from ..dtypes import dtype as DType
from ..dtypes import from_numpy
from ..methods import RemovableHandle
from ..tensor import Tensor

Named = Iterator[tuple[str, Any]]
EXTRA = "_extra_state"  # the key in a state_dict of what get_extra_state returns


class Parameter(Tensor):
    """A Tensor that becomes a parameter of the Module it is assigned to. It shares the data of the tensor given."""

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        parameter = empty(0) if data is None else data.detach()
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
        parameter = super().__new__(cls, empty(0, device=device, dtype=dtype), requires_grad)
        parameter._cast(parameter._array.dtype)
        del parameter._array
        return parameter

    def __getattr__(self, name: str) -> Any:
        if name != "_array":
            raise AttributeError(f"'UninitializedParameter' object has no attribute '{name}'")
        text = "Attempted to use an uninitialized parameter. Call `forward` of the lazy module with a dummy batch to "
        raise ValueError(text + "initialize it first")

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

    def detach(self) -> Tensor:
        return self

    def is_floating_point(self) -> bool:
        return self._numpy_dtype.kind == "f"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy = memo[id(self)] = type(self)(self.requires_grad)._cast(self._numpy_dtype)
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, from_numpy(self._numpy_dtype))

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
    return named.__qualname__ if named.__module__ in (None, "builtins") else f"{named.__module__}.{named.__qualname__}"


class Module:
    """Base class of layers and models: subclass it, call `super().__init__()` first, and define `forward`.

    `training` (True until `eval()`) is what Dropout and BatchNorm look at.
    """

    _version = 1  # of what state_dict holds
    _shown = ""  # attributes that are printed: "size", or "size=" with the name, or "size?=" if it is not None or False

    def __init__(self) -> None:
        self.__dict__.update(
            training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(), _modules={},
            _forward_pre_hooks={}, _forward_hooks={},
        )  # fmt: skip

    # ---- calling

    def forward(self, *input: Any, **kwargs: Any) -> Any:
        """What the module computes: every subclass defines it. Call the module itself, so that its hooks run too."""
        raise NotImplementedError(f'Module [{self._get_name()}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._forward_hooks and not self._forward_pre_hooks:
            return self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            changed = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if changed is None:
                continue
            if not with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                text = "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                raise RuntimeError(f"{text}{changed}.")
        result = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            result = result if changed is None else changed
        return result

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns, unless None, replaces the arguments.

        With `with_kwargs` it is called, and may return, (module,) args, kwargs.
        """
        return RemovableHandle(self._forward_pre_hooks, (hook, with_kwargs))

    def register_forward_hook(self, hook: Callable[..., Any], *, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns, unless None, replaces the output.

        With `with_kwargs` it is called `hook(module, args, kwargs, output)`.
        """
        return RemovableHandle(self._forward_hooks, (hook, with_kwargs))

    # ---- attributes: parameters, buffers and modules are filed in their tables

    def __getattr__(self, name: str) -> Any:  # only called when the usual lookup has failed
        own = self.__dict__
        for table in ("_parameters", "_modules", "_buffers"):
            if table in own and name in own[table]:
                return own[table][name]
        raise AttributeError(f"'{self._get_name()}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Module):
            self._register("_parameters" if isinstance(value, Parameter) else "_modules", name, value, replace=True)
            return
        for table, (_, what, wanted) in _TABLES.items():
            if name in self.__dict__.get(table, ()):
                if value is not None and not (table == "_buffers" and isinstance(value, Tensor)):
                    wanted = wanted.replace("torch ", "torch.nn.Buffer, torch.")
                    what = what.replace("module", "child module")
                    raise TypeError(f"cannot assign '{typename(value)}' as {what} '{name}' ({wanted} or None expected)")
                self.__dict__[table][name] = value
                return
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            super().__delattr__(name)

    def _forget(self, name: str) -> bool:
        """Remove a name from the module's tables and attributes; False if none had it."""
        self._non_persistent_buffers_set.discard(name)
        tables = [self.__dict__, *[self.__dict__[table] for table in _TABLES]]
        return any([table.pop(name, self) is not self for table in tables])

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def _register(self, table: str, name: str, value: Any, replace: bool = False) -> None:
        kind, what, wanted = _TABLES[table]
        if table not in self.__dict__:
            plural = "parameters" if replace and what == "parameter" else what
            raise AttributeError(f"cannot assign {plural} before Module.__init__() call")
        own = self.__dict__[table]
        if not isinstance(value, kind | None):
            if what == "module":
                raise TypeError(f"{typename(value)} is not a Module subclass")
            raise TypeError(f"cannot assign '{typename(value)}' object to {what} '{name}' ({wanted} or None required)")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f"{what} name can't contain \".\"" + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in own and replace:
            self._forget(name)
        elif name not in own and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        own[name] = value

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

    register_module = add_module

    # ---- walking the tree

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True) -> Named:
        """This module (name '') and all below it, with dotted names; each once."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, _dotted(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Named:
        """The modules directly below this one; each once."""
        return self._named("_modules", "", recurse=False)

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _named(self, table: str, prefix: str, recurse: bool, unique: bool = True) -> Named:
        """What is filed in a table, with dotted names; each once, if `unique`."""
        seen = set()
        for owner, module in self.named_modules(None, prefix, unique) if recurse else [(prefix, self)]:
            for name, value in module.__dict__[table].items():
                if value is not None and id(value) not in seen:
                    if unique:
                        seen.add(id(value))
                    yield _dotted(owner, name), value

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Named:
        """All parameters with dotted names, each once, in the order of registration; if `recurse`, also those below."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Named:
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every module below this one, children first, and then on this one: `net.apply(init_weights)`."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name, as `named_modules` gives it; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else []:
            module = _member(module, name, Module, "nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name; AttributeError if there is none."""
        owner, _, name = target.rpartition(".")
        return _member(self.get_submodule(owner), name, Parameter, "nn.Parameter")

    # ---- state

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by dotted name. They share memory with the module: copy to keep them."""
        if destination is None:
            destination = OrderedDict[str, Any]()
            destination._metadata = OrderedDict()
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = {"version": self._version}
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add what this module itself has to save."""
        for name, tensor in _state(self).items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """What else to save in the state_dict: a subclass defines this and `set_extra_state`."""
        raise RuntimeError(f"{self._get_name()} has no get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        raise RuntimeError(f"{self._get_name()} has no set_extra_state")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> _IncompatibleKeys:
        """Copy the values of a state_dict into this module, or with `assign` take its tensors themselves.

        Raises RuntimeError, listing all that is wrong, when shapes differ or, if `strict`, when keys do.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys, errors = _IncompatibleKeys([], []), list[str]()
        metadata = getattr(state_dict, "_metadata", {})

        def load(module: Module, state: dict[str, Any], prefix: str) -> None:
            local = dict(metadata.get(prefix[:-1], {})) | ({"assign_to_params_buffers": True} if assign else {})
            module._load_from_state_dict(state, prefix, local, True, *keys, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = f"{prefix}{name}."
                    load(child, {key: state[key] for key in state if key.startswith(below)}, below)

        load(self, dict(state_dict), "")
        for what, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if strict and names:
                errors.insert(0, f"{what} key(s) in state_dict: " + ", ".join(f'"{n}"' for n in names) + ". ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {self._get_name()}:\n\t" + "\n\t".join(errors))
        return keys

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:  # fmt: skip
        """Load what this module itself has, and add to the lists what is wrong."""
        own = _state(self)
        for name, tensor in own.items():
            key = prefix + name
            if key not in state_dict:
                missing_keys.append(key)
            elif error := _misfit(tensor, state_dict[key], key):
                error_msgs.append(error)
            else:
                _load(self, name, state_dict[key], local_metadata.get("assign_to_params_buffers"))
        if type(self).set_extra_state is not Module.set_extra_state:
            own[EXTRA] = None
            if prefix + EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + EXTRA])
            else:
                missing_keys.append(prefix + EXTRA)
        for key in state_dict:
            first, dot, _ = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and first not in (self._modules if dot else own):
                unexpected_keys.append(key)

    # ---- modes, gradients, types

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it in training mode (what Dropout and BatchNorm look at)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
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

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert what floats, gradients too: `to(dtype)`, `to(device)` (cpu), `to(device, dtype)`, `to(tensor)`."""
        example = empty(0).to(*args, **kwargs)
        if not example.is_floating_point():
            text = "nn.Module.to only accepts floating point or complex dtypes, but got desired "
            raise TypeError(text + f"dtype={example.dtype}")
        return self._apply_to_floats(methodcaller("to", *args, **kwargs))

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace the data of all parameters and of their gradients, and all buffers, by what `fn` makes of them."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                for t in () if parameter is None else (parameter, parameter.grad):
                    changed = t if t is None else fn(t)
                    if changed is not t:
                        t.data = changed
        self._buffers.update({name: fn(buffer) for name, buffer in self._buffers.items() if buffer is not None})
        return self

    def _apply_to_floats(self, fn: Callable[[Any], Any]) -> Self:
        return self._apply(lambda t: fn(t) if t.is_floating_point() else t)

    def float(self) -> Self:
        return self._apply_to_floats(methodcaller("float"))

    def double(self) -> Self:
        return self._apply_to_floats(methodcaller("double"))

    def half(self) -> Self:
        return self._apply_to_floats(methodcaller("half"))

    def cpu(self) -> Self:
        return self._apply(methodcaller("cpu"))

    def cuda(self, device: Any = None) -> Self:
        return self.to("cuda")

    # ---- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed; a line for each item."""
        shown = []
        for name in self._shown.split():
            value = getattr(self, name.rstrip("?="))
            value = value is not None if name == "bias=" else value
            if not (name.endswith("?=") and value in (None, False)):
                text = repr(value) if isinstance(value, str) else f"{value}"
                shown.append(f"{name.rstrip('?=')}={text}" if name.endswith("=") else text)
        return ", ".join(shown)

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): " + indent(repr(module)) for name, module in self._modules.items()]
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        lines = [*(extra.split("\n") if extra else []), *children]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


# where each kind of value is kept, and how error texts call it; a plain Tensor is a buffer only if registered as one
_TABLES: dict[str, tuple[Any, str, str]] = {
    "_parameters": (Parameter, "parameter", "torch.nn.Parameter"),
    "_modules": (Module, "module", "torch.nn.Module"),
    "_buffers": (Tensor, "buffer", "torch Tensor"),
}


def _dotted(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _member(module: Module, name: str, kind: type, what: str) -> Any:
    """An attribute of a module; AttributeError unless it is of this kind."""
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    if not isinstance(getattr(module, name), kind):
        raise AttributeError(f"`{name}` is not an {what}")
    return getattr(module, name)


def _state(module: Module) -> dict[str, Any]:
    """A module's own parameters and persistent buffers."""
    own, left_out = {**module._parameters, **module._buffers}, module._non_persistent_buffers_set
    return {name: tensor for name, tensor in own.items() if tensor is not None and name not in left_out}


def _misfit(tensor: Tensor, value: Any, key: str) -> str | None:
    """The text of an error, if a tensor can't be given a saved value."""
    if not isinstance(value, Tensor):
        text = f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
        return text + f"but received {type(value)}"
    if isinstance(tensor, UninitializedParameter) or value.shape == tensor.shape or (tensor.shape, value.shape) == ((), (1,)):
        return None
    text = f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
    return text + f"the shape in current model is {tensor.shape}."


def _load(module: Module, name: str, value: Tensor, assign: Any) -> None:
    """Give a parameter or buffer its saved value, or put that in its place."""
    tensor = getattr(module, name)
    if assign:
        if isinstance(tensor, Parameter):
            value = value if isinstance(value, Parameter) else Parameter(value)
            value.requires_grad = tensor.requires_grad
        setattr(module, name, value)
        return
    if isinstance(tensor, UninitializedParameter):
        tensor.materialize(value.shape)
    with no_grad():
        tensor.copy_(value.reshape(tensor.shape))


def indent(text: str) -> str:
    """Every line but the first moved two spaces to the right."""
    return text.replace("\n", "\n  ")


def zero_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """What `zero_grad` of modules and optimizers does."""
    for parameter in parameters:
        if set_to_none:
            parameter.grad = None
        elif parameter.grad is not None:
            parameter.grad.detach_().zero_()
