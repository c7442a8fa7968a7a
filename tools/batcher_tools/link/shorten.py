"""Internal names of the firmware, as short as they can be on a board.

A board keeps every name it has loaded, for ever, beside 6 to 11 bytes of its own for each. Those
that nobody else knows (attributes, methods, module globals, parameters; known.py says which others
do) become `a`, `b` ..., and unrelated things share them. Two names never share where they may
meet on one object: in one module, or in modules whose classes inherit from each other.
"""

import ast
import keyword
import string
from collections import Counter


def _codes():
    letters = string.ascii_lowercase + string.ascii_uppercase
    yield from letters
    for first in letters:
        for second in letters:
            if not keyword.iskeyword(first + second):
                yield first + second


CODES = tuple(_codes())
# Of globals that other files import: the same everywhere, so none of the others.
EXPORTED = tuple(a + b for a in string.ascii_uppercase for b in string.digits)


def attribute_names(trees: dict[str, ast.Module], kept: set[str]) -> dict[str, str]:
    """-> {attribute or method that is not in `kept`: its short name}, the same in all modules."""
    owners = {name: name for name in trees}  # union of modules joined by inheritance

    def root(name):
        while owners[name] != name:
            name = owners[name]
        return name

    classes = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(module)
    used: dict[str, Counter] = {module: Counter() for module in trees}
    made: set[str] = set()
    texts: set[str] = set()
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _internal(node.attr, kept):
                used[module][node.attr] += 1
                if isinstance(node.ctx, ast.Store):
                    made.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.ClassDef):
                for name in _class_names(node, kept):
                    used[module][name] += 1
                    made.add(name)
                for base in node.bases:
                    last = base.attr if isinstance(base, ast.Attribute) else base.id
                    for other in classes.get(last, ()):
                        owners[root(module)] = root(other)
    places: dict[str, set] = {}
    uses: Counter = Counter()
    for module, names in used.items():
        for name, times in names.items():
            if name in made and name not in texts:
                places.setdefault(name, set()).add(root(module))
                uses[name] += times
    taken: dict[str, set] = {root(module): set() for module in trees}
    short = {}
    codes = [code for code in CODES if code not in kept and code not in texts]
    for name in sorted(places, key=lambda name: (-len(places[name]), -uses[name], name)):
        code = next(
            code for code in codes if not any(code in taken[place] for place in places[name])
        )
        for place in places[name]:
            taken[place].add(code)
        short[name] = code
    return short


def shorten(
    tree: ast.Module, attributes: dict[str, str], wanted: set, inner: set, keywords: set
) -> ast.Module:
    """The names of one file in place.

    wanted: globals of it that other files use. inner: public ones that are nobody's but its own.
    keywords: names by which arguments are passed somewhere, or may be.
    """
    own = sorted(_globals(tree) - wanted)
    own = [name for name in own if _private(name) or name in inner]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | _arguments(tree)
    names = dict(zip(own, (code for code in CODES if code not in used)))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            _class(node, attributes)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            node.attr = attributes.get(node.attr, node.attr)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node.name = names.get(node.name, node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = names.get(node.name, node.name)
        elif isinstance(node, ast.Global):
            node.names = [names.get(name, name) for name in node.names]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _parameters(node, keywords, set(names.values()))
    return tree


def _arguments(tree: ast.AST) -> set[str]:
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _internal(name: str, kept: set[str]) -> bool:
    return not name.startswith("__") and name != "_" and name not in kept


def _class_names(node: ast.ClassDef, kept: set[str]) -> set[str]:
    found = set()
    for one in node.body:
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(one.name)
        elif isinstance(one, ast.Assign):
            found.update(t.id for t in one.targets if isinstance(t, ast.Name))
    return {name for name in found if _internal(name, kept)}


def _class(node: ast.ClassDef, attributes: dict[str, str]) -> None:
    own = _class_names(node, set())
    for one in node.body:
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            one.name = attributes.get(one.name, one.name)
        else:
            for name in ast.walk(one):
                if isinstance(name, ast.Name) and name.id in own:
                    name.id = attributes.get(name.id, name.id)


def _globals(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                found.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    return found


def _parameters(node, keywords: set[str], taken: set[str]) -> None:
    """Parameters of a function, unless somebody names them in a call.

    taken: names of the file, which a parameter must not hide (not even one of a const()).
    """
    inside = taken | {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    nested = [
        n for n in ast.walk(node)
        if n is not node and isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    ]  # fmt: skip
    if nested:  # a closure may name them
        return
    free = iter(CODES)
    inside |= _arguments(node)
    new = {}
    for argument in (*node.args.posonlyargs, *node.args.args):
        if argument.arg == "self" or argument.arg in keywords:
            continue
        name = next(free)
        while name in inside:
            name = next(free)
        new[argument.arg] = name
        argument.arg = name
    for n in ast.walk(node):
        if isinstance(n, ast.Name):
            n.id = new.get(n.id, n.id)
