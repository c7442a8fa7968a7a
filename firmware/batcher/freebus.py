"""A stuck bus is clocked free: loaded where a sensor on it fails, and unloaded again.

A reset in the middle of a byte leaves a chip waiting for its clock, with SDA held down; nine
pulses end any byte, then a stop (I2C specification UM10204, section 3.1.16).
"""


def free(hardware, bus) -> int:
    """Clock a chip that holds SDA down until it lets go. -> pulses, 0: it was free.

    Raises OSError where the line stays down: a short circuit, or a chip without power.
    """
    machine = hardware.machine
    pin = machine.Pin
    for found, wires in hardware.wires:
        if found is bus and not pin(wires["sda"]).value():
            scl = pin(wires["scl"], pin.OPEN_DRAIN, value=1)
            sda = pin(wires["sda"], pin.OPEN_DRAIN, value=1)
            try:
                return unstick(scl, sda)
            finally:  # the controller takes its pins back
                machine.I2C(wires["id"], scl=scl, sda=sda, freq=wires["freq"])
    return 0


def unstick(scl, sda) -> int:
    """Up to nine clock pulses and a stop on two open-drain pins. -> pulses. Raises OSError."""
    pulses = 0  # two calls a pulse: slower than any chip's 100 kHz without a pause
    while not sda.value():
        if pulses == 9:
            raise OSError(110, "SDA is held down, also after nine clock pulses")
        scl.value(0)
        scl.value(1)
        pulses += 1
    sda.value(0)
    sda.value(1)
    return pulses
