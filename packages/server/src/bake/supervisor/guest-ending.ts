/**
 * The supervisor's functions that find and end a script's processes: POSIX sh. They rely on `here`, `cgroup`, `doze` and `nap` of the
 * supervisor around them.
 */
export const guestEnding = `# Every process of the script: its control group, its session, its children and whoever holds its output.
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

# A zombie is gone already; its parent has yet to notice.
alive() {
  read -r line 2>/dev/null <"/proc/$1/stat" || return 1
  case \${line##*) } in Z*) return 1 ;; esac
}

end_script() {
  cgroup=$(cat run/cgroup-path 2>/dev/null)
  round=0
  while [ "$round" -lt 50 ]; do
    round=$((round + 1))
    killed=
    for pid in $(members 2>/dev/null); do
      alive "$pid" && kill -9 "$pid" 2>/dev/null && killed=1
    done
    [ -z "$cgroup" ] || echo 1 2>/dev/null >"$cgroup/script/cgroup.kill"
    [ -n "$killed" ] || return
  done
}

# Nobody holds the output and the control group is empty. Without a control group that takes a walk through all processes.
all_gone() {
  [ -n "$cgroup" ] && [ -e run/collected ] && ! read -r pid 2>/dev/null <"$cgroup/script/cgroup.procs"
}

# What still holds the output after the script, such as a filter it went through, has something to say yet: it is waited for as
# long as more comes, but not for ever. While the server is away nothing can come, and that time does not count.
drain_output() {
  dozes=0
  while [ ! -e run/collected ] && [ "$dozes" -lt 5 ]; do
    dozes=$((dozes + 1))
    doze
  done
  naps=0
  quiet=0
  seen=
  while [ ! -e run/collected ] && [ "$quiet" -lt 15 ] && [ "$naps" -lt 100 ]; do
    nap 0.2
    [ ! -e run/held ] || continue
    naps=$((naps + 1))
    quiet=$((quiet + 1))
    newest=
    for newest in log/*; do :; done
    now=$newest-$(wc -c <"$newest")
    [ "$now" = "$seen" ] || quiet=0
    seen=$now
  done
}

# Services and other things a script left running may have something to put away.
ask_leftovers() {
  asked=$(members 2>/dev/null)
  for pid in $asked; do kill -15 "$pid" 2>/dev/null; done
  naps=0
  while [ "$naps" -lt 25 ]; do
    naps=$((naps + 1))
    left=
    for pid in $asked; do alive "$pid" && left=1; done
    [ -n "$left" ] || return
    nap 0.2
  done
}

end_leftovers() {
  drain_output
  ! all_gone || return
  ask_leftovers
  ! all_gone || return
  # The control group ends at once. Walking through all processes takes long, and is for who holds the output beyond that.
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
`;
