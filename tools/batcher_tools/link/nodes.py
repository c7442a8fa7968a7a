"""Questions to syntax trees: which names a statement binds and reads, and what is a number."""

import ast
from collections.abc import Iterable

# Never there at run time: mpy-cross knows them.
COMPILER = {"const", "ptr8", "ptr16", "ptr32", "uint"}


def flat(found):
    return found if isinstance(found, list) else [found]


def together(imports):
    """Imports from the same place become one."""
    found = {}
    for node in imports:
        found.setdefault((node.level, node.module), []).extend(node.names)
    return [ast.ImportFrom(module, names, level) for (level, module), names in found.items()]


def from_(path, name, bound):
    level = len(path) - len(path.lstrip("."))
    alias = ast.alias(name, None if name == bound else bound)
    return ast.ImportFrom(path[level:] or None, [alias], level)


def keywords(trees) -> set[str]:
    found = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for one in node.body:  # who makes an object may name what is not a must
                if isinstance(one, ast.FunctionDef) and one.name == "__init__":
                    listed = one.args.args[len(one.args.args) - len(one.args.defaults) :]
                    found.update(argument.arg for argument in listed)
        elif isinstance(node, ast.keyword):
            found.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def numbers(tree) -> dict[str, int]:
    """{name: number} of every `NAME = const(number)` that nothing else binds."""
    found, made = {}, []
    for node in tree.body:
        made.extend(bound([node], True))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            if isinstance(call.func, ast.Name) and call.func.id == "const":
                number = _value(call.args[0])
                if number is not None:
                    found[node.targets[0].id] = number
    outer = {n for node in ast.walk(tree) if isinstance(node, ast.Global) for n in node.names}
    return {n: value for n, value in found.items() if made.count(n) == 1 and n not in outer}


def _value(node) -> int | None:
    if any(not isinstance(n, _ARITHMETIC) for n in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), "const", "eval"), {"__builtins__": {}})
    return value if type(value) is int else None


_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


def literal(number: int) -> ast.expr:
    # As written, a negative number is an operator and a number: MicroPython folds it.
    if number < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def parse(name: str, text: str) -> ast.Module:
    tree = ast.parse(text, name)
    tree.body = [node for node in tree.body if not _for_editors(node) and not _says(node)]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node.body = [one for one in node.body if not _says(one)] or [ast.Pass()]
    return tree


def _says(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _for_editors(node) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING"


def own(node) -> Iterable[ast.AST]:
    """The nodes of a statement that are not inside of a function or class in it."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return
    for child in ast.iter_child_nodes(node):
        yield from own(child)


def bound(body, imports: bool) -> set[str]:
    """The names that statements bind in their own scope; those of top-level imports on demand."""
    found = set()
    for statement in body:
        if not imports and isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        for node in own(statement):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                found.update((i.asname or i.name).split(".")[0] for i in node.names)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
    found.discard("*")
    return found


def brought(tree) -> set[str]:
    """The names of imports in a condition: those of another interpreter, or of none."""
    return {
        (item.asname or item.name).split(".")[0]
        for statement in tree.body
        for node in own(statement)
        if node is not statement and isinstance(node, (ast.Import, ast.ImportFrom))
        for item in node.names
    }


def used(tree) -> set[str]:
    """The names that are read at run time: not `micropython` of a decorator, not const()."""
    found = set()

    def walk(node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for one in node.decorator_list:
                if not ast.unparse(one).startswith("micropython."):
                    walk(one)
            for one in (*node.body, node.args):
                walk(one)
            return
        if isinstance(node, ast.Name) and node.id not in COMPILER:
            found.add(node.id)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(tree)
    return found


def home(tree) -> set[str]:
    """The names that the package gives away: the keys of `_HOME`."""
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            return {key.value for key in node.value.keys}
    return set()


def redirect(tree, head) -> None:
    """`_HOME` of __init__: each name's module -> the one that holds it now."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            for value in node.value.values:
                value.value = head.get(value.value, value.value)
