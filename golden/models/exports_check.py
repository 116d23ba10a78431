"""Loads models that this project wrote with transformers and llama.cpp, and compares logits and token ids with ours.

Run: python exports_check.py OUT_DIR LIBLLAMA.so [--record]; OUT_DIR is written by
`cargo run --release -p grimoire-models --example write_exports -- OUT_DIR [MODEL...]`.

A folder is loaded as everybody loads one (`AutoModelForCausalLM`, `AutoTokenizer`, f32, eager attention); no tensor
may be missing or left over. A GGUF file is read by llama.cpp itself (build 11549, in the wheel xllamacpp
2026.10.11549), which must accept it and give the same logits to what its f16 products of attention allow, and its
tensors by the `gguf` package. `--record` writes the result with versions to `exports_check.json`.
"""

import argparse
import ctypes
import datetime
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import transformers
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
# The bound of the issue for transformers in f32. llama.cpp keeps keys and values in f16 here, 2^-11 of them, so it
# is compared by the size of its logits.
BOUND, LOOSE = 1e-4, 2e-2


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@torch.no_grad()
def folder(path, case):
    model, info = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    assert set(info["missing_keys"]) <= tied and not info["unexpected_keys"], (path, info)
    ours = torch.tensor(case["logits"]).view(len(case["ids"]), -1)
    off = (model(torch.tensor([case["ids"]])).logits[0] - ours).abs().max().item()
    assert off <= BOUND, (path, off)
    result = {"read_by": "transformers", "model_type": model.config.model_type, "largest_difference": off}
    if case["texts"]:
        tokenizer = AutoTokenizer.from_pretrained(path)
        for row in case["texts"]:
            ids = tokenizer(row["text"], add_special_tokens=False).input_ids
            assert ids == row["ids"], (path, row["text"], ids, row["ids"])
        result |= {"texts_with_the_same_ids": len(case["texts"]), "chat_template": bool(tokenizer.chat_template)}
    return result | {"sha256": digest(path / "model.safetensors")}


class Batch(ctypes.Structure):
    """llama_batch."""

    _fields_ = [("n", ctypes.c_int32)] + [
        (name, ctypes.c_void_p) for name in ("token", "embd", "pos", "n_seq_id", "seq_id", "logits")
    ]


class Params(ctypes.Structure):
    """Room for llama_model_params and llama_context_params of that build, filled by the library."""

    _fields_ = [("bytes", ctypes.c_char * 512)]


class Llama:
    """llama.cpp, as far as logits of one sequence need it."""

    def __init__(self, library):
        self.lib = lib = ctypes.CDLL(library)
        lib.llama_backend_init()
        self.silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
        lib.llama_log_set(self.silent, None)
        for name in ("llama_model_default_params", "llama_context_default_params"):
            getattr(lib, name).restype = Params
        lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Params]
        lib.llama_init_from_model.argtypes = [ctypes.c_void_p, Params]
        lib.llama_model_load_from_file.restype = lib.llama_init_from_model.restype = ctypes.c_void_p
        lib.llama_model_get_vocab.restype = lib.llama_get_logits_ith.restype = ctypes.c_void_p
        lib.llama_batch_init.restype = Batch
        lib.llama_decode.argtypes = [ctypes.c_void_p, Batch]
        lib.llama_get_logits_ith.argtypes = [ctypes.c_void_p, ctypes.c_int32]
        lib.llama_tokenize.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_bool, ctypes.c_bool
        ]  # fmt: skip

    def open(self, path):
        """The model of a file and a context for it."""
        lib = self.lib
        model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        assert model, f"llama.cpp does not load {path}"
        return model, lib.llama_init_from_model(model, lib.llama_context_default_params())

    def close(self, model, context):
        self.lib.llama_free(ctypes.c_void_p(context))
        self.lib.llama_model_free(ctypes.c_void_p(model))

    def logits(self, context, ids, width):
        """Logits at every position of a sequence that begins here, [position, vocabulary]."""
        lib = self.lib
        batch = lib.llama_batch_init(len(ids), 0, 1)
        batch.n = len(ids)
        for at, token in enumerate(ids):
            ctypes.cast(batch.token, ctypes.POINTER(ctypes.c_int32))[at] = token
            ctypes.cast(batch.pos, ctypes.POINTER(ctypes.c_int32))[at] = at
            ctypes.cast(batch.n_seq_id, ctypes.POINTER(ctypes.c_int32))[at] = 1
            ctypes.cast(batch.seq_id, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)))[at][0] = 0
            ctypes.cast(batch.logits, ctypes.POINTER(ctypes.c_int8))[at] = 1
        assert lib.llama_decode(context, batch) == 0
        rows = [
            np.ctypeslib.as_array(ctypes.cast(lib.llama_get_logits_ith(context, at), ctypes.POINTER(ctypes.c_float)), (width,))
            for at in range(len(ids))
        ]  # fmt: skip
        return np.stack(rows)

    def check(self, path, case):
        lib, ids = self.lib, case["ids"]
        model, context = self.open(path)
        ours = np.array(case["logits"], np.float32).reshape(len(ids), -1)
        off = np.abs(self.logits(context, ids, ours.shape[1]) - ours).max() / np.abs(ours).max()
        vocab = ctypes.c_void_p(lib.llama_model_get_vocab(ctypes.c_void_p(model)))
        for row in case["texts"]:
            text, found = row["text"].encode(), (ctypes.c_int32 * 512)()
            n = lib.llama_tokenize(vocab, text, len(text), found, 512, False, True)
            assert list(found[:n]) == row["ids"], (path, row["text"], list(found[:n]), row["ids"])
        self.close(model, context)
        return off, len(case["texts"])


def file(path, case, llama):
    reader = GGUFReader(path)
    if not case["texts"]:
        # llama.cpp loads no file without a tokenizer, and these folders have none.
        return {"read_by": "gguf", "tensors": len(reader.tensors), "sha256": digest(path)}
    off, texts = llama.check(path, case)
    assert off <= LOOSE, (path, off)
    result = {"read_by": "llama.cpp", "tensors": len(reader.tensors), "largest_difference_relative": float(off)}
    if texts:
        result["texts_with_the_same_ids"] = texts
    return result | {"sha256": digest(path)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("library")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    llama = Llama(options.library)
    results = {}
    for case in json.loads((options.out / "expected.json").read_text()):
        path = Path(case["path"])
        results[path.name] = folder(path, case) if path.is_dir() else file(path, case, llama)
        print(path.name, {k: v for k, v in results[path.name].items() if k != "sha256"}, flush=True)
    names = ("torch", "transformers", "tokenizers", "gguf", "xllamacpp", "numpy")
    out = {
        "made_by": "golden/models/exports_check.py",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "versions": {name: version(name) for name in names},
        "bound": BOUND,
        "bound_of_llama_cpp_relative": LOOSE,
        "results": results,
    }
    if options.record:
        (HERE / "exports_check.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
