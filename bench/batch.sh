#!/bin/sh
# The workload by iproute2 and nft, in the ways that are fastest with them.
#   batch.sh files N DIR          writes what the others read
#   batch.sh up one|two|nsenter N DIR
#     one: an `ip -n NS -batch` for each namespace; two: the same from two shells; nsenter: two shells that enter
#     by nsenter, which does not copy all mounts for each process as `ip -n` does
#   batch.sh down N DIR
a() { echo "10.55.$(($1 / 256)).$(($1 % 256))"; }

files() {
	mkdir -p "$2"
	last=$(($1 + 9))
	{
		echo "link add v-net-0 group 4242 up type bridge forward_delay 0"
		echo "addr add 10.55.0.1/16 dev v-net-0"
		for i in $(seq 10 $last); do
			echo "netns add r3-$i"
			echo "link add vb$i numtxqueues 1 numrxqueues 1 master v-net-0 up group 4242 type veth" \
				"peer name eth0 netns r3-$i numtxqueues 1 numrxqueues 1"
		done
	} >"$2/host"
	echo "link del group 4242" >"$2/down"
	for i in $(seq 10 $last); do
		printf 'link set lo up\nlink set eth0 up\naddr add %s/16 dev eth0\nroute add default via 10.55.0.1\n' \
			"$(a "$i")" >"$2/ns$i"
		echo "netns del r3-$i" >>"$2/down"
	done
	echo 'table ip r3 { chain post { type nat hook postrouting priority 100; ip saddr 10.55.0.0/16 masquerade; }; }' \
		>"$2/nft"
}

inside() {
	if [ "$1" = nsenter ]; then
		nsenter --net="/run/netns/r3-$2" ip -batch "$3/ns$2"
	else
		ip -n "r3-$2" -batch "$3/ns$2"
	fi
}

up() {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	ip -batch "$3/host"
	shells=2
	[ "$1" = one ] && shells=1
	k=0
	while [ $k -lt $shells ]; do
		(
			i=$((10 + k))
			while [ $i -le $(($2 + 9)) ]; do
				inside "$1" $i "$3"
				i=$((i + shells))
			done
		) &
		k=$((k + 1))
	done
	nft -f "$3/nft"
	wait
}

down() {
	ip -batch "$2/down"
	nft delete table ip r3
}

command=$1
shift
"$command" "$@"
