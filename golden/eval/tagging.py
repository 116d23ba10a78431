"""Records entity counts of seqeval 1.2.2 (strict) and of conlleval.pl (in seqeval's source package) on
random tag sequences. Run: python tagging.py PATH/TO/conlleval.pl; writes tagging.json.gz beside itself."""

import gzip
import json
import random
import subprocess
import sys

from seqeval.metrics import classification_report
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, IOE2, Entities

random.seed(11)
SCHEMES = {"IOB1": (IOB1, "IOB"), "IOB2": (IOB2, "IOB"), "IOE2": (IOE2, "IOE"), "IOBES": (IOBES, "IOBES"), "BILOU": (BILOU, "BILOU")}


def tags(prefixes, n):
    out = []
    for _ in range(n):
        prefix = random.choice(prefixes)
        out.append("O" if prefix == "O" else f"{prefix}-{random.choice(['PER', 'LOC', 'X-Y'][: random.randint(1, 3)])}")
    return out


def conlleval(truth, predicted):
    lines = "".join("".join(f"w {a} {b}\n" for a, b in zip(t, p)) + "\n" for t, p in zip(truth, predicted))
    run = subprocess.run(["perl", sys.argv[1]], input=lines, capture_output=True, text=True, check=True)
    words = run.stdout.split("\n")[0].replace(";", "").replace(".", "").split()
    numbers = [int(word) for word in words if word.isdigit()]
    return {"tokens": numbers[0], "truth": numbers[1], "predicted": numbers[2], "correct": numbers[3], "report": run.stdout}


out = []
for name, (scheme, prefixes) in SCHEMES.items():
    truth, predicted = [], []
    for _ in range(400):
        sentence = tags(prefixes, random.randint(1, 9))
        guess = [random.choice(tags(prefixes, 1)) if random.random() < 0.25 else tag for tag in sentence]
        truth.append(sentence)
        predicted.append(guess)
    averages = {a: list(map(float, precision_recall_fscore_support(truth, predicted, average=a, scheme=scheme)[:3])) for a in ["micro", "macro", "weighted"]}
    report = classification_report(truth, predicted, mode="strict", scheme=scheme, output_dict=True)
    types = {k: [float(v["precision"]), float(v["recall"]), float(v["f1-score"]), int(v["support"])] for k, v in report.items() if " avg" not in k}
    spans = [[[e.start, e.end, e.tag] for e in sentence] for sentence in Entities(predicted, scheme).entities]
    out.append({"scheme": name, "truth": [" ".join(s) for s in truth], "predicted": [" ".join(s) for s in predicted],
                "averages": averages, "types": types, "spans": spans, "conlleval": conlleval(truth, predicted)})
data = json.dumps({"versions": {"seqeval": "1.2.2"}, "cases": out}, separators=(",", ":")).encode()
with open("tagging.json.gz", "wb") as file:
    file.write(gzip.compress(data, 9, mtime=0))
print(out[0]["conlleval"], out[3]["averages"])
