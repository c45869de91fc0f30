"""Random choices that hypothesis makes, and makes smaller: towards the first option, towards fewer. Strategies of strategies would read
nicer and take ten times as long."""

from hypothesis import strategies as st

from copies import copied

POOL = 2 ** 24 # hypothesis draws numbers up to this one evenly
DRAWN = st.integers(0, POOL - 1)


class Choices:
    """Several choices from each number that hypothesis draws, since drawing is what takes time: the number's low digits first, each in a
    base of its own. 0 is the first option of all."""

    def __init__(self, draw):
        self.draw = draw
        self.rest, self.room = 0, 1

    def number(self, most):
        base = most + 1
        if self.room < 16 * base: # so little left that some choices would be much likelier
            self.rest, self.room = self.draw(DRAWN), POOL
        self.rest, chosen = divmod(self.rest, base)
        self.room //= base
        return chosen

    def one(self, options):
        """One of the options; an option that is a function makes the value."""
        option = options[self.number(len(options) - 1)]
        return option(self) if callable(option) else copied(option)

    def yes(self, one_in=2):
        return self.number(one_in - 1) == one_in - 1

    def some(self, options, most):
        """Up to that many different options, in any order; {name: options for the value} gives an object."""
        names, chosen = list(options), []
        for _ in range(self.number(min(most, len(names)))):
            chosen.append(names.pop(self.number(len(names) - 1)))
        if isinstance(options, dict):
            return {name: self.one(options[name]) for name in chosen}
        return [copied(name) for name in chosen]

    def list_of(self, make, most, key=lambda element: element["name"]):
        """Up to that many elements, no key twice."""
        elements = {}
        for _ in range(self.number(most)):
            element = make(self)
            elements.setdefault(key(element), element)
        return list(elements.values())


def strategy(make, *args, **kwargs):
    """A hypothesis strategy of what make(choices) returns."""
    @st.composite
    def made(draw):
        return make(Choices(draw), *args, **kwargs)
    return made()
