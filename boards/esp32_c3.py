"""ESP32-C3 with 4 MB of flash: ESP32-C3 datasheet section 2."""

NAME = "esp32_c3"
TITLE = "ESP32-C3"
PORT = "esp32"
MCU = "esp32c3"
MACHINE = "machine"

GPIO = (0, 1, 3, 4, 5, 6, 7, 9, 10)
TRAPS = {  # GPIO: why it must not be used
    2: "low at power-up the chip does not start",
    8: "low at power-up with BOOT pressed the chip does not start",
    11: "the flash memory hangs on it",
    12: "the flash memory hangs on it",
    13: "the flash memory hangs on it",
    14: "the flash memory hangs on it",
    15: "the flash memory hangs on it",
    16: "the flash memory hangs on it",
    17: "the flash memory hangs on it",
    18: "it is the USB port of the REPL",
    19: "it is the USB port of the REPL",
    20: "it is the serial port of the REPL",
    21: "it is the serial port of the REPL",
}
INPUT_ONLY = ()
ADC = (0, 1, 3, 4)
WIFI_TRAPS = {
    5: "it is on ADC2, which Wi-Fi uses"
}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = None  # the board's own is an addressable one
LED_ACTIVE = 1
HOLD = 9  # the BOOT button, low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 6, "scl": 7, "freq": 400_000},
}
COUNTER = "irq"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("call", "esp32.mcu_temperature", "C")  # the core's own: a function and its unit

HEAP = 100 * 1024  # bytes free when the firmware starts, at least
FLASH = 4 * 1024 * 1024
FILE_SYSTEM = 2 * 1024 * 1024
RTC_MEMORY = 2048  # bytes that survive deep sleep
WATCHDOG_MS = 0x3FFFFFFF  # the longest time it can be set to: the port has no limit of its own
