// The room's protocol, version 1, from the side of a page: says hello, keeps what was
// not answered and sends it again, notices what is missing, and comes back. It knows
// nothing of what the events mean, and nothing of the browser but what it is given.

import { backOff, closeOf } from './close-codes.mjs';

export const SUBPROTOCOL = 'lectern.v1.json';

/** A command that has no answer after so long is given up: the server remembers ids for twice as long. */
const HORIZON_MS = 60000;
/** How many commands may wait for an answer. */
const MOST_PENDING = 50;
/** Connected for so long, earlier failures are forgotten. */
const STEADY_MS = 10000;
/** Nothing said within this time after the socket was opened counts as lost. */
const WELCOME_MS = 10000;
/** How often the viewer's place is told, at random in between. */
const HEARTBEAT_MS = [25000, 30000];
/** The share of a connection's life after which its grant is renewed. */
const REFRESH_AT = 0.75;

/** RoomError is a command that was not carried out. */
export class RoomError extends Error {
  constructor(code, { message = code, retryable = false, retryAfter = 0 } = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.retryAfter = retryAfter;
  }
}

/**
 * createSocket does nothing until it is started.
 *
 * @param url       of the WebSocket
 * @param ticket    fetches a grant: async () => text. What it throws may have
 *                  `final`, the name of a reason not to try again
 * @param name      is the name to be shown: () => string
 * @param place     is where the viewer is, for the heartbeat, null for none: () => object
 * @param on        hears: welcome(data), event(event), state({ name, retryIn }) with
 *                  name connecting, open, waiting or over, and then reason
 * @param world     { open(url, protocol), now(), wall(), later(fn, ms), never(timer), random(), id() }
 */
