/** What a guest of ours writes to its console once its SSH server listens. */
export const sshIsUp = 'murmur-ssh-is-up';
