"""Makes transformers compute in f64 throughout.

Its models take norms, rotary angles and softmax in f32 whatever the model's type is, so a model loaded as
f64 is not one. Inside `everything_f64()` the names by which that code asks for f32 mean f64. For making
reference values only; build the model and run it inside.
"""

import contextlib

import torch


@contextlib.contextmanager
def everything_f64():
    """Within it, `torch.float32`, `torch.float` and `Tensor.float()` give f64, and so do new tensors."""
    single, to_single, default = torch.float32, torch.Tensor.float, torch.get_default_dtype()
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = lambda self, *args, **kwargs: self.to(torch.float64)
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32 = torch.float = single
        torch.Tensor.float = to_single
        torch.set_default_dtype(default)
