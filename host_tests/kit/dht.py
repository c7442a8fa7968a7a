"""The virtual board's `dht`: five bytes of a DHT22, as the module that MicroPython brings along.

`sensors[GPIO]`: `set(temperature, humidity)`, `there`, `corrupt`.
"""

from boards import virtual


class _Sensor:
    def __init__(self):
        self.there = True
        self.corrupt = False
        self.set(21.4, 45.0)

    def set(self, temperature, humidity):
        t = int(abs(temperature) * 10 + 0.5) | (0x8000 if temperature < 0 else 0)
        h = int(humidity * 10 + 0.5)
        self.bytes = bytes((h >> 8, h & 255, t >> 8, t & 255))


sensors = {pin: _Sensor() for pin in virtual.DHT22S}


class DHT22:
    def __init__(self, pin):
        self.pin = pin
        self.buf = bytearray(5)

    def measure(self):
        sensor = sensors.get(self.pin.id)
        if sensor is None or not sensor.there:
            raise OSError(110)
        total = 0
        for i in range(4):
            self.buf[i] = sensor.bytes[i]
            total += sensor.bytes[i]
        self.buf[4] = (total + sensor.corrupt) & 255
        if (self.buf[0] + self.buf[1] + self.buf[2] + self.buf[3]) & 0xFF != self.buf[4]:
            raise Exception("checksum error")
