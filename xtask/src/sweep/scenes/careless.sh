#!/bin/sh
# The walkthrough as scripts do it: whatever fails, what was done before it stays. For the harness to be tried on.
# usage: careless.sh apply|down|plan FILE
set -e
case $1 in
apply)
    [ -e /run/netns/blue ] && echo unchanged && exit 0
    ip -batch - <<END
netns add red
netns add blue
link add v-net-0 type bridge
addr add 192.168.15.5/24 dev v-net-0
link set v-net-0 up
link add veth-red-br master v-net-0 up type veth peer name veth-red netns red
link add veth-blue-br master v-net-0 up type veth peer name veth-blue netns blue
END
    for n in red:1 blue:2; do
        ip -n ${n%:*} -batch - <<END
link set lo up
link set veth-${n%:*} up
addr add 192.168.15.${n#*:}/24 dev veth-${n%:*}
route add default via 192.168.15.5
END
    done
    echo 1 >/proc/sys/net/ipv4/ip_forward
    nft 'table ip careless { chain post { type nat hook postrouting priority 100; ip saddr 192.168.15.0/24 masquerade; }; }'
    echo "changed: 12 made"
    ;;
down)
    [ -e /run/netns/blue ] || { echo unchanged; exit 0; }
    ip link del v-net-0
    ip netns del red
    ip netns del blue
    echo 0 >/proc/sys/net/ipv4/ip_forward
    nft delete table ip careless
    echo "changed: 5 taken away"
    ;;
plan)
    if [ -e /run/netns/blue ]; then exit 0; else exit 2; fi
    ;;
esac
