import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { initializeWasmFromBinary } from "lightningdevkit";

/** Loads LDK's WebAssembly, whose bindings print to stdout; stdout is for results, so that goes to stderr. */
export async function loadLdk(): Promise<void> {
  console.log = console.error;
  const wasm = import.meta.resolve("lightningdevkit/liblightningjs.wasm");
  await initializeWasmFromBinary(readFileSync(fileURLToPath(wasm)));
}
