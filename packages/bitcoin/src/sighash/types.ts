/** Commits to all inputs and outputs (BIP 143, BIP 341). */
export const sighashAll = 0x01;
/** Commits to no output. */
export const sighashNone = 0x02;
/** Commits to the one output with the index of the input. */
export const sighashSingle = 0x03;
/** Added to another type: commits to one input only. */
export const sighashAnyoneCanPay = 0x80;
/** Taproot's `sighashAll` that takes no byte in the witness (BIP 341). */
export const sighashDefault = 0x00;

/** Whether BIP 341 gives `type` a meaning; all other types fail. */
export function isTaprootSighashType(type: number): boolean {
  return (
    type === sighashDefault || ((type & ~sighashAnyoneCanPay) >= 1 && (type & ~sighashAnyoneCanPay) <= 3)
  );
}

/** The part of a type that says which outputs are committed to. */
export function outputsOf(type: number): "all" | "none" | "single" {
  switch (type & 0x1f) {
    case sighashNone:
      return "none";
    case sighashSingle:
      return "single";
  }
  return "all";
}

export function anyoneCanPay(type: number): boolean {
  return (type & sighashAnyoneCanPay) !== 0;
}
