/** How many letters have to be inserted, deleted or replaced to make `b` of `a`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What of `known` was probably meant: nothing when none is near. */
export function suggestion(text: string, known: readonly string[]): string | undefined {
  // Long texts are no typos, and comparing them would take long.
  if (text.length > 60) return undefined;
  const near = known
    .map((name) => ({ name, steps: distance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps)[0];
  return near !== undefined && near.steps <= Math.max(2, Math.floor(text.length / 3)) ? near.name : undefined;
}
