"""torch.utils: data, the datasets and loaders."""

from . import data as data
