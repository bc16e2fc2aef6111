"""torch.nn: layers, containers, activations and losses as modules. Start with module.py."""

from . import functional as functional
from . import init as init
from . import utils as utils
from .activations import *  # noqa: F403
from .containers import *  # noqa: F403
from .layers import *  # noqa: F403
from .losses import *  # noqa: F403
from .module import Module as Module
from .module import Parameter as Parameter
from .module import UninitializedParameter as UninitializedParameter
