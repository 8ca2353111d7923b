import { point, type TypeOf, varBytes } from "../codec/index.ts";
import { message } from "./message.ts";

/** An onion that carries a message instead of a payment. */
export const onionMessage = message(
  { type: "onion_message", number: 513, section: 'BOLT 4, "The onion_message Message"' },
  { pathKey: point, onionMessagePacket: varBytes },
);
/** @ldk lightning::ln::msgs::OnionMessage */
export interface OnionMessage extends TypeOf<typeof onionMessage> {}
