import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const applets =
  'sh awk base64 cat chmod chown cp cut date dd df dirname echo env expr false find grep head id kill ln ls mkdir mkfifo mktemp mount mv od printf ps pwd readlink rm rmdir sed seq setsid sha256sum sleep sort stat sync tail tar test touch tr true truncate umount uname uniq wc which xargs yes'.split(
    ' ',
  );

/** Makes a root file system of the host's busybox: enough for a script, its supervisor and the clean-up. */
export async function makeBusyboxRoot(root: string): Promise<void> {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var/log']) await mkdir(join(root, name), { recursive: true });
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nmurmur:x:1000:1000:murmur:/home:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nmurmur:x:1000:\n');
  await writeFile(join(root, 'etc/machine-id'), '');
}
