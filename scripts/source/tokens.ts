/** One token of a TypeScript source; comments and white space leave none. */
export interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "number" | "punctuation";
  /** As written; of a string, what stands between the quotes. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

const wordsBeforeRegex = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "await",
]);

const word = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy;
const number = /\d[\w.]*/y;
const space = /\s+/y;
const lineComment = /\/\/[^\n]*/y;
const blockComment = /\/\*[\s\S]*?\*\//y;
const quoted = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const templateChunk = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const arrow = /=>|\?\./y;

/**
 * Splits TypeScript source into tokens, well enough to tell code from comments, strings and regular expressions.
 * Code inside `${}` of a template is code. Throws `SyntaxError` on what it cannot read.
 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  /** For every `${` that is open: how many braces have been opened inside it. */
  const openInTemplates: number[] = [];
  let position = 0;
  let line = 1;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) return undefined;
    position += text.length;
    return text;
  };
  const push = (kind: Token["kind"], text: string, length = text): void => {
    tokens.push({ kind, text, line });
    line += newlinesIn(length);
  };
  const chunk = (): void => {
    push("template", take(templateChunk) ?? "");
    if (source.startsWith("${", position)) {
      position += 2;
      openInTemplates.push(0);
    } else if (source[position] === "`") position += 1;
    else throw new SyntaxError(`line ${line}: a template that does not end`);
  };
  const brace = (text: string): boolean => {
    const open = openInTemplates.at(-1);
    if (open === undefined) return false;
    if (text === "{") openInTemplates[openInTemplates.length - 1] = open + 1;
    else if (open > 0) openInTemplates[openInTemplates.length - 1] = open - 1;
    else {
      openInTemplates.pop();
      return true;
    }
    return false;
  };

  while (position < source.length) {
    const skipped = take(space) ?? take(lineComment) ?? take(blockComment);
    if (skipped !== undefined) {
      line += newlinesIn(skipped);
      continue;
    }
    const name = take(word);
    if (name !== undefined) {
      push("word", name);
      continue;
    }
    const digits = take(number);
    if (digits !== undefined) {
      push("number", digits);
      continue;
    }
    const text = take(quoted);
    if (text !== undefined) {
      push("string", text.slice(1, -1), text);
      continue;
    }
    if (source[position] === "/" && mayStartRegex(tokens.at(-1))) {
      const pattern = take(regex);
      if (pattern !== undefined) {
        push("regex", pattern);
        continue;
      }
    }
    if (source[position] === "`") {
      position += 1;
      chunk();
      continue;
    }
    const punctuation = take(arrow) ?? source.charAt(position++);
    if ((punctuation === "{" || punctuation === "}") && brace(punctuation)) chunk();
    else push("punctuation", punctuation);
  }
  return tokens;
}

function newlinesIn(text: string): number {
  return text.split("\n").length - 1;
}

function mayStartRegex(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "word") return wordsBeforeRegex.has(previous.text);
  return previous.kind === "punctuation" && !")]}".includes(previous.text);
}
