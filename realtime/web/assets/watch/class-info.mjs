// Follows class.json politely: often while something is about to happen, seldom
// otherwise, never in step with the other two thousand viewers.

const TIMEOUT_MS = 10000;

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
    case 'gone':
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
 */
export function followClass(url, initial, clock, view) {
  let cls = initial;
  let failures = 0;
  let timer = 0;
  let asking = false;
  let shown = '';
  const listeners = [];

  async function ask() {
    if (asking) {
      return;
    }
    asking = true;
    clearTimeout(timer);
    try {
      const next = await fetchClass(url, clock);
      failures = 0;
      const before = cls;
      cls = next.gone ? { ...cls, gone: true } : next;
      if (before.state !== cls.state || before.gone !== cls.gone) {
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
    onChange: (listen) => listeners.push(listen),
  };
}

async function fetchClass(url, clock) {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const sent = Date.now();
    const response = await fetch(url, { cache: 'no-store', signal: abort.signal });
    if (response.status === 404) {
      return { gone: true };
    }
    if (!response.ok) {
      throw new Error(`class.json: ${response.status}`);
    }
    const body = await response.json();
    clock.observe(Date.parse(body.server_time), sent, Date.now());
    return {
      state: body.state,
      startsAt: body.starts_at ? Date.parse(body.starts_at) : null,
      hls: body.hls,
      gone: false,
    };
  } finally {
    clearTimeout(timeout);
  }
}
