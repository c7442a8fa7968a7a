"""The units of the SenML registry (RFC 8428 section 12.1, RFC 8798 section 2).

Rules: primary units only, as a SenML "u" must be; names are case-sensitive. A secondary unit
is a primary one with another scale: millivolts are ("V", -3), hectopascals ("Pa", 2),
parts per million ("/", -6).
"""

# One string: a set of as many small strings would take 3 KB of a board's heap.
_UNITS = (
    " m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat"
    " m2 m3 l m/s m/s2 m3/s l/s W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / %"
    " %RH %EL EL 1/s 1/min beat/min beats S/m B VA VAs var vars J/m kg/m3 deg NTU "
)


def is_unit(name: str) -> bool:
    """Is `name` a unit of the registry?"""
    return bool(name) and " " not in name and " " + name + " " in _UNITS
