/** Milliseconds that HTLCs wait on average, as with LDK. */
const mean = 50;
const longest = 10 * mean;

/**
 * A time to wait, in milliseconds: 50 on average, at most 500. Short waits are likelier than long ones, and how long
 * one has lasted says nothing about how much longer it will: an observer who sees an HTLC come and go cannot tell the
 * wait from the work.
 *
 * @ldk lightning_background_processor batch_delay
 */
export function randomForwardDelay(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return Math.min(longest, Math.round(-mean * Math.log((random + 1) / 2 ** 32)));
}
