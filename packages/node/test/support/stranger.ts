import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { NoiseConnection } from "@fulmen/lightning/noise";
import { KeysManager } from "@fulmen/lightning/sign";
import { fromHex, type Point } from "@fulmen/lightning/util";
import { encodeMessage, Features, type LightningMessage } from "@fulmen/lightning/wire";

const features = Features.of({
  var_onion_optin: "required",
  payment_secret: "required",
  option_static_remotekey: "required",
  option_anchors: "optional",
});
const none = new Uint8Array(0);

/** A peer that says what a test wants, and counts what it is answered, by the number of the message's type. */
export interface Stranger {
  send(message: LightningMessage): void;
  answers(type: number): number;
  end(): void;
}

/** Connects to a node, through handshake and `init`. */
export function stranger(uri: string): Promise<Stranger> {
  const [id = "", where = ""] = uri.split("@");
  const us = new KeysManager(new Uint8Array(randomBytes(32)));
  const socket = connect({ host: "127.0.0.1", port: Number(where.split(":").at(-1)), noDelay: true });
  const remote = fromHex(id) as Point;
  const { connection, actOne } = NoiseConnection.outbound(us, remote, new Uint8Array(randomBytes(32)));
  const counts = new Map<number, number>();
  let isOpen = false;
  const send = (message: LightningMessage): void =>
    void socket.write(connection.encrypt(encodeMessage(message)));
  socket.on("connect", () => socket.write(actOne));
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the node hung up")));
    socket.on("data", (chunk) => {
      const { reply, messages } = connection.receive(new Uint8Array(chunk));
      if (reply !== undefined) socket.write(reply);
      for (const message of messages) {
        const type = new DataView(message.buffer, message.byteOffset).getUint16(0);
        counts.set(type, (counts.get(type) ?? 0) + 1);
      }
      if (isOpen || connection.remote === undefined) return;
      isOpen = true;
      send({ type: "init", globalfeatures: none, features: features.toBytes(), tlvs: {} });
      resolve({ send, answers: (type) => counts.get(type) ?? 0, end: () => void socket.destroy() });
    });
  });
}
