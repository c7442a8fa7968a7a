"""The firmware's modules, joined for a board into fewer: what is always loaded together is one.

A module costs a board memory by itself (its object, its dict, its tables), and so does each name
that it imports from its neighbours. The sources stay as they are, one concept a file; this joins
them where they are compiled. Inside a group an import becomes a plain name, and a name that two
modules use for different things gets a number. What only the compiler needs (const, ptr8 ...) is
not imported, and a number, `X = const(5)`, stands in place of its name wherever that is read; its
name is kept where the package gives it away. A module that is passed about as an object cannot be
joined: ValueError.
"""

import ast
from collections import Counter
from collections.abc import Iterable

from .known import keywords, known
from .shorten import EXPORTED, attribute_names, shorten

# A group is named after its last module, which the others lead to; in the order of imports.
GROUPS = (
    ("units", "schema"),
    ("errors", "counter", "backoff", "flusher", "identity", "batcher"),
    ("timebase", "reader", "block", "cut", "cursor", "records"),
    ("logring", "sampler", "station"),
    ("rules", "config", "board", "preflight", "safemode", "hardware"),
    ("port_net", "uplink.wire", "uplink.transport"),
    ("uplink.answer", "uplink.http"),
    ("port_rtc", "uplink.sntp"),
    ("uplink.emit", "uplink.program"),
    ("uplink.udp", "uplink.dns"),
    ("uplink.mqtt_wire", "uplink.mqtt"),
    ("segment", "segfiles", "ack", "segreader", "spoollog", "spool", "spilling", "tiered"),
    ("nap", "duty"),
)
# Absorbed modules that a user's own program imports by name: a line each that leads there.
DOORS = ("backoff", "errors", "identity", "timebase", "sampler", "logring")
COMPILER = {
    "const",
    "ptr8",
    "ptr16",
    "ptr32",
    "uint",
}  # never there at run time: mpy-cross knows them


def link(
    sources: dict[str, str], doors: Iterable[str] = DOORS, kept: Iterable[str] = ()
) -> dict[str, str]:
    """{module in the package, dotted: source} -> the same, joined by GROUPS.

    "__init__" is the package itself, "x.__init__" one in it. Modules that are not there are left
    out of their group. doors: absorbed modules that can be imported all the same. kept: names that
    stay as they are, beside those that known.py finds.
    """
    linker = _Linker(sources, tuple(doors), set(kept))
    joined = {}
    for head in linker.members:
        joined[head] = linker.group(head)
    for name in linker.doors:
        head = linker.head.get(name, name)
        if head != name and name in sources:
            names = sorted(
                f"{final} as {plain}" if final != plain else plain
                for plain, final in linker.names[name].items()
                if not plain.startswith("_") and plain in linker.defined[name]
            )
            if names:
                path = linker.path(name, head)
                joined[name] = f"from {path} import {', '.join(names)}\n"
    return joined


