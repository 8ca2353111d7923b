export {
  Account,
  type AccountChoice,
  accountFromDescriptor,
  accountFromExtendedKey,
  accountFromSeed,
  formatDerivation,
  type Keychain,
} from "./account.ts";
export { descriptorChecksum } from "./checksum.ts";
export {
  type Descriptor,
  type DescriptorRefusal,
  formatDescriptor,
  type KeyOrigin,
  parseDescriptor,
  type ScriptKind,
} from "./descriptor.ts";
