/**
 * What a token may do. `read` sees everything and moves nothing, `receive` makes invoices and addresses, `pay` spends
 * what channels hold, `admin` does everything: channels, peers, coins on the chain, backups.
 */
export const scopes = ["read", "receive", "pay", "admin"] as const;

/** One of `scopes`. */
export type Scope = (typeof scopes)[number];

/** Whether a text from outside is a scope. */
export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** Whether a token with these scopes may do what needs `needed`. Only `admin` contains others. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.includes(needed) || held.includes("admin");
}
