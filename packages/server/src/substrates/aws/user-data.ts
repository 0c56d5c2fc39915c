import type { LaunchSpec } from '../substrate.js';

/** The unit of the timer in a guest that ends it. */
const timer = 'murmur-lifetime';

/** cloud-init runs before sysinit.target, which timers wait for otherwise: starting one there would wait for itself, for ever. */
const early = '--timer-property=DefaultDependencies=no, --property=DefaultDependencies=no';

/** Takes the timer out of a guest that is about to be stopped: one that powers itself off goes with its disk. */
export const disarmCommand = `if [ -d /run/systemd/system ]; then systemctl stop ${timer}.timer; fi; true`;

/**
 * The cloud-config of one machine: root's key, the host's own, and a timer that ends the machine though no server comes back.
 * Whoever may read the machine's attributes can read the host's private key; it is worth nothing after the bake.
 */
export function userDataOf({ keys, lifetimeSeconds }: LaunchSpec): string {
  const hostPrivate = keys.hostPrivate.trim().replaceAll('\n', '\n    ');
  const text = `#cloud-config
disable_root: false
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
    ${hostPrivate}
  ed25519_public: ${keys.hostPublic}
users:
- name: root
  ssh_authorized_keys:
  - ${keys.clientPublic}
bootcmd:
- [systemd-run, --unit=${timer}, --on-active=${lifetimeSeconds}s, ${early}, systemctl, poweroff, --force]
`;
  return Buffer.from(text).toString('base64');
}
