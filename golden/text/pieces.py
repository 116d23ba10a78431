"""Makes pieces.json.gz: what the SentencePiece package cuts texts into, for small models trained here.

    python pieces.py

Needs sentencepiece 0.2.3 and sacrebleu 2.6.0. The models are trained on sentences of invented words and on
TEXTS of encodings.py; each is recorded whole (a byte is a Latin-1 character), with its pieces of every text. `bleu` is
sacreBLEU's score of the pieces (joined by spaces, its tokenizer `none`) of hypotheses and references.
"""

import gzip
import io
import json
import logging
import os
import random

import sentencepiece as spm
from sacrebleu.metrics import BLEU

import importlib.util

spec = importlib.util.spec_from_file_location("texts", os.path.join(os.path.dirname(os.path.abspath(__file__)), "encodings.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
TEXTS = module.TEXTS

logging.disable(logging.CRITICAL)
random.seed(20260102)

EXTRA = [
    "  two  spaces   inside  ", "tab\tand\u00a0no-break", "ﬁ ﬂ ① ｶﾞ ㍻ Ⅳ", "[INST] a[INST]b [/INST]", "x[INST", "A\u0301e\u0301o\u0308",
    "\u200bzero\u200bwidth\ufeff", "snow☃man ☃☃ 𝕏𝕐", "▁ already ▁▁marked", "ab[/INST]\u3000[INST]  c", "\x07bell\x1f", "日本語の文、全角！",
    "untrained: þæð ŋ ʒ ɣ", "ＡＢＣ１２３", "half\u00adhyphen", "e\u0301", " ", "\u3000", "\u3000a\u3000", "a\u2028b",
]
LETTERS = "abcdefghij ABC éüñ 你好世界 ที่ 123 .,!? ①ﬁ\u00a0\t☃[]"
texts = [text for text in TEXTS if "\0" not in text] + EXTRA
texts += ["".join(random.choice(LETTERS) for _ in range(random.randint(1, 60))) for _ in range(120)]

# Sentences of invented words, the common ones short, so that models learn pieces of every length.
SYLLABLES = "ta re mi no sol ka lun der vis pra esto ing tion un ment ê ö ß 你 好 ที่ は".split()
vocabulary = ["".join(random.choice(SYLLABLES) for _ in range(1 + at // 60)) for at in range(300)]
weights = [1 / (at + 3) for at in range(300)]
sentence = lambda: " ".join(random.choices(vocabulary, weights, k=random.randint(3, 15))).capitalize()
corpus = [f"{sentence()}{random.choice(['.', ',', '!', ' (12)', ' 3.14', '?'])} {sentence()}." for _ in range(1500)]
corpus += 3 * [text for text in TEXTS if text.strip() and "\0" not in text]

# A small map of characters, so that one model alone carries the large one of nmt_nfkc.
RULES = "FB01\t66 69\n2460\t31\nFF21\t61\n41\t61\n41 301\t61 2F\n09\t20\nA0\t20\n3000\t20\n200B\t\n"
with open("pieces.tsv", "w") as file:
    file.write(RULES)
small = {"normalization_rule_tsv": "pieces.tsv"}
symbols = {"user_defined_symbols": ["[INST]", "[/INST]"]}

SETTINGS = [
    ("unigram", 600, {"normalization_rule_name": "nmt_nfkc", **symbols}),
    ("unigram", 500, {**small, "byte_fallback": True, "remove_extra_whitespaces": False}),
    ("unigram", 500, {**small, "treat_whitespace_as_suffix": True, **symbols}),
    ("unigram", 400, {"normalization_rule_name": "identity", "add_dummy_prefix": False, "split_by_whitespace": False}),
    ("bpe", 600, {**small, **symbols}),
    ("bpe", 700, {**small, "byte_fallback": True, "split_digits": True}),
    ("bpe", 500, {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "allow_whitespace_only_pieces": True, **symbols}),
]
out = {"versions": {"sentencepiece": spm.__version__, "sacrebleu": "2.6.0"}, "texts": texts, "models": []}
filled = [text for text in texts if text.strip()]
hypotheses, references = filled[60:160], filled[61:161]
out["hypotheses"], out["references"] = hypotheses, references
for kind, size, settings in SETTINGS:
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, model_type=kind, vocab_size=size,
                                   character_coverage=0.995, num_threads=1, minloglevel=2, **settings)
    sp = spm.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [sp.encode(text, out_type=str) for text in texts]
    cut = lambda lines: [" ".join(sp.encode(line.rstrip(), out_type=str)) for line in lines]
    bleu = BLEU(tokenize="none", force=True).corpus_score(cut(hypotheses), [cut(references)]).score
    settings.pop("normalization_rule_tsv", None)
    out["models"].append({"kind": kind, "settings": settings, "model": model.getvalue().decode("latin-1"), "pieces": pieces, "bleu": bleu})
os.unlink("pieces.tsv")
data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
with open("pieces.json.gz", "wb") as file:
    file.write(gzip.compress(data, 9, mtime=0))
print([(m["kind"], len(m["model"]), m["bleu"]) for m in out["models"]])
