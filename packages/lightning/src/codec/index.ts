export { type ArrayCodec, array16, isArrayCodec, many } from "./array.ts";
export { type Codec, decode, encode, type TypeOf } from "./codec.ts";
export { DecodeError, errorWithin } from "./decodeError.ts";
export { type Json, toJson } from "./json.ts";
export * from "./primitives.ts";
export { Reader } from "./reader.ts";
export { RecordTooNewError, type RecordVersion, versionedRecord } from "./record.ts";
export {
  type FieldEntry,
  type Fields,
  type FieldValues,
  fieldEntries,
  isStructCodec,
  readFields,
  type StructCodec,
  struct,
  writeFields,
} from "./struct.ts";
export {
  extensibleTlvs,
  isTlvCodec,
  readTlvRecords,
  type TlvCodec,
  type TlvField,
  type TlvFields,
  type TlvRecord,
  type TlvValues,
  tlvs,
  type UnknownRecords,
  type UnknownTlvs,
  writeTlvRecords,
} from "./tlv.ts";
export { Writer } from "./writer.ts";
