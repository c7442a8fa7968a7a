"""DHT22 (AM2302): temperature and humidity (Aosong AM2302), on top of the firmware's dht.

Rules: `dht` times the pulses, with interrupts off for 5 ms, and blocks for about 25: measure it
every 2 s or less often. It checks the sum; the bytes are decoded here, without its floats.
"""

from .driver import Driver


def humidity(buf) -> int:
    """0.1 %. The data sheet's example: 02 8C -> 65.2 %."""
    return buf[0] << 8 | buf[1]


def temperature(buf) -> int:
    """0.1 °C, a sign and a magnitude. The data sheet's examples: 01 5F -> 35.1, 80 65 -> -10.1."""
    value = (buf[2] & 0x7F) << 8 | buf[3]
    return -value if buf[2] & 0x80 else value


class DHT22(Driver):
    """`data`: a dht.DHT22 on the pin of its data line.

    Row: temperature in 0.1 °C, humidity in 0.1 %.
    """

    PART = ("data", "dht")
    SCHEMA = ("dht22", (("temperature", "Cel", -1), ("humidity", "%RH", -1)))

    def run(self, sensor):
        while True:
            try:
                sensor.measure()
            except Exception as exc:  # dht raises a plain Exception("checksum error")
                self.fail(exc)
            self.row[1] = temperature(sensor.buf)
            self.row[2] = humidity(sensor.buf)
            yield 0


DRIVER = DHT22
