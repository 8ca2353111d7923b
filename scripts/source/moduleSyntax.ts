import { type Token, tokenize } from "./tokens.ts";

/** `import { imported as local } from "specifier"`, `export ... from`, `import("specifier")` alike. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** The names taken from the other module; `"*"` for all of them (a namespace or a dynamic import). */
  readonly names: readonly string[] | "*";
}

/** A name that a module offers. */
export interface Export {
  readonly name: string;
  readonly line: number;
  readonly origin:
    | { readonly kind: "declared"; readonly isType: boolean; readonly statement: number }
    | { readonly kind: "from"; readonly specifier: string; readonly name: string | "*" };
}

/** What a module takes and offers, read from its text. */
export interface ModuleSyntax {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Specifiers of `export * from`. */
  readonly stars: readonly { readonly specifier: string; readonly line: number }[];
  /** The words of each top-level statement; `Export.origin.statement` points here. */
  readonly statements: readonly ReadonlySet<string>[];
}

/**
 * Reads the imports and exports of a TypeScript module; throws `SyntaxError` on forms that the project does not use.
 */
export function readModule(source: string): ModuleSyntax {
  const reader = new ModuleReader(tokenize(source));
  reader.readAll();
  return reader;
}

interface NamePair {
  readonly name: string;
  readonly as: string;
  readonly line: number;
}

class ModuleReader implements ModuleSyntax {
  readonly imports: Import[] = [];
  readonly exports: Export[] = [];
  readonly stars: { specifier: string; line: number }[] = [];
  readonly statements: Set<string>[] = [];
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  readAll(): void {
    let depth = 0;
    let words = new Set<string>();
    this.statements.push(words);
    for (; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at];
      if (token === undefined) break;
      if (token.kind === "punctuation") {
        if ("{([".includes(token.text)) depth += 1;
        else if ("})]".includes(token.text)) depth -= 1;
        continue;
      }
      if (token.kind !== "word") continue;
      if (depth === 0 && startsStatement.has(token.text) && this.#isAfterStatement()) {
        words = new Set();
        this.statements.push(words);
      }
      words.add(token.text);
      if (token.text === "import" && !this.#isMember()) this.#readImport(depth);
      else if (token.text === "export" && depth === 0) this.#readExport();
    }
  }

  #isAfterStatement(): boolean {
    const previous = this.#tokens[this.#at - 1]?.text;
    return previous === undefined || previous === ";" || previous === "}";
  }

  #isMember(): boolean {
    const previous = this.#tokens[this.#at - 1]?.text;
    return previous === "." || previous === "?.";
  }

  #peek(ahead = 1): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  #isNext(text: string): boolean {
    return this.#peek()?.text === text && this.#peek()?.kind !== "string";
  }

  #next(): Token {
    this.#at += 1;
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new SyntaxError("the module ends inside an import or export");
    return token;
  }

  #expect(text: string): void {
    const token = this.#next();
    if (token.text !== text)
      throw new SyntaxError(`line ${token.line}: "${text}" expected, not "${token.text}"`);
  }

  #specifier(): string {
    const token = this.#next();
    if (token.kind !== "string") throw new SyntaxError(`line ${token.line}: the name of a module expected`);
    return token.text;
  }

  #readImport(depth: number): void {
    const line = this.#tokens[this.#at]?.line ?? 0;
    if (this.#isNext(".")) return; // import.meta
    if (this.#isNext("(")) {
      if (this.#peek(2)?.kind === "string")
        this.imports.push({ specifier: this.#peek(2)?.text ?? "", line, names: "*" });
      return;
    }
    if (depth > 0) return;
    if (this.#peek()?.kind === "string") {
      this.imports.push({ specifier: this.#specifier(), line, names: [] });
      return;
    }
    if (this.#isNext("type") && this.#peek(2)?.text !== "from") this.#next();
    const names: string[] = [];
    let all = false;
    if (this.#peek()?.kind === "word") {
      names.push("default");
      this.#next();
      if (this.#isNext(",")) this.#next();
    }
    if (this.#isNext("*")) {
      this.#next();
      this.#expect("as");
      this.#next();
      all = true;
    } else if (this.#isNext("{")) for (const pair of this.#names()) names.push(pair.name);
    this.#expect("from");
    this.imports.push({ specifier: this.#specifier(), line, names: all ? "*" : names });
  }

  /** `{ a, type b, c as d }` */
  #names(): readonly NamePair[] {
    const pairs: NamePair[] = [];
    this.#expect("{");
    while (!this.#isNext("}")) {
      let token = this.#next();
      if (token.text === "type" && !this.#isNext(",") && !this.#isNext("}") && !this.#isNext("as"))
        token = this.#next();
      let as = token.text;
      if (this.#isNext("as")) {
        this.#next();
        as = this.#next().text;
      }
      pairs.push({ name: token.text, as, line: token.line });
      if (this.#isNext(",")) this.#next();
    }
    this.#expect("}");
    return pairs;
  }

  #readExport(): void {
    const line = this.#tokens[this.#at]?.line ?? 0;
    const opensList = (ahead: number): boolean => ["{", "*"].includes(this.#peek(ahead)?.text ?? "");
    if (this.#isNext("type") && opensList(2)) this.#next();
    if (this.#isNext("*")) this.#readStar(line);
    else if (this.#isNext("{")) this.#readList();
    else this.#readDeclaration(line);
  }

  #readStar(line: number): void {
    this.#next();
    let as: string | undefined;
    if (this.#isNext("as")) {
      this.#next();
      as = this.#next().text;
    }
    this.#expect("from");
    const specifier = this.#specifier();
    if (as === undefined) this.stars.push({ specifier, line });
    else this.exports.push({ name: as, line, origin: { kind: "from", specifier, name: "*" } });
  }

  #readList(): void {
    const pairs = this.#names();
    const from = this.#isNext("from");
    if (from) this.#next();
    const specifier = from ? this.#specifier() : undefined;
    for (const { name, as, line } of pairs) {
      if (specifier !== undefined) {
        this.exports.push({ name: as, line, origin: { kind: "from", specifier, name } });
      } else {
        const declared = { kind: "declared", isType: false, statement: this.statements.length - 1 } as const;
        this.exports.push({ name: as, line, origin: declared });
      }
    }
  }

  #readDeclaration(line: number): void {
    const statement = this.statements.length - 1;
    let token = this.#next();
    if (token.text === "default") {
      this.exports.push({ name: "default", line, origin: { kind: "declared", isType: false, statement } });
      return;
    }
    while (["declare", "abstract", "async"].includes(token.text)) token = this.#next();
    if (!declarations.has(token.text))
      throw new SyntaxError(`line ${line}: "export ${token.text}" is not understood`);
    const isType = token.text === "type" || token.text === "interface";
    if (this.#isNext("*")) this.#next();
    if (this.#isNext("{") || this.#isNext("[")) {
      throw new SyntaxError(`line ${line}: export the parts of a pattern one by one`);
    }
    const name = this.#next().text;
    this.exports.push({ name, line, origin: { kind: "declared", isType, statement } });
    this.statements[statement]?.add(name);
  }
}

const declarations = new Set(["function", "class", "const", "let", "var", "interface", "type", "namespace"]);

const startsStatement = new Set([
  "import",
  "export",
  ...declarations,
  "abstract",
  "declare",
  "async",
  "if",
  "for",
]);
