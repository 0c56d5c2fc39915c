import { guestFolder } from './guest-program.js';
import { shellQuote } from './shell-quote.js';

/**
 * A program for the guest's `sh` that removes what must not be cloned: identities (host keys, machine-id, random seed), our
 * login key, traces of this boot (cloud-init's instance, leases, logs, histories, temporary files) and the supervisor. On a
 * guest that lacks some of it, the rest still happens.
 */
export function cleanProgram(clientPublicKey: string, folder: string = guestFolder): string {
  return `begin() {
  umask 077
  # What still writes logs would write them again after they were removed.
  if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
    systemctl stop rsyslog.service syslog.socket cron.service unattended-upgrades.service >/dev/null 2>&1
    journalctl --rotate >/dev/null 2>&1
    journalctl --vacuum-time=1s >/dev/null 2>&1
    systemctl stop systemd-random-seed.service >/dev/null 2>&1
  fi
  if command -v cloud-init >/dev/null 2>&1; then cloud-init clean --logs >/dev/null 2>&1; fi
  rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem /var/lib/cloud/data /var/lib/cloud/seed/nocloud-net-murmur
  if command -v apt-get >/dev/null 2>&1; then apt-get clean >/dev/null 2>&1; fi
  rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/dropbear/dropbear_*_host_key
  for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    # Keys on a memory file system end with this boot, and the capture logs in with them.
    case $(readlink -f "$file") in /run/* | '') continue ;; esac
    [ -f "$file" ] || continue
    grep -vF ${shellQuote(clientPublicKey)} "$file" >"$file.kept"
    if [ -s "$file.kept" ]; then cat "$file.kept" >"$file"; else rm -f "$file"; fi
    rm -f "$file.kept"
  done
  rmdir /root/.ssh 2>/dev/null
  if [ -e /etc/machine-id ]; then : >/etc/machine-id; chmod 444 /etc/machine-id; fi
  if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
  rm -f /var/lib/systemd/random-seed /var/lib/urandom/random-seed /var/lib/systemd/credential.secret
  rm -f /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* /var/lib/dhcpcd/*.lease* /var/lib/NetworkManager/*.lease /var/lib/systemd/network/*
  if [ -d /var/log ]; then
    find /var/log -type f ! -path '/var/log/journal/*' \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \\) -exec rm -f {} +
    find /var/log -type f ! -path '/var/log/journal/*' -exec sh -c 'for file; do : >"$file"; done' sh {} +
    rm -rf /var/log/journal/*
  fi
  for home in /root /home/*; do
    rm -f "$home/.bash_history" "$home/.ash_history" "$home/.sh_history" "$home/.zsh_history" "$home/.python_history" \\
      "$home/.lesshst" "$home/.viminfo" "$home/.wget-hsts" "$home/.sudo_as_admin_successful"
  done
  find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} + 2>/dev/null
  umount -l ${folder} 2>/dev/null
  rm -rf ${folder}
  # The supervisor's control groups are memory of this boot alone and vanish with it.
  sync
  if command -v fstrim >/dev/null 2>&1; then fstrim -a >/dev/null 2>&1; fi
  sync
  exit 0
}
begin
`;
}
