"""Loads a llama-architecture GGUF into transformers: f32 weights, tokenizer and chat template.

Every tensor is decoded by the `gguf` package; q and k get back the row order of Hugging Face, which the
GGUF converter changes. Not a general loader: byte-level BPE of SmolLM2's kind, no rope scaling.
Used by the other scripts here, in `golden/tune/` and in `bench/`.
"""

import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers
from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from double import everything_f64

ROOT = Path(__file__).resolve().parents[2]
SMOLLM2 = ROOT / "target/models/SmolLM2-135M-Instruct.Q4_1.gguf"
CONTROL = 3

NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def versions():
    """The versions that the recorded values depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "gguf": version("gguf"),
        "numpy": np.__version__,
    }


def hugging_face_name(name):
    """`blk.3.attn_q.weight` to `model.layers.3.self_attn.q_proj.weight`."""
    fixed = {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    }
    if name in fixed:
        return fixed[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{NAMES[part]}.{kind}"


def rows_of_hugging_face(weight, n_heads):
    """Undoes the converter's order of q and k rows: pairs (2i, 2i + 1) of a head become (i, i + half)."""
    rows = weight.shape[0]
    split = weight.reshape(n_heads, rows // n_heads // 2, 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


def field(reader, name, missing=None):
    found = reader.fields.get(name)
    return missing if found is None else found.contents()


def config_of(reader):
    """The LlamaConfig that the metadata states."""
    names = {tensor.name for tensor in reader.tensors}
    vocab = next(int(t.shape[1]) for t in reader.tensors if t.name == "token_embd.weight")
    return LlamaConfig(
        vocab_size=vocab,
        hidden_size=field(reader, "llama.embedding_length"),
        intermediate_size=field(reader, "llama.feed_forward_length"),
        num_hidden_layers=field(reader, "llama.block_count"),
        num_attention_heads=field(reader, "llama.attention.head_count"),
        num_key_value_heads=field(reader, "llama.attention.head_count_kv"),
        head_dim=field(reader, "llama.attention.key_length"),
        max_position_embeddings=field(reader, "llama.context_length"),
        rms_norm_eps=field(reader, "llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": field(reader, "llama.rope.freq_base", 10000.0)},
        tie_word_embeddings="output.weight" not in names,
        bos_token_id=field(reader, "tokenizer.ggml.bos_token_id"),
        eos_token_id=field(reader, "tokenizer.ggml.eos_token_id"),
        pad_token_id=field(reader, "tokenizer.ggml.padding_token_id"),
    )


def load_model(path=SMOLLM2, dtype=torch.float32, attention="eager"):
    """The model of a GGUF file, dequantised."""
    reader = GGUFReader(path)
    config = config_of(reader)
    state = {}
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        weight = weight.reshape(tuple(int(n) for n in reversed(tensor.shape)))
        if ".attn_q." in tensor.name:
            weight = rows_of_hugging_face(weight, config.num_attention_heads)
        elif ".attn_k." in tensor.name:
            weight = rows_of_hugging_face(weight, config.num_key_value_heads)
        state[hugging_face_name(tensor.name)] = torch.from_numpy(weight.copy()).to(dtype)
    config._attn_implementation = attention
    model = LlamaForCausalLM(config).to(dtype)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model.eval()


def load_f64_model(path=SMOLLM2):
    """The same, in f64 throughout; run it inside `everything_f64()` too."""
    narrow = load_model(path)
    with everything_f64():
        model = LlamaForCausalLM(narrow.config).to(torch.float64)
        model.load_state_dict(narrow.state_dict())
        model.tie_weights()
    return model.eval()


def load_tokenizer(path=SMOLLM2):
    """The byte-level BPE tokenizer of the file, with SmolLM2's splitting (digits alone, then GPT-2's)."""
    reader = GGUFReader(path)
    assert field(reader, "tokenizer.ggml.model") == "gpt2" and field(reader, "tokenizer.ggml.pre") == "smollm"
    tokens = field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = field(reader, "tokenizer.ggml.token_type")
    special = [AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds) if k == CONTROL]
    tokenizer.add_special_tokens(special)
    assert tokenizer.get_vocab_size() == len(tokens)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[field(reader, "tokenizer.ggml.bos_token_id")],
        eos_token=tokens[field(reader, "tokenizer.ggml.eos_token_id")],
        pad_token=tokens[field(reader, "tokenizer.ggml.padding_token_id")],
        unk_token=tokens[field(reader, "tokenizer.ggml.unknown_token_id")],
        chat_template=field(reader, "tokenizer.chat_template"),
        clean_up_tokenization_spaces=False,
    )
