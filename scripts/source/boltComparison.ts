import {
  type Codec,
  type Fields,
  isArrayCodec,
  isStructCodec,
  isTlvCodec,
  type TlvFields,
} from "@fulmen/lightning/codec";
import { failures, knownFeatures, messages } from "@fulmen/lightning/wire";
import type { BoltField, BoltTables, BoltTlvStream } from "./boltTables.ts";

/** Names of ours that are not the BOLTs' in camelCase, and why. */
const renamed: Readonly<Record<string, string>> = {
  // A list, so in the plural.
  "commitment_signed.htlc_signature": "htlcSignatures",
  // `type` is the name of the failure itself.
  "invalid_onion_payload.type": "tlvType",
};

/** Records of ours that no BOLT defines, by stream and type, with their source. */
const additional: ReadonlyMap<string, string> = new Map([["update_add_htlc_tlvs.65537", "bLIP 25"]]);

/** Failures of ours that no BOLT defines yet, with their source. */
const proposedFailures: ReadonlyMap<string, string> = new Map([
  ["temporary_trampoline_failure", "BOLTs pull request 836"],
  ["trampoline_fee_or_expiry_insufficient", "BOLTs pull request 836"],
  ["unknown_next_trampoline", "BOLTs pull request 836"],
]);

/** Every difference between our declarations and the tables of the BOLTs, in words; none when they agree. */
export function compareWithBolts(tables: BoltTables): readonly string[] {
  const differences: string[] = [];
  const comparison = new Comparison(tables, differences);
  comparison.sameKeys(
    "message",
    tables.messages.map(messageKey),
    messages.map(({ number, type }) => `${number} ${type}`),
  );
  for (const message of messages) {
    const bolt = tables.messages.find(({ type }) => type === message.number);
    if (bolt === undefined) continue;
    if (!message.section.startsWith(`BOLT ${bolt.bolt}, "`))
      differences.push(`${message.type}: not in ${message.section}`);
    comparison.message(message.type, bolt.fields, message.fields);
  }
  comparison.sameKeys(
    "failure",
    tables.failures.map(({ code, name }) => `${code} ${name}`),
    failures.filter(({ type }) => !proposedFailures.has(type)).map(({ number, type }) => `${number} ${type}`),
  );
  for (const failure of failures) {
    const bolt = tables.failures.find(({ code }) => code === failure.number);
    if (bolt !== undefined) comparison.fields(failure.type, bolt.fields, failure.fields);
  }
  comparison.sameKeys(
    "feature",
    tables.features.map(({ bit, name, contexts, needs, assumed }) =>
      featureKey(bit, name, contexts, needs, assumed),
    ),
    knownFeatures
      .filter(({ source }) => source === undefined)
      .map(({ bit, name, contexts, needs, assumed }) =>
        featureKey(bit, name, contexts, needs ?? [], assumed === true),
      ),
  );
  return differences;
}

class Comparison {
  readonly #tables: BoltTables;
  readonly #differences: string[];

  constructor(tables: BoltTables, differences: string[]) {
    this.#tables = tables;
    this.#differences = differences;
  }

  sameKeys(kind: string, theirs: readonly string[], ours: readonly string[]): void {
    for (const key of theirs)
      if (!ours.includes(key)) this.#differences.push(`${kind} ${key}: only in the BOLTs`);
    for (const key of ours)
      if (!theirs.includes(key)) this.#differences.push(`${kind} ${key}: only in our declarations`);
  }

  message(name: string, theirs: readonly BoltField[], ours: Fields): void {
    const last = theirs.at(-1);
    const namesStream = last !== undefined && last.name === "tlvs";
    const streamName = namesStream ? last.type : `${name}_tlvs`;
    const stream = this.#tables.streams.find((candidate) => candidate.name === streamName);
    const { tlvs, unknownFields: _, ...fixed } = ours;
    this.fields(name, namesStream ? theirs.slice(0, -1) : theirs, fixed);
    if (stream === undefined || tlvs === undefined) {
      if (stream !== undefined || tlvs !== undefined || namesStream) {
        this.#differences.push(`${name}: a TLV stream on one side only`);
      }
    } else if (!isTlvCodec(tlvs) || tlvs.spec !== streamName) {
      this.#differences.push(`${name}: stream is ${streamName} in the BOLTs, ${tlvs.spec} here`);
    } else {
      this.#records(stream, tlvs.records);
    }
  }

