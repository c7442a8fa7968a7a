"""ESP32-S3 with 8 MB of flash (DevKitC-1): ESP32-S3 datasheet section 2."""

NAME = "esp32_s3"
TITLE = "ESP32-S3"
PORT = "esp32"
MCU = "esp32s3"
MACHINE = "machine"

GPIO = tuple(range(19)) + (21, 38, 39, 40, 41, 42, 47, 48)
TRAPS = {  # GPIO: why it must not be used
    19: "it is the USB port of the REPL",
    20: "it is the USB port of the REPL",
    26: "the flash memory hangs on it",
    27: "the flash memory hangs on it",
    28: "the flash memory hangs on it",
    29: "the flash memory hangs on it",
    30: "the flash memory hangs on it",
    31: "the flash memory hangs on it",
    32: "the flash memory hangs on it",
    33: "flash or RAM of eight lines hangs on it (modules with R8)",
    34: "flash or RAM of eight lines hangs on it (modules with R8)",
    35: "flash or RAM of eight lines hangs on it (modules with R8)",
    36: "flash or RAM of eight lines hangs on it (modules with R8)",
    37: "flash or RAM of eight lines hangs on it (modules with R8)",
    43: "it is the serial port of the REPL",
    44: "it is the serial port of the REPL",
    45: "high at power-up it sets the flash to the wrong voltage: no start",
    46: "high at power-up with BOOT pressed the chip does not start",
}
INPUT_ONLY = ()
ADC = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
WIFI_TRAPS = {
    pin: "it is on ADC2, which Wi-Fi uses" for pin in range(11, 19)
}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = None  # the board's own is an addressable one
LED_ACTIVE = 1
HOLD = 0  # the BOOT button, low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 8, "scl": 9, "freq": 400_000},
    "i2c1": {"id": 1, "sda": 4, "scl": 5, "freq": 100_000},
}
COUNTER = "counter"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("call", "esp32.mcu_temperature", "C")  # the core's own: a function and its unit

HEAP = 160 * 1024  # bytes free when the firmware starts, at least
FLASH = 8 * 1024 * 1024
FILE_SYSTEM = 6 * 1024 * 1024
RTC_MEMORY = 2048  # bytes that survive deep sleep
WATCHDOG_MS = 0x3FFFFFFF  # the longest time it can be set to: the port has no limit of its own
