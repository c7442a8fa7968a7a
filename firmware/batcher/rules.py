"""What a configuration may say, as plain data for batcher.config (which explains the rules)."""

REQUIRED = ()  # as a default: there is none

_DAY = 86400000
_FORMATS = ("rows", "json", "line", "senml", "cbor", "blocks")

_SENSOR = {  # and the options of its driver, beside these
    "driver": ("str", 32, REQUIRED),
    "name": ("str", 64, None),  # of the series; the driver's own where it is not given
    "every_ms": ("int", 1, _DAY, 1000),
    "limits": ("any", None),  # {field: [low, high]}: crossing one sends at once
    "band": ("any", None),  # {field: change}: kept only where one has moved that far
    "silence_ms": ("int", 1, _DAY, 600000),  # with a band: kept at least that often
    "window_ms": ("int", 0, _DAY, 0),  # least, mean and greatest of that time; 0: each reading
}

RULES = {
    "device": ("str", 64, None),  # the chip's own number where it is not given
    "board": ("str", 32, REQUIRED),  # a file of boards/
    "wifi": (
        "maybe",
        {
            "networks": (
                "list",
                1,
                8,
                {"ssid": ("str", 32, REQUIRED), "password": ("secret", 64, None)},
            ),
            "country": ("str", 2, None),
            "hostname": ("str", 32, None),
        },
    ),
    "uplink": {
        "url": ("url", ("http", "https", "mqtt", "mqtts"), REQUIRED),
        "format": ("one", _FORMATS, "rows"),
        "token": ("secret", 512, None),
        "user": ("str", 128, None),
        "password": ("secret", 128, None),
        "topic": ("str", 128, None),
        "ack": ("bool", True),  # wait for the collector's echo; false for any other server
        "ca_file": ("str", 64, None),  # DER
        "deadline_ms": ("int", 200, 8000, 7000),
        "retry_first_ms": ("int", 10, 600000, 1000),
        "retry_most_ms": ("int", 100, _DAY, 60000),
    },
    "sensors": ("list", 1, 16, ("options", _SENSOR)),
    "batcher": {
        "memory": ("int", 512, 4 * 1024 * 1024, 16384),
        "batch_size": ("int", 1, 10000, 100),
        "interval_ms": ("int", 1, _DAY, 10000),
        "overflow": ("one", ("drop_oldest", "drop_newest", "spill"), "drop_oldest"),
    },
    "spool": (
        "maybe",
        {
            "path": ("str", 64, "readings"),  # not a module's name: folders are imported first
            "quota": ("int", 8192, 1 << 28, 262144),  # bytes of flash
            "unsaved_ms": ("int", 0, _DAY, 60000),  # in RAM alone for no longer; 0: no bound
        },
    ),
    "duty": (  # a battery: wake, measure, keep, sleep
        "maybe",
        {
            "every_ms": ("int", 1000, _DAY, 600000),
            "upload_every": ("int", 1, 10000, 6),  # wakes
            "keep": ("int", 512, 65536, None),  # bytes; all of RTC memory, or 4096 on flash
            "awake_ms": ("int", 5000, 600000, 60000),  # for an upload, at most
        },
    ),
    "health_ms": ("int", 0, _DAY, 0),  # the board's own series; 0: none
    "sntp": ("list", 0, 4, ("str", 64, REQUIRED)),  # time servers; none: the collector's time
    "watchdog": ("bool", True),
    "led": ("bool", True),
    # For the demo and for whoever reads the serial port by a program.
    "report_ms": ("int", 0, _DAY, 0),  # status as a line of JSON; 0: never
    "run_ms": ("int", 0, 0x1FFFFFFF, 0),  # then sampling ends, the rest is sent; 0: for ever
}
