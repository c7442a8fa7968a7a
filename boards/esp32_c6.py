"""ESP32-C6 with 4 MB of flash (WROOM-1): ESP32-C6 datasheet section 2."""

NAME = "esp32_c6"
TITLE = "ESP32-C6"
PORT = "esp32"
MCU = "esp32c6"
MACHINE = "machine"

GPIO = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 14, 15, 18, 19, 20, 21, 22, 23)
TRAPS = {  # GPIO: why it must not be used
    8: "low at power-up with BOOT pressed the chip does not start",
    12: "it is the USB port of the REPL",
    13: "it is the USB port of the REPL",
    16: "it is the serial port of the REPL",
    17: "it is the serial port of the REPL",
    24: "the flash memory hangs on it",
    25: "the flash memory hangs on it",
    26: "the flash memory hangs on it",
    27: "the flash memory hangs on it",
    28: "the flash memory hangs on it",
    29: "the flash memory hangs on it",
    30: "the flash memory hangs on it",
}
INPUT_ONLY = ()
ADC = (0, 1, 2, 3, 4, 5, 6)
WIFI_TRAPS = {}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = None  # the board's own is an addressable one
LED_ACTIVE = 1
HOLD = 9  # the BOOT button, low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 6, "scl": 7, "freq": 400_000},
}
COUNTER = "counter"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("call", "esp32.mcu_temperature", "C")  # the core's own: a function and its unit

HEAP = 160 * 1024  # bytes free when the firmware starts, at least
FLASH = 4 * 1024 * 1024
FILE_SYSTEM = 2 * 1024 * 1024
RTC_MEMORY = 2048  # bytes that survive deep sleep
WATCHDOG_MS = 0x3FFFFFFF  # the longest time it can be set to: the port has no limit of its own
