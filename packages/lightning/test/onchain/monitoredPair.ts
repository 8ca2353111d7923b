import { crypto } from "@fulmen/bitcoin/crypto";
import { p2wsh } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import {
  counterpartyCommitmentStep,
  firstUpdate,
  holderCommitmentStep,
} from "#src/channel/ops/monitorUpdate";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import type { Commitments, LocalCommitment } from "#src/commitment/commitments";
import {
  addHtlc,
  commitmentReceived,
  commitmentSent,
  findHtlc,
  hasChangesToSign,
  isRemovable,
  nextLocalNumber,
  nextRemoteNumber,
  removeHtlc,
  revocationReceived,
  revocationSent,
  updateFee,
} from "#src/commitment/dance";
import { type FundingOutput, fundingScript } from "#src/commitment/funding";
import type { Htlc } from "#src/commitment/htlc";
import { commitmentKeys, type Side } from "#src/commitment/keys";
import type { ChannelParams, FormatName, PartyParams } from "#src/commitment/params";
import { specOf } from "#src/commitment/spec";
import { emptyShachain } from "#src/crypto/shachain";
import type { ChannelMonitorUpdate, ChannelMonitorUpdateStep } from "#src/onchain/channelMonitorUpdate";
import type { MonitorSetup } from "#src/onchain/watch";
import type { InMemorySigner } from "#src/sign/inMemorySigner";
import { KeysManager } from "#src/sign/keysManager";
import type { Bytes32, Point, Script, Signature } from "#src/util/bytes";
import {
  blockHeight,
  type ChannelId,
  type CommitmentNumber,
  channelIdFromOutPoint,
  commitmentNumber,
  htlcId,
  type OutPoint,
  type PaymentHash,
  paymentHashOf,
  type Txid,
} from "#src/util/ids";
import { type FeeratePerKw, feeratePerKw, type Msat, msat, type Sat, sat } from "#src/util/units";

/** Of channels that are on no chain. */
export const toSelfDelay = 144;

/** A channel that is on no chain: for tests that never look at one. */
const nowhere: PairOptions = {
  funding: () => ({ txid: "22".repeat(32) as Txid, index: 1 }),
  capacity: sat(10_000_000),
  toSelfDelay,
};
export const channelId: ChannelId = channelIdFromOutPoint(nowhere.funding(new Uint8Array(0) as Script));
const channelKeysId = new Uint8Array(32).fill(9);

/** Preimages that both parties know, and their hashes. */
export const preimages = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte) as Bytes32);
export const hashes: readonly PaymentHash[] = preimages.map((preimage) =>
  paymentHashOf(crypto().sha256(preimage)),
);

type Message =
  | { readonly kind: "add"; readonly htlc: Pick<Htlc, "amount" | "paymentHash" | "cltvExpiry"> }
  | { readonly kind: "remove"; readonly id: bigint; readonly removal: NonNullable<Htlc["removal"]> }
  | { readonly kind: "fee"; readonly feerate: FeeratePerKw }
  | { readonly kind: "sign"; readonly signature: Signature; readonly htlcSignatures: readonly Signature[] }
  | { readonly kind: "revoke"; readonly secret: Bytes32; readonly nextPoint: Point };

export interface PairOptions {
  /** Makes the funding output, which `script` locks. */
  readonly funding: (script: Script) => OutPoint;
  readonly capacity: Sat;
  /** What both sides ask of each other. */
  readonly toSelfDelay: number;
}

/** A commitment of one party that the other one signed. */
interface OwnCommitment extends BuiltCommitment {
  readonly number: CommitmentNumber;
  /** By the other one. */
  readonly signature: Signature;
  /** Of the HTLC transactions, in the order of `htlcs`. */
  readonly htlcSignatures: readonly Signature[];
}

/** One end of a channel with keys: it dances, and makes the updates that its monitor would get. */
export class MonitoredParty {
  readonly keysManager: KeysManager;
  readonly signer: InMemorySigner;
  readonly updates: ChannelMonitorUpdate[] = [];
  /** All commitments of its own that the peer ever signed, by number. */
  readonly ownCommitments: OwnCommitment[] = [];
  readonly inbox: Message[] = [];
  readonly channelId: ChannelId;
  commitments: Commitments;
  setup: MonitorSetup;
  peer: MonitoredParty | undefined;
  #lastUpdateId = 1;

