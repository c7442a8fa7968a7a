"""ESP32 with 4 MB of flash (WROOM-32): ESP32 datasheet section 2, technical manual 4.11."""

NAME = "esp32"
TITLE = "ESP32"
PORT = "esp32"
MCU = "esp32"
MACHINE = "machine"

GPIO = (0, 2, 4, 5) + tuple(range(13, 20)) + (21, 22, 23, 25, 26, 27) + tuple(range(32, 40))
TRAPS = {  # GPIO: why it must not be used
    1: "it is the serial port of the REPL",
    3: "it is the serial port of the REPL",
    6: "the flash memory hangs on it",
    7: "the flash memory hangs on it",
    8: "the flash memory hangs on it",
    9: "the flash memory hangs on it",
    10: "the flash memory hangs on it",
    11: "the flash memory hangs on it",
    12: "high at power-up it sets the flash to the wrong voltage: no start",
}
INPUT_ONLY = (34, 35, 36, 37, 38, 39)
ADC = (32, 33, 34, 35, 36, 37, 38, 39)
WIFI_TRAPS = {
    pin: "it is on ADC2, which Wi-Fi uses" for pin in (0, 2, 4, 13, 14, 15, 25, 26, 27)
}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = 2
LED_ACTIVE = 1
HOLD = 0  # the BOOT button, low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 21, "scl": 22, "freq": 400_000},
    "i2c1": {"id": 1, "sda": 18, "scl": 19, "freq": 100_000},
}
COUNTER = "counter"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("call", "esp32.raw_temperature", "F")  # the core's own: a function and its unit

HEAP = 100 * 1024  # bytes free when the firmware starts, at least
FLASH = 4 * 1024 * 1024
FILE_SYSTEM = 2 * 1024 * 1024
RTC_MEMORY = 2048  # bytes that survive deep sleep
WATCHDOG_MS = 0x3FFFFFFF  # the longest time it can be set to: the port has no limit of its own
