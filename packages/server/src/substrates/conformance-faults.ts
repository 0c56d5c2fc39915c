import { isDeepStrictEqual } from 'node:util';

import { create } from '@bufbuild/protobuf';
import { ImageSchema } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PlaceUnderTest, Rig } from './conformance-rig.js';
import { tableFaults, type Row } from './conformance-table.js';
import type { WireFault } from './conformance-wire.js';
import { withLimits } from './limits.js';
import { type Artifact, type Machine, PlatformFault, type Substrate, type Token } from './substrate.js';
import { allRights } from './testing/all-rights.js';

/** What is left goes within this; a list of a place elsewhere may lag behind. */
const patienceMs = 60_000;

/** One call of the port, with what it needs and what must be so once it has been made, however often. */
interface Scenario<Held> {
  readonly call: string;
  arrange(): Promise<Held>;
  act(substrate: Substrate, held: Held, signal: AbortSignal): Promise<unknown>;
  /** What the call answers when it succeeds. */
  expected(held: Held): unknown;
  /** What the answer does not show. */
  holds?(held: Held): Promise<boolean>;
  clear(held: Held): Promise<void>;
}

/**
 * Breaks every call that a substrate makes on its own wire, in every way the wire knows, one at a time, for each call of the
 * port. The call of the port succeeds all the same or is a fault of the platform; repeated with its token it succeeds, once; and
 * when all is removed, nothing is left at the place. What happened is a table, compared with the one in the documentation.
 */