  constructor(keysManager: KeysManager, commitments: Commitments, signed: LocalCommitment) {
    this.keysManager = keysManager;
    this.signer = keysManager.deriveChannelSigner(channelKeysId);
    this.commitments = commitments;
    this.channelId = commitments.channelId;
    const { outPoint, capacity, localKey, remoteKey } = fundingOf(commitments);
    this.setup = {
      channelId: this.channelId,
      counterparty: keysManager.nodeId,
      channelKeysId,
      params: commitments.params,
      funding: {
        outPoint,
        capacity,
        localKey,
        remoteKey,
        script: p2wsh(fundingScript(localKey, remoteKey)) as Script,
      },
      bestHeight: blockHeight(100),
      basepoints: this.signer.basepoints,
      initial: firstUpdate(commitments, {
        local: signed,
        remoteTxid: built(commitments, "remote", commitmentNumber(0)).txid,
      }),
    };
    const first = built(this.commitments, "local", commitmentNumber(0));
    this.ownCommitments.push({
      ...first,
      number: commitmentNumber(0),
      signature: signed.signature,
      htlcSignatures: [],
    });
  }

  add(amount: Msat, paymentHash: PaymentHash, cltvExpiry: number): void {
    const htlc = { amount, paymentHash, cltvExpiry };
    this.commitments = addHtlc(this.commitments, "outgoing", htlc);
    this.#send({ kind: "add", htlc });
  }

  setFeerate(feerate: FeeratePerKw): void {
    this.commitments = updateFee(this.commitments, feerate);
    this.#send({ kind: "fee", feerate });
  }

  removable(): readonly Htlc[] {
    return this.commitments.htlcs.filter((htlc) => htlc.direction === "incoming" && isRemovable(htlc));
  }

  fulfill(htlc: Htlc): void {
    this.#remove(htlc, { kind: "fulfill", preimage: this.learn(htlc.paymentHash) });
  }

  /** Learns a preimage, and tells the monitor. */
  learn(paymentHash: PaymentHash): Bytes32 {
    const preimage = preimages[hashes.indexOf(paymentHash)];
    if (preimage === undefined) throw new Error("unknown preimage");
    const parts = this.commitments.htlcs
      .filter((htlc) => htlc.direction === "incoming" && htlc.paymentHash === paymentHash)
      .map(({ id }) => ({ channelId: this.channelId, htlcId: id }));
    this.#update({ kind: "payment-preimage", paymentHash, preimage, parts });
    return preimage;
  }

  /** Closes the channel: its monitor is to publish our commitment, or not. */
  close(broadcast: boolean): void {
    this.#update({ kind: "channel-force-closed", broadcast });
  }

  fail(htlc: Htlc): void {
    this.#remove(htlc, { kind: "fail", reason: new Uint8Array(0) });
  }

  canSign(): boolean {
    return this.commitments.remoteNext === undefined && hasChangesToSign(this.commitments);
  }

  sign(): void {
    const number = nextRemoteNumber(this.commitments);
    const point = this.commitments.remoteNextPoint ?? this.commitments.remotePoint;
    const next = built(this.commitments, "remote", number, point);
    const answer = this.signer.sign({
      kind: "counterparty-commitment",
      number,
      point,
      commitments: [{ funding: fundingOf(this.commitments), built: next }],
      preimages: [],
    });
    if (answer.kind !== "counterparty-commitment") throw new Error(answer.kind);
    const step = commitmentSent(this.commitments, [next.txid]);
    this.commitments = step.commitments;
    this.#update(counterpartyCommitmentStep(step.commitments, step.removed));
    const [signatures] = answer.signatures;
    if (signatures === undefined) throw new Error("nothing signed");
    this.#send({ kind: "sign", ...signatures });
  }

