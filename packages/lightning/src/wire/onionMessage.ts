import { point, type TypeOf, varBytes } from "../codec/index.ts";
import { message } from "./message.ts";

export const onionMessage = message(
  { type: "onion_message", number: 513, section: 'BOLT 4, "The onion_message Message"' },
  { pathKey: point, onionMessagePacket: varBytes },
);
export interface OnionMessage extends TypeOf<typeof onionMessage> {}
