import { bech32, bech32m, createBase58check } from "@scure/base";
import { crypto } from "../crypto/installed.ts";
import type { Network } from "../network/index.ts";
import {
  classifyScript,
  op,
  p2pkh,
  p2sh,
  script,
  type WitnessProgram,
  witnessProgram,
} from "../script/index.ts";
import { BitcoinDecodeError } from "../transaction/index.ts";

/** The address that stands for an output script, or `undefined` when none does (bare keys, `OP_RETURN`, ...). */
export function encodeAddress(outputScript: Uint8Array, network: Network): string | undefined {
  const witness = witnessProgram(outputScript);
  if (witness !== undefined) return encodeWitnessAddress(witness, network.bech32Hrp);
  const type = classifyScript(outputScript);
  if (type.kind === "p2pkh") return encodeHashAddress(network.p2pkhVersion, type.hash);
  if (type.kind === "p2sh") return encodeHashAddress(network.p2shVersion, type.hash);
  return undefined;
}

/**
 * The output script of an address of `network`: base58 P2PKH and P2SH, and bech32 (BIP 173, version 0) or bech32m
 * (BIP 350, versions 1 to 16) for witness programs. Throws `BitcoinDecodeError`, also for other networks' addresses.
 */
export function decodeAddress(address: string, network: Network): Uint8Array {
  const separator = address.lastIndexOf("1");
  if (address.slice(0, Math.max(separator, 0)).toLowerCase() === network.bech32Hrp) {
    return decodeWitnessAddress(address);
  }
  return decodeHashAddress(address, network);
}

/** Base58check of 21 bytes is never longer; the rest is not worth the quadratic work. */
const longestHashAddress = 35;

function encodeHashAddress(version: number, hash: Uint8Array): string {
  return base58check().encode(Uint8Array.of(version, ...hash));
}

function decodeHashAddress(address: string, network: Network): Uint8Array {
  if (address.length > longestHashAddress) throw new BitcoinDecodeError("no address of this network");
  const payload = attempt(() => base58check().decode(address));
  if (payload.length !== 21) throw new BitcoinDecodeError(`address of ${payload.length} bytes`);
  const hash = payload.subarray(1);
  if (payload[0] === network.p2pkhVersion) return p2pkh(hash);
  if (payload[0] === network.p2shVersion) return p2sh(hash);
  throw new BitcoinDecodeError(`address version ${payload[0]} of another network`);
}

function encodeWitnessAddress({ version, program }: WitnessProgram, hrp: string): string {
  const format = version === 0 ? bech32 : bech32m;
  return format.encode(hrp, [version, ...format.toWords(program)]);
}

function decodeWitnessAddress(address: string): Uint8Array {
  const format = bech32.decodeUnsafe(address) === undefined ? bech32m : bech32;
  const [version, ...words] = attempt(() => format.decode(address as `${string}1${string}`)).words;
  if (version === undefined || version > 16) throw new BitcoinDecodeError(`witness version ${version}`);
  if ((version === 0) !== (format === bech32)) {
    throw new BitcoinDecodeError(`checksum of another witness version than ${version}`);
  }
  const program = attempt(() => format.fromWords(words));
  if (program.length < 2 || program.length > 40) {
    throw new BitcoinDecodeError(`witness program of ${program.length} bytes`);
  }
  if (version === 0 && program.length !== 20 && program.length !== 32) {
    throw new BitcoinDecodeError(`version 0 witness program of ${program.length} bytes`);
  }
  return script(version === 0 ? op._0 : op.RESERVED + version, program);
}

function base58check() {
  return createBase58check(crypto().sha256);
}

/** The decoders of the base library throw plain errors on bad text. */
function attempt<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new BitcoinDecodeError(cause instanceof Error ? cause.message : "no address");
  }
}
