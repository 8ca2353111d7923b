/** A call or an answer on one line; bigints and bytes are tagged. */
export function textOfCall(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === "bigint") return { $n: one.toString() };
    return one instanceof Uint8Array ? { $x: Buffer.from(one).toString("hex") } : one;
  });
}

export function parseCall<T>(line: string): T {
  return JSON.parse(line, (_, one: { $n?: string; $x?: string } | null) => {
    if (one !== null && typeof one === "object" && one.$n !== undefined) return BigInt(one.$n);
    if (one !== null && typeof one === "object" && one.$x !== undefined)
      return new Uint8Array(Buffer.from(one.$x, "hex"));
    return one;
  }) as T;
}
