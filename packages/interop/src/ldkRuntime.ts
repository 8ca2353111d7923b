import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { initializeWasmFromBinary } from "lightningdevkit";

/**
 * Loads LDK's WebAssembly. The bindings print their version and Rust's panics with `console.log`; from here on those
 * lines go to stderr, because stdout carries the control protocol.
 */
export async function loadLdk(): Promise<void> {
  console.log = console.error;
  await initializeWasmFromBinary(
    readFileSync(fileURLToPath(import.meta.resolve("lightningdevkit/liblightningjs.wasm"))),
  );
}
