/** What both contenders are given: the same disk, kernel, machine, login and script. */
export interface Job {
  /** The base as a qcow2 file. */
  readonly disk: string;
  readonly diskBytes: number;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly accelerator: 'kvm' | 'tcg';
  /** The private key that logs in as root. */
  readonly clientKey: string;
  readonly clientPublicKey: string;
  /** The private key the guest's SSH server is to have. */
  readonly hostKey: string;
  /** The script's file. */
  readonly script: string;
}

/**
 * Packer's template for a job, set up the way someone would who wants it fast: an overlay instead of a copy of the base, no
 * compaction, no waiting before the first login, no flushing to disk, files sent over SFTP. The machine has the devices and
 * the processor of Murmur's own.
 */
export function packerTemplate(job: Job, output: string): object {
  const acceleration =
    job.accelerator === 'kvm'
      ? [
          ['-accel', 'kvm'],
          ['-cpu', 'host'],
        ]
      : [
          ['-accel', 'tcg,thread=multi,tb-size=256'],
          ['-cpu', 'max'],
        ];
  return {
    builders: [
      {
        type: 'qemu',
        vm_name: 'disk.qcow2',
        output_directory: output,
        iso_url: job.disk,
        iso_checksum: 'none',
        disk_image: true,
        use_backing_file: true,
        skip_compaction: true,
        format: 'qcow2',
        disk_size: `${Math.ceil(job.diskBytes / 1024 / 1024)}M`,
        accelerator: job.accelerator,
        headless: true,
        disable_vnc: true,
        // Packer takes 0 for "not set" and then waits 10 s; a negative time means none.
        boot_wait: '-1s',
        net_device: 'virtio-net-pci',
        cpus: job.vcpus,
        memory: job.memoryMb,
        qemuargs: [
          ['-nodefaults', ''],
          ['-machine', 'q35,vmport=off,smm=off,usb=off'],
          ...acceleration,
          ['-kernel', job.kernel],
          ['-initrd', job.initrd],
          ['-append', `${job.commandLine} console=ttyS0`],
          ['-drive', `file=${output}/{{ .Name }},if=none,id=disk,cache=unsafe,discard=unmap,detect-zeroes=unmap,format=qcow2`],
          ['-device', 'virtio-blk-pci,drive=disk'],
          // No boot ROM: nothing boots from the network.
          ['-global', 'virtio-net-pci.romfile='],
          ['-object', 'rng-random,id=entropy,filename=/dev/urandom'],
          ['-device', 'virtio-rng-pci,rng=entropy'],
          ['-serial', `file:${output}.console`],
          ['-fw_cfg', `name=opt/murmur/host-key,file=${job.hostKey}`],
          ['-fw_cfg', `name=opt/murmur/client-key,file=${job.clientPublicKey}`],
        ],
        communicator: 'ssh',
        ssh_username: 'root',
        ssh_private_key_file: job.clientKey,
        ssh_timeout: '10m',
        ssh_handshake_attempts: 1000,
        ssh_file_transfer_method: 'sftp',
        shutdown_command: 'poweroff',
      },
    ],
    provisioners: [{ type: 'shell', script: job.script }],
  };
}
