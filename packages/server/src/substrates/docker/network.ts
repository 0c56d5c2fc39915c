import { createHash } from 'node:crypto';

import type { Logger } from 'pino';

import { reachRules, refusalChain, tablesThere } from '../guest-firewall.js';
import type { GuestReach } from '../guest-reach.js';
import { HostCommandError, runOnHost } from '../host-command.js';
import { type Engine, statusOf, unlessStatus } from './engine.js';

/** The network that containers are attached to. */
export interface ContainerNetwork {
  /** Its name; undefined where containers use the engine's own, because it cannot be held back or need not be. */
  readonly name?: string;
  /** Makes it again where it was removed, as `docker network prune` does while no container uses it. */
  ensure(): Promise<void>;
  /** Puts its table of the firewall back where it was flushed. */
  guard(): Promise<void>;
}

const usual: ContainerNetwork = { ensure: async () => undefined, guard: async () => undefined };

/**
 * Makes a bridge for the containers of this installation alone, and a table of the host's firewall that holds back what comes from it.
 * Says in one line why where that cannot be: containers then reach whatever the engine's host does.
 */
export async function openNetwork(
  engine: Engine,
  { installation, log, reach }: { readonly installation: string; readonly reach: GuestReach; readonly log: Logger },
): Promise<ContainerNetwork> {
  if (reach === 'any') return usual;
  const id = createHash('sha256').update(installation).digest('hex').slice(0, 8);
  // The name of a network card has 15 characters at the most.
  const place = { name: `murmur-${id}`, bridge: `murmur-${id}`, table: `murmur-docker-${id}` };
  const ensure = () => ensureNetwork(engine, place);
  try {
    await ensure();
    await close(place, reach);
  } catch (error) {
    if (!(error instanceof HostCommandError) && statusOf(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      { reason },
      'nothing holds the connections of containers back: what runs in them reaches whatever the Docker engine’s host does',
    );
    await unlessStatus(404, engine.docker.getNetwork(place.name).remove()).catch((unremoved: unknown) =>
      log.info({ err: unremoved, network: place.name }, 'a network of containers stays'),
    );
    return usual;
  }
  return {
    name: place.name,
    ensure,
    async guard() {
      if ((await tablesThere()).has(place.table)) return;
      await close(place, reach);
      log.warn({ table: place.table }, 'the firewall had lost the table that keeps containers from the host’s network; it is back');
    },
  };
}

interface Place {
  readonly name: string;
  readonly bridge: string;
  readonly table: string;
}

async function ensureNetwork({ docker }: Engine, { bridge, name }: Place): Promise<void> {
  if ((await unlessStatus(404, docker.getNetwork(name).inspect())) !== undefined) return;
  const options = { 'com.docker.network.bridge.name': bridge, 'com.docker.network.bridge.enable_icc': 'false' };
  // Another server may just have made it.
  await unlessStatus(409, docker.createNetwork({ Name: name, CheckDuplicate: true, Driver: 'bridge', Options: options }));
}

/** Replaces the table. Only what begins is held back; answers to what the host itself began are let through. */
async function close({ bridge, table }: Place, reach: Exclude<GuestReach, 'any'>): Promise<void> {
  // An engine that has a network namespace of its own, or is on another host, is out of this firewall's reach.
  await runOnHost('ip', ['link', 'show', bridge]);
  const rules = [`iifname != "${bridge}" accept`, 'ct state established,related accept', ...(await reachRules(reach))].join('; ');
  const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority filter - 5; policy accept; ${rules}; };`;
  const made = `table inet ${table} { ${refusalChain} ${chain('forward')} ${chain('input')} };`;
  await runOnHost('nft', [`add table inet ${table}; delete table inet ${table}; ${made}`]);
}
