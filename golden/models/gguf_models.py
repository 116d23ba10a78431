"""Makes small GGUF models, in every storage type and of other architectures, and records their logits.

`gguf/<type>.gguf`: one llama-architecture model per plain or 32-block type (quantised by the `gguf` package),
and one whose matrices are random valid blocks of the 256-block types, IQ4_NL and MXFP4. `gguf/<family>.gguf`:
the random models of `families.py`, written as llama.cpp's converter writes them (tensor names, metadata,
order of q and k rows, rope factors), in Q8_0. Writes `quant.json.gz`: logits in f64 of the dequantised weights.
Run after families.py.
"""

import gzip
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

import dequantised
from double import everything_f64
from families import digits

HERE = Path(__file__).resolve().parent
OUT = HERE / "gguf"
VOCAB, LENGTH = 96, 16
PLAIN = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]
# Where the f16 scales of a block lie (offset, factor), its size in bytes and in weights. The factor of the
# offset term centres the weights; MXFP4 has an exponent byte instead.
BLOCKS = {
    "Q2_K": ([(80, 1.0), (82, 1.5)], 84, 256),
    "Q3_K": ([(108, 1.0)], 110, 256),
    "Q4_K": ([(0, 1.0), (2, 7.5)], 144, 256),
    "Q5_K": ([(0, 1.0), (2, 15.5)], 176, 256),
    "Q6_K": ([(208, 1.0)], 210, 256),
    "IQ4_NL": ([(0, 1.0)], 18, 32),
    "IQ4_XS": ([(0, 1.0)], 136, 256),
    "MXFP4": (None, 17, 32),
}
MIXED = {
    "token_embd": "Q6_K", "output": "Q4_K",
    "blk.0.attn_q": "Q2_K", "blk.0.attn_k": "Q3_K", "blk.0.attn_v": "Q4_K", "blk.0.attn_output": "IQ4_NL",
    "blk.0.ffn_gate": "Q5_K", "blk.0.ffn_up": "IQ4_XS", "blk.0.ffn_down": "MXFP4",
    "blk.1.attn_q": "Q4_K", "blk.1.attn_k": "Q6_K", "blk.1.attn_v": "Q5_K", "blk.1.attn_output": "Q5_1",
    "blk.1.ffn_gate": "Q2_K", "blk.1.ffn_up": "Q3_K", "blk.1.ffn_down": "Q4_0",
}  # fmt: skip
# Three control tokens, the byte-level spellings of space and newline, 87 ASCII characters, four merges.
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "Ġ", "Ċ"] + [chr(c) for c in range(33, 127)][:87]
MERGES = ["t h", "th e", "Ġ t", "Ġ the"]
TOKENS += [merge.replace(" ", "") for merge in MERGES]


def encoded(weight, kind):
    """A tensor in a storage type, or F16 where its rows do not fill whole blocks (as converters do)."""
    if weight.ndim < 2:
        return weight, Type.F32
    block = gguf.GGML_QUANT_SIZES[Type[kind]][0]
    kind = Type[kind] if weight.shape[-1] % block == 0 else Type.F16
    return quantize(np.ascontiguousarray(weight, dtype=np.float32), kind), kind


