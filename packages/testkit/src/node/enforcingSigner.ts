import { crypto } from "@fulmen/bitcoin/crypto";
import { txid } from "@fulmen/bitcoin/transaction";
import { commitmentSighash } from "@fulmen/lightning/commitment";
import type {
  ChannelSigner,
  OutputSpend,
  OutputSpendSigner,
  SigningAnswer,
  SigningRequest,
} from "@fulmen/lightning/sign";
import type { CommitmentNumber, Point, Signature } from "@fulmen/lightning/util";
import { toHex } from "@fulmen/lightning/util";

/** What a signer has promised by what it has signed. Numbers are those of commitments, from 0. */
export interface SignerState {
  /** The last commitment of the peer that was signed: its number, and the txid for each funding. */
  readonly counterparty?: { readonly number: number; readonly txids: string };
  /** Secrets of our commitments below this number were given away. */
  readonly revoked: number;
  /** The first of our own commitments that was signed to be broadcast. */
  readonly holderSigned?: number;
}

const unused: SignerState = { revoked: 0 };

/**
 * What the signers of a node remember. It is kept apart from the node, so that a test can say what survives a crash:
 * what a signer did for a batch that was never committed was never seen by anybody and is to be forgotten (`restore`).
 */
export class SignerMemory {
  #states = new Map<string, SignerState>();
  readonly #violations: string[] = [];

  /** What was asked against the rules, in words; empty for a correct node. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  get(name: string): SignerState {
    return this.#states.get(name) ?? unused;
  }

  set(name: string, state: SignerState): void {
    this.#states.set(name, state);
  }

  violated(text: string): void {
    this.#violations.push(text);
  }

  /** All that is remembered now; later changes are not seen in it. */
  snapshot(): ReadonlyMap<string, SignerState> {
    return new Map(this.#states);
  }

  restore(snapshot: ReadonlyMap<string, SignerState>): void {
    this.#states = new Map(snapshot);
  }
}

/**
 * Signs as `signer` does, and refuses what a correct node never asks for:
 *
 * - two different commitments of the peer with one number, or a number that does not follow;
 * - the secret of a commitment of ours before the next one is fully signed by the peer, out of order, or after our own
 *   signature of it went out;
 * - our signature of a commitment whose secret was given away.
 *
 * Every refusal is also in `SignerMemory.violations`.
 *
 * @ldk lightning::util::test_channel_signer::TestChannelSigner
 */
export class EnforcingSigner implements ChannelSigner, OutputSpendSigner {
  readonly #signer: ChannelSigner & OutputSpendSigner;
  readonly #memory: SignerMemory;
  readonly #name: string;
  readonly #answersLate: () => boolean;

  constructor(
    signer: ChannelSigner & OutputSpendSigner,
    memory: SignerMemory,
    channelKeysId: Uint8Array,
    answersLate: () => boolean = () => false,
  ) {
    this.#signer = signer;
    this.#memory = memory;
    this.#name = toHex(channelKeysId);
    this.#answersLate = answersLate;
  }

  get fundingKey(): Point {
    return this.#signer.fundingKey;
  }

  get basepoints(): ChannelSigner["basepoints"] {
    return this.#signer.basepoints;
  }

  point(number: CommitmentNumber): Point {
    return this.#signer.point(number);
  }

  /** Monitors ask for our own commitment; they are answered at once. */
  sign(request: SigningRequest): SigningAnswer | undefined {
    if (this.#answersLate() && request.kind !== "holder-commitment") return undefined;
    return this.answer(request);
  }

  /** The answer to a request, whether it is kept back or not. */
  answer(request: SigningRequest): SigningAnswer | undefined {
    const verdict = judge(this.#memory.get(this.#name), request);
    if (typeof verdict === "string") {
      this.#memory.violated(`channel keys ${this.#name.slice(0, 8)}: ${verdict}`);
      return { kind: "refused", reason: verdict };
    }
    const answer = this.#signer.sign(request);
    if (answer !== undefined && answer.kind !== "refused") this.#memory.set(this.#name, verdict);
    return answer;
  }

  signSpend(spend: OutputSpend): Signature | undefined {
    return this.#signer.signSpend(spend);
  }
}

/** The state after the request, or what is wrong with it. */
function judge(state: SignerState, request: SigningRequest): SignerState | string {
  switch (request.kind) {
    case "counterparty-commitment":
      return judgeCounterpartyCommitment(state, request);
    case "revocation":
      return judgeRevocation(state, request);
    case "holder-commitment": {
      const { number } = request;
      if (number < state.revoked) {
        return `sign our commitment ${number} though secrets below ${state.revoked} were given away`;
      }
      return { ...state, holderSigned: Math.min(number, state.holderSigned ?? number) };
    }
    case "closing":
    case "channel-announcement":
      return state;
  }
}

function judgeCounterpartyCommitment(
  state: SignerState,
  { number, commitments }: Extract<SigningRequest, { kind: "counterparty-commitment" }>,
): SignerState | string {
  const txids = commitments.map(({ built }) => txid(built.transaction)).join(" ");
  const last = state.counterparty;
  if (last?.number === number) {
    return last.txids === txids ? state : `sign two different commitments ${number} of the peer`;
  }
  const next = last === undefined ? 0 : last.number + 1;
  if (number !== next) return `sign commitment ${number} of the peer, ${next} comes next`;
  return { ...state, counterparty: { number, txids } };
}

function judgeRevocation(
  state: SignerState,
  { number, next }: Extract<SigningRequest, { kind: "revocation" }>,
): SignerState | string {
  if (state.holderSigned !== undefined && state.holderSigned <= number) {
    return `give secret ${number} though our commitment ${state.holderSigned} was signed`;
  }
  if (number === state.revoked - 1) return state;
  if (number !== state.revoked) return `give secret ${number}, ${state.revoked} comes next`;
  if (next.length === 0) return `give secret ${number} before the next commitment is signed`;
  for (const { funding, built, signature, htlcSignatures } of next) {
    const sighash = commitmentSighash(built, funding.capacity);
    if (!crypto().ecdsaVerify(signature, sighash, funding.remoteKey)) {
      return `give secret ${number} though the peer's signature of the next commitment is bad`;
    }
    if (htlcSignatures.length !== built.htlcs.length) {
      return `give secret ${number} with ${htlcSignatures.length} signatures for ${built.htlcs.length} HTLCs`;
    }
  }
  return { ...state, revoked: number + 1 };
}
