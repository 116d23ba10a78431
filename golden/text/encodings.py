"""Makes smollm2.json.gz, cuts.json.gz and sentencepiece.json.gz: token ids by programs that are not
this project's.

    python encodings.py SMOLLM2.gguf CORPUS.txt LIBLLAMA.so

Needs transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0, sentencepiece 0.2.3 and the shared
library of llama.cpp (build 11549, in the wheel xllamacpp 2026.10.11549).

smollm2        SmolLM2's own tokenizer, rebuilt from the GGUF's vocabulary and merges with the
               tokenizers library and the cut of its tokenizer.json; llama.cpp, reading the file
               itself, must agree on every text, or the script stops.
cuts           A small byte-level BPE trained here on the corpus, cut by each of the pre-tokenizers
               that a GGUF file may name: ids by llama.cpp from a GGUF that holds only this
               vocabulary, and by the tokenizers library with the model family's published
               tokenizer.json settings, where they differ.
sentencepiece  Two small BPE models trained here by SentencePiece, with and without byte fallback.
"""

import ctypes
import gzip
import io
import json
import os
import sys
import tempfile

TEXTS = [
    "", " ", "  ", "\n", "\n\n", "\t", " \n ", "a", " a", "  a", "a ", "a  ", "Hello", " Hello", "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "I'm sure they'll say we've won; it's John's, isn't it? I'd bet you're right.",
    "I'M SURE THEY'LL SAY WE'VE WON; IT'S JOHN'S", "don't DON'T Don'T ’s 's' ''s",
    "In 1984, 3.14159 * 2 = 6.28318; 1,000,000 and 12345678901234567890.", "0 00 000 0000 00000 007",
    "½ ¼ Ⅷ ² ³ ① ٣٤٥ ৪৫ 一二三 〇", "v1.2.3-rc4+build567 #42 @user $9.99 50% & a|b ~x^2",
    "def f(x):\n    if x > 0:\n        return x ** 2\n\n    return -x  # note\n",
    "fn main() {\n\tlet v: Vec<u32> = vec![1, 2, 3];\n\tprintln!(\"{:?}\", v);\n}\r\n",
    "<div class=\"a\">&nbsp;</div>\n\n\n\n<p>text</p>", "SELECT * FROM t WHERE id = 10 AND name LIKE '%x%';",
    "for (int i = 0; i < 10; ++i) { a[i] += b[i] << 2; } // done", "x   =    1;     y\t\t=\t2;", "{\"k\": [1, 2.5, null, true], \"s\": \"\\n\"}",
    "trailing spaces   \n   leading spaces", "a\r\nb\rc\nd", "one\n\ntwo\n\n\nthree\n\n\n\n", "   \n\n   \t\n x",
    "\u00a0non\u00a0breaking\u2003em\u2009thin\u200bzero\u3000wide", "a\u0000b\u0001c\u007f",
    "Crème brûlée, naïve façade, Straße, smørrebrød, señor, žluťoučký kůň", "Cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "ﬁne ﬂow Å K Ω", "ﾊﾝｶｸ ＦＵＬＬ　ＷＩＤＴＨ１２３", "Привет, мир! Как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界！今天天气很好。", "こんにちは世界。カタカナとひらがな", "안녕하세요 세계", "中文English混合text测试123abc",
    "😀", "😀😃😄 👍🏽 👨‍👩‍👧‍👦 🇩🇪 🏳️‍🌈", "math: ∑_{i=0}^{n} x² ≤ ∞, ∀ε>0 ∃δ → √2", "“quotes” ‘single’ — dash – en … dots • bullet",
    "\U0001d54f\U0001d4d0 \U00010348 \U0002000b", "e\u0301\u0301\u0301 \u0301 a\u20e3", "ſ'ſ 'S 'Re 'LL", "camelCaseWord HTTPServer iPhone XMLHttpRequest snake_case_word SCREAMING_CASE",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|endoftext|>", "<|im_end|><|im_end|>", "text<|im_end|> more", "<|im_start", "<|IM_END|>",
    "<s>[INST] Hi [/INST] Hello</s>", "<unk> <s> </s> <0x0A> <0x41>", "▁under ▁ _ __", "a▁b",
    "name[The Vaults], eatType[pub], priceRange[more than £30], customer rating[5 out of 5], near[Café Adriatic]",
    "https://example.org/a/b?c=d&e=f#g user@example.org /usr/bin/env C:\\Temp\\x.txt", "!!!???...,,,;;;:::", "----====____****", "a" * 60, "ab" * 40, " " * 70, "\n" * 20, "😀" * 9, "1" * 33,
    "Call me Ishmael. Some years ago - never mind how long precisely - having little or no money in my purse, I thought I would sail about a little and see the watery part of the world.",
    "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.",
]



