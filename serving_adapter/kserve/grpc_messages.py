"""The messages of the protocol over gRPC, built at run time.

Field numbers are those of ``grpc_service.proto`` (package ``inference``) of the Open Inference Protocol, and of
``model_config.proto`` of Triton for what is read of a model's configuration. Only the fields that are used are
described: what else comes is skipped. The messages live in a pool of their own, so that they clash with nobody who
has loaded the generated code of the same package. Needs protobuf 3.20 or later.
"""

from types import SimpleNamespace
from typing import Any, Dict, Tuple

_PACKAGE = "inference"

_Field = Tuple[int, str]
"""Number and type: a scalar's, or a message's name; ``*`` behind it for any number of values."""

_TENSOR: Dict[str, _Field] = {"name": (1, "string"), "datatype": (2, "string"), "shape": (3, "int64*")}

_MESSAGES: Dict[str, Dict[str, _Field]] = {
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": (1, "string"), "version": (2, "string"), "extensions": (3, "string*")},
    "TensorMetadata": _TENSOR,
    "ModelMetadataRequest": {"name": (1, "string"), "version": (2, "string")},
    "ModelMetadataResponse": {
        "name": (1, "string"),
        "inputs": (4, "TensorMetadata*"),
        "outputs": (5, "TensorMetadata*"),
    },
    "ModelConfigRequest": {"name": (1, "string"), "version": (2, "string")},
    "ModelConfig": {"name": (1, "string"), "max_batch_size": (4, "int32")},
    "ModelConfigResponse": {"config": (1, "ModelConfig")},
    "InferTensorContents": {
        "bool_contents": (1, "bool*"),
        "int_contents": (2, "int32*"),
        "int64_contents": (3, "int64*"),
        "uint_contents": (4, "uint32*"),
        "uint64_contents": (5, "uint64*"),
        "fp32_contents": (6, "float*"),
        "fp64_contents": (7, "double*"),
        "bytes_contents": (8, "bytes*"),
    },
    "InferTensor": {**_TENSOR, "contents": (5, "InferTensorContents")},
    "ModelInferRequest": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "inputs": (5, "InferTensor*"),
        "raw_input_contents": (7, "bytes*"),
    },
    "ModelInferResponse": {
        "model_name": (1, "string"),
        "outputs": (5, "InferTensor*"),
        "raw_output_contents": (6, "bytes*"),
    },
}


def build_messages() -> Any:
    """Returns the message classes by name, as the attributes of an object.

    Raises:
        ImportError: This interpreter has no protobuf.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="wattune/open_inference.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            _describe(message.field.add(name=field_name, number=number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptors = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _MESSAGES}
    if hasattr(message_factory, "GetMessageClass"):
        return SimpleNamespace(
            **{name: message_factory.GetMessageClass(descriptor) for name, descriptor in descriptors.items()}
        )
    factory: Any = message_factory.MessageFactory(pool)  # before protobuf 4.22
    return SimpleNamespace(**{name: factory.GetPrototype(descriptor) for name, descriptor in descriptors.items()})


def _describe(field: Any, kind: str) -> None:
    """Fills the description of a field; ``field`` is a ``FieldDescriptorProto``."""
    name = kind.rstrip("*")
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    if name in _MESSAGES:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{name}"
    else:
        field.type = getattr(field, f"TYPE_{name.upper()}")