export function createSocket({ url, ticket, name = () => '', place = () => null, on, world = browserWorld() }) {
  const pending = new Map(); // command id -> { frame, resolve, reject, until, timer }
  let socket = null;
  let generation = 0;
  let running = false;
  let open = false;
  let welcomedAt = 0;
  let epoch = '';
  let seq = 0;
  let revisions = new Map();
  let attempt = 0;
  let retryAfter = 0; // what the server has asked for
  let refusal = null; // the code with which hello was refused
  let retry = null;
  let guard = null;
  let heartbeat = null;
  let renewal = null;
  let offset = 0; // of the server's clock, in ms

  const tell = (state) => on.state?.(state);

  function stopTimers() {
    for (const timer of [retry, guard, heartbeat, renewal]) {
      world.never(timer);
    }
    retry = guard = heartbeat = renewal = null;
  }

  async function connect() {
    const mine = ++generation;
    stopTimers();
    tell({ name: 'connecting' });
    let grant;
    try {
      grant = await ticket();
    } catch (error) {
      if (mine === generation && running) {
        if (error?.final) {
          finish(error.final);
        } else {
          again();
        }
      }
      return;
    }
    if (mine !== generation || !running) {
      return;
    }
    retryAfter = 0;
    refusal = null;
    revisions = new Map();
    socket = world.open(url, SUBPROTOCOL);
    const hello = `hello-${world.id()}`;
    socket.onopen = () => {
      const data = { grant, caps: [] };
      const shown = name();
      if (shown) {
        data.name = shown;
      }
      if (epoch !== '') {
        Object.assign(data, { epoch, seq });
      }
      socket.send(JSON.stringify({ v: 1, type: 'hello', id: hello, data }));
    };
    socket.onmessage = ({ data }) => {
      if (mine !== generation) {
        return;
      }
      for (const line of String(data).split('\n')) {
        const event = parse(line);
        if (event !== null && mine === generation) {
          take(event, hello);
        }
      }
    };
    socket.onclose = ({ code }) => mine === generation && closed(code);
    guard = world.later(() => lost(), WELCOME_MS);
  }

  /** lost drops a connection that is no good, and comes back. */
  function lost() {
    const old = socket;
    generation += 1;
    socket = null;
    closed(1006);
    old?.close();
  }

  function closed(code) {
    const steady = open && world.now() - welcomedAt > STEADY_MS;
    open = false;
    socket = null;
    stopTimers();
    if (!running) {
      return;
    }
    const { name: reason, back } = closeOf(code);
    if (back === 'never') {
      finish(refusal === 'closed' ? 'locked' : reason);
      return;
    }
    if (back === 'fresh') {
      epoch = '';
      seq = 0;
    }
    if (steady) {
      attempt = 0;
    }
    again();
  }

  function again() {
    const wait = retryAfter > 0 ? retryAfter : backOff(attempt, world.random);
    attempt += 1;
    tell({ name: 'waiting', retryIn: wait });
    retry = world.later(connect, wait);
  }

  function finish(reason) {
    running = false;
    stopTimers();
    for (const id of [...pending.keys()]) {
      settle(id, (p) => p.reject(new RoomError('unavailable', { message: reason })));
    }
    tell({ name: 'over', reason });
  }

  function take(event, hello) {
    const { type, data = {} } = event;
    switch (type) {
      case 'welcome':
        welcome(data);
        return;
      case 'ack':
        settle(event.re, (p) => p.resolve(data));
        return;
      case 'error':
        refused(event.re, data, hello);
        return;
      case 'closing':
        retryAfter = data.reconnect_after_ms ?? 0;
        return;
      default:
    }
    if (!open) {
      return;
    }
    if (event.rev !== undefined) {
      const key = `${type}/${event.key ?? ''}`;
      if (event.rev <= (revisions.get(key) ?? 0)) {
        return;
      }
      revisions.set(key, event.rev);
    }
    if (event.prev !== undefined) {
      if (event.epoch !== epoch) {
        epoch = '';
        seq = 0;
        lost();
        return;
      }
      if (event.seq <= seq) {
        return; // was here before
      }
      if (event.prev !== seq) {
        lost(); // something is missing: resume
        return;
      }
      seq = event.seq;
    }
    on.event(event);
  }

  function welcome(data) {
    open = true;
    welcomedAt = world.now();
    world.never(guard);
    guard = null;
    epoch = data.epoch;
    seq = data.seq;
    on.welcome(data);
    tell({ name: 'open' });
    for (const { frame } of pending.values()) {
      socket.send(frame);
    }
    beat();
    // By the server's clock: the client's may be off by hours.
    offset = data.server_ts - world.wall();
    renewLater(data.expires_at - data.server_ts);
  }

  function renewLater(life) {
    world.never(renewal);
    renewal = null;
    if (life > 0) {
      renewal = world.later(renew, Math.min(life * REFRESH_AT, 2 ** 31 - 1));
    }
  }

  async function renew() {
    const mine = generation;
    try {
      const grant = await ticket();
      if (mine !== generation || !open) {
        return;
      }
      const { expires_at: expires } = await send('refresh', { grant });
      if (mine === generation && expires) {
        renewLater(expires - (world.wall() + offset));
      }
    } catch {
      if (mine === generation && open) {
        renewal = world.later(renew, backOff(3, world.random)); // there is a quarter of its life yet
      }
    }
  }
  function beat() {
    const now = open ? place() : null;
    if (now !== null) {
      quiet('position', now);
    }
    const [least, most] = HEARTBEAT_MS;
    heartbeat = world.later(beat, least + world.random() * (most - least));
  }

  function refused(re, data, hello) {
    retryAfter = Math.max(retryAfter, re === hello ? data.retry_after_ms ?? 0 : 0);
    if (re === hello) {
      refusal = data.code;
      return; // the close follows, and says what to do
    }
    settle(re, (p) => p.reject(new RoomError(data.code, { message: data.message, retryable: data.retryable, retryAfter: data.retry_after_ms ?? 0 })));
  }

  function settle(id, how) {
    const p = pending.get(id);
    if (p !== undefined) {
      pending.delete(id);
      world.never(p.timer);
      how(p);
    }
  }

  /** send sends a command, now or when there is a connection, and promises its ack. */
  function send(type, data, id = world.id()) {
    if (!running) {
      return Promise.reject(new RoomError('unavailable'));
    }
    if (pending.size >= MOST_PENDING) {
      return Promise.reject(new RoomError('busy', { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const frame = JSON.stringify({ v: 1, type, id, data });
      const timer = world.later(() => settle(id, (p) => p.reject(new RoomError('unavailable', { retryable: true }))), HORIZON_MS);
      pending.set(id, { frame, resolve, reject, timer });
      if (open) {
        socket.send(frame);
      }
    });
  }

  /** quiet sends what may be lost and has no answer; it is dropped without a connection. */
  function quiet(type, data) {
    if (open) {
      socket.send(JSON.stringify({ v: 1, type, data }));
    }
    return open;
  }

  return {
    start() {
      if (!running) {
        running = true;
        attempt = 0;
        connect();
      }
    },
    stop() {
      running = false;
      generation += 1;
      open = false;
      stopTimers();
      socket?.close(1000);
      socket = null;
    },
    /** rejoin says hello anew, with the name as it is now; what was missed is sent again. */
    rejoin() {
      if (running) {
        generation += 1;
        open = false;
        socket?.close(1000);
        socket = null;
        connect();
      } else {
        this.start();
      }
    },
    /** hurry comes back at once, because the network is said to be there again. */
    hurry() {
      if (running && retry !== null && retryAfter === 0) {
        connect();
      }
    },
    /** drop loses the connection, as networks do. */
    drop: () => running && lost(),
    send,
    quiet,
    get open() { return open; },
    get position() { return { epoch, seq }; },
  };
}

function parse(line) {
  if (line === '') {
    return null;
  }
  try {
    const event = JSON.parse(line);
    return typeof event?.type === 'string' ? event : null;
  } catch {
    return null; // what it was about is missing now, and will be noticed
  }
}

const DIGITS = 'abcdefghijklmnopqrstuvwxyz012345';

/** newId makes an id that no other command has. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => DIGITS[byte % 32]).join('');
}

function browserWorld() {
  return {
    open: (url, protocol) => new WebSocket(url, protocol),
    now: () => performance.now(),
    wall: () => Date.now(),
    later: (fn, ms) => setTimeout(fn, ms),
    never: (timer) => clearTimeout(timer),
    random: Math.random,
    id: newId,
  };
}