export function describeFaults(name: string, place: () => PlaceUnderTest, rig: Rig): void {
  describe('under faults of its wire', { timeout: 1_800_000 }, () => {
    const rows: Row[] = [];
    const { signal } = new AbortController();
    let machine: Machine;
    let image: Artifact;
    let gone: Artifact;
    let before: readonly string[];

    const capture = async (): Promise<Artifact> => {
      const source = await rig.ready();
      const made = await place().substrate.capture(source, rig.keys, rig.artifact(rig.nextToken('capture')), signal);
      await destroy(source);
      return made;
    };
    const destroy = ({ token }: { readonly token: Token }) => place().substrate.destroy(place().site, token, signal);
    const discard = ({ reference }: Artifact) => place().substrate.discardImage(place().site, reference, signal);
    const nothing = () => Promise.resolve();

    beforeAll(async () => {
      // It is there for all of them, which take long where machines boot.
      machine = await rig.ready({ lifetimeSeconds: 4 * 3600 });
      image = await capture();
      gone = await capture();
      await discard(gone);
      before = await place().left();
    }, 180_000);
    afterAll(async () => {
      await destroy(machine);
      await discard(image);
    });

    const scenario = <Held>(described: Scenario<Held>): Scenario<unknown> => described as Scenario<unknown>;
    const scenarios: readonly Scenario<unknown>[] = [
      scenario<undefined>({
        call: 'resolveBase',
        arrange: async () => undefined,
        act: (substrate, _held, limited) =>
          substrate
            .resolveBase(place().site, create(ImageSchema, { name: 'image', source: image.source }), allRights, limited)
            .then(({ immutableId }) => immutableId),
        expected: () => place().substrate.imageId(image.reference),
        clear: nothing,
      }),
      scenario<{ readonly token: Token }>({
        call: 'launch',
        arrange: async () => ({ token: rig.nextToken('launch') }),
        act: (substrate, { token }, limited) => substrate.launch(rig.spec(), token, limited).then((made) => made.token),
        expected: ({ token }) => token,
        holds: async ({ token }) => {
          const made = await place().substrate.launch(rig.spec(), token, signal);
          await place().substrate.waitReady(made, rig.keys, signal);
          return (await rig.run(place().substrate, made, 'echo up')).stdout === 'up\n';
        },
        clear: destroy,
      }),
      scenario<undefined>({
        call: 'waitReady',
        arrange: async () => undefined,
        act: (substrate, _held, limited) => substrate.waitReady(machine, rig.keys, limited),
        expected: () => undefined,
        clear: nothing,
      }),
      scenario<undefined>({
        call: 'channel, run',
        arrange: async () => undefined,
        act: async (substrate, _held, limited) => {
          await using channel = await substrate.channel(machine, rig.keys, limited);
          const { exitCode, stdout } = await channel.run('cat; exit 3', { stdin: 'sent', signal: limited });
          return `${stdout} ${exitCode}`;
        },
        expected: () => 'sent 3',
        holds: async () => (await rig.run(place().substrate, machine, 'ps | grep -c "[c]at; exit 3"')).stdout === '0\n',
        clear: nothing,
      }),
      scenario<{ readonly source: Machine; readonly token: Token }>({
        call: 'capture',
        arrange: async () => ({ source: await rig.ready(), token: rig.nextToken('capture') }),
        act: (substrate, { source, token }, limited) =>
          substrate.capture(source, rig.keys, rig.artifact(token), limited).then(({ reference }) => typeof substrate.imageId(reference)),
        expected: () => 'string',
        holds: async ({ source, token }) => {
          const made = await place().substrate.capture(source, rig.keys, rig.artifact(token), signal);
          return place().substrate.imageExists(place().site, made.reference, 'thorough', signal);
        },
        async clear({ source, token }) {
          const made = await place().substrate.capture(source, rig.keys, rig.artifact(token), signal);
          await destroy(source);
          await discard(made);
        },
      }),
      ...(['quick', 'thorough'] as const).map((check) =>
        scenario<undefined>({
          call: `imageExists, ${check}`,
          arrange: async () => undefined,
          act: (substrate, _held, limited) => substrate.imageExists(place().site, image.reference, check, limited),
          expected: () => true,
          clear: nothing,
        }),
      ),
      scenario<Artifact>({
        call: 'keepImage',
        arrange: capture,
        act: (substrate, { reference }, limited) => substrate.keepImage(place().site, reference, limited),
        expected: () => undefined,
        holds: async ({ reference }) => place().substrate.imageExists(place().site, reference, 'thorough', signal),
        clear: discard,
      }),
      scenario<Artifact>({
        call: 'discardImage',
        arrange: capture,
        act: (substrate, { reference }, limited) => substrate.discardImage(place().site, reference, limited),
        expected: () => undefined,
        holds: async ({ reference }) => !(await place().substrate.imageExists(place().site, reference, 'quick', signal)),
        clear: nothing,
      }),
      scenario<undefined>({
        call: 'discardImage, gone',
        arrange: async () => undefined,
        act: (substrate, _held, limited) => substrate.discardImage(place().site, gone.reference, limited),
        expected: () => undefined,
        clear: nothing,
      }),
      scenario<Machine>({
        call: 'destroy',
        arrange: () => rig.ready(),
        act: (substrate, { token }, limited) => substrate.destroy(place().site, token, limited),
        expected: () => undefined,
        clear: nothing,
      }),
      scenario<{ readonly token: Token }>({
        call: 'destroy, gone',
        arrange: async () => ({ token: rig.nextToken('launch') }),
        act: (substrate, { token }, limited) => substrate.destroy(place().site, token, limited),
        expected: () => undefined,
        clear: nothing,
      }),
      scenario<undefined>({
        call: 'listOwned',
        arrange: async () => undefined,
        act: async (substrate, _held, limited) => {
          const { incomplete, things } = await substrate.listOwned(place().site, place().installation, limited);
          return incomplete ?? things.some(({ token }) => token === machine.token);
        },
        expected: () => true,
        clear: nothing,
      }),
    ];

    /** What came of a call: `done` with the right answer, or in what way it was not. */
    const outcomeOf = async (asked: Promise<unknown>, expected: unknown): Promise<string> => {
      try {
        const answer = await asked;
        return isDeepStrictEqual(answer, expected) ? 'done' : `wrong: ${JSON.stringify(answer)}`;
      } catch (error) {
        return error instanceof PlatformFault ? `fault: ${error.kind}` : `error: ${String(error)}`;
      }
    };
    const isWhole = () => place().isQuick === undefined || process.env['MURMUR_FULL'] === 'sweep';
    const isTried = (call: string, at: string) => isWhole() || place().isQuick?.(call, at) === true;
    const leftOver = async () => (await place().left()).filter((thing) => !before.includes(thing));

    const rowOf = async (tried: Scenario<unknown>, at: string, fault: WireFault | 'no fault'): Promise<Row> => {
      const held = await tried.arrange();
      const { substrate, wire } = place();
      const bounded = withLimits(substrate);
      const limit = new AbortController();
      wire.begin();
      if (fault !== 'no fault') {
        const met = () => {
          if (fault === 'hangs') limit.abort(new PlatformFault('the call did not end within its limit', { kind: 'not-yet' }));
        };
        await wire.arm(at, fault, met);
      }
      const first = await outcomeOf(tried.act(bounded, held, limit.signal), tried.expected(held));
      wire.disarm();
      let repeated = await outcomeOf(tried.act(bounded, held, signal), tried.expected(held));
      try {
        if (tried.holds !== undefined && !(await tried.holds(held))) repeated += ', but does not hold';
      } catch (error) {
        repeated += `, but does not hold: ${String(error)}`;
      }
      await tried.clear(held);
      await expect.poll(leftOver, { timeout: patienceMs }).toEqual([]);
      return { call: tried.call, at, fault, first, repeated, left: 'nothing' };
    };

    test.for(scenarios.map((tried) => [tried.call, tried] as const))(
      '%s goes through or is a fault, and leaves nothing',
      async ([, tried], { skip }) => {
        if (!isTried(tried.call, '')) return skip('only in a sweep');
        const found = [await rowOf(tried, '', 'no fault')];
        const held = await tried.arrange();
        place().wire.begin();
        await tried.act(place().substrate, held, signal);
        const calls = [...place().wire.calls()];
        await tried.clear(held);
        for (const at of calls) {
          for (const fault of place().wire.faultsOf(at)) {
            if (!isTried(tried.call, at)) continue;
            found.push(await rowOf(tried, at, fault));
          }
        }
        rows.push(...found);
        const wrong = found.filter(
          ({ fault, first, repeated }) =>
            !/^(done|fault: .*)$/.test(first) ||
            repeated !== 'done' ||
            (fault === 'no fault' && first !== 'done') ||
            (fault === 'denied' && first !== 'fault: refused'),
        );
        return expect(wrong).toEqual([]);
      },
    );

    test('as the documentation says', async () => expect(await tableFaults(name, rows, isWhole() ? 'whole' : 'part')).toEqual([]));
  });
}
