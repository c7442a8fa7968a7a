"""One module's nodes in the names of its group."""

import ast

from . import nodes


class Rename(ast.NodeTransformer):
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
                return nodes.literal(number)
        found = self._find(node.id)
        if isinstance(found, int):
            return nodes.literal(found)
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
                    return nodes.literal(number)
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
                left.append(nodes.from_(there[5:], inner, bound))
                continue
            if inner is not None:
                if linker.number(there, inner) is not None:
                    continue
                there, inner = linker.origin(there, inner)
                if there not in linker.trees:
                    path = there.split(" ", 1)[-1] if " " in there else f".{there}"
                    left.append(nodes.from_(path, inner, bound))
                    continue
            other = linker.head.get(there, there)
            if other == self.head:
                continue
            if inner is None:
                parent, _, last = other.rpartition(".")
                path = linker.path(self.head, f"{parent}.__init__" if parent else "")
                left.append(nodes.from_(path, last, bound))
            else:
                left.append(
                    nodes.from_(linker.path(self.head, other), linker.final(there, inner), bound)
                )
        return nodes.together(left) or ast.Pass()

    def visit_If(self, node):
        # Which interpreter it is, is known here.
        if isinstance(node.test, ast.Name) and node.test.id == "MICROPYTHON":
            found = []
            for one in node.body:
                found.extend(nodes.flat(self.visit(one)))
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
            for one in nodes.own(inner):
                if isinstance(one, ast.Global):
                    outer.update(one.names)
        scope.update(dict.fromkeys(nodes.bound(body, True) - outer))
        for inner in body:
            for one in nodes.own(inner):
                if isinstance(one, ast.ImportFrom):
                    self._local(scope, one)
        self.scopes.append(scope)
        self.in_class.append(None)
        new = []
        for one in body:
            new.extend(nodes.flat(self.visit(one)))
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
        self.in_class.append(nodes.bound(node.body, True))
        node.body = [self.visit(one) for one in node.body]
        self.in_class.pop()
        return node
