"""Records what sacreBLEU 2.6.0 and rouge_score 0.1.2 (with nltk 3.10.4) say about texts made here.

Run: python text_metrics.py; writes text_metrics.json.gz beside itself. Python 3.11, numpy 2.4.6, regex.
The texts are random strings over small alphabets chosen to hit the tokenizers' corner cases, and
random sentences with shifts, repetitions and edits; nothing is taken from a corpus.
"""

import gzip
import json
import logging
import random
import zlib

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

logging.disable(logging.CRITICAL)
random.seed(20260101)

ALPHABETS = [
    "a1.,- ", "ab12.,-!?$%'\" ", "x9.-,;:()[]{}<>@#&*_~`^|\\/+= ", "你好。，,.1a！ｘ⁈☀ ", "é.1’—«»½²€ §¿,a ",
    "नमस्ते।. 1", "مرحبا،؟1. ", "สวัสดี 1.", "a\u00a0b\u2009c\u3000.1,\u2028x",
]


def noise(n):
    alphabet = random.choice(ALPHABETS)
    return "".join(random.choice(alphabet) for _ in range(n))


SPECIAL = [
    "&quot;a&amp;b&lt;c&gt; &amp;quot;", "<skipped>x<skipped>", "", " ", ".", "..", "...", "1.5", "1.", ".5", "a.5",
    "5.a", "1..5", "a..5", "1...5", "1.,2", "1-2", "a-b", "2018-2019.", "It's 'quoted'.", "\t tab\tseparated ",
    "ẞ Straße İstanbul ΣΑΣ", "１２３ ＡＢＣ", "𠀀𠀁 漢字", "e\u0301 combining", "Hello\u200bworld", "a&b &lt; c",
]

WORDS = "the a cat dog sat on mat ran quickly . , and was not very happy in house it he she runs running".split()


def sentence():
    return [random.choice(WORDS) for _ in range(random.randint(1, 30))]


def edited(words):
    words = list(words)
    for _ in range(random.randint(0, 6)):
        if not words:
            break
        kind = random.randrange(4)
        at = random.randrange(len(words))
        if kind == 0:
            del words[at]
        elif kind == 1:
            words.insert(at, random.choice(WORDS))
        elif kind == 2:
            words[at] = random.choice(WORDS)
        else:
            length = random.randint(1, 6)
            group = words[at:at + length]
            del words[at:at + length]
            to = random.randint(0, len(words))
            words[to:to] = group
    return words


def long_pair(n, m):
    vocabulary = [f"w{i}" for i in range(random.choice([3, 20, 200]))]
    hyp = [random.choice(vocabulary) for _ in range(n)]
    ref = [random.choice(vocabulary) for _ in range(m)]
    if random.random() < 0.6:
        ref = edited(edited(hyp))[:m] + [random.choice(vocabulary) for _ in range(max(0, m - n))]
    return " ".join(hyp), " ".join(ref)


out = {"versions": {"sacrebleu": "2.6.0", "rouge_score": "0.1.2", "nltk": "3.10.4"}}

# Tokenizers.
lines = SPECIAL + [noise(random.randint(1, 24)) for _ in range(1500)]
out["tokenizer_lines"] = lines
out["tokens"] = {}
for name in ["13a", "intl", "char", "zh", "none"]:
    metric = BLEU(tokenize=name)
    out["tokens"][name] = [" ".join(metric._preprocess_segment(line).split()) for line in lines]

# Pairs: hypothesis, references (None is missing).
pairs = []
for _ in range(160):
    ref = sentence()
    refs = [" ".join(edited(ref)) for _ in range(3)]
    if random.random() < 0.3:
        refs[random.randrange(1, 3)] = None
    pairs.append([" ".join(edited(ref)), refs])
for line in SPECIAL:
    pairs.append([line, [random.choice(SPECIAL) for _ in range(3)]])
for _ in range(60):
    pairs.append([noise(20), [noise(20) for _ in range(3)]])
out["pairs"] = pairs
hyps = [hyp for hyp, _ in pairs]


def streams(n):
    return [[refs[k] for _, refs in pairs] for k in range(n)]


configurations = []


def record(kind, settings, metric, n_refs):
    refs = streams(n_refs)
    stats = metric._extract_corpus_statistics(hyps, refs)
    score = metric._aggregate_and_compute(stats)
    sentences = [metric._aggregate_and_compute([row]).score for row in stats]
    configurations.append({
        "kind": kind, "settings": settings, "n_refs": n_refs, "score": score.score,
        "signature": metric.get_signature().format(), "statistics": stats, "sentences": sentences,
    })


