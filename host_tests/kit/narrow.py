"""An int that raises OverflowError beyond a 32-bit board's small integers (CPython only)."""


class Narrow(int):
    pass


def _checked(name):
    plain = getattr(int, name)

    def operation(self, other):
        value = plain(self, other)
        if value is NotImplemented:
            return value
        if not -(1 << 30) <= value < 1 << 30:
            raise OverflowError(f"{int(self)} {name} {int(other)} = {int(value)}")
        return Narrow(value)

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        setattr(Narrow, _form, _checked(_form))
