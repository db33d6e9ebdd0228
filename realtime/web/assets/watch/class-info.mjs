// Follows class.json politely: often while something is about to happen, seldom
// otherwise, never in step with the other two thousand viewers.

const TIMEOUT_MS = 10000;
/** Refusals within this time are one reason to ask. */
const DOUBT_MS = 3000;

/** pause returns [min, max] milliseconds until the next question. */
export function pause(view, cls, now) {
  switch (view) {
    case 'waiting':
      // Nobody starts an hour early: ask seldom until ten minutes before.
      return cls.startsAt !== null && cls.startsAt - now > 10 * 60000 ? [15000, 30000] : [2000, 5000];
    case 'connecting':
    case 'interrupted':
      return [2000, 5000];
    case 'ended':
    case 'recording':
      // The playlist may know before the server tells.
      return cls.state === 'ended' ? [30000, 60000] : [2000, 5000];
    case 'gone':
    case 'locked':
      return [30000, 60000];
    default:
      return [8000, 16000];
  }
}

/** between picks a number in [min, max). */
export function between([min, max], random = Math.random) {
  return min + random() * (max - min);
}

/**
 * followClass asks until the page goes away.
 *
 * @param url      of class.json
 * @param initial  what the page was rendered with
 * @param clock    learns the server's time
 * @param view     tells what the page shows now
 * @param pass     see pass.mjs
 */
export function followClass(url, initial, clock, view, pass) {
  let cls = initial;
  let failures = 0;
  let timer = 0;
  let asking = false;
  let shown = '';
  let askedAt = -Infinity;
  const listeners = [];

  async function ask() {
    if (asking) {
      return;
    }
    asking = true;
    askedAt = performance.now();
    clearTimeout(timer);
    try {
      const next = await fetchClass(url, clock, pass);
      failures = 0;
      const before = cls;
      cls = next.gone ? { ...cls, gone: true } : next;
      if (before.state !== cls.state || before.gone !== cls.gone || before.locked !== cls.locked) {
        listeners.forEach((listen) => listen(cls, before));
      }
    } catch {
      // Offline, or the server is restarting. What we know stays true until we hear otherwise.
      failures += 1;
    } finally {
      asking = false;
      plan();
    }
  }

  function plan() {
    clearTimeout(timer);
    shown = view();
    const range = pause(shown, cls, clock.now());
    const stretch = Math.min(2 ** Math.max(0, failures - 1), 8);
    timer = setTimeout(ask, Math.min(between(range) * stretch, Math.max(range[1], 30000)));
  }

  // A timer set in a quiet state must not outlive it.
  setInterval(() => {
    if (!asking && view() !== shown) {
      plan();
    }
  }, 1000);
  window.addEventListener('online', ask);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      ask();
    }
  });
  ask();

  return {
    current: () => cls,
    ask,
    /** doubt asks because something was refused, though not more often than needed. */
    doubt() {
      if (performance.now() - askedAt > DOUBT_MS) {
        ask();
      }
    },
    onChange: (listen) => listeners.push(listen),
  };
}

/**
 * lockOf says why somebody may not see a class: 'needed' is a link with a token,
 * 'expired' is the one there was; null if nothing is in the way.
 */
export function lockOf({ access, hls }, pass) {
  if (access !== 'token' || hls) {
    return null;
  }
  return pass.has ? 'expired' : 'needed';
}

async function fetchClass(url, clock, pass) {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const sent = Date.now();
    const response = await fetch(url, { cache: 'no-store', signal: abort.signal, headers: pass.headers() });
    if (response.status === 404) {
      return { gone: true };
    }
    if (!response.ok) {
      throw new Error(`class.json: ${response.status}`);
    }
    const body = await response.json();
    clock.observe(Date.parse(body.server_time), sent, Date.now());
    pass.told();
    return {
      state: body.state,
      startsAt: body.starts_at ? Date.parse(body.starts_at) : null,
      hls: body.hls ?? '',
      dvr: body.dvr ?? '',
      thumbnail: body.thumbnail ?? '',
      storyboard: body.storyboard ?? '',
      locked: lockOf(body, pass),
      gone: false,
    };
  } finally {
    clearTimeout(timeout);
  }
}