  /** Takes the oldest message. */
  receive(): void {
    const message = this.inbox.shift();
    switch (message?.kind) {
      case undefined:
        return;
      case "add":
        this.commitments = addHtlc(this.commitments, "incoming", message.htlc);
        return;
      case "remove": {
        const htlc = findHtlc(this.commitments, "outgoing", message.id);
        if (htlc === undefined) throw new Error("unknown HTLC removed");
        this.commitments = removeHtlc(this.commitments, htlc, message.removal);
        return;
      }
      case "fee":
        this.commitments = updateFee(this.commitments, message.feerate);
        return;
      case "sign":
        this.#receiveSignature(message);
        return;
      case "revoke": {
        const number = this.commitments.remoteNumber;
        const step = revocationReceived(this.commitments, message.secret, message.nextPoint);
        if (!step.ok) throw new Error(step.error);
        this.commitments = step.value.commitments;
        this.#update({ kind: "commitment-secret", number, secret: message.secret });
      }
    }
  }

  #receiveSignature({ signature, htlcSignatures }: Extract<Message, { kind: "sign" }>): void {
    const number = nextLocalNumber(this.commitments);
    const next = built(this.commitments, "local", number, this.commitments.localPoints[1]);
    const local: LocalCommitment = {
      txid: next.txid,
      signature,
      htlcSignatures: next.htlcs.map(({ direction, id }, i) => {
        const htlcSignature = htlcSignatures[i];
        if (htlcSignature === undefined) throw new Error("too few HTLC signatures");
        return { direction, id, signature: htlcSignature };
      }),
    };
    this.ownCommitments.push({ ...next, number, signature, htlcSignatures });
    const received = commitmentReceived(this.commitments);
    const answer = this.signer.sign({
      kind: "revocation",
      number: this.commitments.localNumber,
      pointNumber: commitmentNumber(number + 2),
      next: [],
    });
    if (answer.kind !== "revocation") throw new Error(answer.kind);
    const nextPoint = received.commitments.localPoints[2];
    const step = revocationSent(received.commitments, answer.point);
    this.commitments = step.commitments;
    this.#update(holderCommitmentStep(step.commitments, [local], [...received.removed, ...step.removed]));
    this.#send({ kind: "revoke", secret: answer.secret as Bytes32, nextPoint });
  }

  #remove(htlc: Htlc, removal: NonNullable<Htlc["removal"]>): void {
    this.commitments = removeHtlc(this.commitments, htlc, removal);
    this.#send({ kind: "remove", id: htlc.id, removal });
  }

  #update(step: ChannelMonitorUpdateStep): void {
    this.#lastUpdateId++;
    this.updates.push({ channelId: this.channelId, updateId: this.#lastUpdateId, steps: [step], after: [] });
  }

  #send(message: Message): void {
    this.peer?.inbox.push(message);
  }
}

