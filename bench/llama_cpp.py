"""Measures llama.cpp (through llama-cpp-python) on the inference workloads of bench/README.md; prints JSON lines.

usage: llama_cpp.py MODEL.gguf [--threads 2] [--workloads prompt,one,sixteen,long,cold] [--repeats 3]

Each line: {workload, tokens_per_second, seconds, tokens, repeats, settings, versions}; the best of the repeats counts.
`cold` is the time from a fresh process to the first token, measured by starting this script again with `--cold-child`.
The long context is measured with flash attention on and off, and the better one counts. Tokens are fixed numbers, the same
as in `crates/grimoire-tune/examples/workloads.rs`: no text is sampled, and nothing but the evaluation is timed.

Versions: llama-cpp-python 0.3.36 built from source with CMAKE_ARGS="-DGGML_NATIVE=ON".
"""

import argparse
import ctypes
import json
import os
import platform
import subprocess
import sys
import time


def ids(n):
    return [100 + i * 7919 % 40_000 for i in range(n)]


class Session:
    """A context over a loaded model, with one batch that is filled by hand."""

    def __init__(self, lib, model, threads, context, sequences, flash):
        self.lib = lib
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context, 512, 512
        params.n_seq_max = sequences
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = 1 if flash else 0
        self.context = lib.llama_init_from_model(model, params)
        assert self.context, "no context"
        self.batch = lib.llama_batch_init(512, 0, 1)

    def decode(self, rows):
        """`rows` of (token, position, sequence, whether its logits are wanted)."""
        self.batch.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            self.batch.token[i], self.batch.pos[i] = token, position
            self.batch.n_seq_id[i], self.batch.seq_id[i][0] = 1, sequence
            self.batch.logits[i] = wanted
        code = self.lib.llama_decode(self.context, self.batch)
        assert code == 0, f"llama_decode returned {code}"
        last = max(i for i, row in enumerate(rows) if row[3])
        logits = self.lib.llama_get_logits_ith(self.context, last)
        assert logits[0] == logits[0], "logits are not numbers"

    def close(self):
        self.lib.llama_batch_free(self.batch)
        self.lib.llama_free(self.context)


def prompt(session, tokens, sequence=0):
    for start in range(0, len(tokens), 512):
        piece = tokens[start : start + 512]
        session.decode(
            [(t, start + i, sequence, i == len(piece) - 1) for i, t in enumerate(piece)]
        )


def workloads(lib, model, threads):
    def prompts(flash):
        def run():
            session = Session(lib, model, threads, 512, 1, flash)
            prompt(session, ids(16))
            lib.llama_memory_clear(lib.llama_get_memory(session.context), True)
            start = time.perf_counter()
            prompt(session, ids(512))
            seconds = time.perf_counter() - start
            session.close()
            return 512, seconds

        return run

    def generating(sequences, past, flash, steps=24):
        def run():
            session = Session(lib, model, threads, sequences * (past + steps + 8), sequences, flash)
            for sequence in range(sequences):
                prompt(session, ids(past), sequence)
            start = time.perf_counter()
            for step in range(steps):
                session.decode([(500 + step, past + step, s, True) for s in range(sequences)])
            seconds = time.perf_counter() - start
            session.close()
            return steps * sequences, seconds

        return run

    return {
        "prompt": prompts,
        "one": lambda flash: generating(1, 64, flash),
        "sixteen": lambda flash: generating(16, 64, flash),
        "long": lambda flash: generating(1, 8000, flash),
    }


def load(path):
    # This script has the name of the package: its own folder must not be searched first.
    sys.path = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    import llama_cpp as lib

    lib.llama_backend_init()
    lib.llama_log_set(SILENT, ctypes.c_void_p(0))
    params = lib.llama_model_default_params()
    params.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(path.encode(), params)
    assert model, f"{path}: not loaded"
    return lib, model


SILENT = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workloads", default="prompt,one,sixteen,long,cold")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cold-child", action="store_true")
    args = parser.parse_args()
    if args.cold_child:
        lib, model = load(args.model)
        session = Session(lib, model, args.threads, 512, 1, True)
        prompt(session, ids(8))
        return
    lib, model = load(args.model)
    versions = {
        "llama-cpp-python": lib.__version__,
        "python": platform.python_version(),
        "system": lib.llama_print_system_info().decode(),
    }
    makers = workloads(lib, model, args.threads)
    for name in args.workloads.split(","):
        if name == "cold":
            command = [sys.executable, __file__, args.model, "--cold-child"]
            command += ["--threads", str(args.threads)]
            best = None
            for _ in range(args.repeats):
                start = time.perf_counter()
                subprocess.run(command, check=True)
                seconds = time.perf_counter() - start
                best = seconds if best is None else min(best, seconds)
            tokens, flash = 1, True
        else:
            best, tokens, flash = None, 0, None
            for choice in (True, False):
                for _ in range(args.repeats if name != "long" else 1):
                    tokens, seconds = makers[name](choice)()
                    if best is None or seconds < best:
                        best, flash = seconds, choice
        print(
            json.dumps(
                {
                    "workload": name,
                    "tokens_per_second": round(tokens / best, 2),
                    "seconds": round(best, 4),
                    "tokens": tokens,
                    "repeats": args.repeats,
                    "settings": {"threads": args.threads, "flash_attention": flash, "n_batch": 512},
                    "versions": versions,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