class Params(ctypes.Structure):
    """llama_model_params of that build."""

    _fields_ = [
        ("devices", ctypes.c_void_p), ("overrides", ctypes.c_void_p), ("modes", ctypes.c_int32 * 5), ("tensor_split", ctypes.c_void_p),
        ("progress", ctypes.c_void_p), ("progress_data", ctypes.c_void_p), ("kv_overrides", ctypes.c_void_p), ("vocab_only", ctypes.c_bool), ("flags", ctypes.c_bool * 5),
    ]


class Llama:
    """llama.cpp's tokenizer for one file."""

    def __init__(self, library, path):
        self.lib = ctypes.CDLL(library)
        self.lib.llama_model_default_params.restype = Params
        self.lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Params]
        self.lib.llama_model_load_from_file.restype = ctypes.c_void_p
        self.lib.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
        self.lib.llama_model_get_vocab.restype = ctypes.c_void_p
        self.lib.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
        self.lib.llama_backend_init()
        params = self.lib.llama_model_default_params()
        params.vocab_only = True
        self.model = self.lib.llama_model_load_from_file(str(path).encode(), params)
        assert self.model, path
        self.vocab = self.lib.llama_model_get_vocab(self.model)

    def encode(self, text, special=False):
        data = text.encode()
        out = (ctypes.c_int32 * (len(data) * 4 + 16))()
        count = self.lib.llama_tokenize(self.vocab, data, len(data), out, len(data) * 4 + 16, False, special)
        assert count >= 0
        return [out[i] for i in range(count)]


