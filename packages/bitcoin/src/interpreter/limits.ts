/** Bytes of a script before tapscript. */
export const maxScriptSize = 10_000;
/** Bytes of an element that is pushed or stands on a witness stack. */
export const maxElementSize = 520;
/** Opcodes above `OP_16` in a script before tapscript; keys of a multisig count too. */
export const maxOpsPerScript = 201;
/** Elements of both stacks together. */
export const maxStackSize = 1000;
export const maxPubkeysPerMultisig = 20;
/** Lock times from here on are Unix seconds, below they are heights. */
export const locktimeThreshold = 500_000_000;
/** A sequence with this bit is no relative lock (BIP 68). */
export const sequenceDisableFlag = 0x8000_0000;
/** A relative lock with this bit counts units of 512 seconds instead of blocks (BIP 68). */
export const sequenceTypeFlag = 0x0040_0000;
/** The part of a sequence that is the length of the relative lock (BIP 68). */
export const sequenceMask = 0xffff;
