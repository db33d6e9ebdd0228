// A page's place in the room: who it is, the connection, and the state behind it.

import { createSocket } from './socket.mjs';
import { createState } from './state.mjs';
import { dateOf } from './cues.mjs';

const TIMEOUT_MS = 10000;
/** A connection that is back within this time was never gone. */
export const PATIENCE_MS = 1500;

/**
 * createSession makes one; start joins the room.
 *
 * @param grantUrl  where grants come from
 * @param socketUrl of the WebSocket
 * @param keep      { read(), write(pass) }: what makes this the same person after a reload
 * @param lesson    see watch/main.mjs
 * @param name      what the person wants to be called: () => string
 * @param headers   of the question for a grant, given the pass
 */
export function createSession({ grantUrl, socketUrl, keep, lesson, name, headers = () => ({}) }) {
  const state = createState();
  const listeners = [];
  let standing = { name: 'connecting' };
  let lost = performance.now(); // since when there is no connection, null if there is one

  async function ticket() {
    const pass = keep.read();
    const response = await fetch(grantUrl, {
      method: 'POST', cache: 'no-store', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { 'Content-Type': 'application/json', ...headers(pass) }, body: JSON.stringify(pass ? { pass } : {}),
    });
    if (response.status === 404 || response.status === 403) {
      throw Object.assign(new Error(`grant: ${response.status}`), { final: response.status === 404 ? 'no_room' : 'refused' });
    }
    if (!response.ok) {
      throw new Error(`grant: ${response.status}`);
    }
    const body = await response.json();
    keep.write(body.pass);
    return body.grant;
  }

  /** media is the moment of the lecture that is on the screen. */
  function media() {
    const now = lesson.clock.now();
    return { date: dateOf(lesson.player.playingDate(), lesson.player.hls?.latency, now), now };
  }

  function place() {
    const { date, now } = media();
    const playing = ['live', 'behind'].includes(lesson.view());
    return date === null ? { playing } : { media_ts: Math.round(date), playing, behind_ms: Math.round(Math.min(Math.max(now - date, 0), 86400000)) };
  }

  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createSocket({
    url: `${scheme}//${location.host}${socketUrl}`,
    ticket,
    name,
    place,
    on: {
      welcome(data) {
        lesson.clock.observe(data.server_ts, Date.now(), Date.now());
        state.welcome(data);
      },
      event: state.apply,
      state(next) {
        standing = next;
        if (next.name === 'over') {
          state.refresh(); // nothing may be done any more
        }
        lost = next.name === 'open' ? null : lost ?? performance.now();
        listeners.forEach((listen) => listen(next));
      },
    },
  });
  window.addEventListener('online', socket.hurry);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      socket.hurry();
    }
  });

  return {
    state,
    room: state.room,
    media,
    /** standing is how the connection is: see createSocket. */
    get standing() { return standing; },
    /** away says that the room cannot be reached, but should be. */
    away: () => standing.name !== 'over' && lost !== null && performance.now() - lost > PATIENCE_MS,
    told: lesson.told,
    onStanding: (listen) => listeners.push(listen),
    start: () => socket.start(),
    rejoin: () => socket.rejoin(),
    drop: () => socket.drop(),
    /** send carries a command out and promises its ack; quiet sends what may be lost. */
    send: (type, data, id) => socket.send(type, data, id),
    quiet: (type, data) => socket.quiet(type, data),
    may: (permission) => standing.name !== 'over' && Boolean(state.room.me?.may.has(permission)),
  };
}

/** kept is a place in a storage, which private windows and some frames refuse. */
export function kept(storage, key) {
  let here = null;
  return {
    read() {
      try {
        return here ?? storage().getItem(key);
      } catch {
        return here;
      }
    },
    write(value) {
      here = value;
      try {
        storage().setItem(key, value);
      } catch {
        // Then it lasts as long as the page.
      }
    },
  };
}
