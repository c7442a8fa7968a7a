"""Viper code as it is written anew for Cortex-M0 does what mpy-cross' own does, on the board."""

import random
import subprocess

import pytest

from batcher_tools import thumb
from batcher_tools.paths import program
from batcher_tools.pico.filesystem import write_image

from .conftest import start

pytestmark = pytest.mark.pico

FUNCTIONS = 12  # a module
NUMBERS = (0, 1, 2, 9, 48, 255, 256, 1000, 33555, 1 << 25, 0x3FFFFFFF, -1, -256, 100000000)
LOCALS = ("o", "i", "v", "a", "b", "c", "d")
RUN = """
import sys
from array import array
SEEDS = (0, 7, -1, 12345678, -0x40000000)
def run(name):
    module = __import__(name)
    for k in range(%d):
        f = getattr(module, "f%%d" %% k)
        total = 0
        for s in range(len(SEEDS)):
            data = bytearray(range(s, s + 64))
            words = array("i", [x * SEEDS[s] >> 3 for x in range(16)])
            r = f(SEEDS[s], SEEDS[s - 3], data, words)
            for x in [r] + list(data) + list(words):
                total = (total * 31 + x) & 0x3fffffff
        print(name, k, total)
    del sys.modules[name]
"""


class Source:
    """Functions of everything that viper has and the firmware uses, by chance."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = ["import micropython"]
        self.loops = 0

    def function(self, k):
        self.lines += [
            "@micropython.viper",
            f"def f{k}(o: int, i: int, data, words) -> int:",
            "    t = ptr8(data)",
            "    h = ptr16(data)",
            "    w = ptr32(words)",
            "    v = 1",
            "    a = o ^ 85",
            "    b = i + 1000",
            "    c = d = 3",
        ]
        self.block(1, 7)
        self.lines.append("    return " + self.value(3))

    def block(self, depth, n):
        for _ in range(self.random.randrange(1, n)):
            self.statement(depth)

    def statement(self, depth):
        pick = self.random.random()
        pad = "    " * depth
        name = self.random.choice(LOCALS)
        if pick < 0.4 or depth > 4:
            if self.random.random() < 0.3:
                self.lines.append(f"{pad}{name} {self.random.choice('+-&|^')}= {self.value(1)}")
            else:
                self.lines.append(f"{pad}{name} = {self.value(3)}")
        elif pick < 0.55:
            address = f"ptr8(int(t) + ({self.value(0)} & 31))"
            place = self.random.choice(
                (
                    f"t[{self.index(63)}]",
                    f"h[{self.index(31)}]",
                    f"w[{self.index(15)}]",
                    f"{address}[{self.random.randrange(32)}]",
                )
            )
            self.lines.append(f"{pad}{place} = {self.value(2)}")
        elif pick < 0.8:
            self.lines.append(f"{pad}if {self.test()}:")
            self.block(depth + 1, 4)
            if self.random.random() < 0.5:
                self.lines.append(f"{pad}else:")
                self.block(depth + 1, 4)
        else:
            self.loops += 1
            n = f"n{self.loops}"
            self.lines.append(f"{pad}{n} = {self.random.randrange(1, 4)}")
            self.lines.append(f"{pad}while {n}:")
            self.lines.append(f"{pad}    {n} -= 1")
            self.block(depth + 1, 4)
            if self.random.random() < 0.4:
                self.lines.append(f"{pad}    if {self.test()}:")
                self.lines.append(f"{pad}        {self.random.choice(('break', 'continue'))}")
                self.block(depth + 1, 3)

    def index(self, most):
        if self.random.random() < 0.5:
            return str(self.random.randrange(most + 1))
        return f"{self.value(1, False)} & {most}"

    def value(self, depth, number=True):
        # Of two numbers mpy-cross would make a third, maybe an object.
        choice = self.random.choice
        pick = self.random.random()
        if depth == 0 or pick < 0.3:
            return choice(LOCALS)
        if pick < 0.45 and number:
            return str(choice((*NUMBERS, self.random.getrandbits(29))))
        if pick < 0.55:
            return choice((f"t[{self.index(63)}]", f"h[{self.index(31)}]", f"w[{self.index(15)}]"))
        left = self.value(depth - 1, False)
        if pick < 0.65:
            return f"({left} {choice(('<<', '>>'))} {self.random.randrange(32)})"
        if pick < 0.7:
            return f"({left} {choice(('//', '%'))} {choice((2, 10, 1000, 10000))})"
        return f"({left} {choice('+-*&|^+-')} {self.value(depth - 1)})"

    def test(self):
        choice = self.random.choice
        left = self.value(1, False)
        one = choice(
            (
                self.value(2, False),
                f"not {left}",
                f"{left} & {1 << self.random.randrange(9)}",
                f"{left} {choice(('<', '>', '<=', '>=', '==', '!='))} {self.value(1)}",
                f"not {left} & 4",
            )
        )
        if self.random.random() < 0.25:
            return f"{one} {choice(('and', 'or'))} {self.test()}"
        return one


def compiled(folder, name, source):
    path = folder / f"{name}.py"
    path.write_text(source)
    command = [program("mpy-cross"), "-O3", "-march=armv6m", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.with_suffix(".mpy").read_bytes()


def test_functions_made_by_chance_do_the_same(tmp_path):
    files = {}
    longer = shorter = 0
    names = range(2)
    for seed in names:
        source = Source(seed)
        for k in range(FUNCTIONS):
            source.function(k)
        data = compiled(tmp_path, f"m{seed}", "\n".join(source.lines) + "\n")
        files[f"/m{seed}.mpy"] = data
        files[f"/s{seed}.mpy"] = thumb.compact(data)
        longer += len(data)
        shorter += len(files[f"/s{seed}.mpy"])
    assert shorter < 0.7 * longer
    with start(filesystem=write_image(tmp_path / "fs", files), speed=None) as pico:
        pico.run(RUN % FUNCTIONS)
        for seed in names:
            wanted = pico.run(RUN % FUNCTIONS + f"run('m{seed}')", timeout=400)
            found = pico.run(RUN % FUNCTIONS + f"run('s{seed}')", timeout=400)
            assert wanted.count("\n") == FUNCTIONS
            assert found.replace("s", "m") == wanted
