# The first process of a machine: `BUSYBOX sh init.sh`. In, as they are called on the host: $BUSYBOX, $MACHINE (the
# folder of this machine) and $SHARED (the folder to keep); $HOST, where the host's root is (empty: it is the
# root), $MODULES, a list of files in an order that loads, and the consoles $OUT and $ERR. Out: what
# $MACHINE/command.sh prints, on the consoles, and its exit code in $MACHINE/code.
b=$BUSYBOX r=/mnt/root
if [ "$1" != inside ]; then
    $b mount -t proc proc /proc
    $b mount -t tmpfs tmpfs /mnt
    $b mkdir -p /mnt/upper /mnt/work $r
    # Nothing asks for modules by alias here, so all are there from the start.
    while read -r module; do $b insmod "$module" 2>/dev/null; done <"$MODULES"
    # A new namespace has no tunnel links that nobody made.
    echo 2 >/proc/sys/net/core/fb_tunnels_only_for_init_net
    [ -z "$HOST" ] || $b mount -t virtiofs host "$HOST"
    $b mount -t overlay -o "lowerdir=${HOST:-/},upperdir=/mnt/upper,workdir=/mnt/work" overlay $r
    $b mount -t proc proc $r/proc
    $b mount -t sysfs sysfs $r/sys
    $b mount -t devtmpfs devtmpfs $r/dev
    $b mkdir -p $r/dev/shm $r/dev/pts
    $b mount -t tmpfs tmpfs $r/dev/shm
    $b mount -t devpts devpts $r/dev/pts
    $b ln -s /proc/self/fd $r/dev/fd
    $b mount -t tmpfs tmpfs $r/run
    # No overlay, so that sandboxes can put as many above it as on the host.
    $b mount -t tmpfs tmpfs /mnt/work
    $b cp -a $r/etc/. /mnt/work
    $b mount --move /mnt/work $r/etc
    # What is written to the shared folder reaches the host: under user-mode Linux by a file
    # system of its own, because the root is read-only.
    if [ -n "$HOST" ]; then
        $b mount --bind "$HOST$SHARED" "$r$SHARED"
    else
        $b mount -t hostfs -o "$SHARED" hostfs "$r$SHARED"
    fi
    # Not by chroot alone: in one, the kernel makes no user namespaces.
    cd $r
    $b mount --move . /
    exec $b chroot . "$b" sh "$MACHINE/init.sh" inside
fi

$b ifconfig lo up
# Programs that are run again and again come from memory: a file of the host costs a round trip for each page.
if [ -n "$HOST" ]; then
    $b mkdir /run/programs
    for program in ip bridge $($b grep -o '/[^ "'"'"']*' "$MACHINE/command.sh"); do
        program=$(command -v "$program") || continue
        for file in "$program" $(ldd "$program" 2>/dev/null | $b grep -o '/[^ ]*'); do
            file=$($b readlink -f "$file")
            [ -f "$file" ] && [ ! -e "/run/programs$file" ] || continue
            $b mkdir -p "/run/programs${file%/*}"
            $b cp -p "$file" "/run/programs$file" && $b mount --bind "/run/programs$file" "$file"
        done
    done
fi
# Bytes come out of the consoles as they are.
for console in "$OUT" "$ERR"; do $b stty -F "$console" raw -echo; done
$b mkfifo /dev/out /dev/err
$b cat /dev/out >"$OUT" &
out=$!
$b cat /dev/err >"$ERR" &
err=$!
$b env -i /bin/sh "$MACHINE/command.sh" </dev/null >/dev/out 2>/dev/err
code=$?
# The rest of the output, but no waiting for what the command has left running.
for moment in 1 2 3 4 5 6 7 8 9 10; do
    [ -d /proc/$out ] || [ -d /proc/$err ] || break
    $b sleep 0.1
done
echo $code >"$MACHINE/code"
$b sync
$b poweroff -f