def write(name, value):
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    with open(name, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as out:
        out.write(raw)


def smollm2(gguf_path, library_path):
    import gguf
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import AutoTokenizer
    fields = gguf.GGUFReader(gguf_path).fields
    read = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens, types = read("tokens"), read("token_type")
    own = Tokenizer(models.BPE(vocab={text: id for id, text in enumerate(tokens)}, merges=[tuple(merge.split(" ")) for merge in read("merges")]))
    # The pre-tokenizer of SmolLM2's published tokenizer.json.
    own.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    own.decoder = decoders.ByteLevel()
    own.add_special_tokens([AddedToken(text, special=True, normalized=False) for text, kind in zip(tokens, types) if kind == 3])
    llama = Llama(library_path, gguf_path)
    converted = AutoTokenizer.from_pretrained(os.path.dirname(gguf_path), gguf_file=os.path.basename(gguf_path))
    rows = []
    for text in TEXTS:
        marked = own.encode(text, add_special_tokens=False).ids
        own.encode_special_tokens = True
        plain = own.encode(text, add_special_tokens=False).ids
        own.encode_special_tokens = False
        assert marked == llama.encode(text, True) and plain == llama.encode(text, False), text
        if marked != converted.encode(text, add_special_tokens=False):
            print("transformers' conversion, which leaves out the cut at digits, differs:", repr(text[:60]))
        rows.append({"text": text, "marked": marked, "plain": plain, "decoded": own.decode(marked, skip_special_tokens=True)})
    write("smollm2.json.gz", rows)


LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN_2 = LLAMA_3.replace("{1,3}", "")


def cuts(corpus, library_path):
    import gguf
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    small = Tokenizer(models.BPE())
    small.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=1200, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"])
    # Cut at every pattern, so that merges exist across each kind of edge that a cut forbids.
    small.train_from_iterator([corpus[:200000], "\n\n".join(TEXTS * 3), "10 20 30 100 200 300 1000 2000 1984 12345 " * 40, "'S 'T 'RE IT'S I'M \n\n\n \t\t" * 30], trainer)
    model = json.loads(small.to_str())["model"]
    tokens = [text for text, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    out = {"tokens": tokens, "merges": merges, "texts": TEXTS, "ids": {}, "library": {}}
    byte_level = lambda use_regex: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    split = lambda pattern: pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)])
    library = {
        "gpt-2": (None, byte_level(True), False),
        "smollm": (None, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]), False),
        "llama-bpe": (None, split(LLAMA_3), True),
        "qwen2": (normalizers.NFC(), split(QWEN_2), False),
        "tekken": None,
    }
    for pre, published in library.items():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "vocab.gguf")
            writer = gguf.GGUFWriter(path, "llama")
            writer.add_block_count(1), writer.add_context_length(64), writer.add_embedding_length(32), writer.add_feed_forward_length(32)
            writer.add_head_count(1), writer.add_layer_norm_rms_eps(1e-5)
            writer.add_tokenizer_model("gpt2"), writer.add_tokenizer_pre(pre), writer.add_token_list(tokens), writer.add_token_merges(merges)
            writer.add_token_types([3] + [1] * (len(tokens) - 1)), writer.add_bos_token_id(0), writer.add_eos_token_id(0)
            writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.close()
            llama = Llama(library_path, path)
        ids = [llama.encode(text) for text in TEXTS]
        out["ids"][pre] = ids
        if published is None:
            continue
        normalizer, cut, ignore = published
        whole = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(merge.split(" ")) for merge in merges], ignore_merges=ignore))
        whole.pre_tokenizer = cut
        if normalizer:
            whole.normalizer = normalizer
        for index, text in enumerate(TEXTS):
            other = whole.encode(text).ids
            if other != ids[index]:
                print(pre, "library differs:", repr(text[:60]))
                out["library"].setdefault(pre, {})[str(index)] = other
    write("cuts.json.gz", out)


def sentencepiece(corpus):
    import sentencepiece as spm
    lines = [line for line in corpus[:300000].split("\n") if line] + TEXTS
    out = []
    for fallback in (True, False):
        model = io.BytesIO()
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, model_type="bpe", vocab_size=900 if fallback else 640, byte_fallback=fallback,
            character_coverage=0.999, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True,
            allow_whitespace_only_pieces=True, split_digits=True, user_defined_symbols=["[INST]", "[/INST]"], minloglevel=2)
        sp = spm.SentencePieceProcessor(model_proto=model.getvalue())
        count = sp.get_piece_size()
        kind = lambda i: 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 5 if sp.is_unused(i) else 4 if sp.id_to_piece(i) in ("[INST]", "[/INST]") else 1
        out.append({
            "tokens": [sp.id_to_piece(i) for i in range(count)], "scores": [sp.get_score(i) for i in range(count)], "types": [kind(i) for i in range(count)],
            "bos": sp.bos_id(), "eos": sp.eos_id(), "unknown": sp.unk_id(),
            "rows": [{"text": text, "ids": sp.encode(text), "decoded": sp.decode(sp.encode(text))} for text in TEXTS if "\0" not in text],
        })
    write("sentencepiece.json.gz", out)


if __name__ == "__main__":
    gguf_path, corpus_path, library_path = sys.argv[1:]
    corpus = open(corpus_path, encoding="utf-8").read()
    smollm2(gguf_path, library_path)
    cuts(corpus, library_path)
    sentencepiece(corpus)
