"""Which module a name means, and what it is called in the end."""

import ast
from collections import Counter

from . import nodes
from .known import keywords, known
from .shorten import EXPORTED, attribute_names


class Modules:
    """Of all modules that are joined: trees, names, and which file holds each."""

    def __init__(self, sources, groups, doors, kept):
        self.doors = doors
        self.trees = {name: nodes.parse(name, text) for name, text in sources.items()}
        self.head = {}  # of each module
        self.members = {}  # of each head
        for group in groups:
            there = [name for name in group if name in sources]
            if there:
                self.members[there[-1]] = there
                self.head.update(dict.fromkeys(there, there[-1]))
        for name in sources:
            if name not in self.head:
                self.head[name] = name
                self.members[name] = [name]
        self.numbers = {name: nodes.numbers(tree) for name, tree in self.trees.items()}
        self.defined = {name: nodes.bound(tree.body, False) for name, tree in self.trees.items()}
        self.imported = {name: self._imports(name) for name in self.trees}
        self.home = nodes.home(self.trees.get("__init__"))
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
        self.keywords = keywords() | kept | nodes.keywords(self.trees.values())
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
            if name in self.defined[there] - nodes.brought(self.trees[there])
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
