"""The table that `Model.summary` prints."""


def table(model):
    """Layers by path with their class, output shape and number of parameters, and the totals."""
    rows = [("Layer (type)", "Output shape", "Params")]
    for path, layer in model.named_layers().items():
        count = sum(p.value.size for p in layer.parameters())
        rows.append((f"{path} ({type(layer).__name__})", str(layer.output_shape), f"{count:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{name:<{widths[0]}}   {shape:<{widths[1]}}   {count:>{widths[2]}}" for name, shape, count in rows]
    rule = "-" * len(lines[0])
    parameters = model.parameters()
    total = sum(p.value.size for p in parameters)
    trainable = sum(p.value.size for p in parameters if p.trainable)
    size = sum(p.value.nbytes for p in parameters)
    return "\n".join(
        [
            f"Model: {model.name or type(model).__name__}",
            rule,
            lines[0],
            rule,
            *lines[1:],
            rule,
            f"Total params: {total:,} ({_bytes(size)})",
            f"Trainable params: {trainable:,}",
            f"Non-trainable params: {total - trainable:,}",
        ]
    )


def _bytes(size):
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"
