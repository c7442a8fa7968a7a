"""The link, transport and encoder that a configuration names: only these are imported."""

_CLASSES = {  # format or scheme: (module, class)
    "rows": ("enc_rows", "RowsEncoder"),
    "json": ("enc_json", "JsonEncoder"),
    "line": ("enc_line", "LineEncoder"),
    "senml": ("enc_senml", "SenmlJsonEncoder"),
    "cbor": ("enc_cbor", "SenmlCborEncoder"),
    "blocks": ("enc_block", "BlockEncoder"),
    "http": ("http", "HttpUplink"),
    "mqtt": ("mqtt", "MqttUplink"),
    "tls": ("tls", "Tls"),
    "wifi": ("wifi", "Wifi"),
}


def _load(what):
    module, name = _CLASSES[what]
    return getattr(getattr(__import__("batcher.uplink." + module).uplink, module), name)


def encoder(form: str):
    """-> the encoder of that format."""
    return _load(form)()


def transport(up: dict, ident, batcher):
    """-> a transport: its `send` is the batcher's handler. `up`: "uplink" of the configuration."""
    url = up["url"]
    kind = url[:4]
    if kind == "mqtt":
        keys = ("deadline_ms", "user", "password", "topic")
        more = {}
    else:
        keys = ("deadline_ms", "token")
        more = {"piece": 512}
        if not up["ack"]:
            more["ack"] = None
    for key in keys:
        if up[key]:
            more[key] = up[key]
    if up["ca_file"] and url[4] == "s":
        more["tls"] = _load("tls")(up["ca_file"])
    return _load(kind)(url, encoder(up["format"]), ident, batcher, **more)


def wifi(config):
    """-> a Wifi that is not started yet, or None: the board has another way out."""
    if config is None:
        return None
    import network

    networks = []
    for entry in config["networks"]:
        networks.append((entry["ssid"], entry["password"]))
    return _load("wifi")(network, networks, config["country"], config["hostname"])
