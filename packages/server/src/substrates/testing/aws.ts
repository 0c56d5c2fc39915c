// What the emulator of EC2 needs to hold the substrate on AWS to the port.
export { keepWire } from '../conformance-wire.js';
export { describeSubstrate } from '../conformance.js';
export { createAwsSubstrate } from '../aws/index.js';
export { usualTimes, type CloudTimes } from '../cloud/pauses.js';
export type { Wire, WireFault } from '../conformance-wire.js';
