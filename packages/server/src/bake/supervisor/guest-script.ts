/**
 * The supervisor that runs in the guest: POSIX sh for Debian's dash and for busybox. It starts the provisioning script once,
 * keeps its output in memory until the server has stored it, ends its whole process tree, and writes down how it ended.
 * Everything lies in the folder the file itself is in.
 *
 * - `supervise SECONDS` runs the script; its variables come on standard input and end with `: murmur complete`.
 * - `exec` becomes the script, in a control group and a session of its own.
 * - `read STORED FROM` drops what is stored, waits shortly for output from offset FROM on, writes up to 1 MiB of it to
 *   standard output and one line of state to standard error: `running`, `exited CODE`, `timed-out`, `lost` or `absent`.
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

nap() { sleep "$1" 2>/dev/null || sleep 1; }

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
    while oldest && [ $((offset - first)) -ge "$waiting_bytes" ]; do nap 0.2; done
  done
  : >run/collected
}

oldest() {
  set -- log/*
  first=$((\${1#log/} - base))
}

# Every process of the script: its control group, its session, its children and whoever holds its output.
members() {
  [ -z "$cgroup" ] || cat "$cgroup/script/cgroup.procs" 2>/dev/null
  ls -l /proc/[0-9]*/fd/ 2>/dev/null | awk -v output="$here/run/output" '
    index($0, "/proc/") == 1 { split($0, part, "/"); pid = part[3]; next }
    $NF == output && $(NF - 2) > 0 { print pid }'
  script=$(cat run/script 2>/dev/null)
  [ -n "$script" ] || return
  family=" $script "
  grown=1
  while [ -n "$grown" ]; do
    grown=
    for process in /proc/[0-9]*; do
      pid=\${process#/proc/}
      case $family in *" $pid "*) continue ;; esac
      read -r line 2>/dev/null <"$process/stat" || continue
      # A command's name may hold spaces and brackets: the fields start after the last one.
      set -- \${line##*) }
      if [ "$4" = "$script" ]; then
        family="$family$pid "
        grown=1
        continue
      fi
      case $family in *" $2 "*)
        family="$family$pid "
        grown=1
        ;;
      esac
    done
  done
  for pid in $family; do [ -d "/proc/$pid" ] && echo "$pid"; done
}

end_script() {
  cgroup=$(cat run/cgroup-path 2>/dev/null)
  round=0
  while [ "$round" -lt 50 ]; do
    round=$((round + 1))
    alive=
    for pid in $(members 2>/dev/null); do
      read -r line 2>/dev/null <"/proc/$pid/stat" || continue
      # A zombie is gone already; its parent has yet to notice.
      case \${line##*) } in Z*) continue ;; esac
      kill -9 "$pid" 2>/dev/null && alive=1
    done
    [ -z "$cgroup" ] || echo 1 2>/dev/null >"$cgroup/script/cgroup.kill"
    [ -n "$alive" ] || return
  done
}

# The control group ends at once. Walking through all processes takes long, and is for who holds the output beyond that.
end_leftovers() {
  if [ -n "$cgroup" ] && echo 1 2>/dev/null >"$cgroup/script/cgroup.kill"; then
    naps=0
    while [ "$naps" -lt 20 ] && [ ! -e run/collected ]; do
      naps=$((naps + 1))
      nap 0.1
    done
    [ ! -e run/collected ] || return
  fi
  end_script
}

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
    while [ "$seconds" -lt "$deadline" ]; do
      sleep 1
      uptime_seconds
    done
    : >run/timed-out
    end_script
  ) &
  watchdog=$!
  : >run/started
  wait "$script"
  code=$?
  kill "$watchdog"
  end_leftovers
  wait "$collector"
  ending="exited $code"
  [ -e run/timed-out ] && ending=timed-out
  echo "$ending" >run/ending.new
  mv run/ending.new run/ending
}

become_script() {
  cgroup=$(cat run/cgroup-path)
  [ -z "$cgroup" ] || echo 0 2>/dev/null >"$cgroup/script/cgroup.procs"
  echo 0 2>/dev/null >/proc/self/oom_score_adj
  umask 022
  cd "$HOME" 2>/dev/null || cd /
  unset OLDPWD
  if [ "$(head -c 2 "$here/script")" = '#!' ]; then exec "$here/script"; fi
  exec /bin/sh "$here/script"
}

# Sets \`end\` to where the output ends now. Its length is looked at only when the newest segment may have grown since.
measure() {
  newest=
  for newest in log/*; do :; done
  [ -e "$newest" ] || return
  if [ "$newest" = "$measured" ] && [ run/measured -nt "$newest" ]; then return; fi
  measured=$newest
  : >run/measured
  end=$((\${newest#log/} - base + $(wc -c <"$newest")))
}

read_output() {
  stored=$1
  from=$2
  if [ ! -d run ]; then
    echo absent >&2
    return
  fi
  previous=
  for segment in log/*; do
    [ "$segment" != 'log/*' ] || break
    [ -z "$previous" ] || [ $((\${segment#log/} - base)) -gt "$stored" ] || rm -f "$previous"
    previous=$segment
  done
  naps=0
  end=0
  measured=
  while :; do
    state=running
    [ ! -e run/ending ] || read -r state <run/ending
    # The last look counts, whoever else has looked in between.
    [ "$state" = running ] || measured=
    measure
    [ "$state" = running ] || break
    [ "$end" -le "$from" ] || break
    supervisor=
    read -r supervisor 2>/dev/null <run/supervisor
    if [ -e run/started ] && [ ! -d "/proc/$supervisor" ] && [ ! -e run/ending ]; then
      state=lost
      break
    fi
    [ "$naps" -lt 20 ] || break
    naps=$((naps + 1))
    # Each nap is a process, and a slow machine feels ten a second.
    if [ "$naps" -le 5 ]; then nap 0.1; else nap 0.25; fi
  done
  if [ $((end - from)) -gt "$most_bytes" ]; then
    end=$((from + most_bytes))
    state=running
  fi
  [ "$end" -le "$from" ] || send_bytes "$from" "$end"
  echo "$state" >&2
}

# Segments are cut where the next one starts; the newest is read up to the end known before, for it may be growing.
send_bytes() {
  at=$1
  upto=$2
  set -- log/* "log/$((base + upto))"
  while [ $# -gt 1 ] && [ "$at" -lt "$upto" ]; do
    begin=$((\${1#log/} - base))
    limit=$((\${2#log/} - base))
    # More may wait than was asked for, and who asked takes no more.
    [ "$limit" -le "$upto" ] || limit=$upto
    if [ "$limit" -gt "$at" ]; then
      tail -c "+$((at - begin + 1))" "$1" | head -c "$((limit - at))"
      at=$limit
    fi
    shift
  done
}

case $1 in
  supervise) supervise "$2" ;;
  exec) become_script ;;
  read) read_output "$2" "$3" ;;
  stop) end_script ;;
esac
`;
