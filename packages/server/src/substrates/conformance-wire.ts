/** What a call on a substrate's own wire may meet. */
export type WireFault = 'reply lost' | 'fails once' | 'busy once' | 'hangs' | 'denied';

/** The way between a substrate and what it drives, where a test can break it: an engine's socket, a host's programs. */
export interface Wire {
  /** The faults that a call of this wire can meet. */
  faultsOf(call: string): readonly WireFault[];
  /** Forgets the calls so far. */
  begin(): void;
  /** The calls since then by their names, in order; of the same name, the later ones are numbered. */
  calls(): readonly string[];
  /**
   * Lets the call of this name meet a fault, and says when. A denial holds for every call from that one on. A call that hangs
   * does so until it is given up. What has to be prepared for it is ready when this resolves.
   */
  arm(call: string, fault: WireFault, met: () => void): Promise<void> | void;
  /** Lets every further call through, and gives up those that hang. */
  disarm(): void;
}

/** What whoever stands on the wire needs besides. */
export interface WireKeeper extends Wire {
  /** Tells the fault that a call meets now; undefined to let it through. */
  meet(call: string): WireFault | undefined;
  /** Calls back when the wire is disarmed, for what hangs. */
  whenDisarmed(giveUp: () => void): void;
}

/** Keeps account of a wire's calls. Those of the names in `polled` are made as often as it takes: only the first counts. */
export function keepWire(faults: readonly WireFault[], polled: readonly string[] = []): WireKeeper {
  const counts = new Map<string, number>();
  let calls: string[] = [];
  let armed: { readonly call: string; readonly fault: WireFault; met(): void } | undefined;
  let denied = false;
  let hanging: (() => void)[] = [];
  return {
    faultsOf: () => faults,
    begin() {
      counts.clear();
      calls = [];
    },
    calls: () => calls,
    arm: (call, fault, met) => void (armed = { call, fault, met }),
    disarm() {
      armed = undefined;
      denied = false;
      for (const giveUp of hanging) giveUp();
      hanging = [];
    },
    meet(call) {
      const count = (counts.get(call) ?? 0) + 1;
      counts.set(call, count);
      if (denied) return 'denied';
      if (count > 1 && polled.includes(call)) return undefined;
      const name = count === 1 ? call : `${call} (${count})`;
      calls.push(name);
      if (armed?.call !== name) return undefined;
      const { fault, met } = armed;
      armed = undefined;
      denied = fault === 'denied';
      met();
      return fault;
    },
    whenDisarmed: (giveUp) => void hanging.push(giveUp),
  };
}
