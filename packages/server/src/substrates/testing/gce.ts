// What the emulator of GCE needs to hold the substrate on GCE to the port.
export { keepWire, type WireKeeper, type WireFault } from '../conformance-wire.js';
export { describeSubstrate } from '../conformance.js';
export { createGceSubstrate } from '../gce/index.js';
export { usualTimes, type CloudTimes } from '../cloud/pauses.js';
