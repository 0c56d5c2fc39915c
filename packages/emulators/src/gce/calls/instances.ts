import { checkFingerprint, ownProject, zoneOf, type Call, type Route } from '../call.js';
import { ApiError, notFound, OperationError } from '../errors.js';
import { fingerprintOf, labelsOf, textOf } from '../json.js';
import { linkTo } from '../links.js';
import { aggregated, listAnswer } from '../listing.js';
import { begin, describeOperation, repeated } from '../operations.js';
import { zonalPath, type Instance } from '../world.js';
import { insertInstance, readMetadata } from './instance-insert.js';
import { describeInstance } from './instance-shape.js';

function instanceOf(call: Call): Instance {
  const path = `projects/${ownProject(call)}/zones/${zoneOf(call)}/instances/${call.path['instance']}`;
  const instance = call.world.instances.get(`${call.path['zone']}/${call.path['instance']}`);
  if (instance === undefined) throw notFound(path);
  return instance;
}

/** A call that changes an instance, by an operation. */
function change(
  verb: string,
  template: string,
  permissions: readonly string[],
  prepare: (call: Call, instance: Instance) => () => Promise<void>,
): Route {
  return {
    name: `instances.${verb}`,
    method: verb === 'delete' ? 'DELETE' : 'POST',
    template: `zones/{zone}/instances/{instance}${template}`,
    permissions,
    run(call) {
      const before = repeated(call);
      if (before !== undefined) return describeOperation(call, before);
      const instance = instanceOf(call);
      const targetPath = zonalPath(call.world, 'instances', instance);
      const run = prepare(call, instance);
      return begin(call, { type: verb, zone: instance.zone, targetPath, targetId: instance.id, run });
    },
  };
}

const read = (verb: string, template: string, permissions: readonly string[], run: Route['run']): Route => ({
  name: `instances.${verb}`,
  method: 'GET',
  template,
  permissions,
  run,
});

/** The calls about instances. */
export const instanceRoutes: readonly Route[] = [
  insertInstance,
  read('get', 'zones/{zone}/instances/{instance}', ['compute.instances.get'], (call) => describeInstance(call, instanceOf(call))),
  read('list', 'zones/{zone}/instances', ['compute.instances.list'], (call) => {
    const [project, zone] = [ownProject(call), zoneOf(call)];
    const here = [...call.world.instances.values()].filter((one) => one.zone === zone).map((one) => describeInstance(call, one));
    return listAnswer(call, 'instanceList', `projects/${project}/zones/${zone}/instances`, here);
  }),
  read('aggregatedList', 'aggregated/instances', ['compute.instances.list'], (call) => {
    ownProject(call);
    const all = [...call.world.instances.values()].map((one) => ({ zone: one.zone, shown: describeInstance(call, one) }));
    return aggregated(call, 'instance', 'instances', all);
  }),
  read('getSerialPortOutput', 'zones/{zone}/instances/{instance}/serialPort', ['compute.instances.getSerialPortOutput'], async (call) => {
    const instance = instanceOf(call);
    const text = await call.machines.console(instance);
    const start = Number(call.query.get('start') ?? 0);
    const selfLink = linkTo(`${zonalPath(call.world, 'instances', instance)}/serialPort`);
    return { kind: 'compute#serialPortOutput', selfLink, start: String(start), next: String(text.length), contents: text.slice(start) };
  }),
  read('getGuestAttributes', 'zones/{zone}/instances/{instance}/getGuestAttributes', ['compute.instances.getGuestAttributes'], (call) => {
    const instance = instanceOf(call);
    const queryPath = call.query.get('queryPath') ?? call.query.get('variableKey') ?? '';
    const items = [...instance.guestAttributes]
      .filter(([key]) => key.startsWith(queryPath))
      .map(([key, value]) => ({ namespace: key.slice(0, key.indexOf('/')), key: key.slice(key.indexOf('/') + 1), value }));
    const path = `${zonalPath(call.world, 'instances', instance)}/guestAttributes/${queryPath}`;
    if (items.length === 0) throw notFound(path);
    return { kind: 'compute#guestAttributes', queryPath, queryValue: { items }, selfLink: linkTo(path) };
  }),
  change('stop', '/stop', ['compute.instances.stop'], (call, instance) => async () => {
    if (instance.status === 'RUNNING') await call.machines.stop(instance);
  }),
  change('start', '/start', ['compute.instances.start'], (call, instance) => async () => {
    if (instance.status === 'TERMINATED') await call.machines.start(instance);
  }),
  change('reset', '/reset', ['compute.instances.reset'], (call, instance) => {
    if (instance.status !== 'RUNNING') throw notRunning(call, instance);
    return async () => {
      await call.machines.stop(instance);
      await call.machines.start(instance);
    };
  }),
  change('delete', '', ['compute.instances.delete'], (call, instance) => async () => {
    if (instance.autoDelete && instance.disk.captures > 0) {
      const path = zonalPath(call.world, 'disks', instance.disk);
      const said = `The disk resource '${path}' is already being used by an image that is being made of it`;
      throw new OperationError('RESOURCE_IN_USE_BY_ANOTHER_RESOURCE', said, 400);
    }
    await call.machines.remove(instance);
  }),
  change('setLabels', '/setLabels', ['compute.instances.setLabels'], ({ body }, instance) => {
    checkFingerprint(textOf(body, 'labelFingerprint'), fingerprintOf(instance.labels), 'Labels');
    const labels = labelsOf(body);
    return async () => void (instance.labels = await Promise.resolve(labels));
  }),
  change('setMetadata', '/setMetadata', ['compute.instances.setMetadata'], ({ body }, instance) => {
    checkFingerprint(textOf(body, 'fingerprint'), fingerprintOf(instance.metadata), 'Metadata');
    const metadata = readMetadata(body);
    return async () => void (instance.metadata = await Promise.resolve(metadata));
  }),
];

function notRunning({ world }: Call, instance: Instance): ApiError {
  return new ApiError(400, 'resourceNotReady', `The resource '${zonalPath(world, 'instances', instance)}' is not ready`);
}
