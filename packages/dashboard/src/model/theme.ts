/** Light on dark, or dark on light. */
export type Theme = "light" | "dark";

const key = "fulmen-theme";

/**
 * What of a browser a theme needs. Its storage may be blocked, and throw: then the choice lasts as long as the page.
 */
export interface ThemeHost {
  readonly storage: () => Pick<Storage, "getItem" | "setItem">;
  readonly prefersDark: boolean;
}

/** The theme that was chosen here before, or that of the system. */
export function chosenTheme({ storage, prefersDark }: ThemeHost): Theme {
  try {
    const chosen = storage().getItem(key);
    if (chosen === "light" || chosen === "dark") return chosen;
  } catch {
    // Then the system's.
  }
  return prefersDark ? "dark" : "light";
}

/** Remembers a choice, where that is possible. */
export function keepTheme({ storage }: Pick<ThemeHost, "storage">, theme: Theme): void {
  try {
    storage().setItem(key, theme);
  } catch {
    // It lasts as long as the page.
  }
}
