# Works off a queue that several machines share: `sh queue.sh FOLDER WORKERS PATIENCE`. In: FOLDER/N.unit, each
# a shell script, for which PATIENCE is the seconds that it may take. Out: FOLDER/N.out, all that it printed, then
# FOLDER/N.code, its exit code and the seconds it took.
folder=$1 workers=$2
export PATIENCE=$3

work() {
    for unit in "$folder"/*.unit; do
        name=${unit%.unit}
        # Making a folder is what only one can do.
        mkdir "$name.taken" 2>/dev/null || continue
        read -r start rest </proc/uptime
        sh "$unit" >"$name.out" 2>&1 </dev/null
        code=$?
        read -r end rest </proc/uptime
        echo "$code $((${end%.*} - ${start%.*}))" >"$name.new"
        mv "$name.new" "$name.code"
    done
}

while [ "$workers" -gt 0 ]; do
    work &
    workers=$((workers - 1))
done
wait
