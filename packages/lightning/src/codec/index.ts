export type { Codec, TypeOf } from "./codec.ts";
export { DecodeError } from "./decodeError.ts";
export { Reader } from "./reader.ts";
export { Writer } from "./writer.ts";
