// What the emulator of EC2 needs to hold the substrate on AWS to the port.
export { describeSubstrate, type SubstrateUnderTest } from '../conformance.js';
export { createAwsSubstrate } from '../aws/index.js';
