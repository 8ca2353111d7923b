export { FailoverSource, type FailoverSourceOptions } from "./failoverSource.ts";
export { Member } from "./member.ts";
