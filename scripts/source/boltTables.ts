/** One field as a table of the BOLTs has it: `[u16:len]`. */
export interface BoltField {
  /** `u16`, `point`, `len*byte`, `...*byte`, or the name of a subtype or TLV stream. */
  readonly type: string;
  readonly name: string;
  /** Bytes, where the type has a fixed number of them. */
  readonly size?: number;
}

export interface BoltMessage {
  readonly bolt: number;
  readonly type: number;
  readonly name: string;
  readonly fields: readonly BoltField[];
}

export interface BoltTlvRecord {
  readonly type: number;
  readonly name: string;
  readonly fields: readonly BoltField[];
}

export interface BoltTlvStream {
  readonly bolt: number;
  readonly name: string;
  readonly records: readonly BoltTlvRecord[];
}

export interface BoltSubtype {
  readonly bolt: number;
  readonly name: string;
  readonly fields: readonly BoltField[];
}

/** A failure of BOLT 4: `PERM|NODE|2 (permanent_node_failure)`. */
export interface BoltFailure {
  /** With its flags. */
  readonly code: number;
  readonly name: string;
  readonly fields: readonly BoltField[];
}

/** A row of BOLT 9's table. */
export interface BoltFeature {
  /** The even one of its two. */
  readonly bit: number;
  readonly name: string;
  readonly contexts: string;
  readonly needs: readonly string[];
  readonly assumed: boolean;
}

/** Everything that the tables of the BOLTs say about bytes. */
export interface BoltTables {
  readonly messages: readonly BoltMessage[];
  readonly streams: readonly BoltTlvStream[];
  readonly subtypes: readonly BoltSubtype[];
  readonly failures: readonly BoltFailure[];
  readonly features: readonly BoltFeature[];
}

/** The text of one BOLT. */
export interface BoltText {
  readonly bolt: number;
  readonly markdown: string;
}

/** Reads the tables out of the BOLTs' Markdown. Throws on a field line that it cannot read. */
export function readBoltTables(texts: readonly BoltText[]): BoltTables {
  const messages: BoltMessage[] = [];
  const streams: BoltTlvStream[] = [];
  const subtypes: BoltSubtype[] = [];
  const failures: BoltFailure[] = [];
  const features: BoltFeature[] = [];
  for (const { bolt, markdown } of texts) {
    const lines = markdown.split("\n");
    if (bolt === 9) features.push(...lines.flatMap(readFeature));
    for (const [index, line] of lines.entries()) {
      const message = /^1\. type: (\d+) \(`(\w+)`\)/.exec(line);
      if (message !== null) {
        const fields = readFields(lines, index + 1);
        // BOLT 4 writes failure codes without flags as it does messages; only messages have even hundreds of bytes.
        if (bolt === 4 && Number(message[1]) < 512) failures.push(failureOf(message, fields));
        else messages.push({ bolt, type: Number(message[1]), name: message[2] ?? "", fields });
        continue;
      }
      const failure = /^1\. type: ((?:BADONION|PERM|NODE|UPDATE)[|\w]*) \(`(\w+)`\)/.exec(line);
      if (failure !== null) failures.push(failureOf(failure, readFields(lines, index + 1)));
      const subtype = /^1\. subtype: `(\w+)`/.exec(line);
      if (subtype !== null)
        subtypes.push({ bolt, name: subtype[1] ?? "", fields: readFields(lines, index + 1) });
      const stream = /^1\. `tlv_stream`: `(\w+)`/.exec(line);
      if (stream !== null)
        streams.push({ bolt, name: stream[1] ?? "", records: readRecords(lines, index + 1) });
    }
  }
  return { messages, streams, subtypes, failures, features };
}

function failureOf(match: RegExpExecArray, fields: readonly BoltField[]): BoltFailure {
  const flags: Readonly<Record<string, number>> = {
    BADONION: 0x8000,
    PERM: 0x4000,
    NODE: 0x2000,
    UPDATE: 0x1000,
  };
  const parts = (match[1] ?? "").split("|");
  const code = parts.reduce((sum, part) => sum + (flags[part] ?? Number(part)), 0);
  return { code, name: match[2] ?? "", fields };
}

/** The fields of the `2. data:` that starts at `index`, if one does. */
function readFields(lines: readonly string[], index: number): readonly BoltField[] {
  if (!/^\s*2\. data:/.test(lines[index] ?? "")) return [];
  const fields: BoltField[] = [];
  for (let i = index + 1; ; i++) {
    const line = lines[i] ?? "";
    if (!/^\s+\* /.test(line)) return fields;
    const field = /^\s+\* \[`([^`]+)`:\s*`(\w+)`\]/.exec(line);
    if (field === null) throw new Error(`line ${i + 1}: not a field: ${line}`);
    const [, type = "", name = ""] = field;
    fields.push({ type, name, ...fixedSize(type) });
  }
}

/** The records of a stream, up to the first line that belongs to none. */
function readRecords(lines: readonly string[], start: number): readonly BoltTlvRecord[] {
  const records: BoltTlvRecord[] = [];
  for (let i = start; i < lines.length && /^\s*(2\. types:|$)|^\s+/.test(lines[i] ?? ""); i++) {
    const line = lines[i] ?? "";
    if (line.trim() === "" && records.length > 0) break;
    const record = /^\s+1\. type: (\d+) \(`(\w+)`\)/.exec(line);
    if (record === null) continue;
    records.push({ type: Number(record[1]), name: record[2] ?? "", fields: readFields(lines, i + 1) });
  }
  return records;
}

const sizes: Readonly<Record<string, number>> = {
  byte: 1,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  s64: 8,
  chain_hash: 32,
  channel_id: 32,
  sha256: 32,
  signature: 64,
  point: 33,
  short_channel_id: 8,
};

function fixedSize(type: string): { readonly size?: number } {
  const repeated = /^(\d+)\*(\w+)(?:\[\.\.(\d+)\])?$/.exec(type);
  const single = sizes[repeated?.[2] ?? type];
  if (single === undefined) return {};
  if (repeated === null) return { size: single };
  return { size: Number(repeated[1]) * Number(repeated[3] ?? single) };
}

function readFeature(line: string): readonly BoltFeature[] {
  const cells = line.split("|").map((cell) => cell.trim());
  const [, bits = "", name = "", description = "", contexts = "", needs = ""] = cells;
  const bit = /^(\d+)\/\d+$/.exec(bits);
  if (bit === null) return [];
  return [
    {
      bit: Number(bit[1]),
      name: name.replaceAll("`", ""),
      contexts,
      needs: [...needs.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? ""),
      assumed: description === "ASSUMED",
    },
  ];
}
