"""torch.backends, as far as scripts set it to be reproducible: its switches change nothing here."""

from types import SimpleNamespace

cudnn = SimpleNamespace(deterministic=False, benchmark=False, enabled=True, is_available=lambda: False)
mps = SimpleNamespace(is_available=lambda: False)
