"""What a reading is made of: fields of (name, unit, scale), and nothing but integers.

Rules: a value is a 32-bit integer times 10**scale; -2**31 is "missing". A schema never
changes once made. Its id is derived from its definition, so that two boards that define it
alike agree, and a changed definition is another series to every reader.
"""

from array import array
from binascii import crc32

from .port import const
from .units import is_unit

MISSING = -(1 << 31)
MAX_FIELDS = const(32)


def _text(name, what):
    # -> the length and the UTF-8 of a name, checked
    good = isinstance(name, str)
    data = name.encode() if good else b""
    if not 0 < len(data) <= 64:
        kind = ValueError if good else TypeError
        raise kind("%s: wanted a str of 1 to 64 bytes, found %r" % (what, name))
    return bytes([len(data)]) + data


def _bad(kind, field, wanted, found):
    return kind("field %r: wanted %s, found %r" % (field, wanted, found))


class Field:
    """One value of a reading: `Field("temperature", "Cel", -2)`; 2143 then means 21.43 Cel.

    name: 1 to 64 bytes of UTF-8. unit: of the SenML registry. scale: -12 to 12, the power of ten.
    Raises ValueError with the name where one of them is wrong, TypeError for a wrong type.
    """

    def __init__(self, name: str, unit: str, scale: int):
        _text(name, "field name")
        if not isinstance(unit, str) or not is_unit(unit):
            raise _bad(ValueError, name, "a (primary) SenML unit", unit)
        if type(scale) is not int or not -12 <= scale <= 12:
            raise _bad(ValueError, name, "a scale of -12 to 12", scale)
        self.name = name
        self.unit = unit
        self.scale = scale

    def __repr__(self):
        return "Field(%r, %r, %d)" % (self.name, self.unit, self.scale)


class Schema:
    """A series and its fields: `Schema("bme280", [Field("temperature", "Cel", -2), ...])`.

    A field may be given as a tuple (name, unit, scale). Attributes: `name`, `fields` (a tuple),
    `id` (16 bits of the CRC-32 of `definition`), `definition` (bytes, see BLOCKS.md).
    Raises ValueError with the name for no field, more than 32, or a name that comes twice.
    """

    def __init__(self, name: str, fields):
        head = _text(name, "schema name")
        data = b""
        made = []
        seen = set()
        for field in fields:
            if not isinstance(field, Field):
                field = Field(*field)
            if field.name in seen:
                raise ValueError("schema %r: field %r comes twice" % (name, field.name))
            seen.add(field.name)
            made.append(field)
            data += _text(field.name, "") + _text(field.unit, "") + bytes([field.scale & 255])
        n = len(made)
        if not 0 < n <= MAX_FIELDS:
            raise ValueError("schema %r: %d fields, not 1 to 32" % (name, n))
        self.name = name
        self.fields = tuple(made)
        self.definition = data = head + bytes([n]) + data
        self.id = crc32(data) & 0xFFFF

    def named(self, name: str) -> "Schema":
        """-> the same fields as another series, for a second chip of the same kind."""
        return Schema(name, self.fields)

    def row(self):
        """-> a new row, array('i'): [ticks ms, field 1 ... field K (all missing), the id].

        Make it once, fill it again and again; the last element stays as it is.
        """
        return array("i", [0] + [MISSING] * len(self.fields) + [self.id])

    def pack(self, values, row) -> None:
        """Put `values` (one int a field, None for missing) into `row`; row[0] stays as it is.

        Raises ValueError for a wrong number of values or another schema's row, and, with the
        field's name, TypeError for what is no int and OverflowError for what does not fit
        32 bits. The row is unchanged then.
        """
        fields = self.fields
        n = len(fields)
        if len(values) != n:
            raise ValueError("schema %r: %d values for %d fields" % (self.name, len(values), n))
        self.check(row)
        for i in range(n):
            value = values[i]
            if value is not None:
                if type(value) is not int:
                    raise _bad(TypeError, fields[i].name, "an int", value)
                if abs(value) > 0x7FFFFFFF:
                    raise _bad(OverflowError, fields[i].name, "32 bits", value)
        for i in range(n):
            value = values[i]
            row[i + 1] = MISSING if value is None else value

    def check(self, row) -> None:
        """TypeError or ValueError where `row` is not a row of this schema."""
        if not isinstance(row, array):
            raise TypeError("a row is an array('i'), not %s" % type(row).__name__)
        if len(row) != len(self.fields) + 2 or row[-1] != self.id:
            raise ValueError("not a row of schema %r: use its row()" % self.name)

    def __repr__(self):
        return "Schema(%r, %r)" % (self.name, list(self.fields))


def from_definition(data) -> Schema:
    """-> the Schema whose `definition` is `data`; ValueError where it is not one."""
    try:
        name, at = _read_text(data, 0)
        fields = []
        for _ in range(data[at]):
            field, at = _read_text(data, at + 1)
            unit, at = _read_text(data, at)
            field = Field(field, "/", (data[at] ^ 128) - 128)
            field.unit = unit  # any: a firmware that knew more of them may have written it
            fields.append(field)
        schema = Schema(name, fields)
        if schema.definition == data:  # not a byte too few or too many
            return schema
    except IndexError:
        pass
    raise ValueError("%d bytes are no schema definition" % len(data))


def _read_text(data, at):
    end = at + 1 + data[at]
    return str(data[at + 1 : end], "utf-8"), end
