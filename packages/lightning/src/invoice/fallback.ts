import { decodeAddress, encodeAddress } from "@fulmen/bitcoin/address";
import type { Network } from "@fulmen/bitcoin/network";
import { classifyScript, op, p2pkh, p2sh, script, witnessProgram } from "@fulmen/bitcoin/script";
import { concatBytes } from "../util/bytes.ts";
import { InvariantError } from "../util/invariant.ts";
import { bytesToWords, wordsToBytes } from "./words.ts";

/** Versions of the `f` field that are no witness version. */
const p2pkhVersion = 17;
const p2shVersion = 18;

/** The address in an `f` field; `undefined` when its version is unknown or its program has an impossible length. */
export function fallbackAddress(words: Uint8Array, network: Network): string | undefined {
  const [version] = words;
  if (version === undefined || version > p2shVersion) return undefined;
  const output = outputScript(version, wordsToBytes(words.subarray(1)));
  return output && encodeAddress(output, network);
}

/** The `f` field of an address; throws `BitcoinDecodeError` when it is none of the network. */
export function fallbackWords(address: string, network: Network): Uint8Array {
  const output = decodeAddress(address, network);
  const witness = witnessProgram(output);
  if (witness !== undefined) return field(witness.version, witness.program);
  const type = classifyScript(output);
  if (type.kind === "p2pkh") return field(p2pkhVersion, type.hash);
  if (type.kind === "p2sh") return field(p2shVersion, type.hash);
  throw new InvariantError(`an address that BOLT 11 has no field for: ${address}`);
}

function outputScript(version: number, program: Uint8Array): Uint8Array | undefined {
  const { length } = program;
  if (version === p2pkhVersion) return length === 20 ? p2pkh(program) : undefined;
  if (version === p2shVersion) return length === 20 ? p2sh(program) : undefined;
  if (version === 0) return length === 20 || length === 32 ? script(op._0, program) : undefined;
  return version <= 16 && length >= 2 && length <= 40 ? script(op._1 + version - 1, program) : undefined;
}

function field(version: number, program: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(version), bytesToWords(program));
}
