// Follows the multivariant playlist at leisure. Players read it once; renditions
// that the server takes out or puts back are only found by asking again.

import { between } from './class-info.mjs';
import { parseMultivariant } from './multivariant.mjs';

const TIMEOUT_MS = 10000;
/** How long between two looks, in ms: when all is well, and after trouble. */
const SELDOM = [150000, 300000];
const OFTEN = [15000, 30000];

/**
 * followOffers keeps what the class offers.
 *
 * @param pass  see pass.mjs
 *
 * current() is { rungs, urls, sound } (see multivariant.mjs) or null while unknown.
 */
export function followOffers(pass) {
  let url = null;
  let now = null;
  let timer = 0;
  let troubled = false;
  let generation = 0;
  const listeners = [];

  function learn(offers) {
    now = offers;
    listeners.forEach((listen) => listen(now));
  }

  function plan() {
    clearTimeout(timer);
    timer = setTimeout(refresh, between(troubled ? OFTEN : SELDOM));
  }

  /** refresh asks now; what cannot be read changes nothing. */
  async function refresh() {
    const mine = generation;
    clearTimeout(timer);
    if (url === null) {
      return null;
    }
    try {
      const next = await fetchOffers(url, pass);
      if (mine === generation && next !== null) {
        learn(next);
      }
    } catch {
      // Offline, or nothing there yet. What we know stays true until we hear otherwise.
    }
    if (mine === generation) {
      plan();
    }
    return now;
  }

  return {
    current: () => now,
    refresh,
    onChange: (listen) => listeners.push(listen),
    /** adopt takes over what a player has just read. */
    adopt(offers) {
      learn(offers);
      plan();
    },
    /** trouble says whether something that should be there is missing. */
    trouble(on) {
      if (troubled !== on) {
        troubled = on;
        plan();
      }
    },
    start(newURL) {
      generation += 1;
      clearTimeout(timer);
      if (url !== newURL) {
        url = newURL;
        now = null;
      }
    },
    stop() {
      generation += 1;
      clearTimeout(timer);
      url = null;
      now = null;
      troubled = false;
    },
  };
}

async function fetchOffers(url, pass) {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(pass.wire(url), { signal: abort.signal, cache: 'no-cache' });
    return response.ok ? parseMultivariant(await response.text(), pass.plain(response.url)) : null;
  } finally {
    clearTimeout(timeout);
  }
}
