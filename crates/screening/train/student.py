"""The student: a table of word pieces, convolutions, and a small head, which learns from the teacher."""

import dataclasses
import time

import numpy
import torch
import torch.nn.functional as F

WIDTH = 96
CONVOLUTIONS = [(1, 64), (3, 192)]
HIDDEN = 64
TEMPERATURE = 2.0
BATCH = 128
RATE = 2e-3
RATE_OF_TABLE = 1e-3


class Student(torch.nn.Module):
    """One text in, the log-odds of all labels out. Piece 0 is padding within a batch and unknown in a text."""

    def __init__(self, pieces, outputs, table=None):
        super().__init__()
        self.table = torch.nn.Embedding(pieces, WIDTH)
        if table is not None:
            self.table.weight.data.copy_(table)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv1d(WIDTH, channels, width, padding=width // 2) for width, channels in CONVOLUTIONS)
        self.hidden = torch.nn.Linear(2 * sum(channels for _, channels in CONVOLUTIONS), HIDDEN)
        self.out = torch.nn.Linear(HIDDEN, outputs)
        self.drop_pieces = 0.1
        self.dropout = torch.nn.Dropout(0.2)

    def forward(self, ids, mask):
        rows = self.table(ids) * mask.unsqueeze(-1)
        if self.training:
            # Whole pieces, so that no single word decides.
            rows = rows * (torch.rand(ids.shape).unsqueeze(-1) >= self.drop_pieces) / (1 - self.drop_pieces)
        rows = rows.transpose(1, 2)
        pooled = []
        for convolution in self.convolutions:
            felt = F.relu(convolution(rows)) * mask.unsqueeze(1)
            pooled += [felt.amax(2), felt.sum(2) / mask.sum(1, keepdim=True)]
        return self.out(self.dropout(F.relu(self.hidden(self.dropout(torch.cat(pooled, 1))))))


@torch.inference_mode()
def table_of(teacher, pieces):
    """Where the table starts: the teacher's output for each piece alone, reduced to `WIDTH` principal components."""
    teacher.eval()
    vocabulary = teacher.tokenizer.get_vocab()
    numbers = [vocabulary.get(name, vocabulary["[UNK]"]) for name in pieces.names]
    rows = []
    for start in range(0, len(numbers), 512):
        some = torch.tensor(numbers[start:start + 512])
        first, last = (torch.full_like(some, vocabulary[name]) for name in ("[CLS]", "[SEP]"))
        ids = torch.stack([first, some, last], 1)
        output = teacher.encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        rows.append(output[:, 1].float())
    rows = torch.cat(rows)
    rows = rows - rows.mean(0)
    _, _, directions = torch.linalg.svd(rows, full_matrices=False)
    table = rows @ directions[:WIDTH].T
    return table / table.std() * 0.25


def batch_of(cut):
    """Texts, cut into pieces, as numbers and mask."""
    longest = max(map(len, cut))
    ids = torch.zeros(len(cut), longest, dtype=torch.long)
    mask = torch.zeros(len(cut), longest)
    for at, numbers in enumerate(cut):
        ids[at, :len(numbers)] = torch.tensor(numbers)
        mask[at, :len(numbers)] = 1
    return ids, mask


def anything(logits):
    """The log-odds of any category against `ok`."""
    return torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]


@dataclasses.dataclass
class Lessons:
    """What a student learns from: texts, the teacher's logits on each, its label or -1 where that is not known, and how
    much it counts."""

    texts: list
    scores: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor


def loss_of(logits, target, known, weights):
    """The loss of a batch: the teacher's classes, its log-odds of anything at all, and the labels."""
    classes = F.kl_div(F.log_softmax(logits / TEMPERATURE, 1), F.log_softmax(target / TEMPERATURE, 1), log_target=True,
                       reduction="none").sum(1)
    odds = F.smooth_l1_loss(anything(logits), anything(target), reduction="none")
    loss = ((TEMPERATURE**2 * classes + odds) * weights).sum() / weights.sum()
    at = known >= 0
    if at.any():
        labels = F.cross_entropy(logits[at], known[at], reduction="none")
        loss = loss + 0.3 * (labels * weights[at]).sum() / weights[at].sum()
    return loss


def train(lessons, pieces, table, seed, rounds, say=print):
    """A student of `lessons`."""
    torch.manual_seed(seed)
    scores, labels, weights = lessons.scores, lessons.labels, lessons.weights
    student = Student(len(pieces.names), scores.shape[1], table)
    cut = [pieces.cut(text) or [0] for text in lessons.texts]
    order = numpy.argsort([len(one) for one in cut], kind="stable")
    generator = numpy.random.default_rng(seed)
    optimizer = torch.optim.AdamW([
        {"params": student.table.parameters(), "lr": RATE_OF_TABLE, "weight_decay": 0.0},
        {"params": [one for name, one in student.named_parameters() if not name.startswith("table")], "lr": RATE,
         "weight_decay": 0.02},
    ])
    starts = list(range(0, len(order), BATCH))
    steps = rounds * len(starts)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE_OF_TABLE, RATE], total_steps=steps, pct_start=0.1)
    average, began = None, time.monotonic()
    for turn in range(rounds):
        student.train()
        lost = 0.0
        # Batches of like length whose members differ from round to round.
        jittered = order[numpy.argsort(numpy.arange(len(order)) + generator.uniform(0, BATCH * 16, len(order)))]
        for start in generator.permutation(starts):
            some = jittered[start:start + BATCH]
            logits = student(*batch_of([cut[at] for at in some]))
            loss = loss_of(logits, scores[some], labels[some], weights[some])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
            optimizer.step()
            schedule.step()
            lost += loss.item()
        say(f"student {seed}: round {turn + 1}: loss {lost / len(starts):.4f}, {time.monotonic() - began:.0f} s",
            flush=True)
    return student


@torch.inference_mode()
def score(student, pieces, texts, batch=256):
    """The logits of many texts, in their order."""
    student.eval()
    cut = [pieces.cut(text) or [0] for text in texts]
    order = sorted(range(len(cut)), key=lambda at: len(cut[at]))
    scores = torch.empty(len(cut), student.out.out_features)
    for start in range(0, len(order), batch):
        some = order[start:start + batch]
        scores[some] = student(*batch_of([cut[at] for at in some]))
    return scores
