"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`, anomaly detection.

Each thread has its own switch, which starts on. All are context managers and decorators. Next: graph.py, which asks
`mode.enabled` before it records an operation.
"""

from __future__ import annotations

import functools
import threading
from typing import Any


class _Mode(threading.local):
    enabled = True  # record operations on tensors that require grad
    inference = False


class _Anomaly:
    enabled = False  # remember where each operation was recorded
    check_nan = True  # and refuse nan gradients


mode = _Mode()
anomaly = _Anomaly()  # one for all threads, as in torch


def is_grad_enabled() -> bool:
    """True if operations of this thread are recorded now."""
    return mode.enabled


def is_inference_mode_enabled() -> bool:
    return mode.inference


class _Switch:
    """Sets some modes inside a `with` block or a decorated function, and restores them after it."""

    _target: Any = mode

    def __init__(self, **wanted: bool) -> None:
        self._wanted = wanted
        self._before: list[dict[str, bool]] = []

    def __enter__(self) -> None:
        self._before.append({name: getattr(self._target, name) for name in self._wanted})
        self._set(self._wanted)

    def __exit__(self, *exception: object) -> None:
        self._set(self._before.pop())

    def _set(self, values: dict[str, bool]) -> None:
        for name, value in values.items():
            setattr(self._target, name, value)

    def __call__(self, function: Any) -> Any:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            self.__enter__()
            try:
                return function(*args, **kwargs)
            finally:
                self.__exit__()

        return inside


class no_grad(_Switch):
    """Nothing is recorded inside: `with no_grad():`, `@no_grad()` or `@no_grad`."""

    _enabled = False

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(enabled=self._enabled)


class enable_grad(no_grad):
    """Operations are recorded inside, also within `no_grad`."""

    _enabled = True


class set_grad_enabled(_Switch):
    """Turns recording on or off at once; as a context manager, until the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(enabled=bool(mode))
        self.__enter__()

    def __enter__(self) -> None:
        if not self._before:
            super().__enter__()

    def __call__(self, function: Any) -> Any:
        self.__exit__()
        return _Switch(**self._wanted)(function)


class inference_mode(_Switch):
    """As `no_grad`; results are inference tensors, which can't require grad later."""

    def __new__(cls, mode: Any = True) -> Any:
        return cls()(mode) if callable(mode) else super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(**{"enabled": False, "inference": True} if mode else {"enabled": True, "inference": False})


class set_detect_anomaly(set_grad_enabled):
    """Anomaly detection on or off: backward refuses a nan gradient and names the line that recorded its operation."""

    _target = anomaly

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        _Switch.__init__(self, enabled=bool(mode), check_nan=bool(check_nan))
        self.__enter__()


class detect_anomaly(_Switch):
    """`set_detect_anomaly(True)` for a block."""

    _target = anomaly

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(enabled=True, check_nan=check_nan)
