export * from '../gen/murmur/api/v1/resources_pb.js';
export * from '../gen/murmur/api/v1/service_pb.js';
export { byteLength, isMapping, readDocument, readValue } from './document.js';
export { formatDuration, parseDuration } from './durations.js';
export { MurmurError, isMurmurError, type ErrorCode, type Fault } from './error.js';
export { builtinPrefix, kindNames, kindOfField, reservedSecretPrefix, resourceNamePattern, secretNamePattern } from './names.js';
export { messageToDocument, printYaml, type Spec, specOf, specToDocument } from './print.js';
