import type { Point } from "../util/bytes.ts";
import { type NodeId, nodeIdOf } from "../util/ids.ts";
import { InvariantError } from "../util/invariant.ts";
import { lengthPrefixLength, NoiseCipher, tagLength } from "./cipher.ts";
import {
  actOneLength,
  actThreeLength,
  actTwoLength,
  InitiatorHandshake,
  ResponderHandshake,
  type StaticKey,
} from "./handshake.ts";
import { type NoiseError, noiseError } from "./noiseError.ts";
import { StreamCutter } from "./streamCutter.ts";

/** What a chunk of bytes led to. */
export interface NoiseReceived {
  /** An act of the handshake, to be sent before anything else. */
  readonly reply: Uint8Array | undefined;
  /** Decrypted messages in their order; each is the caller's. */
  readonly messages: readonly Uint8Array[];
  /** The connection must be closed; `messages` came before the fault and are good. */
  readonly error: NoiseError | undefined;
}

type State = Awaiting | { readonly kind: "failed"; readonly error: NoiseError };
type Awaiting =
  | { readonly kind: "awaits-act-one"; readonly handshake: ResponderHandshake }
  | { readonly kind: "awaits-act-two"; readonly handshake: InitiatorHandshake; readonly remote: NodeId }
  | { readonly kind: "awaits-act-three"; readonly handshake: ResponderHandshake }
  | { readonly kind: "awaits-length"; readonly cipher: NoiseCipher; readonly remote: NodeId }
  | {
      readonly kind: "awaits-message";
      readonly cipher: NoiseCipher;
      readonly remote: NodeId;
      readonly length: number;
    };

/**
 * BOLT 8 from the first byte of a connection to its last, without any input or output of its own: bytes come in as
 * the network cuts them, and at most one unfinished message (65,551 bytes) is held.
 */
export class NoiseConnection {
  #state: State;
  readonly #stream = new StreamCutter();

  private constructor(state: State) {
    this.#state = state;
  }

  /** We connect to `remote`; `actOne` is to be sent at once. `ephemeralKey` is a fresh, random private key. */
  static outbound(
    us: StaticKey,
    remote: Point,
    ephemeralKey: Uint8Array,
  ): { connection: NoiseConnection; actOne: Uint8Array } {
    const handshake = new InitiatorHandshake(us, remote, ephemeralKey);
    const actOne = handshake.actOne();
    const connection = new NoiseConnection({ kind: "awaits-act-two", handshake, remote: nodeIdOf(remote) });
    return { connection, actOne };
  }

  /** Somebody connects to us. `ephemeralKey` is a fresh, random private key. */
  static inbound(us: StaticKey, ephemeralKey: Uint8Array): NoiseConnection {
    return new NoiseConnection({
      kind: "awaits-act-one",
      handshake: new ResponderHandshake(us, ephemeralKey),
    });
  }

  /** Who the peer has proved to be; `undefined` until the handshake is done, and after a failure. */
  get remote(): NodeId | undefined {
    return this.#open()?.remote;
  }

  /** The bytes to send for `message`. Only once `remote` is known. */
  encrypt(message: Uint8Array): Uint8Array {
    return this.encryptAll([message]);
  }

  /** The bytes to send for several messages, in one buffer. Only once `remote` is known. */
  encryptAll(messages: readonly Uint8Array[]): Uint8Array {
    const open = this.#open();
    if (open === undefined) throw new InvariantError(`message sent while ${this.#state.kind}`);
    return open.cipher.encryptAll(messages);
  }

  /** Takes the next bytes of the stream, in pieces of any size. After an error, nothing but that error comes back. */
  receive(chunk: Uint8Array): NoiseReceived {
    const messages: Uint8Array[] = [];
    let reply: Uint8Array | undefined;
    this.#stream.feed(chunk);
    while (this.#state.kind !== "failed") {
      const piece = this.#stream.take(lengthAwaited(this.#state));
      if (piece === undefined) return { reply, messages, error: undefined };
      const { state, actToSend, message } = advance(this.#state, piece);
      this.#state = state;
      reply = actToSend ?? reply;
      if (message !== undefined) messages.push(message);
    }
    return { reply, messages, error: this.#state.error };
  }

  #open(): Extract<State, { cipher: NoiseCipher }> | undefined {
    const state = this.#state;
    return state.kind === "awaits-length" || state.kind === "awaits-message" ? state : undefined;
  }
}

interface Advanced {
  readonly state: State;
  readonly actToSend?: Uint8Array;
  readonly message?: Uint8Array;
}

function lengthAwaited(state: Awaiting): number {
  switch (state.kind) {
    case "awaits-act-one":
      return actOneLength;
    case "awaits-act-two":
      return actTwoLength;
    case "awaits-act-three":
      return actThreeLength;
    case "awaits-length":
      return lengthPrefixLength;
    case "awaits-message":
      return state.length + tagLength;
  }
}

function advance(state: Awaiting, piece: Uint8Array): Advanced {
  switch (state.kind) {
    case "awaits-act-one": {
      const { handshake } = state;
      const act = handshake.actOne(piece);
      if (!act.ok) return failed(act.error);
      return { state: { kind: "awaits-act-three", handshake }, actToSend: act.value };
    }
    case "awaits-act-two": {
      const act = state.handshake.actTwo(piece);
      if (!act.ok) return failed(act.error);
      const cipher = new NoiseCipher(act.value.keys);
      const { remote } = state;
      return { state: { kind: "awaits-length", cipher, remote }, actToSend: act.value.actThree };
    }
    case "awaits-act-three": {
      const act = state.handshake.actThree(piece);
      if (!act.ok) return failed(act.error);
      const { remote, keys } = act.value;
      return { state: { kind: "awaits-length", cipher: new NoiseCipher(keys), remote } };
    }
    case "awaits-length": {
      const { cipher, remote } = state;
      const length = cipher.decryptLength(piece);
      if (length === undefined) return failed(noiseError("length", "bad-tag"));
      return { state: { kind: "awaits-message", cipher, remote, length } };
    }
    case "awaits-message": {
      const { cipher, remote } = state;
      const message = cipher.decryptMessage(piece);
      if (message === undefined) return failed(noiseError("message", "bad-tag"));
      return { state: { kind: "awaits-length", cipher, remote }, message };
    }
  }
}

function failed(error: NoiseError): Advanced {
  return { state: { kind: "failed", error } };
}