for n_refs in [1, 3]:
    for tokenize in ["13a", "intl", "char", "zh", "none"]:
        record("bleu", {"tokenize": tokenize}, BLEU(tokenize=tokenize), n_refs)
for smooth, value in [("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 2.5), ("exp", None)]:
    settings = {"smooth_method": smooth, "smooth_value": value, "effective_order": True, "lowercase": True}
    record("bleu", settings, BLEU(**settings), 1)
for settings in [{}, {"word_order": 2}, {"word_order": 1, "lowercase": True}, {"whitespace": True},
                 {"eps_smoothing": True}, {"char_order": 3, "beta": 3}, {"char_order": 7}, {"char_order": 20, "whitespace": True},
                 {"word_order": 3}, {"char_order": 9, "word_order": 5, "beta": 1, "lowercase": True},
                 {"char_order": 12, "word_order": 12, "eps_smoothing": True}, {"char_order": 0, "word_order": 4},
                 {"char_order": 1000, "word_order": 1}]:
    for n_refs in [1, 3]:
        record("chrf", settings, CHRF(**settings), n_refs)
for settings in [{}, {"case_sensitive": True}, {"normalized": True}, {"no_punct": True},
                 {"normalized": True, "asian_support": True}, {"normalized": True, "no_punct": True, "asian_support": True}]:
    for n_refs in [1, 3]:
        record("ter", settings, TER(**settings), n_refs)
# Rows of statistics are compared through the sum and a checksum of the whole, to keep the file small.
for configuration in configurations:
    rows = configuration.pop("statistics")
    text = "\n".join(" ".join(f"{value:.6g}" if configuration["kind"] == "ter" else str(int(value)) for value in row) for row in rows)
    configuration["checksum"] = zlib.crc32(text.encode())
    configuration["totals"] = [float(sum(column)) for column in zip(*rows)]
    configuration["sentences"] = configuration["sentences"][::7]
out["configurations"] = configurations

# TER alone, on long and repetitive texts where beam and limits matter.
sizes = [(3, 90), (90, 3), (70, 70), (64, 65), (120, 110), (30, 64), (1, 60), (200, 150), (40, 41), (25, 24)]
ter = TER()
long_pairs = [long_pair(n, m) for n, m in sizes for _ in range(6)]
out["long_pairs"] = long_pairs
out["long_edits"] = [ter._extract_corpus_statistics([hyp], [[ref]])[0][0] for hyp, ref in long_pairs]

# Stems: suffixes of the rules on random short stems.
SUFFIXES = ("s es ies sses ss eed ed ing ied y ly ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism "
            "iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible "
            "ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll at bl iz tt ss zz").split()
words = ["sky", "skies", "dying", "news", "innings", "howe", "proceed", "yyyyy", "syzygy", "toy", "1990s", "b2b", "2ed", "ability"]
for _ in range(4000):
    stem = "".join(random.choice("bcdlmrstaeiouyy1") for _ in range(random.randint(1, 6)))
    words.append(stem + random.choice(SUFFIXES) + (random.choice(SUFFIXES) if random.random() < 0.3 else ""))
stemmer = PorterStemmer()
out["words"] = " ".join(words)
out["stems"] = " ".join(stemmer.stem(word) or "-" for word in words)

# ROUGE, by line, with several references.
texts = []
for _ in range(60):
    lines = [" ".join(sentence()) for _ in range(random.randint(1, 4))]
    refs = ["\n".join(" ".join(edited(line.split())) for line in lines) for _ in range(2)]
    texts.append(["\n".join(lines), refs])
texts += [["", ["a"]], ["a", [""]], ["", [""]], ["\n\na\n", ["a\n\nb"]], ["\u212aelvin \u0130s", ["kelvin is i s"]],
          ["สวัสดี", ["สวัสดี"]], ["Caf\u00e9 au lait", ["Cafe au lait", "caf au lait"]]]
kinds = [f"rouge{n}" for n in range(1, 10)] + ["rougeL", "rougeLsum"]
rouge = []
for stem in [False, True]:
    scorer = rouge_scorer.RougeScorer(kinds, use_stemmer=stem)
    for candidate, refs in texts:
        score = scorer.score_multi(refs, candidate)
        rouge.append([[score[k].precision, score[k].recall, score[k].fmeasure] for k in kinds])
out["rouge_texts"] = texts
out["rouge"] = rouge

data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
with open("text_metrics.json.gz", "wb") as file:
    file.write(gzip.compress(data, 9, mtime=0))
print(len(data))
