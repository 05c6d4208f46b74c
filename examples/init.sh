#!/bin/sh
# The network of a machine that boots without udev, systemd or iproute2: an uplink that may come late, and a
# namespace behind it. It may be run again at any time: what is as the file says stays untouched.
set -e

netstrap apply - <<'END'
name    = "boot"
forward = ["ipv4"]

[device.eth0]
wait    = "10s"
carrier = "5s"
address = ["192.0.2.10/24"]
route   = ["default via 192.0.2.1"]

[bridge.br0]
address = ["10.0.0.1/24"]

[[masquerade]]
from = "10.0.0.0/24"
out  = "eth0"

[netns.app.veth.eth0]
address = ["10.0.0.2/24"]
route   = ["default via 10.0.0.1"]
peer    = { name = "app", master = "br0" }
END
