import { blockHash, encodeHeader, readHeader } from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { Network } from "@fulmen/bitcoin/network";
import { ByteReader, ByteWriter } from "@fulmen/bitcoin/transaction";
import { blockHeight, concatBytes, equalBytes, fromHex } from "@fulmen/lightning/util";
import { CheckedHeaders, invalidChain, type KnownHeader } from "./checkedHeaders.ts";
import { hasWorkAt, retargetInterval } from "./difficulty.ts";

/** A period, so that the next change of the target can be checked, and some for reorganisations. */
const most = retargetInterval + 84;
/** Version and height of the first. */
const headLength = 5;
const headerLength = 80;
const checksumLength = 32;
const version = 1;

/** The last 2,100 of a row of linked, rising headers as bytes for `recallHeaders`; `undefined` for an empty one. */
export function keepHeaders(row: readonly KnownHeader[], network: Network): Uint8Array | undefined {
  const newest = row.slice(-most);
  const [first] = newest;
  if (first === undefined) return undefined;
  const writer = new ByteWriter(headLength + headerLength * newest.length).u8(version).u32(first.height);
  for (const { header } of newest) writer.bytes(encodeHeader(header));
  const body = writer.finish();
  return concatBytes(body, checksum(body, network));
}

/**
 * The row that `keepHeaders` was given, each header checked as if a source told of it. Throws `ChainSourceError`
 * (`invalid-chain`) for what is damaged, of another network or version, or no chain.
 */
export function recallHeaders(bytes: Uint8Array, network: Network): readonly KnownHeader[] {
  const body = bytes.subarray(0, -checksumLength);
  const count = (body.length - headLength) / headerLength;
  const isWhole = Number.isInteger(count) && count >= 1 && count <= most;
  if (!isWhole || !equalBytes(checksum(body, network), bytes.subarray(-checksumLength)))
    throw invalidChain("the headers that were kept are damaged, or another network's");
  const reader = new ByteReader(body);
  if (reader.u8() !== version) throw invalidChain("the headers that were kept are of another version");
  const height = blockHeight(reader.u32());
  const first = readHeader(reader);
  const hash = blockHash(first);
  if (!hasWorkAt(first, height, network, hash))
    throw invalidChain(`block ${height}, which was kept, has no proof of work`);
  const checked = new CheckedHeaders(network);
  let last = checked.trust(first, hash, height);
  const row = [last];
  while (reader.remaining > 0) {
    last = checked.extend(last, readHeader(reader));
    row.push(last);
  }
  return row;
}

function checksum(body: Uint8Array, { genesisHash }: Network): Uint8Array {
  return crypto().sha256(concatBytes(fromHex(genesisHash), body));
}
