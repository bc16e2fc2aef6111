"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`, anomaly detection.

Each thread has its own switch, which starts on. All are context managers and decorators. Next: graph.py, which asks
`is_grad_enabled()` before it records an operation.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar
from copy import copy
from typing import Any

_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)  # a new thread starts with the default
_inference: ContextVar[bool] = ContextVar("inference_mode", default=False)

is_grad_enabled = _enabled.get  # True if operations of this thread are recorded now
is_inference_mode_enabled = _inference.get


class _Switch:
    """Sets a mode inside a `with` block or a decorated function, and restores it after it."""

    def __call__(self: Any, function: Any) -> Any:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with copy(self):
                return function(*args, **kwargs)

        @functools.wraps(function)
        def resumed(*args: Any, **kwargs: Any) -> Any:  # a generator gets the mode each time it goes on, and no one else
            body = function(*args, **kwargs)
            resume, value = body.send, None
            while True:
                try:
                    with copy(self):
                        item = resume(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    resume, value = body.send, (yield item)
                except BaseException as error:
                    resume, value = body.throw, error

        return resumed if inspect.isgeneratorfunction(function) else inside


class recording(_Switch):
    """Recording on or off inside a `with` block: what the backward walk uses."""

    def __init__(self, to: bool) -> None:
        self._to = to

    def __enter__(self) -> None:
        self._before = _enabled.get()
        _enabled.set(self._to and not _inference.get())  # inference mode records nothing, whatever is asked inside it

    def __exit__(self, *exception: object) -> None:
        _enabled.set(self._before)


class no_grad(recording):
    """Nothing is recorded inside: `with no_grad():`, `@no_grad()` or `@no_grad`."""

    _to = False

    def __new__(cls, function: Any = None) -> Any:
        return object.__new__(cls) if function is None else cls()(function)

    def __init__(self, function: Any = None) -> None:
        pass


class enable_grad(no_grad):
    """Operations are recorded inside, also within `no_grad`."""

    _to = True


class set_grad_enabled(recording):
    """Turns recording on or off at once; as a context manager, until the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        super().__enter__()

    def __enter__(self) -> None:
        _enabled.set(self._to and not _inference.get())

    def __call__(self, function: Any) -> Any:
        self.__exit__()  # as a decorator it changes nothing now
        return recording(self._to)(function)


class inference_mode(_Switch):
    """As `no_grad`, and `enable_grad` inside changes nothing. Results are ordinary tensors: torch's inference tensors are not here."""

    def __new__(cls, mode: Any = True) -> Any:
        return cls()(mode) if callable(mode) else object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self._mode = mode

    def __enter__(self) -> None:
        self._before = _enabled.get(), _inference.get()
        _enabled.set(not self._mode)
        _inference.set(self._mode)

    def __exit__(self, *exception: object) -> None:
        _enabled.set(self._before[0])
        _inference.set(self._before[1])


class _Anomaly:
    enabled = False  # remember where each operation was recorded
    check_nan = True  # and refuse nan gradients


anomaly = _Anomaly()  # one for all threads, as in torch


class set_detect_anomaly:
    """Anomaly detection on or off: backward refuses a nan gradient and names the line that recorded its operation."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = anomaly.enabled, anomaly.check_nan
        anomaly.enabled, anomaly.check_nan = bool(mode), bool(check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        anomaly.enabled, anomaly.check_nan = self._before


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly(True)` for a block."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
