import { crypto } from "@fulmen/bitcoin/crypto";
import { encodeTypedSignature, hash160, p2pkh, p2wpkhOf } from "@fulmen/bitcoin/script";
import { segwitV0Sighash, sighashAll } from "@fulmen/bitcoin/sighash";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import type { NodeSigner } from "../chain/index.ts";
import { delayedToRemoteScript, scriptHashOutput } from "../commitment/formats/segwitScripts.ts";
import { derivePublicKey } from "../crypto/keyDerivation.ts";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import { equalBytes, noBytes, type Point, type Signature } from "../util/bytes.ts";
import { type NodeId, nodeIdOf } from "../util/ids.ts";
import { invariant, present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { deriveChannelSecrets, staticPaymentKeyCount } from "./channelKeys.ts";
import type { SignerProvider } from "./channelSigner.ts";
import { type ExtendedKey, hardenedChild, masterKeyOf } from "./hardenedKey.ts";
import { InMemorySigner } from "./inMemorySigner.ts";
import type { OutputSpendKey } from "./outputSpend.ts";
import {
  type OutputSpender,
  type SpendRefusal,
  type SpendRequest,
  spendWitness,
  unsignedSpend,
} from "./outputSpender.ts";

/** Hardened children of the master key (BIP 32); the numbers are LDK's. */
const children = {
  node: 0,
  destination: 1,
  shutdown: 2,
  channelMaster: 3,
  inboundPayment: 5,
  peerStorage: 6,
  receiveAuth: 7,
  staticPayment: 8,
} as const;

/**
 * All keys of a node from one seed of 32 bytes. The same seed in LDK gives the same node id, the same two scripts
 * below and the same channel keys.
 *
 * @ldk lightning::sign::KeysManager
 */
export class KeysManager implements NodeSigner, SignerProvider, OutputSpender {
  readonly nodeId: NodeId;
  readonly #seed: Uint8Array;
  readonly #nodeKey: Uint8Array;
  readonly #destinationKey: Uint8Array;
  readonly #shutdownKey: Uint8Array;
  readonly #inboundPaymentKey: Uint8Array;
  readonly #receiveAuthKey: Uint8Array;
  readonly #peerStorageKey: Uint8Array;
  readonly #channelMaster: ExtendedKey;
  readonly #staticPayment: ExtendedKey;
  /** Asked for by every monitor, but not before there is one. */
  #destinationScript: Uint8Array | undefined;

  constructor(seed: Uint8Array) {
    invariant(seed.length === 32, `seed of ${seed.length} bytes, not 32`);
    const master = masterKeyOf(seed);
    this.#seed = seed.slice();
    this.#nodeKey = hardenedChild(master, children.node).key;
    this.#destinationKey = hardenedChild(master, children.destination).key;
    this.#shutdownKey = hardenedChild(master, children.shutdown).key;
    this.#inboundPaymentKey = hardenedChild(master, children.inboundPayment).key;
    this.#receiveAuthKey = hardenedChild(master, children.receiveAuth).key;
    this.#peerStorageKey = hardenedChild(master, children.peerStorage).key;
    this.#channelMaster = hardenedChild(master, children.channelMaster);
    this.#staticPayment = hardenedChild(master, children.staticPayment);
    this.nodeId = nodeIdOf(crypto().publicKey(this.#nodeKey));
  }

  ecdh(point: Point): Uint8Array {
    return crypto().ecdh(this.#nodeKey, point);
  }

  inboundPaymentKey(): Uint8Array {
    return this.#inboundPaymentKey.slice();
  }

  receiveAuthKey(): Uint8Array {
    return this.#receiveAuthKey.slice();
  }

  /**
   * 32 bytes that encrypt what is kept in other people's places: the static channel backup, at peers or anywhere.
   *
   * @ldk NodeSigner::get_peer_storage_key
   */
  peerStorageKey(): Uint8Array {
    return this.#peerStorageKey.slice();
  }

  signInvoice(hash: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number } {
    return crypto().ecdsaSignRecoverable(hash, this.#nodeKey);
  }

  signGossip(message: Uint8Array): Signature {
    return crypto().ecdsaSign(crypto().hash256(message), this.#nodeKey) as Signature;
  }

  /** `entropy` itself: 32 random bytes name no two channels alike, also after the loss of all records. */
  generateChannelKeysId(_inbound: boolean, entropy: Uint8Array): Uint8Array {
    invariant(entropy.length === 32, `entropy of ${entropy.length} bytes, not 32`);
    return entropy.slice();
  }

  deriveChannelSigner(channelKeysId: Uint8Array): InMemorySigner {
    invariant(channelKeysId.length === 32, `channel keys id of ${channelKeysId.length} bytes, not 32`);
    const number = new DataView(channelKeysId.buffer, channelKeysId.byteOffset).getUint32(4) % 2 ** 31;
    const childKey = hardenedChild(this.#channelMaster, number).key;
    const secrets = deriveChannelSecrets(channelKeysId, this.#seed, childKey, (index) =>
      this.#staticPaymentKey(index),
    );
    return new InMemorySigner(secrets, this);
  }

  /** One P2WPKH script for all channels. */
  destinationScript(_channelKeysId: Uint8Array): Uint8Array {
    this.#destinationScript ??= p2wpkhOf(crypto().publicKey(this.#destinationKey));
    return this.#destinationScript.slice();
  }

  /** One P2WPKH script for all channels. */
  shutdownScript(): Uint8Array {
    return p2wpkhOf(crypto().publicKey(this.#shutdownKey));
  }

  /**
   * The witness for input `inputIndex` of `transaction`, which spends `output`; `undefined` unless the output pays to
   * `destinationScript` or `shutdownScript`.
   */
  signOwnOutput(
    transaction: Transaction,
    inputIndex: number,
    output: TxOut,
  ): readonly Uint8Array[] | undefined {
    for (const key of [this.#destinationKey, this.#shutdownKey]) {
      const point = crypto().publicKey(key);
      if (!equalBytes(output.script, p2wpkhOf(point))) continue;
      const scriptCode = p2pkh(hash160(point));
      const sighash = segwitV0Sighash(transaction, inputIndex, {
        scriptCode,
        value: output.value,
        type: sighashAll,
      });
      const signature = crypto().ecdsaSign(sighash, key);
      return [encodeTypedSignature({ signature, sighashType: sighashAll }), point];
    }
    return undefined;
  }

  spendSpendableOutputs(request: SpendRequest): Result<Transaction, SpendRefusal> {
    const unsigned = unsignedSpend(request);
    if (!unsigned.ok) return unsigned;
    const { transaction, descriptors } = unsigned.value;
    const witnesses: (readonly Uint8Array[])[] = [];
    for (const [inputIndex, descriptor] of descriptors.entries()) {
      const witness = this.#witness(transaction, inputIndex, descriptor);
      if (witness === undefined) return err({ kind: "foreign-output", outPoint: descriptor.outPoint });
      witnesses.push(witness);
    }
    const inputs = transaction.inputs.map((input, index) => ({
      ...input,
      witness: present(witnesses[index], "the witness of an input"),
    }));
    return ok({ ...transaction, inputs });
  }

  /**
   * Every script to which a peer's commitment may pay us, in whatever channel: all that has to be looked for on the
   * chain when nothing is left but the seed. A thousand points are computed.
   *
   * @ldk lightning::sign::KeysManager::possible_v2_counterparty_closed_balance_spks
   */
  counterpartyClosedScripts(): readonly Uint8Array[] {
    const scripts: Uint8Array[] = [];
    for (let number = 0; number < staticPaymentKeyCount; number++) {
      const point = crypto().publicKey(this.#staticPaymentKey(number)) as Point;
      scripts.push(p2wpkhOf(point), scriptHashOutput(delayedToRemoteScript(point)).script);
    }
    return scripts;
  }

  /** `undefined` for an output that is locked by other keys. */
  #witness(
    transaction: Transaction,
    inputIndex: number,
    descriptor: SpendableOutputDescriptor,
  ): readonly Uint8Array[] | undefined {
    const { channelKeysId, output } = descriptor;
    if (descriptor.kind === "static-output") return this.signOwnOutput(transaction, inputIndex, output);
    const signer = this.deriveChannelSigner(channelKeysId);
    const lock = lockOf(descriptor, signer);
    if (!equalBytes(output.script, lock.script)) return undefined;
    const signature = signer.signSpend({
      transaction,
      inputIndex,
      value: output.value,
      scriptCode: lock.scriptCode,
      sighashType: sighashAll,
      key: lock.spendKey,
    });
    return spendWitness(
      descriptor,
      encodeTypedSignature({ signature, sighashType: sighashAll }),
      signer.basepoints.payment,
    );
  }

  #staticPaymentKey(number: number): Uint8Array {
    return hardenedChild(this.#staticPayment, number).key;
  }
}

interface OutputLock {
  readonly spendKey: OutputSpendKey;
  /** What an output that this key spends has as its script; another one for a descriptor that is not ours. */
  readonly script: Uint8Array;
  readonly scriptCode: Uint8Array;
}

function lockOf(
  descriptor: Exclude<SpendableOutputDescriptor, { kind: "static-output" }>,
  { basepoints }: InMemorySigner,
): OutputLock {
  if (descriptor.kind === "delayed-payment-output") {
    const { perCommitmentPoint: point, witnessScript } = descriptor;
    const key = derivePublicKey(basepoints.delayedPayment, point);
    const isOurs = equalBytes(delayedKeyIn(witnessScript), key);
    return {
      spendKey: { kind: "delayed-payment", point },
      script: isOurs ? scriptHashOutput(witnessScript).script : noBytes,
      scriptCode: witnessScript,
    };
  }
  const { payment } = basepoints;
  const spendKey = { kind: "payment" } as const;
  if (descriptor.witnessScript === undefined) {
    return { spendKey, script: p2wpkhOf(payment), scriptCode: p2pkh(hash160(payment)) };
  }
  const { script, witnessScript } = scriptHashOutput(delayedToRemoteScript(payment));
  return { spendKey, script, scriptCode: witnessScript };
}

/**
 * The key of the branch without the revocation key: it stands before `OP_ENDIF OP_CHECKSIG` (BOLT 3, "`to_local`
 * Output").
 */
function delayedKeyIn(witnessScript: Uint8Array): Uint8Array {
  return witnessScript.slice(-35, -2);
}
