"""Containers: modules that hold modules (Sequential, ModuleList, ModuleDict) or parameters (ParameterList and -Dict).

An entry is an attribute of the container, so that it appears in `parameters()` and `state_dict()`: '0', '1', ... of a list.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from ..tensor import Tensor
from .module import Module, Parameter, indent, typename

__all__ = ["Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]


class _Container(Module):
    """A module whose entries are modules, unless a subclass says otherwise."""

    def _entries(self) -> dict[str, Any]:
        """By name, in order."""
        return self._modules

    def _put(self, name: str, value: Any) -> None:
        self.add_module(name, value)

    def _remove(self, name: str) -> None:
        del self._modules[name]

    def __len__(self) -> int:
        return len(self._entries())


class _Parameters(_Container):
    """A container of parameters; tensors are made Parameters, other values are kept as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, None] = {}

    def _entries(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._names}

    def _put(self, name: str, value: Any) -> None:
        setattr(self, name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value)
        self._names[name] = None

    def _remove(self, name: str) -> None:
        del self._names[name]
        delattr(self, name)

    def extra_repr(self) -> str:
        lines = []
        for name, value in self._entries().items():
            if isinstance(value, Tensor):
                kind = typename(value) if isinstance(self, ParameterDict) else value.dtype
                lines.append(f"  ({name}): Parameter containing: [{kind} of size {'x'.join(map(str, value.shape))}]")
            else:
                lines.append(f"  ({name}): Object of type: {type(value).__name__}")
        return "\n".join(lines)


class _List(_Container):
    """A list; its entries are named '0', '1', ..."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries().values())

    def _name(self, index: Any) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._entries())[index]

    def __getitem__(self, index: Any) -> Any:
        return type(self)().extend(list(self)[index]) if isinstance(index, slice) else self._entries()[self._name(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name(index), value)

    def __delitem__(self, index: Any) -> None:
        values = list(self)
        del values[index]
        self._refill(values)

    def _refill(self, values: list[Any]) -> Self:
        for name in list(self._entries()):
            self._remove(name)
        return self.extend(values)

    def append(self, value: Any) -> Self:
        self._put(str(len(self)), value)
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
        return type(self)().extend(self).extend(other)

    def insert(self, index: int, value: Any) -> Self:
        """Put an entry before the index; those after it move up by one."""
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        values = list(self.append(value))
        values.insert(index, values.pop())
        return self._refill(values)

    def pop(self, index: Any) -> Any:
        value = self[index]
        del self[index]
        return value


class Sequential(_List):
    """Modules applied one after the other: `Sequential(Linear(2, 8), ReLU(), Linear(8, 1))`, or an OrderedDict."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


class ModuleList(_List):
    """A list of modules; how they are used is written in the owner's `forward`."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or [])

    def __repr__(self) -> str:
        """As for other modules, but equal neighbours are shown once: '(0-2): 3 x Linear(...)'."""
        lines, start = [], 0
        for text, equal in itertools.groupby(map(repr, self)):
            end = start + len(list(equal)) - 1
            lines.append(f"({start}): {text}" if start == end else f"({start}-{end}): {end - start + 1} x {text}")
            start = end + 1
        return f"{self._get_name()}(" + "".join("\n  " + indent(line) for line in lines) + ("\n)" if lines else ")")


class ParameterList(_Parameters, _List):
    """A list of Parameters; tensors are made Parameters, other values are kept as they are."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend([] if values is None else values)


class _Dict(_Container, MutableMapping[str, Any]):
    """A dict; compared by identity, as modules are."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __getitem__(self, key: str) -> Any:
        return self._entries()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self._remove(key)

    def popitem(self) -> tuple[str, Any]:
        key, value = dict(self).popitem()
        del self[key]
        return key, value


class ModuleDict(_Dict):
    """A dict of modules; how they are used is written in the owner's `forward`."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update(modules or {})

class ParameterDict(_Parameters, _Dict):
    """A dict of Parameters; tensors are made Parameters, other values are kept as they are."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def update(self, parameters: Any) -> None:  # type: ignore[override]
        """Take the entries of another mapping; those of a plain dict sorted by key, as torch does."""
        plain = isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict | ParameterDict)
        super().update(sorted(parameters.items()) if plain else parameters)
