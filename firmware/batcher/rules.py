"""What a configuration may say, as a table that batcher.config reads (and explains)."""

RULES = (
    "config object {}\n"
    " device str null 1 64\n"  # the chip's own number where it is not given
    " board str ! 1 32\n"  # a file of boards/
    " wifi object null\n"
    "  networks list ! 1 8\n"
    "   * object {}\n"
    "    ssid str ! 1 32\n"
    "    password secret null 1 64\n"
    "  country str null 1 2\n"
    "  hostname str null 1 32\n"
    " uplink object {}\n"
    "  url url ! http://host[:port]/path https://host[:port]/path"
    " mqtt://host[:port] mqtts://host[:port]\n"
    '  format one "rows" rows json line senml cbor blocks\n'
    "  token secret null 1 512\n"
    "  user str null 1 128\n"
    "  password secret null 1 128\n"
    "  topic str null 1 128\n"
    "  ack bool true\n"  # wait for the collector's echo; false for any other server
    "  ca_file str null 1 64\n"  # DER or PEM, beside this configuration
    "  deadline_ms int 7000 200 8000\n"
    "  retry_first_ms int 1000 10 600000\n"
    "  retry_most_ms int 60000 100 86400000\n"
    " sensors list ! 1 16\n"
    "  * object {}\n"
    "   driver str ! 1 32\n"
    "   name str null 1 64\n"  # of the series; the driver's own where it is not given
    "   every_ms int 1000 1 86400000\n"
    "   limits object null\n"  # {field: [low, high]}: crossing one sends at once
    "   band object null\n"  # {field: change}: kept only where one has moved that far
    "   silence_ms int 600000 1 86400000\n"  # with a band: kept at least that often
    "   window_ms int 0 0 86400000\n"  # least, mean and greatest of that time; 0: each reading
    "   options object {}\n"  # of its driver: what none of these lines names
    " batcher object {}\n"
    "  memory int 16384 512 4194304\n"
    "  batch_size int 100 1 10000\n"
    "  interval_ms int 10000 1 86400000\n"
    "  overflow one null drop_oldest drop_newest spill\n"  # spill with a spool, else drop_oldest
    " spool object null\n"
    '  path str "readings" 1 64\n'  # not a module's name: folders are imported first
    "  quota int 262144 8192 268435456\n"  # bytes of flash
    "  unsaved_ms int 60000 0 86400000\n"  # in RAM alone for no longer; 0: no bound
    " duty object null\n"  # a battery: wake, measure, keep, sleep
    "  every_ms int 600000 1000 86400000\n"
    "  upload_every int 6 1 10000\n"  # wakes
    "  keep int null 512 65536\n"  # bytes; all of RTC memory, or 4096 on flash
    "  awake_ms int 60000 5000 600000\n"  # for an upload, at most
    " health_ms int 0 0 86400000\n"  # the board's own series; 0: none
    " sntp list [] 0 4\n"  # time servers; none: the collector's time
    "  * str ! 1 64\n"
    " watchdog bool true\n"
    " led bool true\n"
    # For the demo and for whoever reads the serial port by a program.
    " report_ms int 0 0 86400000\n"  # status as a line of JSON; 0: never
    " run_ms int 0 0 536870911"  # then sampling ends, the rest is sent; 0: for ever
)
