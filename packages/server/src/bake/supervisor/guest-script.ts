import { guestEnding } from './guest-ending.js';
import { guestReading } from './guest-reading.js';

/**
 * The supervisor that runs in the guest: POSIX sh for Debian's dash and for busybox. It starts the provisioning script once,
 * keeps its output in memory until the server has stored it, ends its whole process tree, and writes down how it ended.
 * Everything lies in the folder the file itself is in.
 *
 * - `supervise SECONDS` runs the script; its variables come on standard input and end with `: murmur complete`.
 * - `exec` becomes the script, in a control group and a session of its own.
 * - `read STORED FROM` drops what is stored, waits shortly for output from offset FROM on, writes up to 1 MiB of it to
 *   standard output and one line of state to standard error: `running`, `running HELD` (the seconds that the script has waited
 *   for a server that was away), `exited CODE`, `exited CODE out-of-memory`, `no-interpreter NAME`, `timed-out`, `lost` or `absent`.
 * - `stop` ends the script's process tree.
 *
 * Output goes through a FIFO into segment files named by their offset. One process reads the FIFO, and stops reading while
 * 16 MiB wait for the server, so that a script never fills the guest's memory: it blocks on its own output instead.
 */
export const guestScript = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
here=$PWD
umask 077
# Added to an offset, this keeps segment names the same length, so that a glob lists them in order.
base=1000000000000000
segment_bytes=262144
waiting_bytes=16777216
most_bytes=1048576
away_seconds=10

nap() { sleep "$1" 2>/dev/null || sleep 1; }
# For what is a matter of moments. Where a second is the shortest sleep, it is none.
doze() { sleep 0.02 2>/dev/null; }

uptime_seconds() { read -r seconds rest </proc/uptime; seconds=\${seconds%%.*}; }

find_cgroup() {
  cgroup=
  for root in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    [ -f "$root/cgroup.controllers" ] && break
    root=
  done
  if [ -z "$root" ]; then
    mkdir -p run/cgroup
    mount -t cgroup2 none run/cgroup 2>/dev/null && root=$here/run/cgroup
  fi
  [ -n "$root" ] || return
  # Named for the folder: tests run several of these on one machine.
  group=$root/\${here##*/}
  mkdir -p "$group/supervisor" "$group/script" 2>/dev/null || return
  echo 0 2>/dev/null >"$group/supervisor/cgroup.procs" || return
  cgroup=$group
}

collect() {
  offset=0
  size=0
  segment=log/$base
  : >"$segment"
  # Each block is written as it comes; several to one process, for starting one costs a slow machine more than a line of output.
  while dd bs=65536 count=8 2>/dev/null >>"$segment"; do
    now=$(($(wc -c <"$segment")))
    [ "$now" -gt "$size" ] || break
    size=$now
    [ "$size" -ge "$segment_bytes" ] || continue
    offset=$((offset + size))
    size=0
    segment=log/$((base + offset))
    : >"$segment"
    room && continue
    : >run/held
    until room; do nap 0.2; done
    rm -f run/held
  done
  : >run/collected
}

room() {
  set -- log/*
  [ $((offset + base - \${1#log/})) -lt "$waiting_bytes" ]
}

# How many processes the kernel has ended for want of memory, here or in the container around us.
memory_kills() {
  for counts in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control /proc/vmstat; do
    kills=$(sed -n 's/^oom_kill //p' "$counts" 2>/dev/null)
    [ -z "$kills" ] || break
  done
}

${guestEnding}
supervise() {
  variables=$(cat)
  case $variables in *": murmur complete") ;; *) exit 1 ;; esac
  exec </dev/null >/dev/null 2>&1
  mkdir run 2>/dev/null || exit 0
  echo $$ >run/supervisor
  mkdir log
  mkfifo run/output
  echo -900 2>/dev/null >/proc/self/oom_score_adj
  find_cgroup
  echo "$cgroup" >run/cgroup-path
  # A shell's background processes ignore these two signals; the script must not.
  signals=
  env --default-signal=INT,QUIT true 2>/dev/null && signals='env --default-signal=INT,QUIT'
  memory_kills
  # What is mounted now is the machine's; what comes, the script's.
  cut -d ' ' -f 1,3-5 /proc/self/mountinfo >run/mounts
  collect <run/output &
  collector=$!
  (
    eval "$variables"
    unset variables
    exec $signals setsid sh "$here/supervisor" exec
  ) >run/output 2>&1 &
  script=$!
  echo "$script" >run/script
  variables=
  (
    uptime_seconds
    deadline=$((seconds + $1))
    echo "$seconds" >run/asked
    held=0
    while [ "$seconds" -lt "$deadline" ]; do
      sleep 1
      before=$seconds
      uptime_seconds
      # A script that waits for a server that is away does not use up its own time.
      [ -e run/held ] || continue
      read -r asked <run/asked
      [ $((seconds - asked)) -gt "$away_seconds" ] || continue
      deadline=$((deadline + seconds - before))
      held=$((held + seconds - before))
      echo "$held" >run/held-seconds
    done
    : >run/timed-out
    end_script
  ) &
  watchdog=$!
  : >run/started
  wait "$script"
  code=$?
  kill "$watchdog"
  before=$kills
  memory_kills
  if [ -e run/timed-out ]; then end_script; else end_leftovers; fi
  wait "$collector"
  ending="exited $code"
  [ "$code" = 0 ] || [ "$kills" = "$before" ] || ending="$ending out-of-memory"
  [ "$code" != 127 ] || [ ! -e run/no-interpreter ] || ending="no-interpreter $(cat run/no-interpreter)"
  [ -e run/timed-out ] && ending=timed-out
  echo "$ending" >run/ending.new
  mv run/ending.new run/ending
}

# Ends here when what the first line names is not there: a shell's own words would blame the script's name.
find_interpreter() {
  set -f
  set -- \${first#'#!'}
  set +f
  if [ -n "$1" ] && { [ ! -x "$1" ] || [ -d "$1" ]; }; then without "$1"; fi
  [ "\${1##*/}" = env ] || return
  shift
  [ "$1" != -S ] || shift
  # Whatever else env is told, it says itself what is wrong.
  case $1 in '' | -* | *[!a-zA-Z0-9._/+-]*) return ;; esac
  command -v "$1" >/dev/null 2>&1 || without "$1"
}

without() {
  echo "$1" >"$here/run/no-interpreter"
  exit 127
}

become_script() {
  cgroup=$(cat run/cgroup-path)
  [ -z "$cgroup" ] || echo 0 2>/dev/null >"$cgroup/script/cgroup.procs"
  echo 0 2>/dev/null >/proc/self/oom_score_adj
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  unset OLDPWD
  first=$(head -c 300 "$here/script" | head -n 1)
  if [ "\${first#'#!'}" != "$first" ]; then
    find_interpreter
    exec "$here/script"
  fi
  exec /bin/sh "$here/script"
}

${guestReading}
case $1 in
  supervise) supervise "$2" ;;
  exec) become_script ;;
  read) read_output "$2" "$3" ;;
  stop) end_script ;;
esac
`;
