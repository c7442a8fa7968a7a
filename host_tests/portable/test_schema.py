"""Schemas: what is checked, and that the message names the culprit."""

from batcher.schema import MISSING, Field, Schema, from_definition
from batcher.units import is_unit
from kit.check import raises

FIELDS = [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", -2)]


def test_wrong_definitions_are_refused_by_name():
    with raises(ValueError, "temperature", "hPa"):
        Field("temperature", "hPa", 0)
    with raises(ValueError, "cel"):
        Field("t", "cel", 0)
    with raises(ValueError, "station"):
        Schema("station", [])
    with raises(ValueError, "pressure", "twice"):
        Schema("station", FIELDS + [("pressure", "Pa", 2)])
    with raises(ValueError, "deep", "scale"):
        Field("deep", "m", -40)
    with raises(ValueError, "name"):
        Schema("", FIELDS)
    with raises(TypeError, "name"):
        Schema(7, FIELDS)


def test_units_are_the_registry_s():
    for unit in ("m", "Cel", "%RH", "/", "beat/min", "kg/m3", "V"):
        assert is_unit(unit), unit
    for unit in ("", " ", "mV", "m kg", "ppm", "M", "hPa"):
        assert not is_unit(unit), unit


def test_pack_names_the_field_that_does_not_fit():
    schema = Schema("s", FIELDS)
    row = schema.row()
    assert list(row) == [0, MISSING, MISSING, MISSING, schema.id]
    row[0] = 5
    schema.pack([2143, -7, None], row)
    assert list(row) == [5, 2143, -7, MISSING, schema.id]
    for wrong in (1 << 31, -(1 << 31), 1 << 70):
        with raises(OverflowError, "pressure"):
            schema.pack([1, wrong, 2], row)
    with raises(TypeError, "humidity"):
        schema.pack([1, 2, 3.5], row)
    with raises(ValueError, "2 values"):
        schema.pack([1, 2], row)
    with raises(ValueError, "row"):
        schema.pack([1, 2, 3], schema.named("other").row())
    assert list(row) == [5, 2143, -7, MISSING, schema.id]
    schema.pack([(1 << 31) - 1, 1 - (1 << 31), 0], row)
    assert list(row)[1:4] == [0x7FFFFFFF, -0x7FFFFFFF, 0]


def test_the_id_follows_the_definition():
    schema = Schema("s", FIELDS)
    assert schema.id == Schema("s", FIELDS).id and 0 <= schema.id < 65536
    others = [schema.named("t"), Schema("s", FIELDS[:2]), Schema("s", FIELDS[::-1])]
    assert len({s.id for s in others + [schema]}) == 4
    again = from_definition(schema.definition)
    assert again.id == schema.id and repr(again) == repr(schema)
    for end in range(len(schema.definition)):
        with raises(ValueError):
            from_definition(schema.definition[:end])
    with raises(ValueError):
        from_definition(schema.definition + b"x")
