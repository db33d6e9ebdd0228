// The viewer's token, for classes that want one: takes it out of the address, keeps
// it for reloads, renews it in time, and puts it into the URLs of media. To the rest
// of the page URLs have no token: what is loaded next goes by the newest one.

import { between } from './class-info.mjs';
import { readToken, renewalOf, takeFromAddress, withoutToken, withToken } from './token-text.mjs';

const RENEW_URL = '/api/v1/playback/renew';
const TIMEOUT_MS = 10000;
/** How long until the next try when the server could not be asked, in ms. */
const AGAIN = [10000, 20000];

/**
 * createPass holds the token of a class.
 *
 * @param id     of the class
 * @param needed whether the class is for viewers with a token
 * @param clock  knows the server's time
 */
export function createPass(id, needed, clock) {
  const key = `lectern.token.${id}`;
  const listeners = [];
  let token = readToken(recall(key));
  let timer = 0;
  let asking = false;
  let refused = false; // the server will not renew it

  /** take uses a token if it is one of this class. */
  function take(text) {
    const next = readToken(text);
    if (next === null || next.cls !== id) {
      return false;
    }
    token = next;
    refused = false;
    remember(key, text);
    return true;
  }

  /** fromAddress uses the token of the link. */
  function fromAddress() {
    const text = takeFromAddress('t');
    if (text !== null && take(text)) {
      plan(0);
      listeners.forEach((listen) => listen());
    }
  }

  function plan(least = 0) {
    clearTimeout(timer);
    if (needed && token !== null && !refused) {
      // A timer may be a day at most, and a machine may have slept: look again.
      timer = setTimeout(tend, Math.min(Math.max(renewalOf(token) - clock.now(), least), 60000));
    }
  }

  async function tend() {
    if (token === null || asking || clock.now() < renewalOf(token)) {
      plan(1000);
      return;
    }
    asking = true;
    let wait = 1000;
    try {
      const response = await fetch(RENEW_URL, { method: 'POST', headers: headers(), cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.ok) {
        take((await response.json()).token);
      } else if (response.status === 401 || response.status === 403) {
        refused = true;
      } else {
        wait = between(AGAIN);
      }
    } catch {
      wait = between(AGAIN); // Offline, or the server is restarting.
    } finally {
      asking = false;
      plan(wait);
    }
  }

  const headers = () => (token === null ? {} : { Authorization: `Bearer ${token.text}` });

  fromAddress();
  window.addEventListener('hashchange', fromAddress);
  plan();

  return {
    needed,
    /** has says whether there is a token at all. */
    get has() { return token !== null; },
    /** expired goes by the server's clock. */
    expired: () => token !== null && clock.now() >= token.expires,
    /** headers are for questions to the server that are not media. */
    headers: () => (needed ? headers() : {}),
    /** wire is the URL to load media from, plain the URL that the page knows it by. */
    wire: (url) => (needed && token !== null ? withToken(new URL(url, location.href).href, token.text) : url),
    plain: (url) => (needed ? withoutToken(url) : url),
    /** onNew tells of a token that the viewer has brought. */
    onNew: (listen) => listeners.push(listen),
    /** told is for when the server's clock becomes known. */
    told: () => plan(),
  };
}

// Storage is refused in private windows and in some frames; then a reload asks for
// the link again.
function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // Then not.
  }
}
