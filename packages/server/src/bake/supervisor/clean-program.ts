import { shellQuote } from '@murmur/api';

import { cleanMounts } from './clean-mounts.js';
import { cleanRemoval } from './clean-removal.js';
import { cleanStart, startlessExit } from './clean-start.js';
import { guestFolder } from './guest-program.js';

/**
 * A program for the guest's `sh` that removes what must not be cloned: identities (host keys, machine-id, random seed), our
 * login key, traces of this boot (cloud-init's instance, leases, logs, histories, temporary files) and the supervisor. Prints
 * `unmounted PATH` for what the script had left mounted. On a guest that lacks some of it, the rest still happens. Then it
 * looks at what it did, and fails with a line for each file that is still there; and at what another machine needs to start,
 * and exits with {@link startlessExit} and a line for each thing that is in its way.
 */
export function cleanProgram(clientPublicKey: string, folder: string = guestFolder): string {
  return `${cleanMounts(folder)}
${cleanRemoval(clientPublicKey)}
${cleanStart}
begin() {
  umask 077
  kept=
  startless=
  unmount_new
  is_container || check_login
  find_foreign
  # What still writes logs would write them again after they were removed.
  if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
    systemctl stop rsyslog.service syslog.socket cron.service unattended-upgrades.service >/dev/null
    journalctl --rotate >/dev/null
    journalctl --vacuum-time=1s >/dev/null
    systemctl stop systemd-random-seed.service >/dev/null
  fi
  if command -v cloud-init >/dev/null; then cloud-init clean --logs >/dev/null; fi
  for file in /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*; do
    present "$file" || continue
    apt-get clean >/dev/null
    break
  done
  each_identity remove
  each_key_file forget_key
  rmdir /root/.ssh
  # What is empty already is not touched: in a container even that would add it to the layer.
  if [ -s /etc/machine-id ]; then
    empty /etc/machine-id
    chmod 444 /etc/machine-id
  fi
  remove /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* /var/lib/dhcpcd/*.lease* /var/lib/NetworkManager/*.lease /var/lib/systemd/network/*
  clean_logs
  for home in /root /home/*; do
    home=$(readlink -f "$home")
    remove "$home/.bash_history" "$home/.ash_history" "$home/.sh_history" "$home/.zsh_history" "$home/.python_history" \\
      "$home/.lesshst" "$home/.viminfo" "$home/.wget-hsts" "$home/.sudo_as_admin_successful"
  done
  for place in /tmp /var/tmp; do clean_temporary "$place"; done
  ${folder === guestFolder ? 'flush_disk' : '# The disk is not its own.'}
  verify
  if [ -n "$kept" ]; then
    printf %s "$kept" >&3
    exit 1
  fi
  is_container || check_start
  if [ -n "$startless" ]; then
    printf %s "$startless" >&3
    exit ${startlessExit}
  fi
  # The supervisor's control groups are memory of this boot alone and vanish with it.
  while umount -l ${folder}; do :; done
  grep -q ' ${folder}/' /proc/mounts || rm -rf ${folder}
  exit 0
}

flush_disk() {
  sync
  if command -v fstrim >/dev/null; then fstrim -a >/dev/null; fi
  sync
}

# What would make two machines one.
each_identity() {
  for file in /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/dropbear/dropbear_*_host_key \\
    /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem /var/lib/cloud/data /var/lib/cloud/seed/nocloud-net-murmur \\
    /var/lib/systemd/random-seed /var/lib/urandom/random-seed /var/lib/systemd/credential.secret; do
    "$1" "$file"
  done
  # A link leads to /etc/machine-id.
  [ -L /var/lib/dbus/machine-id ] || "$1" /var/lib/dbus/machine-id
}

each_key_file() {
  for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    file=$(readlink -f "$file")
    # Keys on a memory file system end with this boot, and the capture logs in with them.
    case $file in /run/* | '') continue ;; esac
    [ -f "$file" ] || continue
    own "$file" || continue
    "$1" "$file"
  done
}

clean_logs() {
  [ -d /var/log ] || return
  remove /var/log/journal/*
  set -f
  set -- $foreign
  for point; do
    shift
    set -- "$@" ! -path "$(printf %b "$point")/*"
  done
  set +f
  set -- /var/log -type f ! -path '/var/log/journal/*' "$@"
  find "$@" \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \\) -exec rm -f {} +
  while IFS= read -r file; do [ -z "$file" ] || remove "$file"; done <<LEFT
$(find "$@" \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \\))
LEFT
  while IFS= read -r file; do [ -z "$file" ] || empty "$file"; done <<LEFT
$(find "$@" ! -size 0 -exec sh -c 'for file; do true >"$file" || printf "%s\\n" "$file"; done' sh {} +)
LEFT
}

clean_temporary() {
  if [ -L "$1" ] || ! [ -d "$1" ]; then return; fi
  ! own "$1" || find "$1" -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} +
  for left in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case $left in "$1"/systemd-private-*) ;; *) remove "$left" ;; esac
  done
}

verify() {
  each_identity check_gone
  each_key_file check_key
  if own /etc/machine-id && [ -s /etc/machine-id ]; then complain /etc/machine-id 'cannot be emptied'; fi
}

check_gone() {
  if present "$1" && own "$1"; then complain "$1" 'cannot be removed'; fi
}

check_key() {
  ! grep -qF ${shellQuote(clientPublicKey)} "$1" || complain "$1" 'holds a key of ours'
}

begin 3>&2 2>/dev/null
`;
}
