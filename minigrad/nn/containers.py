"""Containers: modules that hold modules (Sequential, ModuleList, ModuleDict) or parameters (ParameterList and -Dict).

A list's entries are children named '0', '1', ..., so that they appear in `parameters()` and `state_dict()`.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, Self

from ..tensor import Tensor
from .module import Module, Parameter, indent, typename

__all__ = ["Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]


class _List(Module):
    """A list whose entries are the attributes '0', '1', ..."""

    _size = 0

    def _name(self, index: Any) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index % len(self))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, str(i)) for i in range(len(self))])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)().extend(list(self)[index])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name(index), value)

    def append(self, value: Any) -> Self:
        self._size = len(self) + 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            name = type(self).__name__
            raise TypeError(f"{name}.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def __add__(self, other: Iterable[Any]) -> Self:
        combined = type(self)()
        return combined.extend(self).extend(other)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class _Modules(_List):
    """A list of modules. All names are kept in `_modules`, in order, also ones that are not numbers."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def _name(self, index: Any) -> str:
        return list(self._modules)[int(super()._name(index))]

    def append(self, module: Module) -> Self:
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the index; those after it move up by one."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def __delitem__(self, index: Any) -> None:
        gone = list(self._modules)[index] if isinstance(index, slice) else [self._name(index)]
        self._renumber([module for name, module in self._modules.items() if name not in gone])

    def pop(self, index: Any) -> Any:
        module = self[index]
        del self[index]
        return module

    def _renumber(self, modules: list[Module | None]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}


class Sequential(_Modules):
    """Modules applied one after the other: `Sequential(Linear(2, 8), ReLU(), Linear(8, 1))`, or an OrderedDict."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def __add__(self, other: Any) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return super().__add__(other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__


class ModuleList(_Modules):
    """A list of modules; how they are used is written in the owner's `forward`."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __repr__(self) -> str:
        """As for other modules, but equal neighbours are shown once: '(0-2): 3 x Linear(...)'."""
        groups: list[tuple[int, int, str]] = []
        for i, text in enumerate(map(repr, self)):
            start = groups.pop()[0] if groups and groups[-1][2] == text else i
            groups.append((start, i, text))
        lines = [f"({i}): {text}" if i == j else f"({i}-{j}): {j - i + 1} x {text}" for i, j, text in groups]
        return f"{self._get_name()}(" + "".join("\n  " + indent(line) for line in lines) + ("\n)" if lines else ")")


class ParameterList(_List):
    """A list of Parameters; tensors are made Parameters, other values are kept as they are."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        if values is not None:
            self.extend(values)

    def __setitem__(self, index: int, value: Any) -> None:
        super().__setitem__(index, _as_parameter(value))

    def extra_repr(self) -> str:
        return "\n".join(_describe(i, value, lambda t: str(t.dtype)) for i, value in enumerate(self))


class _Dict(Module, MutableMapping[str, Any]):
    """A dict that is a module: compared by identity, as modules are."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, entries: Any = None) -> None:
        super().__init__()
        if entries is not None:
            self.update(entries)

    def _entries(self) -> dict[str, Any]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._entries())

    def __getitem__(self, key: str) -> Any:
        return self._entries()[key]

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("the dict is empty")


class ModuleDict(_Dict):
    """A dict of modules; how they are used is written in the owner's `forward`."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__(modules)

    def _entries(self) -> dict[str, Any]:
        return self._modules

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]


class ParameterDict(_Dict):
    """A dict of Parameters; tensors are made Parameters, other values are kept as they are."""

    def __init__(self, parameters: Any = None) -> None:
        self._keys: dict[str, None] = {}
        super().__init__(parameters)

    def _entries(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in self._keys}

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                f"'{type(key).__name__}')."
            )
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def copy(self) -> ParameterDict:
        return ParameterDict(self)

    def extra_repr(self) -> str:
        return "\n".join(_describe(key, value, typename) for key, value in self.items())


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _describe(name: Any, value: Any, dtype: Callable[[Tensor], str]) -> str:
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({name}): {kind} containing: [{dtype(value)} of size {'x'.join(map(str, value.shape))}]"
