/** What the clean-up exits with when the disk would not start another machine. */
export const startlessExit = 3;

/**
 * Functions of the clean-up's program that look, without starting anything, for what keeps a machine of the image from coming up
 * or Murmur from getting in, and remember it in `startless`: POSIX sh. A container has no init of its own, and is not looked at.
 * Where the image lacks a program for a look, that look says nothing.
 */
export const cleanStart = `hinder() {
  startless="$startless$1
"
}

is_container() {
  case $(cat /proc/1/comm) in systemd | init) return 1 ;; esac
}

# Where Murmur comes in through the image's own SSH server. Before the host keys go: it tells nothing without one. On some clouds
# root never could log in, and who does becomes root by sudo.
check_login() {
  if [ -e /run/murmur-boot ]; then return; fi
  sshd=$(command -v sshd || echo /usr/sbin/sshd)
  if ! [ -x "$sshd" ]; then return; fi
  user=\${SUDO_USER:-root}
  if settings=$("$sshd" -T -C "user=$user,host=murmur,addr=192.0.2.1" 2>&1); then
    has_setting 'port 22' || hinder 'its SSH server does not listen on port 22'
    if [ "$user" = root ] && has_setting 'permitrootlogin no'; then hinder 'its SSH server lets root in no more (PermitRootLogin)'; fi
    if has_setting 'allowusers .*' && ! has_setting "allowusers ($user(@.*)?|.*[*?].*)"; then
      hinder "its SSH server lets $user in no more (AllowUsers)"
    fi
  else
    wrong=$(printf '%s\\n' "$settings" | grep -m 1 -E 'line [0-9]+')
    [ -z "$wrong" ] || hinder "its SSH server does not start: $wrong"
  fi
}

has_setting() { printf '%s\\n' "$settings" | grep -q -x -E "$1"; }

check_start() {
  check_init
  check_target
  check_devices
  # Where the image's own boot loader starts it.
  if [ -d /boot/grub ] || [ -d /boot/grub2 ]; then
    set -- /boot/vmlinu* /boot/*/vmlinu* /boot/Image* /boot/loader/entries/*
    for file; do [ ! -f "$file" ] || return 0; done
    hinder 'there is no kernel in /boot'
  fi
}

check_init() {
  init=$(readlink -f /sbin/init)
  if ! [ -f "$init" ] || ! [ -s "$init" ]; then
    hinder '/sbin/init is missing'
  elif ! [ -x "$init" ]; then
    hinder '/sbin/init cannot be executed'
  else
    # It lists what it would load for a program, and does not run it.
    for loader in /lib64/ld-linux-*.so.[0-9] /lib/ld-linux-*.so.[0-9]; do
      [ -x "$loader" ] || continue
      library=$("$loader" --list "$init" | awk '/ => not found/ { print $1; exit }')
      [ -z "$library" ] || hinder "/sbin/init lacks the library $library"
      return
    done
  fi
}

check_target() {
  for folder in /etc/systemd/system /usr/local/lib/systemd/system /lib/systemd/system; do
    present "$folder/default.target" || continue
    target=$(readlink -f "$folder/default.target")
    case \${target##*/} in
      poweroff.target | reboot.target | halt.target | kexec.target | exit.target) hinder "systemd's default target is \${target##*/}" ;;
    esac
    return
  done
}

# systemd waits for such a device, and then goes no further.
check_devices() {
  [ -r /etc/fstab ] || return 0
  while read -r source point type options rest; do
    case $source in '#'* | '') continue ;; esac
    # The root is mounted by what starts the machine.
    [ "$point" != / ] || continue
    case ,$options, in *,noauto,* | *,nofail,* | *,_netdev,* | *,x-systemd.automount,*) continue ;; esac
    case $source in
      UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*)
        ! command -v findfs >/dev/null || findfs "$(printf %b "$source")" >/dev/null || no_device ;;
      /dev/*) [ -e "$(printf %b "$source")" ] || no_device ;;
    esac
  done </etc/fstab
}

no_device() { hinder "/etc/fstab names $source for $point, which this machine does not have, without nofail"; }
`;
