"""ONNX Runtime as this house uses it: one message at a time, on one thread, and little memory."""

from __future__ import annotations

import onnxruntime

_ONLY_ERRORS = 3


def session_of(model: bytes) -> onnxruntime.InferenceSession:
    """A session of a serialised model, which many threads may run at once."""
    options = onnxruntime.SessionOptions()
    # one message is too little work for two threads to share; texts beside each other are not
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # texts have any length: memory planned for one shape is of no use to the next
    options.enable_mem_pattern = False
    # what the longest text needed is given back: keeping it is no faster
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ONLY_ERRORS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # it keeps the model to start anew with another provider, and there is none
    session._model_bytes = None
    return session