class _Linker:
    def __init__(self, sources, doors, kept):
        self.doors = doors
        self.trees = {name: _parse(name, text) for name, text in sources.items()}
        self.head = {}  # of each module
        self.members = {}  # of each head
        for group in GROUPS:
            there = [name for name in group if name in sources]
            if there:
                self.members[there[-1]] = there
                self.head.update(dict.fromkeys(there, there[-1]))
        for name in sources:
            if name not in self.head:
                self.head[name] = name
                self.members[name] = [name]
        self.numbers = {name: _numbers(tree) for name, tree in self.trees.items()}
        self.defined = {name: _bound(tree.body, False) for name, tree in self.trees.items()}
        self.imported = {name: self._imports(name) for name in self.trees}
        self.home = _home(self.trees.get("__init__"))
        self.codes = self._codes(known() | set(kept) | self.home)
        self.names = {name: {} for name in self.trees}  # of each module: plain -> final
        for head in self.members:
            self._name(head)
        # A name of a module may be asked of the module itself, as an attribute.
        names = set().union(*self.defined.values(), *self.imported.values())
        asked = known() | set(kept) | {name for name in names if not name.startswith("_")}
        asked |= {name for module in self.trees for _, name in self._asked_of_modules(module)}
        self.short = attribute_names(self.trees, asked)
        # An argument may be passed by its name: in a call of ours, a user's, or out of a dict.
        self.keywords = keywords() | kept | _keywords(self.trees.values())
        self.wanted = {head: set() for head in self.members}
        for module in self.trees:
            self._look(module)

    def _look(self, module):
        """Note the names that a module wants of other groups."""
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.ImportFrom):
                for there, inner in self.meaning(module, node).values():
                    if there in self.trees and inner is not None:
                        self._want_name(module, there, inner)
        for there, name in self._asked_of_modules(module):
            self._want_name(module, there, name)

    def _want_name(self, module, there, name):
        there, name = self.origin(there, name)
        if there in self.trees and self.head[there] != self.head[module]:
            self.wanted[self.head[there]].add(self.names[there].get(name, name))

    # which module an import means

    def target(self, module: str, node: ast.ImportFrom) -> str | None:
        """-> the module of ours that `node` imports from; None where it is not ours."""
        if not node.level:
            return None
        parts = module.split(".") if module else []
        if module and not module.endswith("__init__") or module.endswith("__init__"):
            parts = parts[:-1]
        parts = parts[: len(parts) - (node.level - 1)] if node.level > 1 else parts
        return ".".join([*parts, *(node.module.split(".") if node.module else [])])

    def _imports(self, module):
        # name in the module -> (module it comes from, name there or None for the module itself)
        found = {}
        for node in self.trees[module].body:
            if isinstance(node, ast.ImportFrom):
                found.update(self.meaning(module, node))
            elif isinstance(node, ast.Import):
                for item in node.names:
                    found[item.asname or item.name] = (f"import {item.name}", None)
        return found

    def meaning(self, module, node):
        source = self.target(module, node)
        found = {}
        for item in node.names:
            bound = item.asname or item.name
            if source is None:
                found[bound] = (f"from {node.module}", item.name)
            else:
                inner = f"{source}.{item.name}".lstrip(".")
                if inner in self.trees or f"{inner}.__init__" in self.trees:
                    found[bound] = (inner, None)
                else:
                    found[bound] = (source, item.name)
        return found

    def origin(self, module, name):
        """Where a name of a module is really made: through its imports."""
        while module in self.trees and name in self.imported[module]:
            there, inner = self.imported[module][name]
            if inner is None or there not in self.trees:
                return there, inner
            module, name = there, inner
        return module, name

    def number(self, module, name):
        """-> the number that a name of a module stands for, or None."""
        there, name = self.origin(module, name)
        return self.numbers.get(there, {}).get(name)

    # final names

    def _codes(self, kept):
        """-> {(module, name): a short name} of what only other files of ours know."""
        asked = set(kept)  # and what may be looked up by a text, or of an object
        crossing: Counter = Counter()
        for module, tree in self.trees.items():
            places = []
            theirs = Counter(name for _, name in self._asked_of_modules(module))
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    found = self.meaning(module, node).values()
                    places += [(there, inner) for there, inner in found if inner is not None]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    asked.add(node.value)
                elif isinstance(node, ast.Attribute):
                    theirs[node.attr] -= 1
            asked.update(name for name, times in theirs.items() if times < 0)
            for there, name in [*places, *self._asked_of_modules(module)]:
                crossing[self.origin(there, name)] += self._is_other(module, there)
        names = [
            (there, name)
            for (there, name), times in crossing.most_common()
            if times and there in self.trees and there != "__init__" and name not in asked
            if name in self.defined[there] - _brought(self.trees[there])
            if self.number(there, name) is None
        ]
        return dict(zip(names, EXPORTED, strict=False))

    def _asked_of_modules(self, module):
        """-> (module, name) of each `alias.name`."""
        aliases = {}
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.ImportFrom):
                for bound, (there, inner) in self.meaning(module, node).items():
                    if inner is None and there in self.trees:
                        aliases[bound] = there
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in aliases:
                    yield aliases[node.value.id], node.attr

    def _is_other(self, module, there):
        return self.head.get(module) != self.head.get(there)

    def _name(self, head):
        taken = {}  # final name -> what it means
        self_names = self.names
        for module in self.members[head]:
            for name in sorted(self.defined[module] | set(self.imported[module])):
                if name in self.defined[module]:
                    meaning = (module, name)
                else:
                    meaning = self.origin(module, name)
                    if meaning[1] is None and self.head.get(meaning[0]) == head:
                        continue  # a module of this group: its names are plain names here
                    if meaning[1] is not None and self.head.get(meaning[0]) == head:
                        self_names[module][name] = self_names[meaning[0]][meaning[1]]
                        continue
                plain = self.codes.get(meaning, name)
                final = plain
                number = 1
                while taken.get(final, meaning) != meaning:
                    number += 1
                    final = f"{plain}_{number}"
                taken[final] = meaning
                self_names[module][name] = final

    def final(self, module, name):
        """-> what a name of a module is called in its group."""
        module, name = self.origin(module, name)
        return self.names.get(module, {}).get(name, name)

    # text

    def group(self, head):
        members = self.members[head]
        wanted, bodies = {}, []  # wanted: module path -> {name there: name here}
        plain = {}
        for module in members:
            tree = self.trees[module]
            body = []
            for node in tree.body:
                if isinstance(node, ast.ImportFrom):
                    self._want(head, module, node, wanted)
                elif isinstance(node, ast.Import):
                    for item in node.names:
                        plain[item.asname or item.name] = item.name
                elif not self._is_spent(head, module, node):
                    body.append(node)
            renamed = _Rename(self, head, module)
            for node in body:
                bodies.extend(_flat(renamed.visit(node)))
        tree = ast.Module(body=bodies, type_ignores=[])
        used = _used(tree)
        lines = []
        for name, real in sorted(plain.items()):
            if name == real:
                lines.append(f"import {name}")
            else:
                lines.append(f"import {real} as {name}")
        for path, names in wanted.items():
            items = [
                there if there == here else f"{there} as {here}"
                for here, there in sorted(names.items())
                if here in used or len(members) == 1 and here not in COMPILER | {"micropython"}
            ]
            if items:
                lines.append(f"from {path} import {', '.join(items)}")
        if head == "__init__":
            _redirect(tree, self.head)
        else:
            inner = {
                self.names[module][name]
                for module in members[:-1]
                if module not in self.doors
                for name in self.defined[module]
            }
            shorten(tree, self.short, self.wanted[head], inner - self.home, self.keywords)
        return "\n".join([*lines, ast.unparse(ast.fix_missing_locations(tree)), ""])

    def _is_spent(self, head, module, node):
        # A number's own line, where all who may read it have the number instead.
        if not isinstance(node, ast.Assign) or len(node.targets) > 1:
            return False
        name = getattr(node.targets[0], "id", None)
        if name not in self.numbers[module] or name in self.home:
            return False
        return name.startswith("_") or module != head and module not in self.doors

    def path(self, head, module):
        """-> the relative path by which a file at `head` names the file of `module`."""
        here = head.split(".")[:-1]
        there = module.removesuffix("__init__").rstrip(".")
        if module == "" or not there:
            return "." * (len(here) + 1)
        folder = there.split(".")
        shared = 0
        while shared < min(len(here), len(folder) - 1) and here[shared] == folder[shared]:
            shared += 1
        return "." * (len(here) - shared + 1) + ".".join(folder[shared:])

    def _want(self, head, module, node, wanted):
        for bound, (there, inner) in self.meaning(module, node).items():
            if there.startswith("from "):
                wanted.setdefault(there[5:], {})[self.names[module][bound]] = inner
                continue
            if inner is not None:
                if self.number(there, inner) is not None:
                    continue
                there, inner = self.origin(there, inner)
                if there.startswith(("from ", "import ")):
                    source = there.split(" ", 1)[1]
                    wanted.setdefault(source, {})[self.names[module][bound]] = inner
                    continue
            other = self.head.get(there, there)
            if other == head:
                continue
            if inner is None:  # a module: as the file that holds it
                parent, _, last = other.rpartition(".")
                path = self.path(head, f"{parent}.__init__" if parent else "")
                wanted.setdefault(path, {})[self.names[module][bound]] = last
            else:
                name = self.final(there, inner)
                wanted.setdefault(self.path(head, other), {})[self.names[module][bound]] = name


