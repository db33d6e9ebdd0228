// What a client does after a close, as the protocol says (asyncapi.json). Pure
// functions, tested without a browser.

const NEVER = new Map([
  [4001, 'invalid_grant'], [4003, 'banned'], [4004, 'class_ended'], [4005, 'superseded'],
  [4006, 'protocol_error'], [4014, 'removed'], [1009, 'too_large'],
]);

/**
 * closeOf says what a close code means: { name, back }, where back is
 *   never   only when the person asks for it
 *   grant   with a new grant, as all that follow
 *   resume  with the epoch and seq that the client has
 *   fresh   without them
 */
export function closeOf(code) {
  if (NEVER.has(code)) {
    return { name: NEVER.get(code), back: 'never' };
  }
  switch (code) {
    case 4002: return { name: 'expired_grant', back: 'grant' };
    case 4013: return { name: 'epoch_reset', back: 'fresh' };
    default: return { name: 'lost', back: 'resume' };
  }
}

const LEAST_MS = 1000;
const MOST_MS = 30000;

/** backOff is how long to wait before try number n, the first being 0: 1 to 30 s, at random. */
export function backOff(n, random = Math.random) {
  const most = Math.min(MOST_MS, 2 * LEAST_MS * 2 ** Math.min(n, 10));
  return LEAST_MS + random() * (most - LEAST_MS);
}
