/**
 * A rule that can be asked for, by Bitcoin Core's names (`SCRIPT_VERIFY_...`). Adding one only ever refuses more,
 * except that `witness` needs `p2sh`, and `cleanstack` needs both.
 */
export type ScriptFlag =
  | "p2sh"
  | "strictenc"
  | "dersig"
  | "low-s"
  | "nulldummy"
  | "sigpushonly"
  | "minimaldata"
  | "discourage-upgradable-nops"
  | "cleanstack"
  | "checklocktimeverify"
  | "checksequenceverify"
  | "witness"
  | "discourage-upgradable-witness-program"
  | "minimalif"
  | "nullfail"
  | "witness-pubkeytype"
  | "const-scriptcode"
  | "taproot"
  | "discourage-upgradable-taproot-version"
  | "discourage-op-success"
  | "discourage-upgradable-pubkeytype";

export type ScriptFlags = ReadonlySet<ScriptFlag>;

const consensus: readonly ScriptFlag[] = [
  "p2sh",
  "dersig",
  "nulldummy",
  "checklocktimeverify",
  "checksequenceverify",
  "witness",
  "taproot",
];

/** What blocks are held to since taproot is active. */
export const consensusFlags: ScriptFlags = new Set(consensus);

/** What nodes relay (Bitcoin Core's `STANDARD_SCRIPT_VERIFY_FLAGS`): spends of a wallet or channel should pass it. */
export const standardFlags: ScriptFlags = new Set<ScriptFlag>([
  ...consensus,
  "strictenc",
  "minimaldata",
  "discourage-upgradable-nops",
  "cleanstack",
  "minimalif",
  "nullfail",
  "low-s",
  "discourage-upgradable-witness-program",
  "witness-pubkeytype",
  "const-scriptcode",
  "discourage-upgradable-taproot-version",
  "discourage-op-success",
  "discourage-upgradable-pubkeytype",
]);
