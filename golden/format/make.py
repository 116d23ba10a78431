"""Makes the small files that the tests of grimoire-format read, with the packages that define the
formats: tiny.gguf (every value type, tensors of several types), tiny.safetensors, and what those
packages read back from them (expected.json).

Made with Python 3.11, gguf 0.19.0 and the versions recorded in expected.json.
Run: python make.py   (writes beside itself)
"""

import json
import pathlib
from importlib.metadata import version

import numpy as np
import safetensors.numpy
from gguf import GGUFReader, GGUFValueType as V, GGUFWriter
from gguf.constants import GGMLQuantizationType as T
from gguf.quants import quantize

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)

writer = GGUFWriter(here / "tiny.gguf", "llama")
for name, ty, value in [
    ("t.u8", V.UINT8, 250), ("t.i8", V.INT8, -100), ("t.u16", V.UINT16, 65000),
    ("t.i16", V.INT16, -30000), ("t.u32", V.UINT32, 4000000000), ("t.i32", V.INT32, -2000000000),
    ("t.u64", V.UINT64, 2**63 + 5), ("t.i64", V.INT64, -(2**62)), ("t.f32", V.FLOAT32, 0.1),
    ("t.f64", V.FLOAT64, 0.1), ("t.bool", V.BOOL, True), ("t.string", V.STRING, "grün ✓"),
    ("t.empty", V.STRING, ""),
]:
    writer.add_key_value(name, value, ty)
writer.add_array("t.strings", ["a", "", "Ġthe", "▁x"])
writer.add_array("t.i32s", [1, -2, 3])
writer.add_array("t.f32s", [0.5, -1.25])
writer.add_array("t.bools", [True, False])
weights = {
    "blk.0.attn_q.weight": (rng.normal(size=(4, 64)).astype(np.float32), T.Q4_1),
    "blk.0.attn_norm.weight": (rng.normal(size=(64,)).astype(np.float32), T.F32),
    "blk.0.ffn_up.weight": (rng.normal(size=(3, 32)).astype(np.float32), T.Q8_0),
    "token_embd.weight": (rng.normal(size=(2, 3, 5)).astype(np.float32), T.F16),
}
for name, (data, ty) in weights.items():
    writer.add_tensor(name, quantize(data, ty), raw_dtype=ty)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

reader = GGUFReader(here / "tiny.gguf")
expected = {
    "versions": {p: version(p) for p in ("gguf", "numpy", "safetensors")},
    "gguf": {
        t.name: {
            "dtype": t.tensor_type.name,
            "shape": [int(d) for d in reversed(t.shape)],
            "offset": int(t.data_offset),
            "bytes": bytes(t.data.tobytes()).hex(),
        }
        for t in reader.tensors
    },
}

arrays = {
    "b.f16": rng.normal(size=(2, 3)).astype(np.float16),
    "a.f32": rng.normal(size=(5,)).astype(np.float32),
    "ids": np.arange(4, dtype=np.int64),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
}
safetensors.numpy.save_file(arrays, here / "tiny.safetensors", {"format": "pt", "note": "tiny"})
expected["safetensors"] = {
    name: {"dtype": str(a.dtype), "shape": list(a.shape), "bytes": a.tobytes().hex()}
    for name, a in safetensors.numpy.load_file(here / "tiny.safetensors").items()
}
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
