import type { Codec } from "../../codec/codec.ts";
import { paymentHash, signature } from "../../codec/primitives.ts";
import type { Reader } from "../../codec/reader.ts";
import type { Writer } from "../../codec/writer.ts";
import type { HtlcSignature } from "../../commitment/commitments.ts";
import { type HtlcDirection, htlcKey } from "../../commitment/htlc.ts";
import type { MonitoredHtlc } from "../../onchain/channelMonitorUpdate.ts";
import type { HtlcId } from "../../util/ids.ts";
import { InvariantError } from "../../util/invariant.ts";
import { msat } from "../../util/units.ts";
import { highestVarint, varint } from "./values.ts";

// Lists of HTLCs in few bytes: a commitment may have 483 of them, and a monitor writes them at every update. Ids are
// given as runs, since those that come together follow one another, and everything is in the order of the ids.

/** Most ids of one list; a commitment has 966 HTLCs at most. */
const maxIds = 0xffff;

/** Rising ids, as runs: how many runs; of each the distance from the one before, and its length less one. */
const ids: Codec<readonly bigint[]> = {
  spec: "htlc_ids",
  read(reader) {
    const found: bigint[] = [];
    let next = 0n;
    for (let runs = varint.read(reader); runs > 0n; runs--) {
      const first = next + varint.read(reader);
      const length = varint.read(reader) + 1n;
      if (BigInt(found.length) + length > maxIds) throw reader.error(`more than ${maxIds} HTLCs`);
      if (first + length - 1n > highestVarint) throw reader.error("an id above 2^64-1");
      for (let i = 0n; i < length; i++) found.push(first + i);
      next = first + length + 1n;
    }
    return found;
  },
  write(writer, value) {
    const runs: { readonly first: bigint; last: bigint }[] = [];
    for (const id of value) {
      const run = runs.at(-1);
      if (run !== undefined && id <= run.last) throw new InvariantError(`HTLC ${id} after ${run.last}`);
      if (run?.last === id - 1n) run.last = id;
      else runs.push({ first: id, last: id });
    }
    varint.write(writer, BigInt(runs.length));
    let next = 0n;
    for (const { first, last } of runs) {
      varint.write(writer, first - next);
      varint.write(writer, last - first);
      next = last + 2n;
    }
  },
};

/** Ids of HTLCs of both directions, the incoming ones first, as `htlcKey`s. */
export const htlcKeys: Codec<readonly string[]> = {
  spec: "htlc_keys",
  read: (reader) => [...ids.read(reader).map((id) => `i${id}`), ...ids.read(reader).map((id) => `o${id}`)],
  write(writer, value) {
    for (const prefix of ["i", "o"]) {
      const some = value.filter((key) => key.startsWith(prefix)).map((key) => BigInt(key.slice(1)));
      ids.write(writer, some.sort(rising));
    }
  },
};

/** HTLCs of one direction: about 40 bytes of each, 32 of which are the hash. */
export function monitoredHtlcs(direction: HtlcDirection): Codec<readonly MonitoredHtlc[]> {
  return {
    spec: `${direction}_htlcs`,
    read(reader: Reader) {
      const all = ids.read(reader);
      const lowest = all.length > 0 ? reader.u32() : 0;
      return all.map((id) => ({
        direction,
        id: id as HtlcId,
        amount: msat(varint.read(reader)),
        cltvExpiry: expiryAbove(lowest, reader),
        paymentHash: paymentHash.read(reader),
      }));
    },
    write(writer: Writer, value: readonly MonitoredHtlc[]) {
      const sorted = [...value].sort((a, b) => rising(a.id, b.id));
      const lowest = Math.min(...sorted.map(({ cltvExpiry }) => cltvExpiry));
      ids.write(
        writer,
        sorted.map(({ id }) => id),
      );
      if (sorted.length > 0) writer.u32(lowest);
      for (const htlc of sorted) {
        varint.write(writer, htlc.amount);
        varint.write(writer, BigInt(htlc.cltvExpiry - lowest));
        paymentHash.write(writer, htlc.paymentHash);
      }
    },
  };
}

/** The peer's signatures for HTLCs of ours: 64 bytes of each, and their ids. */
export const htlcSignatures: Codec<readonly HtlcSignature[]> = {
  spec: "htlc_signatures",
  read: (reader) =>
    htlcKeys.read(reader).map((key) => ({
      direction: key.startsWith("i") ? "incoming" : "outgoing",
      id: BigInt(key.slice(1)) as HtlcId,
      signature: signature.read(reader),
    })),
  write(writer, value) {
    htlcKeys.write(writer, value.map(htlcKey));
    for (const direction of ["incoming", "outgoing"]) {
      const some = value.filter((one) => one.direction === direction);
      for (const one of some.sort((a, b) => rising(a.id, b.id))) signature.write(writer, one.signature);
    }
  },
};

function expiryAbove(lowest: number, reader: Reader): number {
  const expiry = BigInt(lowest) + varint.read(reader);
  if (expiry > 0xffff_ffffn) throw reader.error(`an expiry of ${expiry}`);
  return Number(expiry);
}

function rising(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
