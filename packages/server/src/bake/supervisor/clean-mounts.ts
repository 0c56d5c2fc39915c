/**
 * Functions of the clean-up's program that keep it on the machine's own disk: POSIX sh. `unmount_new` takes down what was
 * mounted since the script began and prints `unmounted PATH` for each; `own PATH` says whether a path is neither within nor
 * around what is mounted from elsewhere. Mount points are as the kernel writes them: blanks in octal.
 */
export function cleanMounts(folder: string): string {
  return `# Newest first. Memory and devices are nothing that an image keeps.
new_mounts() {
  [ -e ${folder}/run/mounts ] || return
  awk '
    NR == FNR { before[$0] = 1; next }
    !(($1 " " $3 " " $4 " " $5) in before) && $5 !~ "^/(proc|sys|dev|run)(/|$)" { points[++count] = $5 }
    END { while (count) print points[count--] }' ${folder}/run/mounts /proc/self/mountinfo
}

# Where something is removed, nothing may stay mounted; elsewhere what is in use goes with the machine.
is_cleaned() {
  case $1 in
    /tmp | /tmp/* | /etc | /etc/* | /root | /root/* | /home | /home/* | /var | /var/log | /var/log/* | /var/tmp | /var/tmp/*) ;;
    /var/cache | /var/cache/apt* | /var/lib | /var/lib/cloud* | /var/lib/dbus* | /var/lib/dhc* | /var/lib/systemd* | /var/lib/urandom*) ;;
    *) return 1 ;;
  esac
}

unmount_new() {
  set -f
  points=$(new_mounts)
  for point in $points; do
    path=$(printf %b "$point")
    umount "$path" || { is_cleaned "$path" && umount -l "$path"; } || continue
    echo "unmounted $point"
  done
  [ -z "$points" ] || points=$(new_mounts)
  for point in $points; do
    ! is_cleaned "$point" || complain "$point" 'is still mounted'
  done
  set +f
}

# Other machines' files and parts of other file systems, which the base had mounted before.
find_foreign() {
  foreign=$(awk '$5 != "/" {
    for (field = 7; $field != "-"; field++) if (field > NF) next
    type = $(field + 1)
    if ($4 != "/" && type != "btrfs" || type ~ /^(nfs|cifs|smb|9p|fuse|virtiofs|ceph|glusterfs|afs|lustre)/) print $5
  }' /proc/self/mountinfo)
}

own() {
  [ -n "$foreign" ] || return 0
  set -f
  set -- "$1" $foreign
  set +f
  path=$1
  shift
  for point; do
    # A process for each of very many looks, and there are blanks in hardly any.
    case $point in *\\\\*) point=$(printf %b "$point") ;; esac
    case $path/ in "$point"/*) return 1 ;; esac
    case $point/ in "$path"/*) return 1 ;; esac
  done
}
`;
}
