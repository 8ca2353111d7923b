export { chacha20FromBlock } from "./chacha20Block.ts";
export {
  derivePrivateKey,
  derivePublicKey,
  deriveRevocationPrivateKey,
  deriveRevocationPublicKey,
  isPerCommitmentSecret,
  perCommitmentPoint,
} from "./keyDerivation.ts";
export { KeyedHmac } from "./keyedHmac.ts";
export {
  CommitmentSecrets,
  commitmentSecret,
  emptyShachain,
  insertSecret,
  nextNumber,
  type ShachainEntry,
  type ShachainStore,
  secretFor,
  type WrongSecret,
} from "./shachain.ts";
export {
  xchacha20NonceLength,
  xchacha20Poly1305Decrypt,
  xchacha20Poly1305Encrypt,
} from "./xchacha20Poly1305.ts";
