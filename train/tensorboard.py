"""Logs for TensorBoard."""


def SummaryWriter(*args, **kwargs):  # noqa: N802, it stands for a class
    """tensorboardX's SummaryWriter, the one of PyTorch: `add_scalar(name, value, step)`, `close()` and so on.

    Raises ImportError if the extra `tensorboard` is not installed.
    """
    try:
        import tensorboardX
    except ImportError:
        raise ImportError("SummaryWriter needs tensorboardX: pip install 'tilewright[tensorboard]'") from None
    return tensorboardX.SummaryWriter(*args, **kwargs)
