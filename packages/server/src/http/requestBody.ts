import { RequestRefusal } from "../refusal.ts";

/** The largest body that any operation takes. */
const maxBodyBytes = 65_536;

/**
 * The JSON object in a request's body; empty where there is none. A body that says it is too large is refused before a
 * byte of it is read, one that does not say so as soon as it has become too large.
 */
export async function readJsonBody(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBodyBytes) throw tooLarge(`${declared} bytes`);
  const text = await readText(request);
  if (text === "") return {};
  const type = request.headers.get("content-type") ?? "";
  // A page of another site cannot send this type without being asked first.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new RequestRefusal(
      "unsupported-media-type",
      `The body's type is ${JSON.stringify(type.slice(0, 80))}.`,
      "Send JSON, with the header Content-Type: application/json.",
    );
  return parseObject(text);
}

async function readText(request: Request): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      throw new RequestRefusal("bad-request", "The body broke off.", "Send it to its end.");
    });
    if (done) break;
    size += value.length;
    if (size > maxBodyBytes) {
      // Its end is not awaited: that may never come.
      reader.cancel().catch(() => undefined);
      throw tooLarge(`more than ${maxBodyBytes} bytes`);
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RequestRefusal(
      "invalid-json",
      `The body is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : ""}`,
      "Send one JSON object.",
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RequestRefusal("invalid-json", "The body is not a JSON object.", "Send one JSON object.");
  return { ...value };
}

function tooLarge(size: string): RequestRefusal {
  return new RequestRefusal(
    "body-too-large",
    `The body has ${size}; ${maxBodyBytes} are taken.`,
    "Send less: no operation needs as much.",
  );
}
