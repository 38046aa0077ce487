"""Word pieces, cut as the crate's `network::pieces` cuts them."""

PIECE_MAX = 24
WORD_MAX = 100
UNKNOWN = "[UNK]"


class Pieces:
    """A vocabulary of word pieces; `[UNK]` is number 0."""

    def __init__(self, names):
        assert names[0] == UNKNOWN
        self.names = names
        self.numbers = {name: number for number, name in enumerate(names)}
        self.known = {}

    def cut(self, text):
        """The numbers of the pieces of `text`."""
        found = []
        for word in words(text):
            pieces = self.known.get(word)
            if pieces is None:
                pieces = self.known[word] = self.cut_word(word)
            found += pieces
        return found

    def cut_word(self, word):
        if len(word) > WORD_MAX:
            return [0]
        found, start = [], 0
        while start < len(word):
            for end in range(min(len(word), start + PIECE_MAX), start, -1):
                number = self.numbers.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [0]
            found.append(number)
            start = end
        return found


def words(text):
    """Words of letters and digits; every other character that is no space is a word of its own."""
    found = []
    for chunk in text.split():
        start = 0
        for at, letter in enumerate(chunk):
            if not letter.isalnum():
                if at > start:
                    found.append(chunk[start:at])
                found.append(letter)
                start = at + 1
        if start < len(chunk):
            found.append(chunk[start:])
    return found


def chosen(texts, all_names, least=1):
    """Of all pieces those that `texts` need, and every single character, so that no word is without pieces."""
    every = Pieces([UNKNOWN] + [name for name in all_names if not name.startswith("[")])
    counts = [0] * len(every.names)
    for text in texts:
        for number in every.cut(text):
            counts[number] += 1
    kept = [name for name, count in zip(every.names, counts)
            if count >= least or (name.isascii() and len(name.removeprefix("##")) == 1)]
    return Pieces([UNKNOWN] + [name for name in kept if name != UNKNOWN])
