/** What else follows from how a text ends. */
interface TextEnd {
  /** Once, however it ends: all was said, the client has gone, or it failed. */
  readonly ended?: () => void;
  /** Hears why it failed; the client sees only that the text broke off. */
  readonly failed: (error: unknown) => void;
}

/** A body whose pieces are made one by one, as the client takes them: one that is slow costs no memory. */
export function textStream(
  pieces: AsyncIterator<string>,
  { ended = () => undefined, failed }: TextEnd,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await pieces.next();
        if (done !== true) return controller.enqueue(encoder.encode(value));
        controller.close();
      } catch (error) {
        failed(error);
        controller.error(new Error("The text broke off: see the log."));
      }
      ended();
    },
    async cancel() {
      ended();
      await pieces.return?.();
    },
  });
}