class _Rename(ast.NodeTransformer):
    """One module's nodes in the names of its group."""

    def __init__(self, linker, head, module):
        self.linker = linker
        self.head = head
        self.module = module
        self.scopes: list[dict] = []  # of functions: local name -> what _find says
        self.in_class: list[set] = []

    def _find(self, name):
        """-> final name; a number; (module,) of an absorbed module; None where it is local."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        linker = self.linker
        if name in linker.names[self.module]:
            there = linker.imported[self.module].get(name)
            if there and there[1] is None and self._absorbed(there[0]):
                return (there[0],)
            return linker.names[self.module][name]
        if name in linker.imported[self.module]:
            return (linker.imported[self.module][name][0],)
        return None

    def _absorbed(self, module):
        return (
            module in self.linker.trees and len(self.linker.members[self.linker.head[module]]) > 1
        )

    def visit_Name(self, node):
        if self.in_class and self.in_class[-1] is not None and node.id in self.in_class[-1]:
            return node
        if isinstance(node.ctx, ast.Load) and not any(node.id in scope for scope in self.scopes):
            number = self.linker.number(self.module, node.id)
            if number is not None:
                return _literal(number)
        found = self._find(node.id)
        if isinstance(found, int):
            return _literal(found)
        if isinstance(found, tuple):
            raise ValueError(f"{self.module}: module {node.id} is used as an object")
        if found:
            node.id = found
        return node

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            found = self._find(node.value.id)
            if isinstance(found, tuple):
                linker = self.linker
                number = linker.number(found[0], node.attr)
                if number is not None:
                    return _literal(number)
                final = linker.final(found[0], node.attr)
                if linker.head[found[0]] == self.head:
                    return ast.Name(final, node.ctx)
                node.attr = final
                node.value.id = linker.names[self.module].get(node.value.id, node.value.id)
                return node
        return self.generic_visit(node)

    def visit_Global(self, node):
        node.names = [self.linker.names[self.module].get(name, name) for name in node.names]
        return node

    def visit_ImportFrom(self, node):
        # inside of a function, or of a condition
        linker = self.linker
        meaning = linker.meaning(self.module, node)
        left = []
        for bound, (there, inner) in meaning.items():
            if there.startswith("from "):
                left.append(_from(there[5:], inner, bound))
                continue
            if inner is not None:
                if linker.number(there, inner) is not None:
                    continue
                there, inner = linker.origin(there, inner)
                if there not in linker.trees:
                    path = there.split(" ", 1)[-1] if " " in there else f".{there}"
                    left.append(_from(path, inner, bound))
                    continue
            other = linker.head.get(there, there)
            if other == self.head:
                continue
            if inner is None:
                parent, _, last = other.rpartition(".")
                path = linker.path(self.head, f"{parent}.__init__" if parent else "")
                left.append(_from(path, last, bound))
            else:
                left.append(_from(linker.path(self.head, other), linker.final(there, inner), bound))
        return _together(left) or ast.Pass()

    def visit_If(self, node):
        # Which interpreter it is, is known here.
        if isinstance(node.test, ast.Name) and node.test.id == "MICROPYTHON":
            found = []
            for one in node.body:
                found.extend(_flat(self.visit(one)))
            return found
        return self.generic_visit(node)

    def _function(self, node):
        decorators = getattr(node, "decorator_list", [])
        node_args = node.args
        if hasattr(node, "decorator_list"):
            node.decorator_list = [self.visit(one) for one in decorators]
            if not self.in_class or self.in_class[-1] is None:
                found = self._find(node.name)
                node.name = found or node.name
        node_args.defaults = [self.visit(one) for one in node_args.defaults]
        node_args.kw_defaults = [one and self.visit(one) for one in node_args.kw_defaults]
        body = node.body if isinstance(node.body, list) else [node.body]
        arguments = [*node_args.posonlyargs, *node_args.args, *node_args.kwonlyargs]
        scope: dict = {argument.arg: None for argument in arguments}
        for extra in (node_args.vararg, node_args.kwarg):
            if extra:
                scope[extra.arg] = None
        outer = set()
        for inner in body:
            for one in _own(inner):
                if isinstance(one, ast.Global):
                    outer.update(one.names)
        scope.update(dict.fromkeys(_bound(body, True) - outer))
        for inner in body:
            for one in _own(inner):
                if isinstance(one, ast.ImportFrom):
                    self._local(scope, one)
        self.scopes.append(scope)
        self.in_class.append(None)
        new = []
        for one in body:
            new.extend(_flat(self.visit(one)))
        node.body = new if isinstance(node.body, list) else new[0]
        self.scopes.pop()
        self.in_class.pop()
        return node

    def _local(self, scope, node):
        linker = self.linker
        for bound, (there, inner) in linker.meaning(self.module, node).items():
            if inner is not None:
                number = linker.number(there, inner)
                if number is not None:
                    scope[bound] = number
                    continue
                there, inner = linker.origin(there, inner)
            if there not in linker.trees:
                continue
            if inner is None:
                if self._absorbed(there):
                    scope[bound] = (there,)
            elif linker.head[there] == self.head:
                scope[bound] = linker.final(there, inner)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node):
        if not self.in_class or self.in_class[-1] is None:
            found = self._find(node.name)
            node.name = found or node.name
        node.bases = [self.visit(one) for one in node.bases]
        self.in_class.append(_bound(node.body, True))
        node.body = [self.visit(one) for one in node.body]
        self.in_class.pop()
        return node


def _flat(found):
    return found if isinstance(found, list) else [found]


def _together(imports):
    """Imports from the same place become one."""
    found = {}
    for node in imports:
        found.setdefault((node.level, node.module), []).extend(node.names)
    return [ast.ImportFrom(module, names, level) for (level, module), names in found.items()]


def _from(path, name, bound):
    level = len(path) - len(path.lstrip("."))
    alias = ast.alias(name, None if name == bound else bound)
    return ast.ImportFrom(path[level:] or None, [alias], level)


def _keywords(trees) -> set[str]:
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


def _numbers(tree) -> dict[str, int]:
    """{name: number} of every `NAME = const(number)` that nothing else binds."""
    found, bound = {}, []
    for node in tree.body:
        bound.extend(_bound([node], True))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            if isinstance(call.func, ast.Name) and call.func.id == "const":
                number = _value(call.args[0])
                if number is not None:
                    found[node.targets[0].id] = number
    outer = {n for node in ast.walk(tree) if isinstance(node, ast.Global) for n in node.names}
    return {n: value for n, value in found.items() if bound.count(n) == 1 and n not in outer}


def _value(node) -> int | None:
    if any(not isinstance(n, _ARITHMETIC) for n in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), "const", "eval"), {"__builtins__": {}})
    return value if type(value) is int else None


_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


def _literal(number: int) -> ast.expr:
    # As written, a negative number is an operator and a number: MicroPython folds it.
    if number < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def _parse(name: str, text: str) -> ast.Module:
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


def _own(node) -> Iterable[ast.AST]:
    """The nodes of a statement that are not inside of a function or class in it."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _own(child)


def _bound(body, imports: bool) -> set[str]:
    """The names that statements bind in their own scope; those of top-level imports on demand."""
    found = set()
    for statement in body:
        if not imports and isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        for node in _own(statement):
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


def _brought(tree) -> set[str]:
    """The names of imports in a condition: those of another interpreter, or of none."""
    return {
        (item.asname or item.name).split(".")[0]
        for statement in tree.body
        for node in _own(statement)
        if node is not statement and isinstance(node, (ast.Import, ast.ImportFrom))
        for item in node.names
    }


def _used(tree) -> set[str]:
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


def _home(tree) -> set[str]:
    """The names that the package gives away: the keys of `_HOME`."""
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            return {key.value for key in node.value.keys}
    return set()


def _redirect(tree, head) -> None:
    """`_HOME` of __init__: each name's module -> the one that holds it now."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            for value in node.value.values:
                value.value = head.get(value.value, value.value)
