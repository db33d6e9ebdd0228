// The room as this person may see it: what a snapshot says, and each event since. To
// apply an event twice does nothing more. It decides nothing and shows nothing; what
// is to be seen at which moment of the lecture is in cues.mjs.

import { UNKNOWN_MS } from './cues.mjs';

/** How many messages are kept. Whoever wants older ones reads the transcript. */
const MOST_MESSAGES = 500;
/** How many names are remembered. */
const MOST_NAMES = 1000;
/** How many ids of what was taken away are remembered. */
const MOST_REMOVED = 2000;

export function createState() {
  const listeners = [];
  const removed = new Set();
  const made = new Set(); // ids of what this page made
  const room = {
    me: null, // { id, name, role, may: Set, limits, extraTime }
    settings: { chat: 'open', names: 'both' },
    messages: [], // by seq; also { kind: 'more', n } where some were not shown
    pinned: null,
    questions: new Map(),
    polls: new Map(),
    announcements: [],
    markers: [],
    hands: { count: 0, queue: [] },
    handPosition: 0,
    called: null, // who was given the word last: { id, name, ts }
    presence: { participants: 0 },
    pulse: { fast: 0, lost: 0, ok: 0 },
    restricted: { muted: false },
    names: new Map(), // of those who wrote, the last one last: id -> name
    openUntil: 0, // ts: when the room of a class that has ended closes
    people: new Map(), // what moderators did: id -> { name, muted, shadow, banned, until, reason }
    sending: [], // own messages without an ack: { key, text, replyTo, to, failed, id }
  };
  const byId = new Map(); // messages

  const tell = (topic, detail) => listeners.forEach((listen) => listen(topic, detail));

  function add(message) {
    if (byId.has(message.id) || removed.has(message.id)) {
      return false;
    }
    byId.set(message.id, message);
    see(message.from);
    let i = room.messages.length;
    while (i > 0 && room.messages[i - 1].seq > message.seq) {
      i -= 1;
    }
    room.messages.splice(i, 0, message);
    for (const old of room.messages.splice(0, Math.max(0, room.messages.length - MOST_MESSAGES))) {
      byId.delete(old.id);
    }
    return true;
  }

  function see(from) {
    if (from?.id && from.name) {
      room.names.delete(from.id);
      room.names.set(from.id, from.name);
      if (room.names.size > MOST_NAMES) {
        room.names.delete(room.names.keys().next().value);
      }
    }
  }

  function take(id) {
    removed.add(id);
    if (removed.size > MOST_REMOVED) {
      removed.delete(removed.values().next().value);
    }
    if (byId.delete(id)) {
      room.messages = room.messages.filter((m) => m.id !== id);
    }
    if (room.pinned?.id === id) {
      room.pinned = null;
    }
  }

  const mine = (from, id) => made.has(id) || Boolean(from?.id && from.id === room.me?.id);

  const messageOf = (data, { from, seq, ts, media_ts: mediaTs }) => ({
    id: data.id, text: data.text, replyTo: data.reply_to ?? null, mentions: data.mentions ?? [], to: data.to ?? '',
    shadow: Boolean(data.shadow), over: Boolean(data.over), from: from ?? null, seq, ts, mediaTs: mediaTs ?? null,
    edited: Boolean(data.edited_ts), deleted: Boolean(data.deleted), mine: mine(from, data.id),
  });

  const questionOf = (data, { from, seq, ts }) => ({
    id: data.id, text: data.text, anonymous: Boolean(data.anonymous), shadow: Boolean(data.shadow), state: data.state ?? 'asked',
    votes: data.votes ?? 0, mine: Boolean(data.mine) || mine(from, data.id), voted: Boolean(data.voted), answer: data.answer ?? null,
    from: from ?? null, seq, ts, into: null,
  });

  const draftOf = (data) => ({
    kind: data.kind, prompt: data.prompt, options: data.options ?? [], correct: data.correct ?? null, min: data.min ?? 0, max: data.max ?? 0,
    changeable: Boolean(data.changeable), results: data.results, quiz: Boolean(data.quiz), anonymous: Boolean(data.anonymous),
  });

  function pollOf(data) {
    const at = data.at ?? 0;
    const poll = {
      id: data.poll, state: data.state, ...draftOf(data), openedAt: null, closesAt: data.closes_at ?? null, closedAt: null, revealedAt: null,
      tally: data.tally ?? null, final: null, mine: data.mine ?? null,
    };
    if (data.state === 'open') {
      poll.openedAt = at;
    } else if (data.state === 'closed') {
      Object.assign(poll, { openedAt: at ? at - UNKNOWN_MS : 0, closedAt: at });
    } else if (data.state === 'revealed') {
      Object.assign(poll, { openedAt: at, closedAt: at, revealedAt: at, final: data.tally ?? null });
    }
    return poll;
  }

  function snapshot(s) {
    room.settings = s.settings;
    byId.clear();
    removed.clear();
    room.messages = [];
    for (const m of s.messages) {
      add(messageOf(m, m));
    }
    room.pinned = s.pinned ? messageOf(s.pinned, s.pinned) : null;
    room.questions = new Map(s.questions.map((q) => [q.id, questionOf(q, q)]));
    room.polls = new Map(s.polls.map((p) => [p.poll, pollOf(p)]));
    room.announcements = s.announcements;
    room.markers = s.markers;
    room.hands = { count: s.hands.count, queue: s.hands.queue ?? [] };
    room.handPosition = s.hand_position ?? 0;
    room.presence = s.presence;
    room.restricted = s.restricted;
    room.people = new Map((s.restrictions ?? []).map((r) => [r.participant, {
      name: r.name ?? '', muted: Boolean(r.muted), shadow: Boolean(r.shadowed), banned: Boolean(r.banned), until: r.muted_until ?? 0, reason: r.reason ?? '',
    }]));
    room.sending = room.sending.filter((one) => !(one.id && byId.has(one.id)));
  }

  const person = (id) => room.people.get(id) ?? { name: '', muted: false, shadow: false, banned: false, until: 0, reason: '' };

  const effects = {
    'chat.message': (data, event) => {
      const message = messageOf(data, event);
      if (message.mine || room.sending.some((one) => one.id === message.id)) {
        message.mine = true;
        const i = room.sending.findIndex((one) => one.id === message.id);
        const same = i >= 0 ? i : room.sending.findIndex((one) => !one.id && !one.failed && one.text === message.text);
        if (same >= 0) {
          room.sending.splice(same, 1);
        }
      }
      return add(message) ? 'chat' : null;
    },
    'chat.edited': ({ message, text }) => {
      for (const m of [byId.get(message), room.pinned?.id === message ? room.pinned : null]) {
        if (m) {
          Object.assign(m, { text, edited: true });
        }
      }
      return 'chat';
    },
    'chat.deleted': ({ message }, { from }) => {
      const m = byId.get(message);
      if (m && room.me?.may.has('moderate') && from?.id !== m.from?.id) {
        m.deleted = true; // it can be restored
        if (room.pinned?.id === message) {
          room.pinned = null;
        }
      } else {
        take(message);
      }
      return 'chat';
    },
    'chat.restored': ({ message }) => {
      take(message.id);
      removed.delete(message.id);
      add(messageOf(message, message));
      return 'chat';
    },
    'chat.pinned': ({ message }) => {
      room.pinned = message ? messageOf(message, message) : null;
      return 'chat';
    },
    'chat.more': ({ n }) => {
      const last = room.messages.at(-1);
      if (last?.kind === 'more') {
        last.n += n;
      } else {
        room.messages.push({ kind: 'more', id: `more-${last?.seq ?? 0}`, seq: last?.seq ?? 0, n });
      }
      return 'chat';
    },
    'question.asked': (data, event) => {
      if (room.questions.has(data.id)) {
        return null;
      }
      room.questions.set(data.id, questionOf(data, event));
      return 'questions';
    },
    'question.moved': ({ question, state }) => change(question, { state }),
    'question.answered': (data) => change(data.question, { state: 'answered', answer: data }),
    'question.merged': ({ question, into }) => {
      const from = room.questions.get(question);
      if (from && (from.mine || from.voted)) {
        change(into, { voted: true });
      }
      return change(question, { state: 'merged', into });
    },
    votes: ({ question, votes }) => change(question, { votes }),
    'poll.saved': (data) => {
      room.polls.set(data.poll, pollOf({ ...data, state: 'draft' }));
      return 'polls';
    },
    'poll.discarded': ({ poll }) => (room.polls.delete(poll) ? 'polls' : null),
    'poll.opened': (data) => {
      const before = room.polls.get(data.poll);
      if (before && before.state !== 'draft') {
        return null;
      }
      // It comes last: polls are in the order in which they were opened.
      room.polls.delete(data.poll);
      room.polls.set(data.poll, { ...pollOf({ ...data, state: 'open' }), correct: before?.correct ?? null });
      return 'polls';
    },
    'poll.closed': ({ poll, at }) => alter(poll, (p) => (p.state === 'open' ? { state: 'closed', closedAt: at ?? 0 } : {})),
    'poll.revealed': ({ poll, at, correct, tally }) => alter(poll, () => ({
      state: 'revealed', revealedAt: at ?? 0, correct: correct ?? null, final: tally ?? null, tally: tally ?? null,
    })),
    tally: (data) => alter(data.poll, () => ({ tally: data })),
    announcement: (data) => {
      room.announcements = [...room.announcements.filter((a) => a.id !== data.id), data];
      return 'announcements';
    },
    'announcement.cleared': ({ announcement }) => {
      room.announcements = room.announcements.filter((a) => a.id !== announcement);
      return 'announcements';
    },
    marker: (data) => {
      room.markers = [...room.markers.filter((m) => m.id !== data.id), data];
      return 'markers';
    },
    'room.settings': (data) => {
      room.settings = data;
      return 'settings';
    },
    restricted: (data) => {
      room.restricted = data;
      return 'settings';
    },
    moderated: ({ participant, name, action, until, reason }) => {
      const p = { ...person(participant), name: name || person(participant).name };
      const on = !action.startsWith('un');
      const what = { mute: 'muted', shadow: 'shadow', ban: 'banned' }[action.replace(/^un/, '')];
      if (what) {
        p[what] = on;
        p.until = what === 'muted' ? until ?? 0 : p.until;
        p.reason = on ? reason ?? '' : p.reason;
      }
      room.people.set(participant, p);
      return 'people';
    },
    'room.closes': ({ until }) => {
      room.openUntil = until;
      return 'closing';
    },
    'hand.called': ({ participant, name }, { ts }) => {
      room.called = { id: participant, name: name ?? '', ts };
      return 'hands';
    },
    hands: (data) => {
      room.hands = { count: data.count, queue: data.queue ?? [] };
      return 'hands';
    },
    'hand.position': ({ position }) => {
      room.handPosition = position;
      return 'hands';
    },
    presence: (data) => {
      room.presence = data;
      return 'presence';
    },
    pulse: (data) => {
      room.pulse = data;
      return 'pulse';
    },
    reactions: ({ counts }) => {
      tell('reactions', counts);
      return null;
    },
  };

  function change(id, what) {
    const question = room.questions.get(id);
    if (!question) {
      return null;
    }
    Object.assign(question, what);
    return 'questions';
  }

  function alter(id, what) {
    const poll = room.polls.get(id);
    if (!poll) {
      return null;
    }
    Object.assign(poll, what(poll));
    return 'polls';
  }

  return {
    room,
    message: (id) => byId.get(id) ?? null,
    /** toMe says that a message names this person, or answers them. */
    toMe: (m) => !m.mine && room.me !== null && (m.mentions.includes(room.me.id) || Boolean(byId.get(m.replyTo)?.mine)),
    /** onChange tells of what has changed: (topic, detail). */
    onChange: (listen) => listeners.push(listen),
    welcome(data) {
      room.me = {
        id: data.participant, name: data.name ?? '', role: data.role, may: new Set(data.permissions), limits: data.limits, extraTime: data.extra_time ?? 0,
      };
      room.openUntil = data.open_until ?? 0;
      if (data.snapshot) {
        snapshot(data.snapshot);
      }
      tell('all');
    },
    /** refresh has all of it shown anew. */
    refresh: () => tell('all'),
    /** apply applies an event; one that it does not know changes nothing. */
    apply(event) {
      const effect = Object.hasOwn(effects, event.type) ? effects[event.type] : null;
      const topic = effect?.(event.data ?? {}, event) ?? null;
      if (topic !== null) {
        tell(topic, event);
      }
    },
    /** made remembers that this page made what has that id. */
    made(id) {
      made.add(id);
      const message = byId.get(id);
      if (message) {
        message.mine = true;
      }
      change(id, { mine: true });
      tell('questions');
    },
    /** writing, written and unsent follow an own message until it is there. */
    writing(one) {
      room.sending.push(one);
      tell('chat');
    },
    written(key, id) {
      made.add(id);
      const one = room.sending.find((s) => s.key === key);
      if (one) {
        one.id = id;
      }
      if (byId.has(id) || removed.has(id)) {
        room.sending = room.sending.filter((s) => s.key !== key);
      }
      const message = byId.get(id);
      if (message) {
        message.mine = true;
      }
      tell('chat');
    },
    unsent(key, why) {
      const one = room.sending.find((s) => s.key === key);
      if (one) {
        one.failed = why;
      }
      tell('chat');
    },
    dropped(key) {
      room.sending = room.sending.filter((s) => s.key !== key);
      tell('chat');
    },
    /** voted and polled are what the server took, or what is hoped until it answers. */
    voted(id, up) {
      tell(change(id, { voted: up }) ?? 'none');
    },
    polled(id, vote) {
      tell(alter(id, () => ({ mine: vote })) ?? 'none');
    },
  };
}
