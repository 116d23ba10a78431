"""Records BLEU of SentencePiece pieces, by sacreBLEU 2.6.0's own tokenizer of that kind, on every system of WMT22's
general translation task.

Two small models are trained here, on every fourth line of the references: a unigram model with the usual
normalisation, which lacks rare characters, and a BPE model that falls back to bytes. sacreBLEU finds each where it
keeps the model of its tokenizer `flores101`: in the folder that the variable SACREBLEU names. Nothing of it is changed.
Kept are the models (a byte is a Latin-1 character) and of every system against A, B and both the counts and the score.
The texts are not kept here: they are the data set wmt22-mt.

Run: python pieces_bleu.py DATA, where DATA holds wmt22-mt; writes pieces_bleu.json.gz beside itself. Python 3.11.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) / "wmt22-mt"
PAIRS = ["de-en", "en-de", "en-zh"]
MODELS = [("unigram", 3000, {"character_coverage": 0.995}), ("bpe", 2000, {"byte_fallback": True, "normalization_rule_name": "nfkc"})]


def lines(path):
    text = gzip.decompress(path.read_bytes()).decode()
    return text.removesuffix("\n").split("\n")


def reference(pair, name):
    return lines(DATA / pair / f"ref.{name}.{pair.split('-')[1]}.gz")


def train(kind, size, settings):
    import sentencepiece

    corpus = [line for pair in PAIRS for name in "AB" for line in reference(pair, name)[::4]]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, model_type=kind, vocab_size=size,
                                             num_threads=1, minloglevel=2, **settings)
    return model.getvalue()


def scores():
    """Of the model in the folder that SACREBLEU names."""
    from sacrebleu.metrics import BLEU

    for pair in PAIRS:
        metric = BLEU(tokenize="flores101")
        for file in sorted((DATA / pair).glob("hyp.*")):
            for references in ["A", "B", "AB"]:
                found = metric.corpus_score(lines(file), [reference(pair, name) for name in references])
                print(json.dumps({
                    "pair": pair, "file": file.name, "references": references, "score": found.score, "counts": found.counts,
                    "totals": found.totals, "sys_len": found.sys_len, "ref_len": found.ref_len, "signature": metric.get_signature().format(),
                }), flush=True)


if sys.argv[2:] == ["scores"]:
    scores()
else:
    from importlib.metadata import version

    out = {"versions": {name: version(name) for name in ["sacrebleu", "sentencepiece"]}, "models": []}
    for kind, size, settings in MODELS:
        model = train(kind, size, settings)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "models").mkdir()
            (Path(folder) / "models/sacrebleu_tokenizer_spm.model").write_bytes(model)
            run = subprocess.run([sys.executable, __file__, sys.argv[1], "scores"], env=os.environ | {"SACREBLEU": folder},
                                 stdout=subprocess.PIPE, check=True, text=True)
        found = [json.loads(line) for line in run.stdout.splitlines()]
        out["models"].append({"kind": kind, "size": size, "settings": settings, "model": model.decode("latin-1"), "scores": found})
        print(kind, len(model), len(found), found[0])
    data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
    (HERE / "pieces_bleu.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
