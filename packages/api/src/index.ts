export * from '../gen/murmur/api/v1/resources_pb.js';
export * from '../gen/murmur/api/v1/service_pb.js';
export { MurmurError, type ErrorCode, type Fault } from './error.js';
