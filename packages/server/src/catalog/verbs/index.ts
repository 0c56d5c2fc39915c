export { applyResources } from './apply.js';
export { describeKinds } from './describe.js';
export { listGenerations } from './generations.js';
export { getResource } from './get.js';
export { listResources } from './list.js';
export { patchResource } from './patch.js';
export { removeResource } from './remove.js';
export { setResource } from './set.js';