/** Two parties of a new channel; the first one is the opener. */
export function monitoredPair(
  format: FormatName,
  options = nowhere,
): readonly [MonitoredParty, MonitoredParty] {
  const managers = [1, 2].map((byte) => new KeysManager(new Uint8Array(32).fill(byte)));
  const [aliceKeys, bobKeys] = managers;
  if (aliceKeys === undefined || bobKeys === undefined) throw new Error("no keys");
  const alice = aliceKeys.deriveChannelSigner(channelKeysId);
  const bob = bobKeys.deriveChannelSigner(channelKeysId);
  const script = p2wsh(fundingScript(alice.fundingKey, bob.fundingKey)) as Script;
  const terms = { ...options, format, outPoint: options.funding(script) };
  const ofAlice = start(terms, { isOpener: true, ours: alice, theirs: bob });
  const ofBob = start(terms, { isOpener: false, ours: bob, theirs: alice });
  const a = new MonitoredParty(aliceKeys, ofAlice, signedBy(bob, ofBob));
  const b = new MonitoredParty(bobKeys, ofBob, signedBy(alice, ofAlice));
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** Lets both finish what is under way. */
export function settle(a: MonitoredParty, b: MonitoredParty): void {
  while (a.inbox.length > 0 || b.inbox.length > 0 || a.canSign() || b.canSign()) {
    for (const party of [a, b]) {
      while (party.inbox.length > 0) party.receive();
      if (party.canSign()) party.sign();
    }
  }
}

/** A transaction that spends `inputs` and pays nobody. */
export function spendOf(
  inputs: readonly { readonly txid: Txid; readonly index: number; readonly witness: readonly Uint8Array[] }[],
): Transaction {
  return {
    version: 2,
    inputs: inputs.map(({ txid, index, witness }) => ({
      outPoint: { txid, index },
      scriptSig: new Uint8Array(0),
      sequence: 0xffff_fffd,
      witness,
    })),
    outputs: [{ value: sat(1000), script: new Uint8Array(22) }],
    locktime: 0,
  };
}

interface PairTerms extends Omit<PairOptions, "funding"> {
  readonly format: FormatName;
  readonly outPoint: OutPoint;
}

function start(
  { format, outPoint, capacity, toSelfDelay }: PairTerms,
  who: { readonly isOpener: boolean; readonly ours: InMemorySigner; readonly theirs: InMemorySigner },
): Commitments {
  const { isOpener, ours, theirs } = who;
  const params: ChannelParams = {
    format,
    isOpener,
    local: party(ours, toSelfDelay),
    remote: party(theirs, toSelfDelay),
  };
  const funding = { outPoint, capacity, localKey: ours.fundingKey, remoteKey: theirs.fundingKey };
  const balance = msat(capacity * 500n);
  const [n0, n1, n2] = [commitmentNumber(0), commitmentNumber(1), commitmentNumber(2)];
  return {
    channelId: channelIdFromOutPoint(outPoint),
    params,
    fundings: [{ ...funding, localBalance: balance, remoteBalance: balance }],
    htlcs: [],
    feerates: [
      {
        feerate: feeratePerKw(1000),
        state: isOpener ? "sent-add-ack-revocation" : "received-add-ack-revocation",
      },
    ],
    localNumber: n0,
    remoteNumber: n0,
    localPoints: [ours.point(n0), ours.point(n1), ours.point(n2)],
    remotePoint: theirs.point(n0),
    remoteNextPoint: theirs.point(n1),
    remoteSecrets: emptyShachain,
    nextLocalHtlcId: htlcId(0),
    nextRemoteHtlcId: htlcId(0),
  };
}

/** The first commitment of the signer's peer, signed. */
function signedBy(signer: InMemorySigner, commitments: Commitments): LocalCommitment {
  const number = commitmentNumber(0);
  const first = built(commitments, "remote", number);
  const answer = signer.sign({
    kind: "counterparty-commitment",
    number,
    point: commitments.remotePoint,
    commitments: [{ funding: fundingOf(commitments), built: first }],
    preimages: [],
  });
  if (answer.kind !== "counterparty-commitment") throw new Error(answer.kind);
  const [signatures] = answer.signatures;
  if (signatures === undefined) throw new Error("nothing signed");
  return { txid: first.txid, signature: signatures.signature, htlcSignatures: [] };
}

function built(commitments: Commitments, side: Side, number: CommitmentNumber, at?: Point): BuiltCommitment {
  const { params, localPoints, remotePoint } = commitments;
  const [funding] = commitments.fundings;
  if (funding === undefined) throw new Error("no funding");
  const isNext = at !== undefined;
  const keys = commitmentKeys(params, side, at ?? (side === "local" ? localPoints[0] : remotePoint));
  const spec = specOf(commitments, funding, side, isNext ? "next" : number);
  return buildCommitment({ params, side, funding, number, keys, spec });
}

function fundingOf(commitments: Commitments): FundingOutput {
  const [funding] = commitments.fundings;
  if (funding === undefined) throw new Error("no funding");
  const { outPoint, capacity, localKey, remoteKey } = funding;
  return { outPoint, capacity, localKey, remoteKey };
}

function party({ basepoints }: InMemorySigner, toSelfDelay: number): PartyParams {
  return {
    dustLimit: sat(546),
    maxHtlcValueInFlight: msat(10n ** 12n),
    channelReserve: sat(10_000),
    htlcMinimum: msat(1),
    toSelfDelay,
    maxAcceptedHtlcs: 483,
    basepoints,
  };
}
