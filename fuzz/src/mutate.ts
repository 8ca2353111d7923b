import type { Dice } from "@fulmen/testkit/network";

/** A few bytes changed, cut, doubled or taken out. */
export function mutated(original: Uint8Array, dice: Dice): Uint8Array {
  let bytes = original.slice();
  for (let left = 1 + dice.roll(4); left > 0; left--) {
    const at = dice.roll(bytes.length);
    switch (dice.roll(6)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1: {
        const part = bytes.slice(at, at + dice.roll(100));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
        break;
      }
      case 2:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + dice.roll(9))]);
        break;
      case 3:
        bytes.fill(255, at, at + 1 + dice.roll(9));
        break;
      default:
        bytes[at] = dice.roll(256);
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}
