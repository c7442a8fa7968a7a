"""The virtual board: MicroPython's unix port with emulated chips (host_tests/kit)."""

NAME = "virtual"
TITLE = "Virtual board"
PORT = "unix"
MCU = "unix"
MACHINE = "kit.machine"  # the module that buses and pins are built from; "machine" on real boards

GPIO = tuple(range(30))
TRAPS = {}  # GPIO: why it must not be used
INPUT_ONLY = ()
ADC = (26, 27, 28)
WIFI_TRAPS = {}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = 25
LED_ACTIVE = 1
HOLD = 22  # pulled low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 4, "scl": 5, "freq": 400_000},
    "i2c1": {"id": 1, "sda": 6, "scl": 7, "freq": 100_000},
}
COUNTER = "irq"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("adc", 4)  # the core's own: an ADC channel, or a function and its unit

HEAP = 128 * 1024  # bytes free when the firmware starts
FLASH = 2 * 1024 * 1024
FILE_SYSTEM = 848 * 1024
RTC_MEMORY = 0
WATCHDOG_MS = 8388

# What is plugged in, by bus: address -> (emulation in kit.chips, class). For the emulation only.
CHIPS = {
    "i2c0": {
        0x10: ("light", "VEML7700"),
        0x23: ("light", "BH1750"),
        0x38: ("sensirion", "AHT20"),
        0x40: ("ti", "INA219"),
        0x44: ("sensirion", "SHT4x"),
        0x45: ("sensirion", "SHT3x"),
        0x48: ("ti", "ADS1115"),
        0x62: ("sensirion", "SCD4x"),
        0x68: ("mpu6050", "MPU6050"),
        0x76: ("bme280", "BME280"),
        0x77: ("bme280", "BMP280"),
    },
    "i2c1": {0x76: ("bme280", "BME280")},
}
# GPIO -> ROM codes of the DS18B20s on its wire, and GPIOs with a DHT22.
WIRES = {15: ("28ff641e83160360",)}
DHT22S = (16,)
