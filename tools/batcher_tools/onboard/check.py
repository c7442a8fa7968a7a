# Run on a board by `batcher provision`: joins the Wi-Fi and asks the uplink, step by step.
# `networks`, `host`, `port`, `path`, `token`, `scheme` are set before. No secret is printed.
import socket
import time

import network


def check():
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if networks and wlan.isconnected():  # noqa: F821 (to what it was told before: that proves nothing)
        wlan.disconnect()
        for _ in range(50):
            if not wlan.isconnected():
                break
            time.sleep_ms(100)
        else:
            print("failed wifi still joined to an earlier network")
            return
    for ssid, password in networks:  # noqa: F821
        if not wlan.isconnected():
            wlan.connect(ssid, password)
            for _ in range(150):
                if wlan.isconnected():
                    break
                time.sleep_ms(100)
    if networks:  # noqa: F821
        if not wlan.isconnected():
            print("failed wifi status", wlan.status())
            return
        print("ok wifi", wlan.ifconfig()[0])
    try:
        address = socket.getaddrinfo(host, port)[0][-1]  # noqa: F821
    except OSError as exc:
        print("failed name", exc)
        return
    print("ok name")
    s = socket.socket()
    s.settimeout(7)
    try:
        s.connect(address)
        print("ok connect")
        if scheme == "http":  # noqa: F821
            head = "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n" % (path, host)  # noqa: F821
            if token:  # noqa: F821
                head += "Authorization: Bearer %s\r\n" % token  # noqa: F821
            s.send((head + "Connection: close\r\n\r\n").encode())
            status = s.recv(12).decode().split(" ")[1]
            # An empty batch is wrong content; that it was read is what we wanted to know.
            failed = status in ("401", "403", "404")
            print("failed" if failed else "ok", "answer", status)
    except (OSError, IndexError) as exc:
        print("failed connect", exc)
    s.close()


check()
