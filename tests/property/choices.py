"""Random choices that hypothesis makes, and makes smaller: towards the first option, towards fewer. Strategies of strategies would read
nicer and take ten times as long."""
import copy
import functools

from hypothesis import strategies as st


@functools.cache
def number(most):
    return st.integers(0, most)


class Choices:
    def __init__(self, draw):
        self.draw = draw

    def number(self, most):
        return self.draw(number(most))

    def one(self, options):
        """One of the options; an option that is a function makes the value."""
        option = options[self.number(len(options) - 1)]
        return option(self) if callable(option) else copy.deepcopy(option)

    def yes(self, one_in=2):
        return self.number(one_in - 1) == one_in - 1

    def some(self, options, most):
        """Up to that many different options, in any order; {name: options for the value} gives an object."""
        names, chosen = list(options), []
        for _ in range(self.number(min(most, len(names)))):
            chosen.append(names.pop(self.number(len(names) - 1)))
        if isinstance(options, dict):
            return {name: self.one(options[name]) for name in chosen}
        return [copy.deepcopy(name) for name in chosen]

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
