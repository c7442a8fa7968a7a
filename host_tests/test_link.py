"""The firmware as it is on a board, joined and with short names, does what its sources do."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from batcher_tools.compile import compile_firmware, compile_tree, firmware_texts
from batcher_tools.link import link
from batcher_tools.paths import BOARDS, program
from kit.names import of_tests

HERE = Path(__file__).parent
FILES = [
    path for path in sorted((HERE / "portable").glob("test_*.py")) if path.stem != "test_boards"
]
# A test that looks at private names finds others on a board.
LOOKED = re.compile(r"has no attribute '(_[a-z]\w*|log)'")


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joined")
    compile_firmware(folder / "batcher", doors=tuple(firmware_texts()), kept=of_tests())
    compile_tree(BOARDS, folder / "boards")
    return folder


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_joined_firmware_passes(joined, path, tmp_path):
    command = [
        program("micropython"),
        "-X",
        "heapsize=8m",
        HERE / "kit" / "runner.py",
        path,
    ]
    env = {"MICROPYPATH": f"{joined}:{HERE}:.frozen", "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    said = run.stdout + run.stderr
    assert "PASS" in said or "FAIL" in said, said
    tests = re.split(r"^(?=def )", path.read_text(), flags=re.MULTILINE)
    inside = {text[4 : text.index("(")] for text in tests if re.search(r"\._[a-z]", text)}
    for part in re.split(r"^(?=PASS|FAIL)", said, flags=re.MULTILINE):
        failed = part.startswith("FAIL") and part.split()[1] not in inside
        assert not failed or LOOKED.search(part), part


def test_a_name_that_two_modules_use_for_different_things_is_two():
    joined = link(
        {
            "timebase": "def boot():\n    return _at\n_at = 1\n",
            "block": "from .timebase import boot as start\n_at = 2\nboot = start() + _at\n",
            "records": "from . import block, timebase\nTOTAL = timebase.boot(), block.boot\n",
        }
    )
    assert set(joined) == {"records", "timebase"}
    space: dict = {}
    exec(joined["records"], space)
    assert space["TOTAL"] == (1, 3)
    assert re.fullmatch(r"from \.records import boot\n", joined["timebase"])


def test_a_local_name_hides_the_global_one():
    joined = link(
        {
            "timebase": "_x = 1\n",
            "block": "_x = 2\ndef f(_x):\n    return _x\ndef g():\n    return _x\n",
            "records": "from .block import f, g\nGOT = f(5), g()\n",
        }
    )
    space: dict = {}
    exec(joined["records"], space)
    assert space["GOT"] == (5, 2)


def test_private_names_that_may_meet_on_one_object_stay_apart():
    joined = link(
        {
            "a": "class A:\n    def __init__(self):\n        self._one = 1\n",
            "b": "from .a import A\nclass B(A):\n    def set(self):\n        self._two = 2\n",
            "c": "class C:\n    def __init__(self):\n        self._three = 3\n",
        }
    )
    used = {name: set(re.findall(r"self\.(\w+)", text)) for name, text in joined.items()}
    assert not used["a"] & used["b"]
    assert len(used["c"]) == 1 and used["c"] <= used["a"] | used["b"]


def test_a_module_that_is_handed_about_cannot_be_joined():
    with pytest.raises(ValueError, match="records: module block is used as an object"):
        link({"block": "x = 1\n", "records": "from . import block\nTOLD = [block]\n"})


def test_a_number_stands_in_place_of_its_name():
    joined = link(
        {
            "timebase": "WIDTH = const(1 << 4)\nLOW = const(-5)\n_own = const(3)\n"
            "X = [WIDTH, _own]\n",
            "block": "from .timebase import LOW, WIDTH as W\nfrom . import timebase as t\n"
            "def f(W):\n    return W\nY = [W, LOW, t.WIDTH, f(1)]\n",
            "records": "from .block import Y\nfrom .timebase import X\nTOTAL = X + Y\n",
            "ring": "from .timebase import WIDTH\nROOM = const(9)\nZ = [WIDTH, ROOM]\n",
        },
        doors=(),
    )
    space: dict = {}
    exec(joined["records"], space)
    assert space["TOTAL"] == [16, 3, 16, -5, 16, 1]
    assert "const" not in joined["records"] and "import" not in joined["ring"]
    exec("const = int\n" + joined["ring"], space)
    assert space["Z"] == [16, 9] and space["ROOM"] == 9  # a file of its own keeps its names


def test_a_number_that_a_function_imports_stands_in_place_of_its_name():
    joined = link(
        {
            "timebase": "WIDTH = const(16)\n",
            "records": "X = 1\n",
            "ring": "def f(n):\n    from .timebase import WIDTH, WIDTH as w\n"
            "    return n[WIDTH], w\n",
        },
        doors=(),
    )
    space: dict = {}
    exec(joined["ring"], space)
    assert space["f"]({16: 5}) == (5, 16)


def test_what_a_constructor_takes_can_be_named():
    text = "class Tls:\n    def __init__(self, ca, reserve=1):\n        self.it = ca, reserve\n"
    text += "    def wrap(self, argument):\n        return argument\n"
    joined = link({"ring": text})["ring"]
    assert "reserve" in joined and "ca" not in joined and "argument" not in joined


def test_what_a_file_of_a_board_imports_is_there():
    joined = link(firmware_texts(("port_host",)))
    made = {name: _bound(ast.parse(text)) for name, text in joined.items()}
    files = {name.removesuffix("__init__").rstrip("."): name for name in joined}
    wanted = 0
    for name, text in joined.items():
        folder = name.split(".")[:-1]
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            there = [*folder[: len(folder) - node.level + 1], *filter(None, [node.module])]
            for item in node.names:
                wanted += 1
                path = ".".join(there)
                inner = ".".join([*there, item.name])
                assert inner in files or item.name in made[files[path]], (name, path, item.name)
    assert wanted > 100


def _bound(tree):
    found = set()
    for node in tree.body:
        if isinstance(node, ast.If):
            found |= _bound(ast.Module(node.body + node.orelse, []))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(item.asname or item.name for item in node.names)
        else:
            found.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return found


def test_a_name_that_is_bound_again_is_no_number():
    text = "N = const(1)\ndef f():\n    global N\n    N = 2\nM = const(3)\nM = 4\n"
    space: dict = {"const": int}
    exec(link({"ring": text + "f()\nGOT = N, M\n"})["ring"], space)
    assert space["GOT"] == (2, 4)


def test_what_only_another_interpreter_needs_is_left_out():
    joined = link(
        {
            "port": "MICROPYTHON = True\nif MICROPYTHON:\n    from time import a, b\n"
            "    class Hidden:\n        _x = 1\n        def get(self):\n"
            "            return self._x\n"
            "else:\n    from .port_host import Hidden\n",
        }
    )
    assert "port_host" not in joined["port"] and "_x" not in joined["port"]
    assert joined["port"].count("import") == 1
