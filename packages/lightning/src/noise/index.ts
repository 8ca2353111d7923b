export { maxMessageLength, NoiseCipher, type NoiseKeys } from "./cipher.ts";
export { NoiseConnection, type NoiseReceived } from "./connection.ts";
export {
  actOneLength,
  actThreeLength,
  actTwoLength,
  InitiatorHandshake,
  ResponderHandshake,
  type StaticKey,
} from "./handshake.ts";
export type { NoiseError, NoiseStage } from "./noiseError.ts";