  fields(where: string, theirs: readonly BoltField[], ours: Fields): void {
    const expected = withLengths(theirs);
    const found = Object.entries(ours);
    if (expected.length !== found.length) {
      this.#differences.push(`${where}: ${expected.length} fields in the BOLTs, ${found.length} here`);
    }
    for (const [index, field] of expected.entries()) {
      const [name, codec] = found[index] ?? [];
      if (name === undefined || codec === undefined) return;
      const wanted = renamed[`${where}.${field.name}`] ?? camelCase(field.name);
      if (name !== wanted) this.#differences.push(`${where}: ${wanted} in the BOLTs, ${name} here`);
      this.#type(`${where}.${field.name}`, field, codec);
    }
  }

  #records({ name: streamName, records }: BoltTlvStream, ours: TlvFields): void {
    const theirs = records.map(({ type, name }) => `${type} ${camelCase(name)}`);
    const found = Object.entries(ours).map(([name, { type }]) => ({ key: `${type} ${name}`, type }));
    const known = found.filter(({ type }) => !additional.has(`${streamName}.${type}`)).map(({ key }) => key);
    this.sameKeys(`record of ${streamName}`, theirs, known);
    for (const record of records) {
      const field = Object.values(ours).find(({ type }) => type === record.type);
      if (field === undefined) continue;
      const where = `${streamName}.${record.name}`;
      const [only] = record.fields;
      if (isStructCodec(field.codec)) this.fields(where, record.fields, field.codec.fields);
      else if (only === undefined) this.#type(where, { type: "", name: "", size: 0 }, field.codec);
      else if (record.fields.length === 1) this.#type(where, only, field.codec);
      else this.#differences.push(`${where}: ${record.fields.length} fields in the BOLTs, one here`);
    }
  }

  #type(where: string, field: BoltField, codec: Codec<unknown>): void {
    const wanted = field.type === "byte" ? "u8" : field.type;
    if (codec.spec !== wanted) this.#differences.push(`${where}: ${wanted} in the BOLTs, ${codec.spec} here`);
    if (codec.size !== field.size) {
      this.#differences.push(
        `${where}: ${field.size ?? "no fixed number of"} bytes in the BOLTs, ${codec.size} here`,
      );
    }
    const element = isArrayCodec(codec) ? codec.element : codec;
    const subtype = this.#tables.subtypes.find(({ name }) => name === element.spec);
    if (subtype === undefined) return;
    if (isStructCodec(element)) this.fields(subtype.name, subtype.fields, element.fields);
    else if (withLengths(subtype.fields).length !== 1)
      this.#differences.push(`${where}: ${subtype.name} is a struct`);
  }
}

/** `[u16:len] [len*byte:data]` as the one field that it is to us: `u16*byte`. */
function withLengths(fields: readonly BoltField[]): readonly BoltField[] {
  const joined: BoltField[] = [];
  for (const field of fields) {
    const length = joined.at(-1);
    const counted = length === undefined ? undefined : /^(\w+)\*(.*)$/.exec(field.type);
    if (length !== undefined && counted?.[1] === length.name) {
      joined.pop();
      joined.push({ type: `${length.type}*${counted[2]}`, name: field.name });
    } else {
      joined.push(field);
    }
  }
  return joined;
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function messageKey({ type, name }: { readonly type: number; readonly name: string }): string {
  return `${type} ${name}`;
}

function featureKey(
  ...[bit, name, contexts, needs, assumed]: [number, string, string, readonly string[], boolean]
): string {
  return [bit, name, `"${contexts}"`, ...needs, ...(assumed ? ["assumed"] : [])].join(" ");
}
