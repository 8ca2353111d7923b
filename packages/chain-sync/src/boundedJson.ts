/** Lists in lists and the like: servers' answers have less than ten. */
const deepest = 100;
/**
 * Values: more of them would take far more memory than their text is long. A list of all that waits in a mempool has
 * less.
 */
const mostValues = 1_000_000;

const [quote, comma, backslash] = [0x22, 0x2c, 0x5c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * The value of a text that a server sent. Throws `SyntaxError` for one that is no JSON, and for one that is too deep
 * for those who work recursively, or of too many values.
 */
export function boundedJson(text: string): unknown {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at + 1);
        break;
      case openList:
      case openObject:
        depth++;
        values++;
        break;
      case closeList:
      case closeObject:
        depth--;
        break;
      case comma:
        values++;
        break;
    }
    if (depth > deepest || values > mostValues) throw new SyntaxError("JSON that is too deep, or too rich");
  }
  return JSON.parse(text);
}

/** Where the quote is that ends a string which begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}
