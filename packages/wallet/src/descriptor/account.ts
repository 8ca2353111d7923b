import { crypto } from "@fulmen/bitcoin/crypto";
import type { Network } from "@fulmen/bitcoin/network";
import { p2tr, p2wpkhOf } from "@fulmen/bitcoin/script";
import { taprootOutputKey, tapTweakHash } from "@fulmen/bitcoin/sighash";
import { err, invariant, ok, present, type Result } from "@fulmen/lightning/util";
import type { HDKey } from "@scure/bip32";
import {
  type Descriptor,
  type DescriptorRefusal,
  formatDescriptor,
  formatPath,
  type KeyOrigin,
  parseDescriptor,
  type ScriptKind,
} from "./descriptor.ts";
import { descend, hardened, masterKeyOf, publicOnly, readExtendedKey } from "./extendedKey.ts";
import { PublicChain } from "./publicChain.ts";

/** `receive`: addresses that are handed out. `change`: what is left over of our own payments. */
export type Keychain = "receive" | "change";

/** Which account of a network's: BIP 44's last hardened step. */
export interface AccountChoice {
  readonly kind: ScriptKind;
  readonly network: Network;
  /** 0 when not given. */
  readonly account?: number;
}

/** All scripts of one kind under one extended key, and the keys that spend them unless the account is watch-only. */
export class Account {
  readonly kind: ScriptKind;
  readonly network: Network;
  readonly origin: KeyOrigin | undefined;
  /** With the public key, whether or not the account has the private one: safe to show and to store. */
  readonly descriptor: string;
  readonly #publicChains: Readonly<Record<Keychain, PublicChain>>;
  readonly #privateChains: Readonly<Record<Keychain, HDKey>> | undefined;
  readonly #chains: Readonly<Record<Keychain, number>>;

  constructor(
    key: HDKey,
    terms: {
      readonly kind: ScriptKind;
      readonly network: Network;
      readonly origin: KeyOrigin | undefined;
      readonly chains: readonly [receive: number, change: number];
    },
  ) {
    const { kind, network, origin, chains } = terms;
    const [receive, change] = chains;
    const watched = publicOnly(key, network);
    this.kind = kind;
    this.network = network;
    this.origin = origin;
    this.descriptor = formatDescriptor({
      kind,
      ...(origin === undefined ? {} : { origin }),
      key: watched.publicExtendedKey,
      path: [],
      chains,
    });
    this.#chains = { receive, change };
    this.#publicChains = {
      receive: new PublicChain(watched.deriveChild(receive)),
      change: new PublicChain(watched.deriveChild(change)),
    };
    if (key.privateKey !== null) {
      this.#privateChains = { receive: key.deriveChild(receive), change: key.deriveChild(change) };
    }
  }

  /** Whether there are no private keys, so that others have to sign. */
  get isWatchOnly(): boolean {
    return this.#privateChains === undefined;
  }

  /** The compressed point of an index (0..2^31-1): of a taproot output the internal key. */
  publicKey(keychain: Keychain, index: number): Uint8Array {
    return this.#publicChains[keychain].child(index);
  }

  /** The output script of an index. */
  script(keychain: Keychain, index: number): Uint8Array {
    const key = this.publicKey(keychain, index);
    switch (this.kind) {
      case "wpkh":
        return p2wpkhOf(key);
      case "tr":
        return p2tr(present(taprootOutputKey(key.subarray(1)), "output key of a point").point);
    }
  }

  /**
   * The private key whose signatures spend an index: of a taproot output the tweaked one (BIP 341, "Constructing and
   * spending Taproot outputs"). `undefined` in a watch-only account. The caller wipes it.
   */
  signingKey(keychain: Keychain, index: number): Uint8Array | undefined {
    const child = this.#privateChains?.[keychain].deriveChild(index);
    const key = child?.privateKey;
    if (child === undefined || key === null || key === undefined) return undefined;
    switch (this.kind) {
      case "wpkh":
        return key;
      case "tr": {
        const point = present(child.publicKey, "public key of a child");
        const even = point[0] === 2 ? key : crypto().scalarNegate(key);
        const tweaked = crypto().scalarAdd(even, tapTweakHash(point.subarray(1)));
        key.fill(0);
        even.fill(0);
        return tweaked;
      }
    }
  }

  /** The path of an index from the master key, for other signers; `undefined` when the origin is not known. */
  derivation(keychain: Keychain, index: number): KeyOrigin | undefined {
    if (this.origin === undefined) return undefined;
    const { fingerprint, path } = this.origin;
    return { fingerprint, path: [...path, this.#chains[keychain], index] };
  }
}

/** The BIP 84 or BIP 86 account of a seed of 16 to 64 bytes, such as a BIP 39 mnemonic gives. */
export function accountFromSeed(seed: Uint8Array, choice: AccountChoice): Account {
  const master = masterKeyOf(seed, choice.network);
  return standardAccount(master, choice);
}

/**
 * The account of an extended key: of a private master key (depth 0) the one that `choice` names, or the account whose
 * own key it is (depth 3), which is watch-only for an `xpub`.
 */
export function accountFromExtendedKey(
  text: string,
  choice: AccountChoice,
): Result<Account, DescriptorRefusal> {
  const { kind, network } = choice;
  const key = readExtendedKey(text, network);
  if (key === undefined) return err({ kind: "bad-key", text: `not an extended key of ${network.name}` });
  if (key.depth === 0 && key.privateKey !== null) return ok(standardAccount(key, choice));
  if (key.depth === 3) return ok(new Account(key, { kind, network, origin: undefined, chains: [0, 1] }));
  return err({
    kind: "bad-key",
    text: `a key of depth ${key.depth}: wanted is an account's (3) or a private master key (0)`,
  });
}

/** The account of a descriptor with two chains, receive and change, as in `wpkh([d34db33f/84h/0h/0h]xpub/<0;1>/*)`. */
export function accountFromDescriptor(text: string, network: Network): Result<Account, DescriptorRefusal> {
  const parsed = parseDescriptor(text, network);
  if (!parsed.ok) return parsed;
  const { kind, path, chains } = parsed.value;
  const [receive, change, ...more] = chains;
  if (receive === undefined || change === undefined || more.length > 0) {
    return err({ kind: "unsupported", text: "an account has two chains, as in <0;1>" });
  }
  const key = present(readExtendedKey(parsed.value.key, network), "key of a descriptor that was read");
  const origin = originOf(parsed.value, key.fingerprint);
  return ok(new Account(descend(key, path), { kind, network, origin, chains: [receive, change] }));
}

function standardAccount(master: HDKey, { kind, network, account = 0 }: AccountChoice): Account {
  invariant(Number.isInteger(account) && account >= 0 && account < hardened, `no account: ${account}`);
  const purpose = kind === "wpkh" ? 84 : 86;
  const coin = network.name === "mainnet" ? 0 : 1;
  const path = [purpose, coin, account].map((step) => step + hardened);
  const origin = { fingerprint: master.fingerprint, path };
  return new Account(descend(master, path), { kind, network, origin, chains: [0, 1] });
}

/** The origin of the chains' parent, where the descriptor says enough. */
function originOf({ origin, path }: Descriptor, fingerprint: number): KeyOrigin | undefined {
  if (origin !== undefined) return { ...origin, path: [...origin.path, ...path] };
  return path.length === 0 ? undefined : { fingerprint, path };
}

/** `[d34db33f/84h/0h/0h/0/5]` as people read it: `m/84h/0h/0h/0/5`. */
export function formatDerivation({ path }: KeyOrigin): string {
  return `m${formatPath(path)}`;
}
