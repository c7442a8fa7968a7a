"""Raspberry Pi Pico W: RP2040 datasheet, Pico W datasheet section 2.1."""

NAME = "pico_w"
TITLE = "Raspberry Pi Pico W"
PORT = "rp2"
MCU = "rp2040"
MACHINE = "machine"

GPIO = tuple(range(23)) + (26, 27, 28)
TRAPS = {  # GPIO: why it must not be used
    23: "it powers the Wi-Fi chip",
    24: "it is the data line of the Wi-Fi chip",
    25: "it selects the Wi-Fi chip",
    29: "it is the clock of the Wi-Fi chip, and VSYS only while that is silent",
}
INPUT_ONLY = ()
ADC = (26, 27, 28)
WIFI_TRAPS = {}  # GPIO: why it cannot measure a voltage while Wi-Fi is on
LED = "LED"  # on the Wi-Fi chip: a name, not a number
LED_ACTIVE = 1
HOLD = 22  # pulled low at power-up: safe mode
I2C = {
    "i2c0": {"id": 0, "sda": 4, "scl": 5, "freq": 400_000},
    "i2c1": {"id": 1, "sda": 6, "scl": 7, "freq": 100_000},
}
COUNTER = "pio"  # how pulses are counted: "pio", "counter" (hardware) or "irq"
TEMPERATURE = ("adc", 4)  # the core's own: an ADC channel, or a function and its unit

HEAP = 160 * 1024  # bytes free when the firmware starts, at least
FLASH = 2 * 1024 * 1024
FILE_SYSTEM = 848 * 1024
RTC_MEMORY = 0  # bytes that survive deep sleep
WATCHDOG_MS = 8388  # the longest time it can be set to (24 bits, counted twice a µs)
