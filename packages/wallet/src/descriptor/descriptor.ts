import type { Network } from "@fulmen/bitcoin/network";
import { err, ok, type Result } from "@fulmen/lightning/util";
import { descriptorChecksum } from "./checksum.ts";
import { hardened, readExtendedKey } from "./extendedKey.ts";

/** `wpkh`: P2WPKH (BIP 84, BIP 382). `tr`: P2TR spent by its key alone (BIP 86, BIP 386). */
export type ScriptKind = "wpkh" | "tr";

/** Where an extended key comes from (BIP 380, "Key Expressions"). */
export interface KeyOrigin {
  /** The first four bytes of the master key's hash160, big-endian. */
  readonly fingerprint: number;
  /** Child numbers from the master key down, hardened ones from 2^31 on. */
  readonly path: readonly number[];
}

/** `wpkh([origin]key/path/<chains>/*)` or `tr(...)`: all that this wallet has descriptors for. */
export interface Descriptor {
  readonly kind: ScriptKind;
  readonly origin?: KeyOrigin;
  /** `xpub...` or `xprv...`, of other networks `tpub...` or `tprv...`. */
  readonly key: string;
  /** From the key down to the parent of the chains. */
  readonly path: readonly number[];
  /** One child number, or the several of `<0;1>` (BIP 389). */
  readonly chains: readonly number[];
}

/** Why a text is not taken as a descriptor. */
export interface DescriptorRefusal {
  readonly kind: "bad-checksum" | "malformed" | "unsupported" | "bad-key";
  readonly text: string;
}

/**
 * Reads a descriptor. A checksum must be right where there is one, and may be left out. The key must be one of
 * `network`.
 */
export function parseDescriptor(text: string, network: Network): Result<Descriptor, DescriptorRefusal> {
  const [expression = "", checksum, ...more] = text.split("#");
  if (more.length > 0) return refused("malformed", "more than one #");
  if (checksum !== undefined) {
    const right = descriptorChecksum(expression);
    if (right === undefined) return refused("malformed", "a character that no descriptor has");
    if (checksum !== right) return refused("bad-checksum", `checksum ${checksum}, not ${right}`);
  }
  const outer = /^([a-z]+)\((.*)\)$/.exec(expression);
  const [, kind, inner = ""] = outer ?? [];
  if (kind === undefined) return refused("malformed", "not of the form wpkh(...) or tr(...)");
  if (kind !== "wpkh" && kind !== "tr") return refused("unsupported", `${kind}(...) is not supported`);
  const parts = keyExpression.exec(inner);
  if (parts === null) {
    return refused("unsupported", "only one extended key with its chains, as in [origin]xpub/<0;1>/*");
  }
  const { fingerprint, originPath = "", key = "", path = "", single, several } = parts.groups ?? {};
  const extended = readExtendedKey(key, network);
  if (extended === undefined) return refused("bad-key", `not an extended key of ${network.name}`);
  const steps = stepsOf(path);
  const origin = stepsOf(originPath);
  const chains = (several ?? single ?? "").split(";").map(Number);
  if (steps === undefined || origin === undefined || chains.some((chain) => chain >= hardened)) {
    return refused("malformed", "a child number of 2^31 or more");
  }
  if (new Set(chains).size !== chains.length) return refused("malformed", "a chain is there twice");
  if (extended.privateKey === null && steps.some((step) => step >= hardened)) {
    return refused("bad-key", "a public key has no hardened children");
  }
  const found = { kind, key, path: steps, chains } as const;
  if (fingerprint === undefined) return ok(found);
  return ok({ ...found, origin: { fingerprint: Number.parseInt(fingerprint, 16), path: origin } });
}

/** The text of a descriptor with its checksum, hardened steps with `h`. */
export function formatDescriptor({ kind, origin, key, path, chains }: Descriptor): string {
  const from = origin === undefined ? "" : `[${hexOf(origin.fingerprint)}${formatPath(origin.path)}]`;
  const last = chains.length === 1 ? chains[0] : `<${chains.join(";")}>`;
  const text = `${kind}(${from}${key}${formatPath(path)}/${last}/*)`;
  return `${text}#${descriptorChecksum(text)}`;
}

/** `/84h/0h/0h` */
export function formatPath(path: readonly number[]): string {
  return path.map((step) => (step >= hardened ? `/${step - hardened}h` : `/${step}`)).join("");
}

const keyExpression =
  /^(?:\[(?<fingerprint>[0-9a-fA-F]{8})(?<originPath>(?:\/\d{1,10}[h']?)*)\])?(?<key>[1-9A-HJ-NP-Za-km-z]{111,112})(?<path>(?:\/\d{1,10}[h']?)*)\/(?:(?<single>\d{1,10})|<(?<several>\d{1,10}(?:;\d{1,10})+)>)\/\*$/;

/** The child numbers of `/84h/0'/0`. */
function stepsOf(path: string): readonly number[] | undefined {
  const steps: number[] = [];
  for (const text of path.split("/").slice(1)) {
    const number = Number(text.replace(/[h']$/, ""));
    if (number >= hardened) return undefined;
    steps.push(/[h']$/.test(text) ? number + hardened : number);
  }
  return steps;
}

function hexOf(fingerprint: number): string {
  return fingerprint.toString(16).padStart(8, "0");
}

function refused(kind: DescriptorRefusal["kind"], text: string) {
  return err({ kind, text });
}
