/** The hardware address of the network card that only the way into a machine uses. `6d:75:72` spells `mur`. */
export const controlCard = '52:54:00:6d:75:72';

/** On the kernel's command line of an image whose own initramfs serves the way in on the control card. */
export const controlCardMark = 'murmur.access=control-card';
