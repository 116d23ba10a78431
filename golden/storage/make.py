"""Makes blocks.json.gz: random and extreme blocks of every storage type with the values that the
`gguf` package decodes them to, and random rows with the bytes that it encodes them to.

Made with Python 3.11, gguf 0.19.0 and the NumPy version recorded in the file.
Run: python make.py   (writes blocks.json.gz beside itself)
"""

import gzip
import json
import pathlib
from importlib.metadata import version

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

TYPES = [T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q2_K, T.Q3_K, T.Q4_K,
         T.Q5_K, T.Q6_K, T.IQ4_NL, T.IQ4_XS, T.MXFP4]
# Where the f16 scales of a block lie.
SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82],
          T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0]}
# Zero, minus zero, smallest and largest subnormal, smallest normal, largest, both infinities.
EDGES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00]
rng = np.random.default_rng(20261123)


def blocks_of(ty):
    values, size = GGML_QUANT_SIZES[ty]
    if values == 1:
        return rng.integers(0, 256, (1, 1024 * size), dtype=np.uint8)
    n_random = 24 if values == 32 else 6
    blocks = rng.integers(0, 256, (n_random + len(EDGES), size), dtype=np.uint8)
    for row in range(n_random):  # scales of the usual size in half of the random blocks
        if row % 2 == 0:
            for at in SCALES.get(ty, []):
                blocks[row, at:at + 2] = np.array([rng.normal(0, 0.02)], np.float16).view(np.uint8)
    for row, edge in enumerate(EDGES):
        for place, at in enumerate(SCALES.get(ty, [])):
            other = EDGES[(row + 3 * place) % len(EDGES)]
            blocks[n_random + row, at:at + 2] = np.array([other], np.uint16).view(np.uint8)
        if ty == T.MXFP4:
            blocks[n_random + row, 0] = [0, 1, 2, 3, 127, 128, 253, 255][row]
    return blocks


def rows_of():
    rows = [rng.normal(0, scale, 32) for scale in (1, 0.02, 1e-3, 30, 3e-5) for _ in range(6)]
    rows += [rng.integers(-8, 8, 32) * 0.125 for _ in range(4)]  # many ties
    rows += [rng.integers(-127, 128, 32) * 0.5 for _ in range(4)]
    rows += [np.zeros(32), np.full(32, 0.75), np.full(32, -0.75), np.full(32, 5e5), np.full(32, 1e-7)]
    rows += [np.linspace(-1, 1, 32), np.linspace(0, 2e-6, 32), np.eye(1, 32, 5)[0], -np.eye(1, 32, 9)[0]]
    return np.array(rows, np.float32)


out = {"versions": {p: version(p) for p in ("gguf", "numpy")}, "sizes": {}, "decode": {}, "encode": {}}
with np.errstate(all="ignore"):
    for ty in TYPES:
        length, size = GGML_QUANT_SIZES[ty]
        out["sizes"][ty.name] = {"code": int(ty), "block_len": length, "block_bytes": size}
        blocks = blocks_of(ty)
        values = np.ascontiguousarray(dequantize(blocks, ty), np.float32)
        out["decode"][ty.name] = {"bytes": blocks.tobytes().hex(), "values": values.tobytes().hex()}
    rows = rows_of()
    for ty in (T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1):
        data = np.ascontiguousarray(quantize(rows, ty))
        out["encode"][ty.name] = {"values": rows.tobytes().hex(), "bytes": data.tobytes().hex()}

text = json.dumps(out).encode()
here = pathlib.Path(__file__).parent
(here / "blocks.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