def random_blocks(shape, kind, spread, rng):
    """Random valid blocks of a type, scaled so that the weights have about the given spread."""
    scales, n_bytes, n_weights = BLOCKS[kind]
    data = rng.integers(0, 256, (shape[0], shape[1] // n_weights, n_bytes), dtype=np.uint8)
    if scales is None:
        data[:, :, 0] = rng.integers(122, 125, data.shape[:2], dtype=np.uint8)
        return data.reshape(shape[0], -1), Type[kind]

    def with_scale(scale):
        for offset, factor in scales:
            value = np.array([scale * factor], dtype=np.float16).view(np.uint8)
            data[:, :, offset : offset + 2] = value
        return data.reshape(shape[0], -1)

    with_scale(2.0**-6)
    unit = dequantize(data.reshape(shape[0], -1), Type[kind]).std() * 2.0**6
    return with_scale(spread / unit), Type[kind]


class File:
    """A GGUF being written, with its tokenizer."""

    def __init__(self, path, architecture, name):
        self.writer = gguf.GGUFWriter(path, architecture)
        self.writer.add_name(name)
        self.writer.add_tokenizer_model("gpt2")
        self.writer.add_tokenizer_pre("smollm")
        self.writer.add_token_list(TOKENS)
        self.writer.add_token_types([3] * 3 + [1] * (VOCAB - 3))
        self.writer.add_token_merges(MERGES)
        self.writer.add_bos_token_id(1)
        self.writer.add_eos_token_id(2)
        self.writer.add_add_bos_token(False)
        self.weights = {}

    def tensor(self, name, data, kind):
        """Adds an encoded tensor and keeps what it decodes to."""
        self.writer.add_tensor(name, data, raw_dtype=kind)
        self.weights[name] = dequantize(data, kind).astype(np.float64) if kind != Type.F32 else data

    def close(self):
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()


def transformer_metadata(writer, config):
    """The keys that all architectures share."""
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    if config.model_type == "gpt2":
        writer.add_feed_forward_length(4 * config.hidden_size)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if head_dim * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)


def rope_metadata(file, config):
    """Scaling as the converter writes it: keys for linear and yarn, a tensor of factors for llama3."""
    rope = config.rope_parameters
    if rope["rope_type"] == "linear":
        file.writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        file.writer.add_rope_scaling_factor(rope["factor"])
    elif rope["rope_type"] == "yarn":
        file.writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        file.writer.add_rope_scaling_factor(rope["factor"])
        file.writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    elif rope["rope_type"] == "llama3":
        half = config.head_dim // 2
        wavelength = 2 * np.pi * rope["rope_theta"] ** (np.arange(half) / half)
        turns = rope["original_max_position_embeddings"] / wavelength
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
        factors = 1.0 / ((1.0 - smooth) / rope["factor"] + smooth)
        file.tensor("rope_freqs.weight", factors.astype(np.float32), Type.F32)


def rows_of_gguf(weight, n_heads):
    """The converter's order of q and k rows: (i, i + half) of a head become (2i, 2i + 1)."""
    split = weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


GPT2_NAMES = {
    "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm", "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}  # fmt: skip


def gguf_name(name):
    """`model.layers.3.self_attn.q_proj.weight` to `blk.3.attn_q.weight`; GPT-2's names likewise."""
    stem, kind = name.removeprefix("model.").removeprefix("transformer.").rsplit(".", 1)
    own = {v: k for k, v in dequantised.NAMES.items()} | GPT2_NAMES
    own |= {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
    own |= {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
    parts = stem.split(".")
    if parts[0] in ("layers", "h"):
        return f"blk.{parts[1]}.{own['.'.join(parts[2:])]}.{kind}"
    return f"{own[stem]}.{kind}"


def logits(config, state, ids):
    """f64 throughout."""
    with everything_f64(), torch.no_grad():
        config._attn_implementation = "eager"
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float64)
        model.load_state_dict({name: torch.from_numpy(np.array(w, dtype=np.float64)) for name, w in state.items()})
        model.tie_weights()
        return digits(model.eval()(torch.tensor([ids])).logits[0].numpy(), 7)


def convert_family(name, ids):
    """Writes a family's folder as Q8_0 GGUF; logits are those of the weights that the file decodes to."""
    folder = HERE / name
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    conv1d = config.model_type == "gpt2"
    file = File(OUT / f"{name}.gguf", config.model_type, f"random {name}")
    transformer_metadata(file.writer, config)
    if not conv1d:
        rope_metadata(file, config)
    state = {}
    for key, value in model.state_dict().items():
        weight = value.numpy()
        if key == "lm_head.weight" and config.tie_word_embeddings and not conv1d:
            continue
        transposed = conv1d and weight.ndim == 2 and ".h." in key
        permuted = config.model_type == "llama" and key.split(".")[-2] in ("q_proj", "k_proj")
        heads = config.num_attention_heads if "q_proj" in key else getattr(config, "num_key_value_heads", 0)
        weight = weight.T if transposed else weight
        weight = rows_of_gguf(weight, heads) if permuted else weight
        file.tensor(gguf_name(key), *encoded(np.ascontiguousarray(weight), "Q8_0"))
        decoded = file.weights[gguf_name(key)]
        decoded = dequantised.rows_of_hugging_face(decoded, heads) if permuted else decoded
        state[key] = decoded.T if transposed else decoded
    if config.tie_word_embeddings:
        state["lm_head.weight"] = next(v for k, v in state.items() if "embed_tokens" in k or "wte" in k)
    file.close()
    return {"file": f"{name}.gguf", "logits": logits(config, state, ids)}


def storage_config(mixed):
    return LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=256 if mixed else 32,
        intermediate_size=32 if mixed else 64,
        num_hidden_layers=2 if mixed else 1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=not mixed,
    )


def storage_file(kind, ids):
    """A llama-architecture file with all matrices of one type, or with `MIXED`."""
    mixed = kind == "mixed"
    config = storage_config(mixed)
    rng = np.random.default_rng(sum(map(ord, kind)) if mixed else 5)
    file = File(OUT / f"{kind}.gguf", "llama", f"random {kind}")
    transformer_metadata(file.writer, config)
    with torch.device("meta"):
        shapes = AutoModelForCausalLM.from_config(config).state_dict()
    for key, value in shapes.items():
        name = gguf_name(key)
        if name == "output.weight" and not mixed:
            continue
        if value.ndim < 2:
            file.tensor(name, (1.0 + 0.2 * rng.standard_normal(value.shape)).astype(np.float32), Type.F32)
            continue
        spread = 1.5 / np.sqrt(value.shape[1])
        which = MIXED[name.removesuffix(".weight")] if mixed else kind
        if which in BLOCKS:
            file.tensor(name, *random_blocks(value.shape, which, spread, rng))
        else:
            weight = (spread * rng.standard_normal(value.shape)).astype(np.float32)
            file.tensor(name, *encoded(weight, which))
    file.close()
    # Read back by the loader that the other recorded values use: names, shapes and order of rows once more.
    model = dequantised.load_model(OUT / f"{kind}.gguf")
    state = {key: value.double().numpy() for key, value in model.state_dict().items()}
    for name in ("token_embd.weight", "blk.0.ffn_down.weight"):
        assert np.array_equal(state[dequantised.hugging_face_name(name)], file.weights[name]), (kind, name)
    assert model.config.head_dim == 16
    return {"file": f"{kind}.gguf", "logits": logits(config, state, ids)}


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    ids = np.random.default_rng(3).integers(0, VOCAB, LENGTH).tolist()
    models = [storage_file(kind, ids) for kind in [*PLAIN, "mixed"]]
    models += [convert_family(name, ids) for name in ("llama3", "rope-linear", "rope-yarn", "qwen2", "qwen3", "gpt2")]
    for model in models:
        size = (OUT / model["file"]).stat().st_size
        print(f"{model['file']:18} {size / 1024:6.1f} KiB  spread of logits {np.std(model['logits']):.2f}")
    data = {
        "made_by": "golden/models/gguf_models.py",
        "versions": dequantised.versions() | {"safetensors": version("safetensors")},
        "computed_in": "f64 throughout (double.py), from the dequantised weights, eager attention",
        "ids": ids,
        "models": models,
    }
    text = json.dumps(data, separators=(",", ":"))
    with gzip.GzipFile(HERE / "quant.json.gz", "wb", mtime=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main()
