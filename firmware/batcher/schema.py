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
_MAX_NAME = const(64)  # bytes of UTF-8
_MAX_SCALE = const(12)


def _check_name(name, what):
    if not isinstance(name, str):
        raise TypeError("%s: a str is wanted, not %s" % (what, type(name).__name__))
    if not 0 < len(name.encode()) <= _MAX_NAME:
        raise ValueError("%s %r: 1 to %d bytes are wanted" % (what, name, _MAX_NAME))


class Field:
    """One value of a reading: `Field("temperature", "Cel", -2)`; 2143 then means 21.43 Cel.

    name: 1 to 64 bytes of UTF-8. unit: of the SenML registry. scale: -12 to 12, the power of ten.
    Raises ValueError with the name where one of them is wrong, TypeError for a wrong type.
    """

    def __init__(self, name: str, unit: str, scale: int):
        _check_name(name, "field name")
        if not isinstance(unit, str) or not is_unit(unit):
            raise ValueError("field %r: %r is not a (primary) SenML unit" % (name, unit))
        if type(scale) is not int or not -_MAX_SCALE <= scale <= _MAX_SCALE:
            raise ValueError("field %r: scale %r is not an int of -12 to 12" % (name, scale))
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
        _check_name(name, "schema name")
        self.name = name
        self.fields = tuple([f if isinstance(f, Field) else Field(*f) for f in fields])
        if not 0 < len(self.fields) <= MAX_FIELDS:
            raise ValueError("schema %r: %d fields, not 1 to 32" % (name, len(self.fields)))
        seen = set()
        for field in self.fields:
            if field.name in seen:
                raise ValueError("schema %r: field %r comes twice" % (name, field.name))
            seen.add(field.name)
        parts = [_text(name), bytes([len(self.fields)])]
        for field in self.fields:
            parts.append(_text(field.name) + _text(field.unit) + bytes([field.scale & 255]))
        self.definition = b"".join(parts)
        self.id = crc32(self.definition) & 0xFFFF

    def named(self, name: str) -> "Schema":
        """-> the same fields as another series, for a second chip of the same kind."""
        return Schema(name, self.fields)

    def row(self):
        """-> a new row, array('i'): [ticks ms, field 1 ... field K (all missing), the id].

        Make it once, fill it again and again; the last element stays as it is.
        """
        row = array("i", [MISSING] * (len(self.fields) + 2))
        row[0] = 0
        row[-1] = self.id
        return row

    def pack(self, values, row) -> None:
        """Put `values` (one int a field, None for missing) into `row`; row[0] stays as it is.

        Raises ValueError for a wrong number of values or another schema's row, and, with the
        field's name, TypeError for what is no int and OverflowError for what does not fit
        32 bits. The row is unchanged then.
        """
        fields = self.fields
        if len(values) != len(fields):
            raise ValueError(
                "schema %r: %d values for %d fields" % (self.name, len(values), len(fields))
            )
        self.check(row)
        for i in range(len(fields)):
            field = fields[i]
            value = values[i]
            if value is not None:
                if type(value) is not int:
                    kind = type(value).__name__
                    raise TypeError("field %r: an int is wanted, not %s" % (field.name, kind))
                if not MISSING < value <= 0x7FFFFFFF:
                    raise OverflowError("field %r: %d does not fit 32 bits" % (field.name, value))
        i = 1
        for value in values:
            row[i] = MISSING if value is None else value
            i += 1

    def check(self, row) -> None:
        """TypeError or ValueError where `row` is not a row of this schema."""
        if not isinstance(row, array):
            raise TypeError("a row is an array('i'), not %s" % type(row).__name__)
        if len(row) != len(self.fields) + 2 or row[-1] != self.id:
            raise ValueError("not a row of schema %r: use its row()" % self.name)

    def __repr__(self):
        return "Schema(%r, %r)" % (self.name, list(self.fields))


def _text(s):
    data = s.encode()
    return bytes([len(data)]) + data


def from_definition(data) -> Schema:
    """-> the Schema whose `definition` is `data`; ValueError where it is not one."""
    try:
        name, at = _read_text(data, 0)
        count = data[at]
        at += 1
        fields = []
        for _ in range(count):
            field, at = _read_text(data, at)
            unit, at = _read_text(data, at)
            fields.append(Field(field, unit, (data[at] ^ 128) - 128))
            at += 1
    except (IndexError, UnicodeError):
        raise ValueError("a schema definition of %d bytes ends too early" % len(data))
    if at != len(data):
        raise ValueError("a schema definition has %d bytes too many" % (len(data) - at))
    return Schema(name, fields)


def _read_text(data, at):
    end = at + 1 + data[at]
    if end > len(data):
        raise IndexError
    return bytes(data[at + 1 : end]).decode(), end
