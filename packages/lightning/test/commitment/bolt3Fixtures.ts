import { readFileSync } from "node:fs";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import type { FundingOutput } from "#src/commitment/funding";
import { commitmentKeys } from "#src/commitment/keys";
import type { ChannelParams, FormatName, PartyParams } from "#src/commitment/params";
import type { SpecHtlc } from "#src/commitment/spec";
import { fromHex, type Point, type Signature } from "#src/util/bytes";
import { commitmentNumber, htlcId, paymentHashOf, type Txid } from "#src/util/ids";
import { feeratePerKw, msat, sat } from "#src/util/units";

interface FixtureHtlc {
  readonly direction: "remote->local" | "local->remote";
  readonly amountMsat: number;
  readonly expiry: number;
  readonly preimage: string;
}

export interface FixtureHtlcTx {
  readonly remoteSignature: string;
  readonly tx: string;
  /** Appendix C only. */
  readonly htlc?: number;
  readonly stage?: "success" | "timeout";
  readonly output?: number;
  readonly localSignature?: string;
}

export interface FixtureVector {
  readonly name: string;
  readonly toLocalMsat: number;
  readonly toRemoteMsat: number;
  readonly feeratePerKw: number;
  readonly dustLimit?: number;
  readonly baseFee?: number;
  readonly fee?: number;
  readonly htlcs: readonly number[];
  readonly remoteSignature: string;
  readonly localSignature?: string;
  readonly commitTx: string;
  readonly htlcTxs: readonly FixtureHtlcTx[];
}

function load<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../../../fixtures/bolt3/${name}.json`, import.meta.url), "utf8"),
  );
}

const appendixC = load<{
  params: Record<string, string> & { fundingSatoshis: number; localDelay: number; localDustLimit: number };
  htlcs: readonly FixtureHtlc[];
  vectors: readonly FixtureVector[];
}>("commitments");
const appendixF = load<{ vectors: readonly FixtureVector[] }>("commitments-anchors");

export const fundingFixture = load<
  Record<string, string> & { fundingSatoshis: number; changeSatoshis: number }
>("funding");

/** Those of `zero-fee-commitments` have keys of their own: `zeroFeeVectors.test.ts`. */
export const vectorsOf = {
  "static-remotekey": appendixC.vectors,
  "anchors-zero-fee-htlc": appendixF.vectors,
} satisfies Partial<Record<FormatName, readonly FixtureVector[]>>;

/** A figure of Appendix C, in hex. */
export function figure(name: string): Uint8Array {
  const text = appendixC.params[name];
  if (text === undefined) throw new Error(`no figure ${name}`);
  return fromHex(text);
}

export const point = (name: string): Point => figure(name) as Point;

export const funding: FundingOutput = {
  outPoint: { txid: appendixC.params["fundingTxid"] as Txid, index: 0 },
  capacity: sat(appendixC.params.fundingSatoshis),
  localKey: point("localFundingPubkey"),
  remoteKey: point("remoteFundingPubkey"),
};

function publicKeyOf(name: string): Point {
  return crypto().publicKey(figure(name)) as Point;
}

export function paramsOf(format: FormatName, dustLimit = appendixC.params.localDustLimit): ChannelParams {
  const localPayment = point("localPaymentBasepoint");
  const remotePayment = point("remotePaymentBasepoint");
  const delayed = publicKeyOf("localDelayedPaymentBasepointSecret");
  const revocation = publicKeyOf("remoteRevocationBasepointSecret");
  const party: Omit<PartyParams, "basepoints"> = {
    dustLimit: sat(dustLimit),
    maxHtlcValueInFlight: msat(10n ** 12n),
    channelReserve: sat(10_000),
    htlcMinimum: msat(1),
    toSelfDelay: appendixC.params.localDelay,
    maxAcceptedHtlcs: 483,
  };
  return {
    format,
    isOpener: true,
    local: {
      ...party,
      basepoints: { revocation: delayed, payment: localPayment, delayedPayment: delayed, htlc: localPayment },
    },
    remote: {
      ...party,
      basepoints: { revocation, payment: remotePayment, delayedPayment: revocation, htlc: remotePayment },
    },
  };
}

export function preimageOf(id: number): Uint8Array {
  return fromHex(appendixC.htlcs[id]?.preimage ?? "");
}

export function specHtlc(id: number): SpecHtlc {
  const htlc = appendixC.htlcs[id];
  if (htlc === undefined) throw new Error(`no HTLC ${id}`);
  return {
    direction: htlc.direction === "local->remote" ? "outgoing" : "incoming",
    id: htlcId(id),
    amount: msat(htlc.amountMsat),
    paymentHash: paymentHashOf(crypto().sha256(fromHex(htlc.preimage))),
    cltvExpiry: htlc.expiry,
  };
}

export function buildVector(format: FormatName, vector: FixtureVector): BuiltCommitment {
  const params = paramsOf(format, vector.dustLimit);
  return buildCommitment({
    params,
    side: "local",
    funding,
    number: commitmentNumber(42),
    keys: commitmentKeys(params, "local", point("localPerCommitmentPoint")),
    spec: {
      feerate: feeratePerKw(vector.feeratePerKw),
      toLocal: msat(vector.toLocalMsat),
      toRemote: msat(vector.toRemoteMsat),
      htlcs: vector.htlcs.map(specHtlc),
    },
  });
}

/** The vectors' signatures are plain RFC 6979, not ground to a low R. */
export function signPlainly(hash: Uint8Array, privateKey: string): Signature {
  return crypto().ecdsaSignRecoverable(hash, figure(privateKey)).signature as Signature;
}
