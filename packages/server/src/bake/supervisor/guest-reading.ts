/**
 * The supervisor's functions that hand its output to the server: POSIX sh. They rely on `base`, `most_bytes`, `doze`, `nap` and `uptime_seconds` of the
 * supervisor around them.
 */
export const guestReading = `# Sets \`end\` to where the output ends now. Its length is looked at only when the newest segment may have grown since.
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
  uptime_seconds
  echo "$seconds" >run/asked
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
    [ "$naps" -lt 24 ] || break
    naps=$((naps + 1))
    # Each nap is a process, and a slow machine feels ten a second. What ends at once should not wait for that.
    if [ "$naps" -le 4 ]; then doze; elif [ "$naps" -le 9 ]; then nap 0.1; else nap 0.25; fi
  done
  if [ $((end - from)) -gt "$most_bytes" ]; then
    end=$((from + most_bytes))
    state=running
  fi
  [ "$end" -le "$from" ] || send_bytes "$from" "$end"
  if [ "$state" = running ] && [ -e run/held-seconds ]; then state="running $(cat run/held-seconds)"; fi
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
`;
