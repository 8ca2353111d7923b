import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { NoiseConnection } from "@fulmen/lightning/noise";
import { KeysManager } from "@fulmen/lightning/sign";
import { fromHex, type Point } from "@fulmen/lightning/util";
import { encodeMessage, Features } from "@fulmen/lightning/wire";

const features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  option_static_remotekey: "required",
});
const none = new Uint8Array(0);
const [pingType, pongType] = [18, 19];
const mostPong = 65_531;
/** Of pongs that a slow reader asks for, and does not read: 3 MB. */
const pings = 50;
/** Milliseconds: twenty minutes of a node whose time goes ten times as fast. */
const longestRest = 120_000;

/** Peers without channels, each with a key of its own, that come back when they are sent away. */
export class Crowd {
  connected = 0;
  /** Connections that were through with the handshake. */
  met = 0;
  readonly #sockets = new Set<Socket>();
  readonly #uri: string;
  #isEnded = false;

  constructor(uri: string) {
    this.#uri = uri;
  }

  /** `isSlow`: it asks for megabytes, reads nothing of them, and ends with the half of a message. */
  join(isSlow: boolean): void {
    const us = new KeysManager(new Uint8Array(randomBytes(32)));
    const again = (): void => {
      if (!this.#isEnded) this.#connect(us, isSlow, () => setTimeout(again, Math.random() * longestRest));
    };
    again();
  }

  end(): void {
    this.#isEnded = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(us: KeysManager, isSlow: boolean, closed: () => void): void {
    const [id = "", where = ""] = this.#uri.split("@");
    const port = Number(where.split(":").at(-1));
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#sockets.add(socket);
    const remote = fromHex(id) as Point;
    const { connection, actOne } = NoiseConnection.outbound(us, remote, new Uint8Array(randomBytes(32)));
    let isOpen = false;
    const write = (bytes: Uint8Array): void => void socket.write(connection.encrypt(bytes));
    socket.on("connect", () => socket.write(actOne));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (isOpen) this.connected--;
      closed();
    });
    socket.on("data", (chunk) => {
      const { reply, messages, error } = connection.receive(new Uint8Array(chunk));
      if (error !== undefined) {
        socket.destroy();
        return;
      }
      if (reply !== undefined) socket.write(reply);
      if (!isOpen && connection.remote !== undefined) {
        isOpen = true;
        this.connected++;
        this.met++;
        write(encodeMessage({ type: "init", globalfeatures: none, features: features.toBytes(), tlvs: {} }));
        if (isSlow) {
          for (let i = 0; i < pings; i++) write(pingFor(mostPong));
          const last = connection.encrypt(pingFor(1));
          socket.write(last.subarray(0, last.length / 2));
          socket.pause();
          return;
        }
      }
      for (const message of messages) {
        const view = new DataView(message.buffer, message.byteOffset);
        if (view.getUint16(0) === pingType) write(pong(view.getUint16(2)));
      }
    });
  }
}

function pingFor(pongBytes: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, pingType);
  view.setUint16(2, pongBytes);
  return bytes;
}

function pong(length: number): Uint8Array {
  const bytes = new Uint8Array(4 + (length <= mostPong ? length : 0));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, pongType);
  view.setUint16(2, bytes.length - 4);
  return bytes;
}
