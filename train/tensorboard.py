"""Logs for TensorBoard."""

import numpy as np

from ..layers._symbol import closed, on_sizes
from ..layers._tape import Tensor, no_grad
from .mode import mode


def SummaryWriter(*args, **kwargs):  # noqa: N802, it stands for a class
    """tensorboardX's SummaryWriter, the one of PyTorch: `add_scalar(name, value, step)`, `close()` and so on.

    Raises ImportError if the extra `tensorboard` is not installed.
    """
    try:
        import tensorboardX
    except ImportError:
        raise ImportError("SummaryWriter needs tensorboardX: pip install 'tilewright[tensorboard]'") from None
    return tensorboardX.SummaryWriter(*args, **kwargs)


def add_graph(writer, model):
    """Write the layers of a built model and what goes from which to which; nothing of one that is not built."""
    nodes = graph(model)
    if not nodes:
        return
    from tensorboardX.proto.attr_value_pb2 import AttrValue
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef
    from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboardX.proto.versions_pb2 import VersionDef

    def node(name, kind, sources, shapes):
        sizes = [
            TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if size is None else size) for size in shape])
            for shape in shapes
        ]
        attributes = {"_output_shapes": AttrValue(list=AttrValue.ListValue(shape=sizes))}
        return NodeDef(name=name, op=kind, input=sources, attr=attributes)

    definition = GraphDef(node=[node(*one) for one in nodes], versions=VersionDef(producer=22))
    writer.file_writer.add_event(Event(graph_def=definition.SerializeToString()))


def graph(model):
    """[(name, class, names of what goes in, output shapes)] of inputs and layers, in the order of their first call.

    Found by running the model on zeros: a layer's input is the very array that another one gave. [] for a model whose
    input shape is not known.
    """
    shapes = model.input_shapes
    return [] if shapes is None else on_sizes(lambda size: _graph(model, shapes, size), shapes)


def _graph(model, shapes, size):
    """See `graph`, with a size for those that are left open."""
    from .watching import watched

    several, dtypes = len(shapes) > 1, getattr(model, "input_dtypes", [model.input_dtype] * len(shapes))
    arrays = [np.zeros((1, *closed(shape[1:], size)), dtype or np.int64) for shape, dtype in zip(shapes, dtypes)]
    names = getattr(model, "input_names", None) or [f"input_{i}" if several else "input" for i in range(len(arrays))]
    made_by, nodes, kept = {}, {}, list(arrays)  # arrays are kept so that no other one gets the place of one
    for i, x in enumerate(arrays):
        name = names[i]
        made_by[id(x)] = name
        nodes[name] = ("Input", [], [(None, *x.shape[1:])])

    def after_forward(path, layer, inputs, outputs):
        name = path.replace(".", "/")
        sources = [made_by[id(x)] for x in inputs if id(x) in made_by]
        kind, before, shapes = nodes.get(name, (type(layer).__name__, [], [(None, *y.shape[1:]) for y in outputs]))
        nodes[name] = kind, [*before, *(source for source in sources if source not in (*before, name))], shapes
        for y in outputs:
            made_by[id(y)] = name
            kept.append(y)

    def after_call(path, block, outputs):
        """What a block makes of its layers' results by arithmetic comes from those whose results no other one took."""
        name = path.replace(".", "/")
        inner = [one for one in nodes if one.startswith(f"{name}/")]
        taken = {source for one in inner for source in nodes[one][1]}
        shapes = [(None, *y.shape[1:]) for y in outputs]
        nodes[f"{name}/output"] = type(block).__name__, [one for one in inner if one not in taken], shapes
        for y in outputs:
            made_by[id(y)] = f"{name}/output"
            kept.append(y)

    with watched(model, after_forward, after_call=after_call), mode(model, False), no_grad():
        tensors = [Tensor(x) for x in arrays]
        model(tensors) if several else model(*tensors)
    return [(name, *node) for name, node in nodes.items()]
