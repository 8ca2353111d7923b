export {
  type Copied,
  type CopyOptions,
  type CopyProgress,
  copyStore,
  markMoved,
  takeBackMove,
} from "./copyStore.ts";
export { checkExport, exportedBytes, type ImportOptions, importBytes } from "./exportedBytes.ts";
