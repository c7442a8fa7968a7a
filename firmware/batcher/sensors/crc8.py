"""The check byte of Sensirion's and Aosong's chips: polynomial 0x31, from 0xFF, unreflected."""

from ..port import micropython, ptr8  # noqa: F401


@micropython.viper
def crc8(buf, start: int, count: int) -> int:
    """-> CRC of `count` bytes of buf from `start`. The SHT3x datasheet has BE EF -> 92."""
    b = ptr8(buf)
    crc = 0xFF
    i = start
    while i < start + count:
        crc ^= b[i]
        bit = 8
        while bit:
            crc = (crc << 1) ^ 0x31 if crc & 0x80 else crc << 1
            crc &= 0xFF
            bit -= 1
        i += 1
    return crc


@micropython.native
def check_words(driver, buf, words: int) -> None:
    """OSError where one of the words of 2 bytes and a CRC is wrong."""
    i = 0
    while i < 3 * words:
        if crc8(buf, i, 2) != buf[i + 2]:
            driver.expect("CRC of word %d" % (i // 3), buf[i + 2], crc8(buf, i, 2))
        i += 3
