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
from collections.abc import Iterable

from . import nodes
from .modules import Modules
from .rename import Rename
from .shorten import shorten

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


def link(
    sources: dict[str, str], doors: Iterable[str] = DOORS, kept: Iterable[str] = ()
) -> dict[str, str]:
    """{module in the package, dotted: source} -> the same, joined by GROUPS.

    "__init__" is the package itself, "x.__init__" one in it. Modules that are not there are left
    out of their group. doors: absorbed modules that can be imported all the same. kept: names that
    stay as they are, beside those that known.py finds.
    """
    linker = _Linker(sources, GROUPS, tuple(doors), set(kept))
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


class _Linker(Modules):
    """The text of each group."""

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
            renamed = Rename(self, head, module)
            for node in body:
                bodies.extend(nodes.flat(renamed.visit(node)))
        tree = ast.Module(body=bodies, type_ignores=[])
        used = nodes.used(tree)
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
                if here in used
                or len(members) == 1
                and here not in nodes.COMPILER | {"micropython"}
            ]
            if items:
                lines.append(f"from {path} import {', '.join(items)}")
        if head == "__init__":
            nodes.redirect(tree, self.head)
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
