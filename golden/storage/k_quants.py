"""Makes k_quants.json.gz: rows of values, and how near llama.cpp's own encoder of each K type comes to them.

    python k_quants.py LIBLLAMA.so [SMOLLM2.gguf]

Rows of 256: normal and Laplace values, values with a large mean, normal values with outliers, and rows of
SmolLM2's `ffn_down` matrices (Q4_1, decoded). Values are rounded to f16 so that the file is small. For each type the
mean square of what is left after `ggml_quantize_chunk` without an importance matrix, decoded by the `gguf` package.
The library is the one in the wheel xllamacpp 2026.10.11549 (build 11549 of llama.cpp).
"""

import ctypes
import gzip
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "target/models/SmolLM2-135M-Instruct.Q4_1.gguf"
TYPES = [T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K]
ROWS = 48


def rows(model):
    rng = np.random.default_rng(20261125)
    normal = rng.normal(0, 0.03, (ROWS, 256))
    outliers = normal.copy()
    outliers[:, ::37] *= 8
    real = []
    for tensor in GGUFReader(model).tensors:
        if tensor.name.endswith("ffn_down.weight"):
            values = dequantize(tensor.data, tensor.tensor_type).reshape(-1, 256)
            real.append(values[rng.choice(len(values), 2, replace=False)])
    return {
        "normal": normal,
        "laplace": rng.laplace(0, 0.02, (ROWS, 256)),
        "shifted": rng.normal(0.2, 0.05, (ROWS, 256)),
        "outliers": outliers,
        "smollm2": np.concatenate(real)[:ROWS],
    }


def encode(library, kind, values):
    block, size = GGML_QUANT_SIZES[kind]
    out = np.zeros((len(values), values.shape[1] // block * size), np.uint8)
    library.ggml_quantize_init(int(kind))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    written = library.ggml_quantize_chunk(
        ctypes.c_int(int(kind)), values.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(0), ctypes.c_int64(len(values)), ctypes.c_int64(values.shape[1]), None,
    )  # fmt: skip
    assert written == out.size
    return out


def main():
    library = ctypes.CDLL(sys.argv[1])
    out = {
        "made_by": "golden/storage/k_quants.py",
        "versions": {name: version(name) for name in ("gguf", "numpy", "xllamacpp")},
        "cases": {},
    }
    for name, values in rows(sys.argv[2] if len(sys.argv) > 2 else MODEL).items():
        values = values.astype(np.float16)
        wide = np.ascontiguousarray(values, np.float32)
        errors = {}
        for kind in TYPES:
            decoded = dequantize(encode(library, kind, wide), kind)
            errors[kind.name] = float(np.mean((decoded.astype(np.float64) - wide) ** 2))
        out["cases"][name] = {"f16": values.tobytes().hex(), "mean_square": errors}
        print(name, errors)
    with gzip.GzipFile(HERE / "k_quants.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(out).encode())


if __name__ == "__main__":
    main()
