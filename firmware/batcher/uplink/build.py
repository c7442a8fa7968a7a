"""The link, transport and encoder that a configuration names: only these are imported."""

_ENCODERS = {  # format: (module, class)
    "rows": ("enc_rows", "RowsEncoder"),
    "json": ("enc_json", "JsonEncoder"),
    "line": ("enc_line", "LineEncoder"),
    "senml": ("enc_senml", "SenmlJsonEncoder"),
    "cbor": ("enc_cbor", "SenmlCborEncoder"),
    "blocks": ("enc_block", "BlockEncoder"),
}


def encoder(form: str):
    """-> the encoder of that format."""
    module, name = _ENCODERS[form]
    return getattr(_load(module), name)()


def _load(name):
    package = __import__("batcher.uplink." + name).uplink
    return getattr(package, name)


def transport(up: dict, ident, batcher):
    """-> a transport: its `send` is the batcher's handler. `up`: "uplink" of the configuration."""
    enc = encoder(up["format"])
    more = {}
    scheme = up["url"].partition("://")[0]
    if scheme in ("https", "mqtts") and up["ca_file"]:
        with open(up["ca_file"], "rb") as file:
            more["tls"] = _load("tls").Tls(file.read())
    if scheme in ("mqtt", "mqtts"):
        if up["topic"]:
            more["topic"] = up["topic"]
        return _load("mqtt").MqttUplink(
            up["url"],
            enc,
            ident,
            source=batcher,
            user=up["user"],
            password=up["password"],
            deadline_ms=up["deadline_ms"],
            **more,
        )
    return _load("http").HttpUplink(
        up["url"],
        enc,
        ident,
        source=batcher,
        token=up["token"],
        ack="Batcher-Ack" if up["ack"] else None,
        deadline_ms=up["deadline_ms"],
        piece=512,
        **more,
    )


def wifi(config):
    """-> a Wifi that is not started yet, or None: the board has another way out."""
    if config is None:
        return None
    import network

    networks = [(entry["ssid"], entry["password"]) for entry in config["networks"]]
    return _load("wifi").Wifi(
        network, networks, country=config["country"], hostname=config["hostname"]
    )
