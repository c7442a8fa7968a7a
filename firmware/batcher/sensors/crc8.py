"""The check byte of Sensirion's and Aosong's chips: polynomial 0x31, from 0xFF, unreflected."""


def crc8(buf, start: int, end: int) -> int:
    """-> CRC of buf[start:end]. The SHT3x datasheet has BE EF -> 92."""
    crc = 0xFF
    while start < end:
        crc ^= buf[start]
        start += 1
        for _ in range(8):
            crc <<= 1
            if crc & 0x100:
                crc ^= 0x131
    return crc


def word(driver, buf, i: int) -> int:
    """-> word i of words of two bytes and a CRC each. Raises where that is wrong."""
    at = 3 * i
    crc = crc8(buf, at, at + 2)
    if crc != buf[at + 2]:
        driver.expect("CRC of word %d" % i, buf[at + 2], crc)
    return buf[at] << 8 | buf[at + 1]
