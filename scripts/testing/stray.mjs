/** Whether a diagnostic tells of an error that a test caused after it had ended; node:test lets the test pass. */
export function isStray({ message }) {
  return message.includes("generated asynchronous activity after the test ended");
}
