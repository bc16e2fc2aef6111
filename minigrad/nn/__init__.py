"""torch.nn: layers, containers, activations and losses as modules. Start with module.py."""

from . import functional, init, utils
from .activations import *  # noqa: F403
from .containers import *  # noqa: F403
from .layers import *  # noqa: F403
from .losses import *  # noqa: F403
from .module import Module, Parameter, UninitializedParameter
